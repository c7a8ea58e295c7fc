//! The options of runs: what those of one job and of many share, and those of `xiezhen_run` and `xiezhen_advance`.

use std::{
    ffi::{c_char, c_void},
    path::PathBuf,
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use xiezhen_core::{Callbacks, Hint, Result};

use crate::{
    call::Message,
    call_options::OptionKind,
    callbacks::{self, xiezhen_callbacks, xiezhen_hint},
    cancel::xiezhen_cancel,
    error::{set, xiezhen_error, xiezhen_status},
    event::{xiezhen_event, xiezhen_on_event},
    ffi::{borrow, free, handle, maybe, text},
    version::maybe_ms,
    waits::carry_on,
};

/// What may be set of a run of one job, and of many.
#[derive(Clone, Default)]
pub(crate) struct SharedOptions {
    pub(crate) save_to: Option<PathBuf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) recreate: bool,
    pub(crate) cancel: Option<CancellationToken>,
    pub(crate) callback: Option<Callbacks>,
}

impl SharedOptions {
    pub(crate) fn set_save_to(&mut self, save_to: *const c_char) -> Result<()> {
        self.save_to = Some(text(save_to, "save_to")?.into());
        Ok(())
    }

    pub(crate) fn set_cancel(&mut self, cancel: *const xiezhen_cancel) -> Result<()> {
        self.cancel = Some(borrow(cancel, "cancel")?.0.clone());
        Ok(())
    }

    pub(crate) fn set_callback(&mut self, callback: *const xiezhen_callbacks) {
        self.callback = maybe(callback).map(|callback| callback.core.clone());
    }
}

/// Options of `xiezhen_run` and `xiezhen_advance`.
#[derive(Clone)]
pub struct xiezhen_run_options {
    pub(crate) shared: SharedOptions,
    pub(crate) checkpoint: Option<PathBuf>,
    pub(crate) on_event: xiezhen_on_event,
    user_data: *mut c_void,
    pub(crate) callback_key: Option<String>,
    pub(crate) woken: Vec<Hint>,
}

impl Default for xiezhen_run_options {
    fn default() -> Self {
        Self {
            shared: SharedOptions::default(),
            checkpoint: None,
            on_event: None,
            user_data: std::ptr::null_mut(),
            callback_key: None,
            woken: Vec::new(),
        }
    }
}

impl xiezhen_run_options {
    /// Refuses what is set of the options that a call does not know.
    pub(crate) fn check(&self, call: &str, knows: &[OptionKind]) -> Result<()> {
        let set = [
            OptionKind::Checkpoint.if_set(self.checkpoint.as_ref()),
            OptionKind::OnEvent.if_set(self.on_event.as_ref()),
            OptionKind::Timeout.if_set(self.shared.timeout.as_ref()),
            OptionKind::Woken.if_set(self.woken.first()),
        ];
        OptionKind::refuse_unknown(call, set, knows)
    }

    /// Tells the caller's callback of an event, on this thread.
    pub(crate) fn hear(&self, message: Message) -> Result<()> {
        let (Message::Event(event), Some(tell)) = (message, self.on_event) else { return Ok(()) };
        let event = xiezhen_event::new(event);
        // SAFETY: the callback is the caller's, and the event lives for the call.
        carry_on("on_event", unsafe { tell(&raw const event, self.user_data) })
    }
}

/// Options of which none is set.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_run_options_new() -> *mut xiezhen_run_options {
    handle(xiezhen_run_options::default())
}

/// Frees options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_free(options: *mut xiezhen_run_options) {
    free(options);
}

/// The folder for pictures; without one, none are fetched. The job remembers it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_save_to(
    options: *mut xiezhen_run_options,
    save_to: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| options.shared.set_save_to(save_to))
}

/// The file that the job is saved to, and resumes from if it exists. For `xiezhen_run`.
///
/// Written whole, readable by its owner only, and held by one process at a time through a lock file beside it, which
/// needs a local file system.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_checkpoint(
    options: *mut xiezhen_run_options,
    checkpoint: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.checkpoint = Some(text(checkpoint, "checkpoint")?.into());
        Ok(())
    })
}

/// The timeout of the whole call. It ends with `XIEZHEN_TIMEOUT`, and the same call made again goes on. Without it, each task of a run
/// has its own deadline (training 2 h, generation 30 min), and each call of an advance the client's timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_timeout_ms(
    options: *mut xiezhen_run_options,
    timeout_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.shared.timeout = maybe_ms(timeout_ms);
        Ok(())
    })
}

/// Creates again, and is billed again for, what has failed or has an unknown outcome when the call begins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_recreate(
    options: *mut xiezhen_run_options,
    recreate: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.shared.recreate = recreate;
        Ok(())
    })
}

/// Called for each event, in order, before the call returns. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_on_event(
    options: *mut xiezhen_run_options,
    on_event: xiezhen_on_event,
    user_data: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.on_event = on_event;
        options.user_data = user_data;
        Ok(())
    })
}

/// What may stop the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_cancel(
    options: *mut xiezhen_run_options,
    cancel: *const xiezhen_cancel,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| options.shared.set_cancel(cancel))
}

/// Creates tell the service to report to addresses of these, and what comes back is acted on at once: with a receiver
/// (`xiezhen_callbacks_listen`), or whatever hands hints to `xiezhen_callbacks_deliver` or `xiezhen_notify_hint`. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_callback(
    options: *mut xiezhen_run_options,
    callback: *const xiezhen_callbacks,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.shared.set_callback(callback);
        Ok(())
    })
}

/// What these addresses call the job; without it, the job's id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_callback_key(
    options: *mut xiezhen_run_options,
    callback_key: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.callback_key = Some(text(callback_key, "callback_key")?.to_owned());
        Ok(())
    })
}

/// Callbacks that came for this job, to this process or another: their tasks are polled at once. For `xiezhen_advance`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_woken(
    options: *mut xiezhen_run_options,
    woken: *const *const xiezhen_hint,
    woken_count: usize,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.woken = callbacks::hints(woken, woken_count)?;
        Ok(())
    })
}
