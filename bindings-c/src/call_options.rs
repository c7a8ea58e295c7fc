//! The options of single calls and waits.

use std::{ffi::c_char, time::Duration};

use tokio_util::sync::CancellationToken;
use xiezhen_core::Result;

use crate::{
    cancel::xiezhen_cancel,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{borrow, borrow_mut, free, handle, maybe, refuse, text},
    version::maybe_ms,
};

/// Options of a single call or a wait.
#[derive(Clone, Default)]
pub struct xiezhen_call_options {
    pub(crate) cancel: Option<CancellationToken>,
    pub(crate) callback_url: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) style: Option<String>,
}

/// What a call can make use of, beside what every call knows: a cancel and a timeout.
#[derive(PartialEq, Eq)]
pub(crate) enum OptionKind {
    CallbackUrl,
    Style,
}

impl xiezhen_call_options {
    /// The options of a call that knows some of them; others are refused, so that none is overlooked.
    pub(crate) fn of(options: *const Self, call: &str, knows: &[OptionKind]) -> Result<Self> {
        let options = maybe(options).cloned().unwrap_or_default();
        let given = [
            (options.callback_url.is_some(), OptionKind::CallbackUrl, "callback_url"),
            (options.style.is_some(), OptionKind::Style, "style"),
        ];
        match given.iter().find(|(is_set, kind, _)| *is_set && !knows.contains(kind)) {
            Some((_, _, name)) => Err(refuse(format!("{call} has no option {name}"))),
            None => Ok(options),
        }
    }
}

/// Options of which none is set.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_call_options_new() -> *mut xiezhen_call_options {
    handle(xiezhen_call_options::default())
}

/// Frees options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_free(options: *mut xiezhen_call_options) {
    free(options);
}

/// What may stop the call. For every call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_set_cancel(
    options: *mut xiezhen_call_options,
    cancel: *const xiezhen_cancel,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        borrow_mut(options, "options")?.cancel = Some(borrow(cancel, "cancel")?.0.clone());
        Ok(())
    })
}

/// The address that the service calls when the task ends. For `xiezhen_create_user_model` and `xiezhen_create_task`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_set_callback_url(
    options: *mut xiezhen_call_options,
    callback_url: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        borrow_mut(options, "options")?.callback_url = Some(text(callback_url, "callback_url")?.to_owned());
        Ok(())
    })
}

/// Bounds the call, in place of the client's timeout; uploads and downloads too, which are else bounded only by a minute
/// without a byte. Of a wait, it replaces the kind's own deadline (training 2 h, generation 30 min). For every call;
/// `XIEZHEN_NONE` takes it back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_set_timeout_ms(
    options: *mut xiezhen_call_options,
    timeout_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        borrow_mut(options, "options")?.timeout = maybe_ms(timeout_ms);
        Ok(())
    })
}

/// What files are called after, beside the task; else "portrait". For `xiezhen_save_results`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_set_style(
    options: *mut xiezhen_call_options,
    style: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        borrow_mut(options, "options")?.style = Some(text(style, "style")?.to_owned());
        Ok(())
    })
}
