//! The options of single calls and waits.

use std::{ffi::c_char, time::Duration};

use tokio_util::sync::CancellationToken;
use xiezhen_core::{Client, Error, Result};

use crate::{
    cancel::xiezhen_cancel,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, borrow_mut, free, handle, maybe, text},
    version::maybe_ms,
};

/// Options of a single call or a wait.
#[derive(Clone, Default)]
pub struct xiezhen_call_options {
    pub(crate) cancel: Option<CancellationToken>,
    pub(crate) callback_url: Option<String>,
    pub(crate) timeout: Option<Duration>,
    max_retries: Option<u32>,
    pub(crate) name: Option<String>,
}

/// An option that only some calls know, under the name of its setter.
#[derive(PartialEq, Eq)]
pub(crate) enum OptionKind {
    CallbackUrl,
    Checkpoint,
    MaxRetries,
    Name,
    OnEnd,
    OnEvent,
    Timeout,
    Woken,
}

impl OptionKind {
    fn name(&self) -> &'static str {
        match self {
            Self::CallbackUrl => "callback_url",
            Self::Checkpoint => "checkpoint",
            Self::MaxRetries => "max_retries",
            Self::Name => "name",
            Self::OnEnd => "on_end",
            Self::OnEvent => "on_event",
            Self::Timeout => "timeout_ms",
            Self::Woken => "woken",
        }
    }

    /// This option, if it has a value.
    pub(crate) fn if_set<T>(self, value: Option<&T>) -> Option<Self> {
        value.map(|_| self)
    }

    /// Refuses every option that is set and that the call does not know, so that none is overlooked.
    pub(crate) fn refuse_unknown<const N: usize>(call: &str, set: [Option<Self>; N], knows: &[Self]) -> Result<()> {
        let unknown = set.into_iter().flatten().filter(|kind| !knows.contains(kind));
        let problems: Vec<_> = unknown.map(|kind| format!("{call} has no option {}", kind.name())).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
    }
}

impl xiezhen_call_options {
    /// The options of a call, which knows some of them.
    pub(crate) fn of(options: *const Self, call: &str, knows: &[OptionKind]) -> Result<Self> {
        let options = maybe(options).cloned().unwrap_or_default();
        let set = [
            OptionKind::CallbackUrl.if_set(options.callback_url.as_ref()),
            OptionKind::MaxRetries.if_set(options.max_retries.as_ref()),
            OptionKind::Name.if_set(options.name.as_ref()),
            OptionKind::Timeout.if_set(options.timeout.as_ref()),
        ];
        OptionKind::refuse_unknown(call, set, knows).map(|()| options)
    }

    /// The client within these limits, for one call.
    pub(crate) fn limit(&self, core: &Client) -> Client {
        core.with_timeout(self.timeout).with_max_retries(self.max_retries)
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
        let (options, cancel) = (borrow_mut(options, "options"), borrow(cancel, "cancel")).all()?;
        options.cancel = Some(cancel.0.clone());
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
        let (options, url) = (borrow_mut(options, "options"), text(callback_url, "callback_url")).all()?;
        options.callback_url = Some(url.to_owned());
        Ok(())
    })
}

/// The timeout of the call, in place of the client's. It also bounds uploads and downloads, which otherwise end only after a
/// minute without a byte. Of a wait, it replaces the default deadline (training 2 h, generation 30 min). For every call;
/// `XIEZHEN_NONE` removes it.
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

/// How often the call is retried, in place of the client's option. For the service's five calls and
/// `xiezhen_save_results`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_set_max_retries(
    options: *mut xiezhen_call_options,
    max_retries: u32,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        borrow_mut(options, "options")?.max_retries = Some(max_retries);
        Ok(())
    })
}

/// What the names of files begin with; "portrait" by default. For `xiezhen_save_results`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_call_options_set_name(
    options: *mut xiezhen_call_options,
    name: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, name) = (borrow_mut(options, "options"), text(name, "name")).all()?;
        options.name = Some(name.to_owned());
        Ok(())
    })
}
