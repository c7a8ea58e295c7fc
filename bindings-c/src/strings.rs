//! Texts that a call returned: one, or a list.

use std::{
    ffi::{CString, c_char},
    path::{Path, PathBuf},
    ptr::null,
};

use crate::ffi::{c_path, c_text, free, pointer, read_or};

/// A text that a call returned.
pub struct xiezhen_string(CString);

impl xiezhen_string {
    pub(crate) fn new(text: &str) -> Self {
        Self(c_text(text))
    }

    pub(crate) fn of_path(path: &Path) -> Self {
        Self(c_path(path))
    }
}

/// The text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_string_text(string: *const xiezhen_string) -> *const c_char {
    read_or(string, null(), |string| string.0.as_ptr())
}

/// Frees a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_string_free(string: *mut xiezhen_string) {
    free(string);
}

/// A list of texts that a call returned.
pub struct xiezhen_strings(Vec<Option<CString>>);

impl xiezhen_strings {
    pub(crate) fn of_paths(paths: &[PathBuf]) -> Self {
        Self(paths.iter().map(|path| Some(c_path(path))).collect())
    }

    pub(crate) fn of_maybe(texts: &[Option<String>]) -> Self {
        Self(texts.iter().map(|text| text.as_deref().map(c_text)).collect())
    }
}

/// How many texts there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_strings_count(strings: *const xiezhen_strings) -> usize {
    read_or(strings, 0, |strings| strings.0.len())
}

/// One of the texts; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_strings_at(strings: *const xiezhen_strings, index: usize) -> *const c_char {
    read_or(strings, null(), |strings| pointer(strings.0.get(index).and_then(Option::as_ref)))
}

/// Frees a list of texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_strings_free(strings: *mut xiezhen_strings) {
    free(strings);
}
