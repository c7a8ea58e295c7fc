//! What only Rust can see: the header is up to date, no kind of error is missed, and a panic stops at the border.

use std::{ffi::CStr, path::PathBuf, ptr::null_mut};

use xiezhen_core::ErrorKind;

use crate::{
    error::{
        boundary, xiezhen_error_code, xiezhen_error_free, xiezhen_error_message, xiezhen_status, xiezhen_status_name,
    },
    version,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The header as the sources say it should be.
fn generated() -> String {
    let mut config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    let rules = std::fs::read_to_string(folder().join("src/header.txt")).unwrap();
    config.header = Some(rules.trim_end().to_owned());
    let version = env!("CARGO_PKG_VERSION");
    config.after_includes = Some(format!(
        "\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n\
         /**\n * The header's version. `xiezhen_version()` gives the library's.\n */\n#define XIEZHEN_VERSION \"{version}\""
    ));
    let mut text = Vec::new();
    let bindings = cbindgen::Builder::new().with_crate(folder()).with_config(config).generate().unwrap();
    bindings.write(&mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = folder().join("include/xiezhen.h");
    let header = generated();
    if std::env::var_os("XIEZHEN_UPDATE_HEADER").is_some() {
        std::fs::write(&path, &header).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == header, "xiezhen.h is out of date: run `make -C bindings-c header`");
}

#[test]
fn every_kind_of_error_has_its_status() {
    let header = std::fs::read_to_string(folder().join("include/xiezhen.h")).unwrap();
    for kind in ErrorKind::ALL {
        let status = xiezhen_status::of(*kind);
        assert_eq!(status as i32, kind.number(), "{kind}");
        assert_eq!(format!("{status:?}"), format!("XIEZHEN_{}", kind.code().to_uppercase()));
        let name = unsafe { CStr::from_ptr(xiezhen_status_name(kind.number())) };
        assert_eq!(name.to_str().unwrap(), kind.code());
        assert!(header.contains(&format!("XIEZHEN_{} = {},", kind.code().to_uppercase(), kind.number())), "{kind}");
    }
}

#[test]
fn a_panic_becomes_an_error() {
    let mut error = null_mut();
    let status = boundary(&raw mut error, || panic!("boom {}", 1));
    assert_eq!(status, xiezhen_status::XIEZHEN_INTERNAL);
    let (code, message) =
        unsafe { (CStr::from_ptr(xiezhen_error_code(error)), CStr::from_ptr(xiezhen_error_message(error))) };
    assert_eq!(code, c"internal");
    assert!(message.to_str().unwrap().contains("boom 1"), "{message:?}");
    unsafe { xiezhen_error_free(error) };
    assert_eq!(boundary(null_mut(), || panic!("boom")), xiezhen_status::XIEZHEN_INTERNAL);
}

#[test]
fn the_macros_say_the_crates_version() {
    let numbers = [version::XIEZHEN_VERSION_MAJOR, version::XIEZHEN_VERSION_MINOR, version::XIEZHEN_VERSION_PATCH];
    let joined = numbers.map(|number| number.to_string()).join(".");
    assert_eq!(joined, env!("CARGO_PKG_VERSION"));
}
