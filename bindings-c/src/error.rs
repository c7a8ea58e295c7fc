//! Why a call failed: a status to branch on, and a handle with all that is known.

use std::{
    ffi::{CStr, CString, c_char},
    ptr::null,
};

use xiezhen_core::{Error, ErrorKind, Result};

use crate::{
    ffi::{Arguments, borrow_mut, c_path, c_text, contain, defect, free, pointer, read_or},
    task::xiezhen_task,
    version::XIEZHEN_NONE,
};

/// How a call ended. The same kinds of errors, under the same names, in every language of the SDK.
///
/// cbindgen:prefix-with-name=false
/// cbindgen:rename-all=None
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum xiezhen_status {
    /// Success.
    XIEZHEN_OK = 0,
    /// Refused before anything was sent, photos included.
    XIEZHEN_INVALID_ARGUMENT = 1,
    /// The AppCode, the key or the signature is wrong.
    XIEZHEN_AUTHENTICATION = 2,
    /// Known to the gateway, but not allowed.
    XIEZHEN_PERMISSION = 3,
    /// The purchased calls are used up or expired, or the account is in arrears.
    XIEZHEN_QUOTA = 4,
    /// Still throttled after the retries.
    XIEZHEN_RATE_LIMITED = 5,
    /// The service said `ret != 0`, or refused in any other way.
    XIEZHEN_API = 6,
    /// An answer that is not what the service documents.
    XIEZHEN_PROTOCOL = 7,
    /// No connection, TLS, a reset, or a 5xx after the retries.
    XIEZHEN_TRANSPORT = 8,
    /// The deadline of a call or a wait has passed.
    XIEZHEN_TIMEOUT = 9,
    /// A create was sent and its answer was lost: it may have been carried out, and billed.
    XIEZHEN_OUTCOME_UNKNOWN = 10,
    /// The service gave the task up (state 5).
    XIEZHEN_TASK_FAILED = 11,
    /// Stopped by the caller: a cancel handle, a callback, or `xiezhen_client_close`.
    XIEZHEN_CANCELLED = 12,
    /// A local file could not be read or written.
    XIEZHEN_IO = 13,
    /// A bug in this library.
    XIEZHEN_INTERNAL = 14,
}

impl xiezhen_status {
    /// The status of a kind of error. A test walks the core's table, so that no kind is missed.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidArgument => Self::XIEZHEN_INVALID_ARGUMENT,
            ErrorKind::Authentication => Self::XIEZHEN_AUTHENTICATION,
            ErrorKind::Permission => Self::XIEZHEN_PERMISSION,
            ErrorKind::Quota => Self::XIEZHEN_QUOTA,
            ErrorKind::RateLimited => Self::XIEZHEN_RATE_LIMITED,
            ErrorKind::Api => Self::XIEZHEN_API,
            ErrorKind::Protocol => Self::XIEZHEN_PROTOCOL,
            ErrorKind::Transport => Self::XIEZHEN_TRANSPORT,
            ErrorKind::Timeout => Self::XIEZHEN_TIMEOUT,
            ErrorKind::OutcomeUnknown => Self::XIEZHEN_OUTCOME_UNKNOWN,
            ErrorKind::TaskFailed => Self::XIEZHEN_TASK_FAILED,
            ErrorKind::Cancelled => Self::XIEZHEN_CANCELLED,
            ErrorKind::Io => Self::XIEZHEN_IO,
            _ => Self::XIEZHEN_INTERNAL,
        }
    }
}

/// Why a call failed.
pub struct xiezhen_error {
    error: Error,
    code: CString,
    message: CString,
    request_id: Option<CString>,
    gateway_code: Option<CString>,
    task_id: Option<CString>,
    user_id: Option<CString>,
    body_start: Option<CString>,
    sent: Option<CString>,
    path: Option<CString>,
    problems: Vec<CString>,
    task: Option<xiezhen_task>,
    json: Option<CString>,
}

impl xiezhen_error {
    pub(crate) fn new(error: Error) -> Self {
        Self {
            code: c_text(error.code()),
            message: c_text(error.message()),
            request_id: error.request_id().map(c_text),
            gateway_code: error.gateway_code().map(c_text),
            task_id: error.task_id().map(c_text),
            user_id: error.user_id().map(c_text),
            body_start: error.body_start().map(c_text),
            sent: error.sent().map(c_text),
            path: error.path().map(c_path),
            problems: error.problems().iter().map(|problem| c_text(problem)).collect(),
            task: error.task().cloned().map(xiezhen_task::new),
            json: serde_json::to_string(&error).ok().map(|json| c_text(&json)),
            error,
        }
    }

    pub(crate) fn status(&self) -> xiezhen_status {
        xiezhen_status::of(self.error.kind())
    }
}

