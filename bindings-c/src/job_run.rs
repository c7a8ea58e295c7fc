//! A job, taken further: `run` to its end, `advance` as far as is due.

use std::{
    ffi::{c_char, c_void},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use xiezhen_core::{AdvanceOptions, Callbacks, Error, ErrorKind, Hint, Job, OnEvent, Result, RunOptions, SaveError};

use crate::{
    blocking::block_on_call,
    call::{Call, Emit, Message},
    call_options::OptionKind,
    callbacks::{self, xiezhen_callbacks, xiezhen_hint},
    cancel::xiezhen_cancel,
    client::xiezhen_client,
    completion::Outcome,
    error::{boundary, xiezhen_error, xiezhen_status},
    event::{xiezhen_event, xiezhen_on_event},
    exit,
    ffi::{Arguments, borrow, borrow_mut, free, handle, maybe, out, refuse, text},
    job::xiezhen_job,
    queue::xiezhen_queue,
    version::{XIEZHEN_NONE, maybe_ms},
    waits::carry_on,
};

/// Options of `xiezhen_run` and `xiezhen_advance`.
#[derive(Clone)]
pub struct xiezhen_run_options {
    save_to: Option<PathBuf>,
    checkpoint: Option<PathBuf>,
    timeout: Option<Duration>,
    recreate: bool,
    on_event: xiezhen_on_event,
    user_data: *mut c_void,
    cancel: Option<CancellationToken>,
    callback: Option<Callbacks>,
    callback_key: Option<String>,
    woken: Vec<Hint>,
}

impl Default for xiezhen_run_options {
    fn default() -> Self {
        Self {
            save_to: None,
            checkpoint: None,
            timeout: None,
            recreate: false,
            on_event: None,
            user_data: std::ptr::null_mut(),
            cancel: None,
            callback: None,
            callback_key: None,
            woken: Vec::new(),
        }
    }
}

impl xiezhen_run_options {
    /// Refuses what is set of the options that a call does not know.
    fn check(&self, call: &str, knows: &[OptionKind]) -> Result<()> {
        let set = [
            (OptionKind::Checkpoint, self.checkpoint.is_some()),
            (OptionKind::OnEvent, self.on_event.is_some()),
            (OptionKind::Timeout, self.timeout.is_some()),
            (OptionKind::Woken, !self.woken.is_empty()),
        ];
        OptionKind::refuse_unknown(call, &set, knows)
    }

    /// Tells the caller's callback of an event, on this thread.
    fn hear(&self, message: Message) -> Result<()> {
        let (Message::Event(event), Some(tell)) = (message, self.on_event) else { return Ok(()) };
        let event = xiezhen_event::new(event);
        // SAFETY: the callback is the caller's, and the event lives for the call.
        carry_on("on_event", unsafe { tell(&raw const event, self.user_data) })
    }
}

/// Options of which none is set.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_run_options_new() -> *mut xiezhen_run_options {
    handle(xiezhen_run_options::default())
}

/// Frees options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_free(options: *mut xiezhen_run_options) {
    free(options);
}

fn set(
    options: *mut xiezhen_run_options,
    error: *mut *mut xiezhen_error,
    change: impl FnOnce(&mut xiezhen_run_options) -> Result<()>,
) -> xiezhen_status {
    boundary(error, || {
        let options = borrow_mut(options, "options");
        let mut changed = options.as_ref().map(|options| (*options).clone()).unwrap_or_default();
        let (options, ()) = (options, change(&mut changed)).all()?;
        *options = changed;
        Ok(())
    })
}

/// The folder for pictures; without one, none are fetched. The job remembers it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_save_to(
    options: *mut xiezhen_run_options,
    save_to: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.save_to = Some(text(save_to, "save_to")?.into());
        Ok(())
    })
}

/// The file that keeps the job, so that it can go on after this process. Loaded if it is there. For `xiezhen_run`.
///
/// Written whole, readable by its owner only, and held by one process at a time through a lock file beside it, which
/// needs a local file system.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_checkpoint(
    options: *mut xiezhen_run_options,
    checkpoint: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.checkpoint = Some(text(checkpoint, "checkpoint")?.into());
        Ok(())
    })
}

/// Bounds the whole call: `XIEZHEN_TIMEOUT`, and the same call goes on. Without it, each task's own deadline bounds a run (training
/// 2 h, generation 30 min), and the client's timeout each call of an advance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_timeout_ms(
    options: *mut xiezhen_run_options,
    timeout_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.timeout = maybe_ms(timeout_ms);
        Ok(())
    })
}

