//! Many jobs side by side, on one rate limit.

use std::{
    ffi::{c_char, c_void},
    path::PathBuf,
    ptr::null,
    sync::Arc,
};

use xiezhen_core::{Job, KeyedJob, Result, RunManyOptions};

use crate::{
    blocking::block_on_call,
    call::{Call, Message, Mode},
    call_options::OptionKind,
    callbacks::xiezhen_callbacks,
    cancel::xiezhen_cancel,
    client::xiezhen_client,
    completion::Outcome,
    error::{boundary, set, xiezhen_error, xiezhen_status},
    event::xiezhen_event,
    ffi::{Arguments, borrow, each, free, handle, maybe, out, slice, text, texts},
    job::xiezhen_job,
    outcomes::xiezhen_errors,
    queue::xiezhen_queue,
    run_options::SharedOptions,
    version::maybe_ms,
    waits::carry_on,
};

/// Called for each event of `xiezhen_run_many`, with the job's index. Returning anything but 0 stops the call.
pub type xiezhen_on_job_event =
    Option<unsafe extern "C" fn(index: usize, event: *const xiezhen_event, user_data: *mut c_void) -> i32>;

/// Called for each job of `xiezhen_run_many` as it ends: its index, and what went wrong, or NULL. Returning anything but 0 stops the
/// call.
pub type xiezhen_on_job_end =
    Option<unsafe extern "C" fn(index: usize, error: *const xiezhen_error, user_data: *mut c_void) -> i32>;

/// Options of `xiezhen_run_many`.
#[derive(Clone)]
pub struct xiezhen_run_many_options {
    shared: SharedOptions,
    checkpoints: Option<PathBuf>,
    concurrency: Option<usize>,
    on_event: xiezhen_on_job_event,
    on_event_data: *mut c_void,
    on_end: xiezhen_on_job_end,
    on_end_data: *mut c_void,
}

impl Default for xiezhen_run_many_options {
    fn default() -> Self {
        Self {
            shared: SharedOptions::default(),
            checkpoints: None,
            concurrency: None,
            on_event: None,
            on_event_data: std::ptr::null_mut(),
            on_end: None,
            on_end_data: std::ptr::null_mut(),
        }
    }
}

impl xiezhen_run_many_options {
    /// Calls the caller's callbacks, on this thread.
    fn hear(&self, message: Message) -> Result<()> {
        match message {
            Message::JobEvent(index, event) => {
                let Some(tell) = self.on_event else { return Ok(()) };
                let event = xiezhen_event::new(event);
                // SAFETY: the callback is the caller's, and the event lives for the call.
                carry_on("on_event", unsafe { tell(index, &raw const event, self.on_event_data) })
            }
            Message::JobEnded(index, outcome) => {
                let Some(tell) = self.on_end else { return Ok(()) };
                let error = outcome.err().map(xiezhen_error::new);
                let error = error.as_ref().map_or(null(), |error| &raw const *error);
                // SAFETY: as above.
                carry_on("on_end", unsafe { tell(index, error, self.on_end_data) })
            }
            _ => Ok(()),
        }
    }
}

/// Options of which none is set.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_run_many_options_new() -> *mut xiezhen_run_many_options {
    handle(xiezhen_run_many_options::default())
}

/// Frees options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_free(options: *mut xiezhen_run_many_options) {
    free(options);
}

/// The folder for pictures; those of a job with a key go into a folder of that name below it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_save_to(
    options: *mut xiezhen_run_many_options,
    save_to: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| options.shared.set_save_to(save_to))
}

/// The folder of the jobs' checkpoints: `<key>.json`, or the job's identity (its photos and styles) in place of the key.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_checkpoints(
    options: *mut xiezhen_run_many_options,
    checkpoints: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.checkpoints = Some(text(checkpoints, "checkpoints")?.into());
        Ok(())
    })
}

/// How many jobs run at a time; without it, as many as the rate limit can feed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_concurrency(
    options: *mut xiezhen_run_many_options,
    concurrency: usize,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.concurrency = Some(concurrency);
        Ok(())
    })
}

/// The timeout of each run; `XIEZHEN_NONE` removes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_timeout_ms(
    options: *mut xiezhen_run_many_options,
    timeout_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.shared.timeout = maybe_ms(timeout_ms);
        Ok(())
    })
}

/// Creates again, and is billed again for, what has failed or has an unknown outcome when the call begins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_recreate(
    options: *mut xiezhen_run_many_options,
    recreate: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.shared.recreate = recreate;
        Ok(())
    })
}

/// Called for each event. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_on_event(
    options: *mut xiezhen_run_many_options,
    on_event: xiezhen_on_job_event,
    user_data: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.on_event = on_event;
        options.on_event_data = user_data;
        Ok(())
    })
}

