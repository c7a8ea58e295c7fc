//! A photo: a file, or bytes.

use std::ffi::c_char;

use xiezhen_core::Photo;

use crate::{
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, free, handle, out, slice, text},
};

/// A photo, to be uploaded or to make a job of.
pub struct xiezhen_photo(pub(crate) Photo);

/// A photo on disk. It is read when it is sent: nothing is checked here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_from_path(
    path: *const c_char,
    photo: *mut *mut xiezhen_photo,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (path, photo) = (text(path, "path"), out(photo, "photo")).all()?;
        *photo = handle(xiezhen_photo(Photo::path(path)));
        Ok(())
    })
}

/// A photo in memory; `data` is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_from_bytes(
    data: *const u8,
    size: usize,
    photo: *mut *mut xiezhen_photo,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (data, photo) = (slice(data, size, "data"), out(photo, "photo")).all()?;
        *photo = handle(xiezhen_photo(Photo::bytes(data.to_vec())));
        Ok(())
    })
}

/// Frees a photo. Jobs made of it keep what they need.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_free(photo: *mut xiezhen_photo) {
    free(photo);
}
