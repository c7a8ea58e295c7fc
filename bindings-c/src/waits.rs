//! Waits: for one task, for thousands, and the hint that one has ended.

use std::ffi::{c_char, c_int, c_void};

use xiezhen_core::{Error, Result, Task};

use crate::{
    blocking::{block_on, block_on_call},
    call::{Call, Message, Mode},
    call_options::{OptionKind::Timeout, xiezhen_call_options},
    client::xiezhen_client,
    completion::Outcome,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, handle, out, text, texts},
    outcomes::{boxed, parts, xiezhen_outcomes},
    queue::xiezhen_queue,
    task::xiezhen_task,
};

fn wait_task(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
) -> Result<Call<Task>> {
    let options = xiezhen_call_options::of(options, "xiezhen_wait_task", &[Timeout]);
    let (client, task_id, options) = (borrow(client, "client"), text(task_id, "task_id"), options).all()?;
    let polled = task_id.to_owned();
    let wait = Call::new(client, options.cancel, "wait_task", move |core| async move {
        core.wait_task(&polled, options.timeout).await
    });
    Ok(wait.about_task(task_id))
}

/// Polls a task until it has ended, as often as its schedule says. State 5 is `XIEZHEN_TASK_FAILED`.
///
/// Outages and unreadable answers are waited out. Every error carries the task's id: wait again to go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_wait_task(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
    task: *mut *mut xiezhen_task,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, task) = (wait_task(client, task_id, options), out(task, "task")).all()?;
        *task = handle(xiezhen_task::new(block_on(call)?));
        Ok(())
    })
}

/// `xiezhen_wait_task`, begun: the completion has the task. Thousands may be in flight.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_wait(
    client: *const xiezhen_client,
    task_id: *const c_char,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (wait_task(client, task_id, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Task)
    })
}

/// Called for each task of `xiezhen_wait_many` as it ends: its index, and the task or the error (the other is NULL). Both
/// live for the callback only. Returning anything but 0 stops the wait.
pub type xiezhen_on_end = Option<
    unsafe extern "C" fn(
        index: usize,
        task: *const xiezhen_task,
        error: *const xiezhen_error,
        user_data: *mut c_void,
    ) -> i32,
>;

fn wait_many(
    client: *const xiezhen_client,
    task_ids: *const *const c_char,
    task_count: usize,
    options: *const xiezhen_call_options,
    mode: Mode,
    on_end: xiezhen_on_end,
) -> Result<Call<Vec<Result<Task>>>> {
    let options = xiezhen_call_options::of(options, "xiezhen_wait_many", &[Timeout]);
    let task_ids = texts(task_ids, task_count, "task_ids");
    let (client, task_ids, options) = (borrow(client, "client"), task_ids, options).all()?;
    let is_heard = mode.is_heard(on_end);
    Ok(Call::emitting(client, options.cancel, "wait_many", move |core, said| async move {
        let on_end = |index, outcome: &Result<Task>| {
            if is_heard {
                said.emit(Message::Ended(index, outcome.clone()));
            }
        };
        core.wait_many(&task_ids, options.timeout, on_end).await
    }))
}

/// `xiezhen_wait_task` for many at once, on this thread: thousands cost little more than their queries.
///
/// `on_end`, which may be NULL, is called for each as it ends. The outcomes are in the order of `task_ids`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_wait_many(
    client: *const xiezhen_client,
    task_ids: *const *const c_char,
    task_count: usize,
    on_end: xiezhen_on_end,
    user_data: *mut c_void,
    options: *const xiezhen_call_options,
    outcomes: *mut *mut xiezhen_outcomes,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let call = wait_many(client, task_ids, task_count, options, Mode::Blocking, on_end);
        let (call, outcomes) = (call, out(outcomes, "outcomes")).all()?;
        let ended = block_on_call(call, |message| {
            let Message::Ended(index, outcome) = message else { return Ok(()) };
            let outcome = outcome.map(xiezhen_task::new).map_err(boxed);
            let (task, failure) = parts(&outcome);
            // SAFETY: the callback is the caller's, and the handles live for the call.
            let stop = on_end.map_or(0, |tell| unsafe { tell(index, task, failure, user_data) });
            carry_on("on_end", stop)
        })?;
        *outcomes = handle(xiezhen_outcomes::new(ended));
        Ok(())
    })
}

/// `xiezhen_wait_many`, begun: a completion for each task as it ends, with its index and the task or the error; the last one has the
/// outcomes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_wait_many(
    client: *const xiezhen_client,
    task_ids: *const *const c_char,
    task_count: usize,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let call = wait_many(client, task_ids, task_count, options, Mode::Begun, None);
        let (call, queue) = (call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Outcomes)
    })
}

/// What a callback's return value means.
pub(crate) fn carry_on(callback: &str, returned: c_int) -> Result<()> {
    match returned {
        0 => Ok(()),
        number => Err(Error::cancelled(&format!("the call ({callback} returned {number})"))),
    }
}

/// Polls a task now, because a callback came. Does nothing if nobody waits for it, and causes at most one poll a second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_notify(
    client: *const xiezhen_client,
    task_id: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (client, task_id) = (borrow(client, "client"), text(task_id, "task_id")).all()?;
        client.core.notify(task_id)
    })
}

fn wait_for_creates(client: *const xiezhen_client, options: *const xiezhen_call_options) -> Result<Call<()>> {
    let options = xiezhen_call_options::of(options, "xiezhen_wait_for_creates", &[]);
    let (client, options) = (borrow(client, "client"), options).all()?;
    Ok(Call::new(client, options.cancel, "wait_for_creates", move |core| async move {
        core.wait_for_creates().await;
        Ok(())
    }))
}

/// Waits until every create in flight of this client has its answer, and its job was saved, also those whose call was stopped:
/// each ends with its own timeout.
///
/// `exit`, the return from `main`, `xiezhen_client_free` and `xiezhen_queue_free` wait by themselves. This is for programs that
/// end in another way: by `_exit` or `quick_exit`, or by a signal. A library can't handle the signals of its program: without a
/// handler, SIGTERM, SIGHUP and SIGINT end the process at once, and with it what a create in flight would have answered. Have a
/// handler tell your main thread, and stop your calls, call this, and exit there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_wait_for_creates(
    client: *const xiezhen_client,
    options: *const xiezhen_call_options,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || block_on(wait_for_creates(client, options)?))
}

/// `xiezhen_wait_for_creates`, begun.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_wait_for_creates(
    client: *const xiezhen_client,
    options: *const xiezhen_call_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (call, queue) = (wait_for_creates(client, options), borrow(queue, "queue")).all()?;
        queue.begin(call, tag, |()| Outcome::Nothing)
    })
}
