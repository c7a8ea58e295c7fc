//! Gives the shared library its name for the loader, and keeps it loaded.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Before 1.0, each minor version may break the ABI: `libxiezhen.so.0` is what `make install` links to.
        let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libxiezhen.so.{major}");
        // The runtime's threads live as long as the process: unloading their code would crash it.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
