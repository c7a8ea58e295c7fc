//! Which library this is.

use std::{ffi::c_char, time::Duration};

/// The header's major version.
pub const XIEZHEN_VERSION_MAJOR: u32 = 0;
/// The header's minor version. Before 1.0, each may break the ABI.
pub const XIEZHEN_VERSION_MINOR: u32 = 1;
/// The header's patch version.
pub const XIEZHEN_VERSION_PATCH: u32 = 0;
/// "No time": where milliseconds are returned and there are none, or where the timeout of a call or a run is removed.
pub const XIEZHEN_NONE: u64 = u64::MAX;

/// A timeout as C gives it.
pub(crate) fn maybe_ms(ms: u64) -> Option<Duration> {
    (ms != XIEZHEN_NONE).then(|| Duration::from_millis(ms))
}

/// The library's version: "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
