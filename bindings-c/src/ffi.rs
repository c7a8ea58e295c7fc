//! What every exported function passes through: pointers in, handles out, and no unwinding across.

use std::{
    any::Any,
    ffi::{CStr, CString, c_char, c_int},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    ptr::null,
    thread,
};

use xiezhen_core::{Error, ErrorKind, Result};

/// Runs the body of an exported function. No panic gets out of it, and no `pthread_cancel` into it: unwinding Rust's frames
/// for that would end the process.
pub(crate) fn contain<R>(body: impl FnOnce() -> R) -> thread::Result<R> {
    const PTHREAD_CANCEL_DISABLE: c_int = 1;
    let before = set_cancel_state(PTHREAD_CANCEL_DISABLE);
    // State that a panic left half changed is the core's, which keeps it behind locks.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    set_cancel_state(before);
    outcome
}

/// Says whether this thread can be cancelled, and returns what was said before.
#[cfg(target_os = "linux")]
fn set_cancel_state(state: c_int) -> c_int {
    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }
    let mut before = 0;
    // SAFETY: it concerns this thread only, and writes to a variable of ours.
    unsafe { pthread_setcancelstate(state, &raw mut before) };
    before
}

#[cfg(not(target_os = "linux"))]
fn set_cancel_state(state: c_int) -> c_int {
    state
}

/// Reads a handle where nothing can fail; `nothing` for NULL.
pub(crate) fn read_or<T, R>(handle: *const T, nothing: R, read: impl FnOnce(&T) -> R) -> R {
    // SAFETY: NULL, or a handle of ours.
    let Some(handle) = (unsafe { handle.as_ref() }) else { return nothing };
    contain(|| read(handle)).unwrap_or(nothing)
}

/// Frees a handle; NULL is fine.
pub(crate) fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: not NULL, so it came from `Box::into_raw`, and is given back once.
        let _ = contain(|| drop(unsafe { Box::from_raw(handle) }));
    }
}

/// A handle that must be there.
pub(crate) fn borrow<'a, T>(handle: *const T, name: &str) -> Result<&'a T> {
    // SAFETY: NULL, or a handle of ours that lives for the call.
    unsafe { handle.as_ref() }.ok_or_else(|| is_null(name))
}

/// A handle that must be there and is changed.
pub(crate) fn borrow_mut<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: NULL, or a handle of ours that nobody else uses meanwhile.
    unsafe { handle.as_mut() }.ok_or_else(|| is_null(name))
}

/// A handle that may be missing.
pub(crate) fn maybe<'a, T>(handle: *const T) -> Option<&'a T> {
    // SAFETY: NULL, or a handle of ours that lives for the call.
    unsafe { handle.as_ref() }
}

/// Where a result goes, once there is one.
pub(crate) fn out<'a, T>(place: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: NULL, or the caller's variable.
    unsafe { place.as_mut() }.ok_or_else(|| is_null(name))
}

/// Makes a value a handle of the caller's.
pub(crate) fn handle<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Text that must be there.
pub(crate) fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    if text.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so it ends with NUL and lives for the call.
    unsafe { CStr::from_ptr(text) }.to_str().map_err(|_| refuse(format!("{name} is not UTF-8")))
}

/// Text that may be missing.
pub(crate) fn maybe_text<'a>(value: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if value.is_null() { Ok(None) } else { text(value, name).map(Some) }
}

/// Text of a stranger's, which need not be UTF-8.
pub(crate) fn lossy(text: *const c_char, name: &str) -> Result<String> {
    if text.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: not NULL, so it ends with NUL and lives for the call.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Bytes, of which there may be none.
pub(crate) fn bytes<'a>(first: *const u8, size: usize, name: &str) -> Result<&'a [u8]> {
    if size == 0 { Ok(&[]) } else { slice(first, size, name) }
}

/// A list of texts, with at least one in it.
pub(crate) fn texts(list: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>> {
    each(slice(list, count, name)?, name, |item, name| text(*item, name).map(str::to_owned))
}

/// Reads every item of a list under its own name, such as `photos[3]`: all of them, or every problem.
pub(crate) fn each<T, R>(items: &[T], name: &str, read: impl Fn(&T, &str) -> Result<R>) -> Result<Vec<R>> {
    let items = items.iter().enumerate().map(|(n, item)| read(item, &format!("{name}[{n}]")));
    let (values, problems): (Vec<_>, Vec<_>) = items.partition(Result::is_ok);
    if problems.is_empty() {
        Ok(values.into_iter().flatten().collect())
    } else {
        Err(refuse_all(problems.into_iter().map(Result::err)))
    }
}

/// An array with at least one element.
pub(crate) fn slice<'a, T>(first: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    if first.is_null() {
        return Err(is_null(name));
    }
    if count == 0 {
        return Err(refuse(format!("{name} is empty")));
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(refuse(format!("{name} is longer than memory")));
    }
    // SAFETY: not NULL, of a possible length, and borrowed for the call.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// Room for results, for at least one.
pub(crate) fn slice_mut<'a, T>(first: *mut T, room: usize, name: &str) -> Result<&'a mut [T]> {
    slice(first.cast_const(), room, name)?;
    // SAFETY: as of `slice`; the caller's own, and nobody else's for the call.
    Ok(unsafe { std::slice::from_raw_parts_mut(first, room) })
}

/// A wrong argument.
pub(crate) fn refuse(problem: String) -> Error {
    Error::invalid(vec![problem])
}

/// Arguments that were converted one by one: all of them, or every problem.
pub(crate) trait Arguments {
    type Values;
    fn all(self) -> Result<Self::Values>;
}

macro_rules! arguments {
    ($($value:ident)+) => {
        impl<$($value),+> Arguments for ($(Result<$value>,)+) {
            type Values = ($($value,)+);

            #[allow(non_snake_case, reason = "each value is named after its type")]
            fn all(self) -> Result<Self::Values> {
                match self {
                    ($(Ok($value),)+) => Ok(($($value,)+)),
                    ($($value,)+) => Err(refuse_all([$($value.err()),+])),
                }
            }
        }
    };
}

arguments!(A B);
arguments!(A B C);
arguments!(A B C D);
arguments!(A B C D E);

/// One refusal with every problem of several; one alone stays what it is.
fn refuse_all(refusals: impl IntoIterator<Item = Option<Error>>) -> Error {
    let mut refusals: Vec<_> = refusals.into_iter().flatten().collect();
    match (refusals.len(), refusals.pop()) {
        (1, Some(only)) => only,
        (_, last) => Error::invalid(refusals.into_iter().chain(last).flat_map(Error::into_problems).collect()),
    }
}

fn is_null(name: &str) -> Error {
    refuse(format!("{name} is NULL"))
}

pub(crate) fn defect(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    Error::new(ErrorKind::Internal, format!("panic: {text}: a defect of xiezhen; please report it"))
}

/// Text for C, which can't hold NUL.
pub(crate) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default()
}

/// A path for C: the system's bytes, of whatever encoding.
pub(crate) fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_else(|_| c_text(&path.to_string_lossy()))
}

/// Where a text that C may read begins; NULL if there is none.
pub(crate) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(null(), |text| text.as_ptr())
}
