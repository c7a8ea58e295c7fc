//! Gives the shared library its name for the loader, and keeps it loaded.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The Makefile installs under the same name.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libxiezhen.so.{}", abi());
        // The runtime's threads live as long as the process: unloading their code would crash it.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

/// What a program that was linked once needs: before 1.0, each minor version may break the ABI.
fn abi() -> String {
    let part = |name: &str| std::env::var(name).unwrap_or_default();
    let major = part("CARGO_PKG_VERSION_MAJOR");
    if major == "0" { format!("0.{}", part("CARGO_PKG_VERSION_MINOR")) } else { major }
}