/// Starts again, and is billed again for, what is found failed, or with an unknown outcome, when the call begins.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_recreate(
    options: *mut xiezhen_run_options,
    recreate: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.recreate = recreate;
        Ok(())
    })
}

/// Called for each event, in order, before the call returns. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_on_event(
    options: *mut xiezhen_run_options,
    on_event: xiezhen_on_event,
    user_data: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.on_event = on_event;
        options.user_data = user_data;
        Ok(())
    })
}

/// What may stop the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_cancel(
    options: *mut xiezhen_run_options,
    cancel: *const xiezhen_cancel,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.cancel = Some(borrow(cancel, "cancel")?.0.clone());
        Ok(())
    })
}

/// Creates tell the service to report to addresses of these, and what comes back is acted on at once: with a receiver
/// (`xiezhen_callbacks_listen`), or whatever hands hints to `xiezhen_callbacks_deliver` or `xiezhen_notify_hint`. NULL for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_callback(
    options: *mut xiezhen_run_options,
    callback: *const xiezhen_callbacks,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.callback = maybe(callback).map(|callback| callback.core.clone());
        Ok(())
    })
}

/// What these addresses call the job; without it, the job's id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_callback_key(
    options: *mut xiezhen_run_options,
    callback_key: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.callback_key = Some(text(callback_key, "callback_key")?.to_owned());
        Ok(())
    })
}

/// Callbacks that came for this job, to this process or another: their tasks are polled at once. For `xiezhen_advance`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_run_options_set_woken(
    options: *mut xiezhen_run_options,
    woken: *const *const xiezhen_hint,
    woken_count: usize,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, error, |options| {
        options.woken = callbacks::hints(woken, woken_count)?;
        Ok(())
    })
}

fn run(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: &xiezhen_run_options,
    tells_events: bool,
) -> Result<Call<()>> {
    let (client, job) = (borrow(client, "client"), borrow(job, "job")).all()?;
    let mut run = RunOptions::default()
        .recreate(options.recreate)
        .callback(options.callback.clone())
        .callback_key(options.callback_key.clone());
    run.save_to.clone_from(&options.save_to);
    run.checkpoint.clone_from(&options.checkpoint);
    run.timeout = options.timeout;
    let (running, pending) = (job.core.clone(), job.core.clone());
    let call = Call::emitting(client, options.cancel.clone(), "run", move |core, said| {
        run.on_event = tells_events.then(|| event_sink(said));
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
        let call = run(client, job, &options, options.on_event.is_some());
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
        let call = run(client, job, &options, true);
        let ((), call, queue) = (refused, call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, |()| Outcome::Nothing)
    })
}

/// Stores a job (`xiezhen_job_to_json`), so that any process can resume from there. Returning anything but 0
/// says that it could not: the call ends with `XIEZHEN_IO`, and nothing more is sent. It may be called again after that, with
/// what was confirmed side by side. The job lives for the callback only. A store that compares versions says by
/// `xiezhen_job_conflict` that somebody else was faster.
pub type xiezhen_save = Option<unsafe extern "C" fn(job: *const xiezhen_job, user_data: *mut c_void) -> i32>;

fn advance(
    client: *const xiezhen_client,
    job: *const xiezhen_job,
    options: &xiezhen_run_options,
    tells_events: bool,
) -> Result<Call<Option<Duration>>> {
    let (client, job) = (borrow(client, "client"), borrow(job, "job")).all()?;
    let mut advance = AdvanceOptions::default()
        .recreate(options.recreate)
        .timeout(options.timeout)
        .callback(options.callback.clone())
        .callback_key(options.callback_key.clone())
        .woken(options.woken.clone());
    advance.save_to.clone_from(&options.save_to);
    let (advancing, pending) = (job.core.clone(), job.core.clone());
    let call = Call::emitting(client, options.cancel.clone(), "advance", move |core, said| {
        advance.on_event = tells_events.then(|| event_sink(said.clone()));
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
        let call = advance(client, job, &options, options.on_event.is_some());
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
        let call = advance(client, job, &options, true);
        let ((), call, queue) = (refused, call, borrow(queue, "queue")).all()?;
        queue.begin(call, tag, Outcome::Next)
    })
}

/// Hands events on to whoever hears what the call says.
fn event_sink(said: Emit) -> OnEvent {
    Arc::new(move |event| said.emit(Message::Event(event)))
}

/// Has a job stored by whoever hears what the call says, and waits for how that went.
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
