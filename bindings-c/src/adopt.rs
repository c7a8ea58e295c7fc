//! Tasks that the vendor's side shows, taken over for creates whose outcome is unknown.

use std::ffi::{c_char, c_void};

use xiezhen_core::Result;

use crate::{
    blocking::block_on,
    call::Call,
    call_options::xiezhen_call_options,
    client::xiezhen_client,
    completion::Outcome,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, maybe_text, text},
    job::xiezhen_job,
    queue::xiezhen_queue,
};

fn adopt(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    task_id: *const c_char,
    user_id: *const c_char,
    style: *const c_char,
    options: *const xiezhen_call_options,
) -> Result<Call<()>> {
    let options = xiezhen_call_options::of(options, "xiezhen_adopt", &[]);
    let ids = (text(task_id, "task_id"), maybe_text(user_id, "user_id"), maybe_text(style, "style")).all();
    let (client, job, ids, options) = (borrow(client, "client"), borrow(job, "job"), ids, options).all()?;
    let (job, task_id) = (job.core.clone(), ids.0.to_owned());
    let (user_id, style) = (ids.1.map(str::to_owned), ids.2.map(str::to_owned));
    let adopt = Call::new(client, options.cancel.clone(), "adopt", move |core| async move {
        core.adopt(&job, &task_id, user_id.as_deref(), style.as_deref()).await
    });
    Ok(adopt.about_task(ids.0))
}

/// Takes over a task that the vendor's side shows, for the create of a job whose outcome is unknown, once the service says that it is of
/// the right kind. A training is adopted with its `user_id`; `style` (as the job was given it) says which of several generations it is.
/// Pass NULL for what does not apply.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_adopt(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    task_id: *const c_char,
    user_id: *const c_char,
    style: *const c_char,
    options: *const xiezhen_call_options,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || block_on(adopt(client, job, task_id, user_id, style, options)?))
}

/// `xiezhen_adopt`, begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_adopt(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    task_id: *const c_char,
    user_id: *const c_char,
    style: *const c_char,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (adopt(client, job, task_id, user_id, style, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, |()| Outcome::Nothing)
    })
}
