//! A job, taken further: `run` to its end, `advance` as far as is due.

use std::{ffi::c_void, pin::Pin, sync::Arc, time::Duration};

use tokio::sync::oneshot;
use xiezhen_core::{AdvanceOptions, Error, ErrorKind, Job, OnEvent, Result, RunOptions, SaveError};

use crate::{
    blocking::block_on_call,
    call::{Call, Emit, Message, Mode},
    call_options::OptionKind,
    client::xiezhen_client,
    completion::Outcome,
    error::{boundary, xiezhen_error, xiezhen_status},
    exit,
    ffi::{Arguments, borrow, maybe, out, refuse},
    job::xiezhen_job,
    queue::xiezhen_queue,
    run_options::xiezhen_run_options,
    version::XIEZHEN_NONE,
};

fn run(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: &xiezhen_run_options,
    mode: Mode,
) -> Result<Call<()>> {
    let (client, job) = (borrow(client, "client"), borrow(job, "job")).all()?;
    let mut run = RunOptions::default()
        .recreate(options.shared.recreate)
        .callback(options.shared.callback.clone())
        .callback_key(options.callback_key.clone());
    run.save_to.clone_from(&options.shared.save_to);
    run.checkpoint.clone_from(&options.checkpoint);
    run.timeout = options.shared.timeout;
    let is_heard = mode.is_heard(options.on_event);
    let (running, pending) = (job.core.clone(), job.core.clone());
    let call = Call::emitting(client, options.shared.cancel.clone(), "run", move |core, said| {
        run.on_event = is_heard.then(|| event_sink(said));
        async move { core.run(&running, run).await }
    });
    Ok(call.about(move |error| pending.name_pending(error)))
}

/// Brings a job to its end: uploads, trains, generates, waits, saves.
///
/// With a checkpoint, a run that was cut off at any instant resumes where it left off: nothing that was confirmed is
/// uploaded or billed again. On an error, the job holds all that was known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: *const xiezhen_run_options,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let known = [OptionKind::Checkpoint, OptionKind::OnEvent, OptionKind::Timeout];
        let call = run(client, job, &options, Mode::Blocking);
        let ((), call) = (options.check("xiezhen_run", &known), call).all()?;
        block_on_call(call, |message| options.hear(message))
    })
}

/// `xiezhen_run`, begun: a completion for each event, then the last one. `on_event` is refused here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_run(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: *const xiezhen_run_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let refused = options.check("xiezhen_begin_run", &[OptionKind::Checkpoint, OptionKind::Timeout]);
        let call = run(client, job, &options, Mode::Begun);
        let ((), call, queue) = (refused, call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, |()| Outcome::Nothing)
    })
}

/// Stores a job (`xiezhen_job_to_json`), so that any process can resume from there. Returning anything but 0
/// says that it could not: the call ends with `XIEZHEN_IO`, and nothing more is sent. It may be called again after that, with
/// the answers of calls that were in flight. The job lives for the callback only. A store that compares versions says by
/// `xiezhen_job_conflict` that somebody else was faster.
pub type xiezhen_save = Option<unsafe extern "C" fn(job: *const xiezhen_job, user_data: *mut c_void) -> i32>;

fn advance(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: &xiezhen_run_options,
    mode: Mode,
) -> Result<Call<Option<Duration>>> {
    let (client, job) = (borrow(client, "client"), borrow(job, "job")).all()?;
    let mut advance = AdvanceOptions::default()
        .recreate(options.shared.recreate)
        .timeout(options.shared.timeout)
        .callback(options.shared.callback.clone())
        .callback_key(options.callback_key.clone())
        .woken(options.woken.clone());
    advance.save_to.clone_from(&options.shared.save_to);
    let is_heard = mode.is_heard(options.on_event);
    let (advancing, pending) = (job.core.clone(), job.core.clone());
    let call = Call::emitting(client, options.shared.cancel.clone(), "advance", move |core, said| {
        advance.on_event = is_heard.then(|| event_sink(said.clone()));
        async move { core.advance(&advancing, save_through(said), advance).await }
    });
    Ok(call.about(move |error| pending.name_pending(error)))
}

/// Does all that is due of a job, without waiting for the service's work, and says after how long to call it again;
/// `XIEZHEN_NONE` when the job is done.
///
/// Before each create, the job notes the intent and `save` is called with it; if that fails, nothing is sent. After each
/// answer it is called again. If the call is stopped while a create is in flight, the create runs on, and no `save` tells of
/// its answer: call this again with the same handle, which waits for the answer, or store the job later yourself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_advance(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    save: xiezhen_save,
    user_data: *mut c_void,
    options: *const xiezhen_run_options,
    next_ms: *mut u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let known = [OptionKind::OnEvent, OptionKind::Timeout, OptionKind::Woken];
        let refused = options.check("xiezhen_advance", &known);
        let call = advance(client, job, &options, Mode::Blocking);
        let save = save.ok_or_else(|| refuse("save is NULL".into()));
        let ((), call, save, next_ms) = (refused, call, save, out(next_ms, "next_ms")).all()?;
        let next = block_on_call(call, |message| match message {
            Message::Save(job, reply) => {
                let job = xiezhen_job::new(job);
                // SAFETY: the callback is the caller's, and the job lives for the call.
                let returned = unsafe { save(&raw const job, user_data) };
                // Nobody takes the reply if the call was stopped meanwhile.
                let _ = reply.send(job.stored(returned));
                Ok(())
            }
            message => options.hear(message),
        })?;
        *next_ms = next.map_or(XIEZHEN_NONE, |pause| pause.as_millis() as u64);
        Ok(())
    })
}

/// `xiezhen_advance`, begun: completions for events, and for the job to be stored (`xiezhen_completion_job`, which is to be
/// answered); the last one says after how long to go on (`xiezhen_completion_next_ms`). `on_event` is refused here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_begin_advance(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: *const xiezhen_run_options,
    queue: *const xiezhen_queue,
    tag: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let refused = options.check("xiezhen_begin_advance", &[OptionKind::Timeout, OptionKind::Woken]);
        let call = advance(client, job, &options, Mode::Begun);
        let ((), call, queue) = (refused, call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Next)
    })
}

/// Hands events on to whoever hears what the call reports.
fn event_sink(said: Emit) -> OnEvent {
    Arc::new(move |event| said.emit(Message::Event(event)))
}

/// Has a job stored by whoever hears what the call reports, and waits for how that went.
fn save_through(
    said: Emit,
) -> impl Fn(Job) -> Pin<Box<dyn Future<Output = Result<(), SaveError>> + Send>> + Send + Sync + 'static {
    move |job| {
        let said = said.clone();
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            said.emit(Message::Save(job, reply));
            let stored = tokio::select! {
                biased;
                stored = answer => stored.ok(),
                () = exit::unanswered() => None,
            };
            let unanswered = "the job could not be saved: nobody answered the completion that asked for it";
            stored.unwrap_or_else(|| Err(Error::new(ErrorKind::Io, unanswered).into()))
        })
    }
}