/// Runs the body of an exported function that can fail, and reports how it ended.
pub(crate) fn boundary(error: *mut *mut xiezhen_error, body: impl FnOnce() -> Result<()>) -> xiezhen_status {
    let outcome = contain(body).unwrap_or_else(|panic| Err(defect(&*panic)));
    let Err(failure) = outcome else { return xiezhen_status::XIEZHEN_OK };
    let status = xiezhen_status::of(failure.kind());
    // SAFETY: NULL, or the caller's variable.
    if let Some(slot) = unsafe { error.as_mut() } {
        *slot = Box::into_raw(Box::new(xiezhen_error::new(failure)));
    }
    status
}

/// Changes options: all of a setter's arguments are right, or nothing is changed.
pub(crate) fn set<T: Clone + Default>(
    options: *mut T,
    error: *mut *mut xiezhen_error,
    change: impl FnOnce(&mut T) -> Result<()>,
) -> xiezhen_status {
    boundary(error, || {
        let options = borrow_mut(options, "options");
        let mut changed = options.as_ref().map(|options| (*options).clone()).unwrap_or_default();
        let (options, ()) = (options, change(&mut changed)).all()?;
        *options = changed;
        Ok(())
    })
}

/// The name of a status, the same in every language: "rate_limited"; "ok" for 0 and "unknown" for no status.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_status_name(status: i32) -> *const c_char {
    const NAMES: &[(i32, &CStr)] = &[
        (0, c"ok"),
        (1, c"invalid_argument"),
        (2, c"authentication"),
        (3, c"permission"),
        (4, c"quota"),
        (5, c"rate_limited"),
        (6, c"api"),
        (7, c"protocol"),
        (8, c"transport"),
        (9, c"timeout"),
        (10, c"outcome_unknown"),
        (11, c"task_failed"),
        (12, c"cancelled"),
        (13, c"io"),
        (14, c"internal"),
    ];
    NAMES.iter().find(|(number, _)| *number == status).map_or(c"unknown", |(_, name)| name).as_ptr()
}

/// The status that came with the error; `XIEZHEN_OK` for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_status(error: *const xiezhen_error) -> xiezhen_status {
    read_or(error, xiezhen_status::XIEZHEN_OK, xiezhen_error::status)
}

/// The status's name, the same in every language: "rate_limited".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_code(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| error.code.as_ptr())
}

/// What happened, to what, and what to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_message(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| error.message.as_ptr())
}

/// The HTTP status; 0 where there was no answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_http_status(error: *const xiezhen_error) -> i32 {
    read_or(error, 0, |error| error.error.http_status().map_or(0, i32::from))
}

/// The service's own `ret`; 0 where it gave none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_ret(error: *const xiezhen_error) -> i64 {
    read_or(error, 0, |error| error.error.ret().unwrap_or(0))
}

/// The id that the vendor's support asks for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_request_id(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.request_id.as_ref()))
}

/// The gateway's own code, such as "B403MQ".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_gateway_code(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.gateway_code.as_ref()))
}

/// The task that this is about: wait for it again with this id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_task_id(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.task_id.as_ref()))
}

/// The user model that this is about: a billed training that could not be stored is adopted with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_user_id(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.user_id.as_ref()))
}

/// How long the gateway asked to wait; `XIEZHEN_NONE` if it did not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_retry_after_ms(error: *const xiezhen_error) -> u64 {
    read_or(error, XIEZHEN_NONE, |error| {
        error.error.retry_after().map_or(XIEZHEN_NONE, |delay| delay.as_millis() as u64)
    })
}

/// Whether the same call, unchanged, may succeed later, without a risk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_retryable(error: *const xiezhen_error) -> bool {
    read_or(error, false, |error| error.error.is_retryable())
}

/// How many things were wrong, where arguments were refused by the core.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_problem_count(error: *const xiezhen_error) -> usize {
    read_or(error, 0, |error| error.problems.len())
}

/// One of the things that were wrong; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_problem(error: *const xiezhen_error, index: usize) -> *const c_char {
    read_or(error, null(), |error| pointer(error.problems.get(index)))
}

/// The beginning of the answer that could not be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_body_start(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.body_start.as_ref()))
}

/// What a create with an unknown outcome had sent, as JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_sent(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.sent.as_ref()))
}

/// The local file that this is about.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_path(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.path.as_ref()))
}

/// The task as last polled, where it failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_task(error: *const xiezhen_error) -> *const xiezhen_task {
    read_or(error, null(), |error| error.task.as_ref().map_or(null(), |task| task))
}

/// The whole error as JSON. In a path, bytes that are not UTF-8 are replaced.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_json(error: *const xiezhen_error) -> *const c_char {
    read_or(error, null(), |error| pointer(error.json.as_ref()))
}

/// Frees an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_error_free(error: *mut xiezhen_error) {
    free(error);
}
