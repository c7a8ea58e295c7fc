//! What a job is made of: photos and styles, or a model that is there.

use std::ffi::c_char;

use xiezhen_core::Photo;

use crate::{
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, borrow_mut, free, handle, text},
    photo::xiezhen_photo,
};

/// What a job is made of.
#[derive(Clone, Default)]
pub struct xiezhen_job_options {
    pub(crate) photos: Vec<Photo>,
    pub(crate) uploaded: Vec<String>,
    pub(crate) styles: Vec<String>,
    pub(crate) user_id: Option<String>,
}

/// An empty order.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_job_options_new() -> *mut xiezhen_job_options {
    handle(xiezhen_job_options::default())
}

/// Frees the options; jobs made of them are not affected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_options_free(options: *mut xiezhen_job_options) {
    free(options);
}

/// One more photo of the person; 8 to 20 are needed. The photo is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_options_add_photo(
    options: *mut xiezhen_job_options,
    photo: *const xiezhen_photo,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, photo) = (borrow_mut(options, "options"), borrow(photo, "photo")).all()?;
        options.photos.push(photo.0.clone());
        Ok(())
    })
}

/// One more photo, given by its path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_options_add_photo_path(
    options: *mut xiezhen_job_options,
    path: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, path) = (borrow_mut(options, "options"), text(path, "path")).all()?;
        options.photos.push(Photo::path(path));
        Ok(())
    })
}

/// One more photo that the service has already, by the path that `xiezhen_upload_file` returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_options_add_uploaded(
    options: *mut xiezhen_job_options,
    path: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, path) = (borrow_mut(options, "options"), text(path, "path")).all()?;
        options.uploaded.push(path.to_owned());
        Ok(())
    })
}

/// One more style, by name or id. A job without styles trains only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_options_add_style(
    options: *mut xiezhen_job_options,
    style: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, style) = (borrow_mut(options, "options"), text(style, "style")).all()?;
        options.styles.push(style.to_owned());
        Ok(())
    })
}

/// A model that was trained before, in place of photos and training.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_options_set_user_id(
    options: *mut xiezhen_job_options,
    user_id: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, user_id) = (borrow_mut(options, "options"), text(user_id, "user_id")).all()?;
        options.user_id = Some(user_id.to_owned());
        Ok(())
    })
}
