//! What a job knows of its styles and photos, at the moment when it was asked.

use std::{
    ffi::{CString, c_char},
    ptr::null,
};

use xiezhen_core::{JobPhoto, Portrait};

use crate::{
    error::xiezhen_error,
    ffi::{c_path, c_text, free, pointer, read_or},
    task::xiezhen_state,
};

/// One style of a job, and what has become of it.
pub struct xiezhen_portrait {
    style: CString,
    style_id: Option<CString>,
    task_id: Option<CString>,
    state: xiezhen_state,
    urls: Vec<CString>,
    files: Vec<CString>,
    error: Option<xiezhen_error>,
}

/// A job's portraits, one a style.
pub struct xiezhen_portraits(Vec<xiezhen_portrait>);

impl xiezhen_portraits {
    pub(crate) fn new(portraits: Vec<Portrait>) -> Self {
        let portrait = |known: Portrait| xiezhen_portrait {
            style: c_text(&known.style),
            style_id: known.style_id.as_deref().map(c_text),
            task_id: known.task_id.as_deref().map(c_text),
            state: known.state.map_or(xiezhen_state::Unknown, Into::into),
            urls: known.urls.iter().map(|url| c_text(url)).collect(),
            files: known.files.iter().map(|file| c_path(file)).collect(),
            error: known.error.map(xiezhen_error::new),
        };
        Self(portraits.into_iter().map(portrait).collect())
    }
}

/// How many portraits there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portraits_count(portraits: *const xiezhen_portraits) -> usize {
    read_or(portraits, 0, |portraits| portraits.0.len())
}

/// One of the portraits; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portraits_at(
    portraits: *const xiezhen_portraits,
    index: usize,
) -> *const xiezhen_portrait {
    read_or(portraits, null(), |portraits| portraits.0.get(index).map_or(null(), |portrait| portrait))
}

/// Frees portraits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portraits_free(portraits: *mut xiezhen_portraits) {
    free(portraits);
}

/// The style, as the job asked for it: a name or an id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_style(portrait: *const xiezhen_portrait) -> *const c_char {
    read_or(portrait, null(), |portrait| portrait.style.as_ptr())
}

/// The style's id; NULL until it is known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_style_id(portrait: *const xiezhen_portrait) -> *const c_char {
    read_or(portrait, null(), |portrait| pointer(portrait.style_id.as_ref()))
}

/// The generation's task; NULL until it was created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_task_id(portrait: *const xiezhen_portrait) -> *const c_char {
    read_or(portrait, null(), |portrait| pointer(portrait.task_id.as_ref()))
}

/// The task's state, as it was last seen; `XIEZHEN_STATE_UNKNOWN` before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_state(portrait: *const xiezhen_portrait) -> xiezhen_state {
    read_or(portrait, xiezhen_state::Unknown, |portrait| portrait.state)
}

/// How many addresses of pictures there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_url_count(portrait: *const xiezhen_portrait) -> usize {
    read_or(portrait, 0, |portrait| portrait.urls.len())
}

/// The address of a picture; NULL beyond the last. They may expire.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_url(portrait: *const xiezhen_portrait, index: usize) -> *const c_char {
    read_or(portrait, null(), |portrait| pointer(portrait.urls.get(index)))
}

/// How many pictures are on disk.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_file_count(portrait: *const xiezhen_portrait) -> usize {
    read_or(portrait, 0, |portrait| portrait.files.len())
}

/// A picture on disk; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_file(portrait: *const xiezhen_portrait, index: usize) -> *const c_char {
    read_or(portrait, null(), |portrait| pointer(portrait.files.get(index)))
}

/// What went wrong with this style; NULL if nothing did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_portrait_error(portrait: *const xiezhen_portrait) -> *const xiezhen_error {
    read_or(portrait, null(), |portrait| portrait.error.as_ref().map_or(null(), |error| error))
}

/// A photo as a job knows it; never its bytes.
pub struct xiezhen_job_photo {
    path: Option<CString>,
    sha256: Option<CString>,
    bytes: u64,
    uploaded: Option<CString>,
}

/// A job's photos.
pub struct xiezhen_job_photo_list(Vec<xiezhen_job_photo>);

impl xiezhen_job_photo_list {
    pub(crate) fn new(photos: &[JobPhoto]) -> Self {
        let record = |photo: &JobPhoto| xiezhen_job_photo {
            path: photo.path.as_deref().map(c_path),
            sha256: photo.sha256.as_deref().map(c_text),
            bytes: photo.bytes.unwrap_or(0),
            uploaded: photo.uploaded.as_deref().map(c_text),
        };
        Self(photos.iter().map(record).collect())
    }
}

/// How many photos there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_list_count(photos: *const xiezhen_job_photo_list) -> usize {
    read_or(photos, 0, |photos| photos.0.len())
}

/// One of the photos; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_list_at(
    photos: *const xiezhen_job_photo_list,
    index: usize,
) -> *const xiezhen_job_photo {
    read_or(photos, null(), |photos| photos.0.get(index).map_or(null(), |photo| photo))
}

/// Frees a list of photos.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_list_free(photos: *mut xiezhen_job_photo_list) {
    free(photos);
}

/// The file; NULL if the photo was given as bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_path(photo: *const xiezhen_job_photo) -> *const c_char {
    read_or(photo, null(), |photo| pointer(photo.path.as_ref()))
}

/// SHA-256 of the content in hex; NULL until it was read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_sha256(photo: *const xiezhen_job_photo) -> *const c_char {
    read_or(photo, null(), |photo| pointer(photo.sha256.as_ref()))
}

/// The size; 0 until it was read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_bytes(photo: *const xiezhen_job_photo) -> u64 {
    read_or(photo, 0, |photo| photo.bytes)
}

/// The service's path of it; NULL until it was uploaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photo_uploaded(photo: *const xiezhen_job_photo) -> *const c_char {
    read_or(photo, null(), |photo| pointer(photo.uploaded.as_ref()))
}
