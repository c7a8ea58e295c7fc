//! Waiting: for one task, for thousands, and the hint that one has ended.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::null,
};

use xiezhen_core::{Error, Result, Task};

use crate::{
    blocking::{Tell, block_on_call, call},
    call_options::xiezhen_call_options,
    client::xiezhen_client,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{borrow, free, handle, out, read_or, text, texts},
    task::xiezhen_task,
};

/// Looks at a task until it has ended, as often as its schedule says. State 5 is `XIEZHEN_TASK_FAILED`.
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
        let task = out(task, "task")?;
        let client = borrow(client, "client")?;
        let task_id = text(task_id, "task_id")?;
        let options = xiezhen_call_options::of(options, "xiezhen_wait_task", &[])?;
        let asked = task_id.to_owned();
        let ended = call(client, options.cancel.as_ref(), "wait_task", |core| async move {
            core.wait_task(&asked, options.timeout).await
        })
        .map_err(|error| error.with_task_id(task_id))?;
        *task = handle(xiezhen_task::new(ended));
        Ok(())
    })
}

/// Is told of each task of `xiezhen_wait_many` as it ends: its index, and the task or the error (the other is NULL). Both
/// live for the callback only. Returning anything but 0 stops the wait.
pub type xiezhen_on_end = Option<
    unsafe extern "C" fn(
        index: usize,
        task: *const xiezhen_task,
        error: *const xiezhen_error,
        user_data: *mut c_void,
    ) -> i32,
>;

/// How each task of a `xiezhen_wait_many` ended.
pub struct xiezhen_outcomes(Vec<Result<xiezhen_task, Box<xiezhen_error>>>);

/// `xiezhen_wait_task` for many at once, on this thread: thousands cost little more than their queries.
///
/// `on_end`, which may be NULL, is told of each as it ends. The outcomes are in the order of `task_ids`.
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
        let outcomes = out(outcomes, "outcomes")?;
        let client = borrow(client, "client")?;
        let task_ids = texts(task_ids, task_count, "task_ids")?;
        let options = xiezhen_call_options::of(options, "xiezhen_wait_many", &[])?;
        let ended = block_on_call(
            client,
            options.cancel.as_ref(),
            "wait_many",
            |core, tell: Tell<(usize, Result<Task>)>| async move {
                let told = on_end.is_some();
                let on_end = |index, outcome: &Result<Task>| {
                    if told {
                        tell.tell((index, outcome.clone()));
                    }
                };
                core.wait_many(&task_ids, options.timeout, on_end).await
            },
            |(index, outcome)| {
                let outcome = outcome.map(xiezhen_task::new).map_err(boxed);
                let (task, failure) = parts(&outcome);
                // SAFETY: the callback is the caller's, and the handles live for the call.
                let stop = on_end.map_or(0, |tell| unsafe { tell(index, task, failure, user_data) });
                carry_on("on_end", stop)
            },
        )?;
        let ended = ended.into_iter().map(|outcome| outcome.map(xiezhen_task::new).map_err(boxed));
        *outcomes = handle(xiezhen_outcomes(ended.collect()));
        Ok(())
    })
}

fn boxed(error: Error) -> Box<xiezhen_error> {
    Box::new(xiezhen_error::new(error))
}

fn parts(outcome: &Result<xiezhen_task, Box<xiezhen_error>>) -> (*const xiezhen_task, *const xiezhen_error) {
    match outcome {
        Ok(task) => (task, null()),
        Err(error) => (null(), &raw const **error),
    }
}

/// What a callback's return value means.
pub(crate) fn carry_on(callback: &str, returned: c_int) -> Result<()> {
    match returned {
        0 => Ok(()),
        number => Err(Error::cancelled(&format!("the call ({callback} returned {number})"))),
    }
}

/// How many outcomes there are: as many as task ids were given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_count(outcomes: *const xiezhen_outcomes) -> usize {
    read_or(outcomes, 0, |outcomes| outcomes.0.len())
}

/// The task at `index`; NULL if it ended in an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_task(outcomes: *const xiezhen_outcomes, index: usize) -> *const xiezhen_task {
    read_or(outcomes, null(), |outcomes| outcomes.0.get(index).map_or(null(), |outcome| parts(outcome).0))
}

/// The error at `index`; NULL if the task ended well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_error(
    outcomes: *const xiezhen_outcomes,
    index: usize,
) -> *const xiezhen_error {
    read_or(outcomes, null(), |outcomes| outcomes.0.get(index).map_or(null(), |outcome| parts(outcome).1))
}

/// Frees outcomes, and the tasks and errors in them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_free(outcomes: *mut xiezhen_outcomes) {
    free(outcomes);
}

/// "Look at this task now", because a callback came. Does nothing if nobody waits for it, and causes at most one look a
/// second.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_notify(
    client: *const xiezhen_client,
    task_id: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || borrow(client, "client")?.core.notify(text(task_id, "task_id")?))
}