/// Called for each job as it ends. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_on_end(
    options: *mut xiezhen_run_many_options,
    on_end: xiezhen_on_job_end,
    user_data: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.on_end = on_end;
        options.on_end_data = user_data;
        Ok(())
    })
}

/// What may stop the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_cancel(
    options: *mut xiezhen_run_many_options,
    cancel: *const xiezhen_cancel,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| options.shared.set_cancel(cancel))
}

/// Creates tell the service to report to addresses of these, which call a job by its id, and what comes back is
/// acted on at once. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many_options_set_callback(
    options: *mut xiezhen_run_many_options,
    callback: *const xiezhen_callbacks,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.shared.set_callback(callback);
        Ok(())
    })
}

/// The jobs under their keys, if there are any.
fn keyed(jobs: *const *const xiezhen_job, keys: *const *const c_char, count: usize) -> Result<Vec<KeyedJob>> {
    let handles = slice(jobs, count, "jobs");
    let keys = if keys.is_null() { Ok(None) } else { texts(keys, count, "keys").map(Some) };
    let (handles, keys) = (handles, keys).all()?;
    let jobs = each(handles, "jobs", |job, name| Ok(borrow(*job, name)?.core.clone()))?;
    Ok(match keys {
        None => jobs.into_iter().map(KeyedJob::from).collect(),
        Some(keys) => keys.into_iter().zip(jobs).map(KeyedJob::from).collect(),
    })
}

fn run_many(
    client: *const xiezhen_client,
    jobs: Result<Vec<KeyedJob>>,
    options: &xiezhen_run_many_options,
    mode: Mode,
) -> Result<Call<Vec<Result<Job>>>> {
    let set =
        [OptionKind::OnEvent.if_set(options.on_event.as_ref()), OptionKind::OnEnd.if_set(options.on_end.as_ref())];
    let known: &[_] = match mode {
        Mode::Blocking => &[OptionKind::OnEvent, OptionKind::OnEnd],
        Mode::Begun => &[],
    };
    let refused = OptionKind::refuse_unknown("xiezhen_begin_run_many", set, known);
    let (client, jobs, ()) = (borrow(client, "client"), jobs, refused).all()?;

    let mut run = RunManyOptions::default().recreate(options.shared.recreate).callback(options.shared.callback.clone());
    run.save_to.clone_from(&options.shared.save_to);
    run.checkpoints.clone_from(&options.checkpoints);
    run.concurrency = options.concurrency;
    run.timeout = options.shared.timeout;
    let (hears_events, hears_ends) = (mode.is_heard(options.on_event), mode.is_heard(options.on_end));
    Ok(Call::emitting(client, options.shared.cancel.clone(), "run_many", move |core, said| {
        if hears_events {
            let said = said.clone();
            run.on_event = Some(Arc::new(move |index, event| said.emit(Message::JobEvent(index, event))));
        }
        if hears_ends {
            let end = move |index, ended: &Result<Job>| said.emit(Message::JobEnded(index, ended.clone().map(drop)));
            run.on_end = Some(Arc::new(end));
        }
        async move { core.run_many(jobs, run).await }
    }))
}

/// Brings many jobs to their end, side by side on this client's rate limit. One that fails stops no other: `errors` has what went
/// wrong with each, in the order given, and the jobs change in place.
///
/// `keys`, which may be NULL, are names of yours, such as order numbers; without them a job is known by its photos and styles. Each
/// job has a checkpoint of its own: the same jobs run again resume where they left off. The same job twice is refused
/// before anything is sent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_many(
    client: *const xiezhen_client,
    jobs: *const *const xiezhen_job,
    keys: *const *const c_char,
    job_count: usize,
    options: *const xiezhen_run_many_options,
    errors: *mut *mut xiezhen_errors,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let call = run_many(client, keyed(jobs, keys, job_count), &options, Mode::Blocking);
        let (call, errors) = (call, out(errors, "errors")).all()?;
        *errors = handle(xiezhen_errors::new(block_on_call(call, |message| options.hear(message))?));
        Ok(())
    })
}

/// `xiezhen_run_many`, begun: a completion for each event and each job that ends, with its index; the last one has the errors.
/// `on_event` and `on_end` are refused here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_run_many(
    client: *const xiezhen_client,
    jobs: *const *const xiezhen_job,
    keys: *const *const c_char,
    job_count: usize,
    options: *const xiezhen_run_many_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let call = run_many(client, keyed(jobs, keys, job_count), &options, Mode::Begun);
        let (call, queue) = (call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Jobs)
    })
}
