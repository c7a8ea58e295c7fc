//! The document's five calls, and results.

use std::{ffi::c_char, path::PathBuf};

use crate::{
    blocking::call,
    call_options::{OptionKind, xiezhen_call_options},
    client::xiezhen_client,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{borrow, handle, out, text, texts},
    photo::xiezhen_photo,
    strings::{xiezhen_string, xiezhen_strings},
    task::{xiezhen_created, xiezhen_styles, xiezhen_task},
};

/// Uploads one photo and returns the service's path of it (document, step 1).
///
/// Repeated on failure, which may leave an unused copy at the service.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_upload_file(
    client: *const xiezhen_client,
    photo: *const xiezhen_photo,
    options: *const xiezhen_call_options,
    path: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let path = out(path, "path")?;
        let client = borrow(client, "client")?;
        let photo = borrow(photo, "photo")?.0.clone();
        let options = xiezhen_call_options::of(options, "xiezhen_upload_file", &[])?;
        let uploaded = call(client, options.cancel.as_ref(), "upload_file", |core| async move {
            core.with_timeout(options.timeout).upload_file(photo).await
        })?;
        *path = handle(xiezhen_string::new(&uploaded));
        Ok(())
    })
}

/// Starts training a user model from 8 to 20 uploaded photos (document, step 2). This is paid for.
///
/// Sent again only where nothing can have been carried out; `XIEZHEN_OUTCOME_UNKNOWN` says that it may have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_create_user_model(
    client: *const xiezhen_client,
    img_set: *const *const c_char,
    img_count: usize,
    options: *const xiezhen_call_options,
    created: *mut *mut xiezhen_created,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let created = out(created, "created")?;
        let client = borrow(client, "client")?;
        let img_set = texts(img_set, img_count, "img_set")?;
        let options = xiezhen_call_options::of(options, "xiezhen_create_user_model", &[OptionKind::CallbackUrl])?;
        let answer = call(client, options.cancel.as_ref(), "create_user_model", |core| async move {
            core.with_timeout(options.timeout).create_user_model(&img_set, options.callback_url.as_deref()).await
        })?;
        *created = handle(xiezhen_created::new(&answer));
        Ok(())
    })
}

/// The styles that pictures can be generated in (document, step 4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_list_styles(
    client: *const xiezhen_client,
    options: *const xiezhen_call_options,
    styles: *mut *mut xiezhen_styles,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let styles = out(styles, "styles")?;
        let client = borrow(client, "client")?;
        let options = xiezhen_call_options::of(options, "xiezhen_list_styles", &[])?;
        let listed = call(client, options.cancel.as_ref(), "list_styles", |core| async move {
            core.with_timeout(options.timeout).list_styles().await
        })?;
        *styles = handle(xiezhen_styles::new(&listed));
        Ok(())
    })
}

/// Starts generating pictures of a trained model in one style, given by its id (document, step 5). This is paid for.
///
/// Sent again only where nothing can have been carried out; `XIEZHEN_OUTCOME_UNKNOWN` says that it may have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_create_task(
    client: *const xiezhen_client,
    user_id: *const c_char,
    style: *const c_char,
    options: *const xiezhen_call_options,
    created: *mut *mut xiezhen_created,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let created = out(created, "created")?;
        let client = borrow(client, "client")?;
        let user_id = text(user_id, "user_id")?.to_owned();
        let style = text(style, "style")?.to_owned();
        let options = xiezhen_call_options::of(options, "xiezhen_create_task", &[OptionKind::CallbackUrl])?;
        let answer = call(client, options.cancel.as_ref(), "create_task", |core| async move {
            core.with_timeout(options.timeout).create_task(&user_id, &style, options.callback_url.as_deref()).await
        })?;
        *created = handle(xiezhen_created::new(&answer));
        Ok(())
    })
}

/// One look at a task (document, steps 3 and 6). A failed task is a value here, not an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_query_task(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
    task: *mut *mut xiezhen_task,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let task = out(task, "task")?;
        let client = borrow(client, "client")?;
        let task_id = text(task_id, "task_id")?;
        let options = xiezhen_call_options::of(options, "xiezhen_query_task", &[])?;
        let asked = task_id.to_owned();
        let seen = call(client, options.cancel.as_ref(), "query_task", |core| async move {
            core.with_timeout(options.timeout).query_task(&asked).await
        })
        .map_err(|error| error.with_task_id(task_id))?;
        *task = handle(xiezhen_task::new(seen));
        Ok(())
    })
}

/// Fetches the pictures of a task that has ended into the folder `save_to`, and returns their files.
///
/// Files appear whole or not at all, and one that is there is kept. Where addresses have expired, the task is asked once
/// for new ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_save_results(
    client: *const xiezhen_client,
    task: *const xiezhen_task,
    save_to: *const c_char,
    options: *const xiezhen_call_options,
    files: *mut *mut xiezhen_strings,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let files = out(files, "files")?;
        let client = borrow(client, "client")?;
        let task = &borrow(task, "task")?.task;
        let save_to = PathBuf::from(text(save_to, "save_to")?);
        let options = xiezhen_call_options::of(options, "xiezhen_save_results", &[OptionKind::Style])?;
        let ended = task.clone();
        let saved = call(client, options.cancel.as_ref(), "save_results", |core| async move {
            core.with_timeout(options.timeout).save_results(&ended, save_to, options.style.as_deref()).await
        })
        .map_err(|error| error.with_task_id(&task.id))?;
        *files = handle(xiezhen_strings::of_paths(&saved));
        Ok(())
    })
}
