//! Stops calls from another thread.

use tokio_util::sync::CancellationToken;

use crate::ffi::{free, handle, read_or};

/// Stops every call whose options name it, now and later. Set it on options, and cancel it from any thread.
pub struct xiezhen_cancel(pub(crate) CancellationToken);

/// A cancel handle that was not cancelled yet.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_cancel_new() -> *mut xiezhen_cancel {
    handle(xiezhen_cancel(CancellationToken::new()))
}

/// Stops the calls: each returns `XIEZHEN_CANCELLED` within 100 ms. A create in flight runs on in the background, because
/// its answer may be the only trace of something billed. This is for good: a later call is stopped before it sends anything.
///
/// Call it from any thread, but not from a signal handler: wait for signals on a thread (`sigwait`) and cancel there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_cancel_cancel(cancel: *const xiezhen_cancel) {
    read_or(cancel, (), |cancel| cancel.0.cancel());
}

/// Whether it was cancelled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_cancel_is_cancelled(cancel: *const xiezhen_cancel) -> bool {
    read_or(cancel, false, |cancel| cancel.0.is_cancelled())
}

/// Frees a cancel handle. Options that name it keep working, and can no longer be stopped by it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_cancel_free(cancel: *mut xiezhen_cancel) {
    free(cancel);
}
