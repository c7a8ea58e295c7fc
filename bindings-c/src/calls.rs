//! The service's five calls, and results: each blocks, or is begun on a queue.

use std::{
    ffi::{c_char, c_void},
    path::PathBuf,
};

use xiezhen_core::{Created, Error, Result, Style, Task};

use crate::{
    blocking::block_on,
    call::Call,
    call_options::{
        OptionKind::{CallbackUrl, MaxRetries, Name, Timeout},
        xiezhen_call_options,
    },
    client::xiezhen_client,
    completion::Outcome,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, handle, out, text, texts},
    photo::xiezhen_photo,
    queue::xiezhen_queue,
    strings::{xiezhen_string, xiezhen_strings},
    task::{xiezhen_created, xiezhen_styles, xiezhen_task},
};

fn upload_file(
    client: *const xiezhen_client,
    photo: *const xiezhen_photo,
    options: *const xiezhen_call_options,
) -> Result<Call<String>> {
    let options = xiezhen_call_options::of(options, "xiezhen_upload_file", &[Timeout, MaxRetries]);
    let (client, photo, options) = (borrow(client, "client"), borrow(photo, "photo"), options).all()?;
    let photo = photo.0.clone();
    Ok(Call::new(client, options.cancel.clone(), "upload_file", move |core| async move {
        options.limit(&core).upload_file(photo).await
    }))
}

/// Uploads one photo and returns the service's path of it (docs/service.md, step 1).
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
        let (call, path) = (upload_file(client, photo, options), out(path, "path")).all()?;
        *path = handle(xiezhen_string::new(&block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_upload_file`, begun: the completion has the path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_upload_file(
    client: *const xiezhen_client,
    photo: *const xiezhen_photo,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (upload_file(client, photo, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Path)
    })
}

fn create_user_model(
    client: *const xiezhen_client,
    img_set: *const *const c_char,
    img_count: usize,
    options: *const xiezhen_call_options,
) -> Result<Call<Created>> {
    let options = xiezhen_call_options::of(options, "xiezhen_create_user_model", &[Timeout, MaxRetries, CallbackUrl]);
    let img_set = texts(img_set, img_count, "img_set");
    let (client, img_set, options) = (borrow(client, "client"), img_set, options).all()?;
    let create = Call::new(client, options.cancel.clone(), "create_user_model", move |core| async move {
        options.limit(&core).create_user_model(&img_set, options.callback_url.as_deref()).await
    });
    Ok(create.about(Error::of_create))
}

/// Starts training a user model from 8 to 20 uploaded photos (docs/service.md, step 2). This call is billed.
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
        let call = create_user_model(client, img_set, img_count, options);
        let (call, created) = (call, out(created, "created")).all()?;
        *created = handle(xiezhen_created::new(&block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_create_user_model`, begun: the completion has what was created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_create_user_model(
    client: *const xiezhen_client,
    img_set: *const *const c_char,
    img_count: usize,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let call = create_user_model(client, img_set, img_count, options);
        let (call, queue) = (call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Created)
    })
}

fn list_styles(client: *const xiezhen_client, options: *const xiezhen_call_options) -> Result<Call<Vec<Style>>> {
    let options = xiezhen_call_options::of(options, "xiezhen_list_styles", &[Timeout, MaxRetries]);
    let (client, options) = (borrow(client, "client"), options).all()?;
    Ok(Call::new(client, options.cancel.clone(), "list_styles", move |core| async move {
        options.limit(&core).list_styles().await
    }))
}

/// The styles that pictures can be generated in (docs/service.md, step 4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_list_styles(
    client: *const xiezhen_client,
    options: *const xiezhen_call_options,
    styles: *mut *mut xiezhen_styles,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, styles) = (list_styles(client, options), out(styles, "styles")).all()?;
        *styles = handle(xiezhen_styles::new(&block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_list_styles`, begun: the completion has the styles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_list_styles(
    client: *const xiezhen_client,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (list_styles(client, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Styles)
    })
}

fn create_task(
    client: *const xiezhen_client,
    user_id: *const c_char,
    style: *const c_char,
    options: *const xiezhen_call_options,
) -> Result<Call<Created>> {
    let options = xiezhen_call_options::of(options, "xiezhen_create_task", &[Timeout, MaxRetries, CallbackUrl]);
    let ids = (text(user_id, "user_id"), text(style, "style"));
    let (client, user_id, style, options) = (borrow(client, "client"), ids.0, ids.1, options).all()?;
    let (user_id, style) = (user_id.to_owned(), style.to_owned());
    let create = Call::new(client, options.cancel.clone(), "create_task", move |core| async move {
        options.limit(&core).create_task(&user_id, &style, options.callback_url.as_deref()).await
    });
    Ok(create.about(Error::of_create))
}

/// Starts generating pictures of a trained model in one style, given by its id (docs/service.md, step 5). This call is billed.
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
        let (call, created) = (create_task(client, user_id, style, options), out(created, "created")).all()?;
        *created = handle(xiezhen_created::new(&block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_create_task`, begun: the completion has what was created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_create_task(
    client: *const xiezhen_client,
    user_id: *const c_char,
    style: *const c_char,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (create_task(client, user_id, style, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Created)
    })
}

fn query_task(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
) -> Result<Call<Task>> {
    let options = xiezhen_call_options::of(options, "xiezhen_query_task", &[Timeout, MaxRetries]);
    let (client, task_id, options) = (borrow(client, "client"), text(task_id, "task_id"), options).all()?;
    let asked = task_id.to_owned();
    let query = Call::new(client, options.cancel.clone(), "query_task", move |core| async move {
        options.limit(&core).query_task(&asked).await
    });
    Ok(query.about_task(task_id))
}

/// Polls a task once (docs/service.md, steps 3 and 6). A failed task is a value here, not an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_query_task(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
    task: *mut *mut xiezhen_task,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, task) = (query_task(client, task_id, options), out(task, "task")).all()?;
        *task = handle(xiezhen_task::new(block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_query_task`, begun: the completion has the task.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_query_task(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (query_task(client, task_id, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Task)
    })
}

fn save_results(
    client: *const xiezhen_client,
    task: *const xiezhen_task,
    save_to: *const c_char,
    options: *const xiezhen_call_options,
) -> Result<Call<Vec<PathBuf>>> {
    let options = xiezhen_call_options::of(options, "xiezhen_save_results", &[Timeout, MaxRetries, Name]);
    let save_to = text(save_to, "save_to");
    let (client, task, save_to, options) = (borrow(client, "client"), borrow(task, "task"), save_to, options).all()?;
    let (task, save_to) = (task.task.clone(), PathBuf::from(save_to));
    let task_id = task.id.clone();
    let save = Call::new(client, options.cancel.clone(), "save_results", move |core| async move {
        options.limit(&core).save_results(&task, save_to, options.name.as_deref()).await
    });
    Ok(save.about_task(&task_id))
}

/// Fetches the pictures of a task that has ended into the folder `save_to`, and returns their files.
///
/// Files appear whole or not at all. Where addresses have expired, the task is queried once for new ones.
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
        let (call, files) = (save_results(client, task, save_to, options), out(files, "files")).all()?;
        *files = handle(xiezhen_strings::of_paths(&block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_save_results`, begun: the completion has the files. `task` may be freed meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_save_results(
    client: *const xiezhen_client,
    task: *const xiezhen_task,
    save_to: *const c_char,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (save_results(client, task, save_to, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Files)
    })
}
