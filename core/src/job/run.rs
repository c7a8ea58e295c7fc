//! A job from wherever it stands to its end: advanced in a loop, kept in a checkpoint.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    AdvanceOptions, Job, RunOptions, SaveJob, checkpoint::Checkpoint, hints::Hints, record::Record, run_lock::RunLock,
    runner::JobRunner, steps::InFlight, styles, work::Reopen,
};
use crate::{
    callback::{Callbacks, Hint},
    error::{Error, ErrorKind, Result},
    session::Session,
};

/// How long a stored job is left alone whose photos can't be read here: they may be given again, or be readable elsewhere.
const PHOTOS_PAUSE: Duration = Duration::from_secs(30);

/// Does what is due of a job.
pub(crate) async fn advance(
    session: Arc<Session>,
    job: &Job,
    save: SaveJob,
    options: AdvanceOptions,
) -> Result<Option<Duration>> {
    let timeout = options.timeout;
    within(timeout, job, "advanced", "advance it again to go on", all_due(session, job, save, options)).await
}

async fn all_due(session: Arc<Session>, job: &Job, save: SaveJob, options: AdvanceOptions) -> Result<Option<Duration>> {
    let lock = RunLock::take(job).await?;
    let on_event = options.on_event;
    let hints = hints(&session, job, options.callback, options.callback_key, options.woken);
    let held = lock.lock.clone();
    let runner = JobRunner {
        session,
        job: job.clone(),
        save,
        on_event,
        has_timeout: false,
        stores_times: true,
        hints,
        _lock: held,
    };
    if let Err(error) = runner.enter(options.save_to).await {
        let is_refused = job.known(|record| !styles::problems(record).is_empty());
        return if options.ends_refused && is_refused { runner.end_refused(&error).await } else { Err(error) };
    }
    runner.verify_adopted().await?;
    job.edit(|record| record.reopen(Reopen { recreate: options.recreate, comes_back: false }));
    if options.ends_refused && runner.awaits_photos().await? {
        runner.save().await?;
        return Ok(Some(PHOTOS_PAUSE));
    }
    if let Err(error) = runner.prepare().await {
        let is_refused = options.ends_refused && error.kind() == ErrorKind::InvalidArgument;
        return if is_refused { runner.end_refused(&error).await } else { Err(error) };
    }

    let mut in_flight = InFlight::new(&runner);
    // What becomes due meanwhile is for the next time.
    let now = runner.session.now_ms();
    loop {
        in_flight.start_due(now);
        match in_flight.one_ends().await {
            Some(ended) => ended?,
            None => break,
        }
    }
    if runner.end_overdue() {
        runner.save().await?;
    }
    if job.known(Record::is_over) { runner.conclude().await.map(|()| None) } else { Ok(Some(in_flight.pause())) }
}

/// Brings a job to its end.
pub(crate) async fn run(session: Arc<Session>, job: &Job, options: RunOptions) -> Result<()> {
    let timeout = options.timeout;
    // Without a checkpoint, the same program run again makes another job.
    let again = match options.checkpoint {
        Some(_) => "run it again to go on",
        None => "run this same job again, or its JSON, to go on: a new one is billed anew",
    };
    within(timeout, job, "done", again, to_the_end(session, job, options)).await
}

/// Bounds what is done with a job. Of what was not `done` in time, the caller is told how to go on.
async fn within<T>(
    timeout: Option<Duration>,
    job: &Job,
    done: &str,
    again: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some(timeout) = timeout else { return work.await };
    let ended = tokio::time::timeout(timeout, work).await;
    ended.unwrap_or_else(|_| {
        if let Some(unknown) = JobRunner::unknown_error(job) {
            return Err(unknown);
        }
        let message = format!(
            "the job was not {done} within {} s (it is {}); {again}",
            timeout.as_secs_f64(),
            job.stage().name()
        );
        Err(Error::new(ErrorKind::Timeout, message))
    })
}

async fn to_the_end(session: Arc<Session>, job: &Job, options: RunOptions) -> Result<()> {
    let lock = RunLock::take(job).await?;
    let save = match options.checkpoint {
        Some(path) => take_checkpoint(&session, job, path).await?,
        None => Arc::new(|_| Box::pin(std::future::ready(Ok(()))) as _),
    };
    let (has_timeout, on_event) = (options.timeout.is_some(), options.on_event);
    // After the checkpoint was read: it has the job's id.
    let hints = hints(&session, job, options.callback, options.callback_key, Vec::new());
    let held = lock.lock.clone();
    let runner =
        JobRunner { session, job: job.clone(), save, on_event, has_timeout, stores_times: false, hints, _lock: held };
    runner.enter(options.save_to).await?;
    runner.verify_adopted().await?;
    // A run may end before its first answer: what its caller has decided, such as which task to adopt, outlasts it.
    if job.known(Record::has_begun) {
        runner.save().await?;
    }
    job.edit(|record| {
        record.reopen(Reopen { recreate: options.recreate, comes_back: true });
        record.restart_wait();
    });
    runner.emit_pending();
    runner.prepare().await?;

    let mut in_flight = InFlight::new(&runner);
    let mut notify_listener = runner.session.scheduler.notify_listener();
    loop {
        if runner.end_overdue() {
            runner.save().await?;
        }
        in_flight.start_due(runner.session.now_ms());
        if in_flight.is_empty() && job.known(Record::is_over) && !runner.awaits_callback() {
            return runner.conclude().await;
        }
        let pending: Vec<String> = job.known(|record| record.pending().into_iter().map(|(_, task)| task).collect());
        notify_listener.listen_for(&pending);
        let pause = in_flight.pause();
        tokio::select! {
            Some(ended) = in_flight.one_ends() => ended?,
            () = runner.hints.arrived() => {}
            notified = notify_listener.sleep(pause) => {
                if let Some(task_id) = notified {
                    in_flight.notified(&task_id, runner.session.now_ms());
                }
            }
        }
    }
}

fn hints(
    session: &Session,
    job: &Job,
    callbacks: Option<Callbacks>,
    key: Option<String>,
    woken: Vec<Hint>,
) -> Arc<Hints> {
    Arc::new(Hints::new(session, callbacks, key.unwrap_or_else(|| job.id()), woken))
}

/// Locks the checkpoint, takes over what it holds, and returns the way to write it.
async fn take_checkpoint(session: &Session, job: &Job, path: PathBuf) -> Result<SaveJob> {
    let shown = path.display().to_string();
    let files = session.transport.files.clone();
    let open = move || {
        let checkpoint = Checkpoint::open(&path)?;
        let stored = checkpoint.load()?;
        Ok::<_, Error>((Arc::new(checkpoint), stored))
    };
    let (checkpoint, stored) = files.run(open).await??;

    if let Some(stored) = stored {
        take_up(session, job, &stored, &shown).await?;
    }
    Ok(Arc::new(move |job: Job| {
        let (files, checkpoint) = (files.clone(), checkpoint.clone());
        Box::pin(async move { Ok(files.run(move || checkpoint.save(&job)).await??) })
    }))
}

/// Takes over what a checkpoint knows of the job, if it is this job's.
pub(super) async fn take_up(session: &Session, job: &Job, stored: &Job, shown: &str) -> Result<()> {
    // Before anything is taken over: a refused job stays what it was.
    let elsewhere = stored.known(|record| record.problem_at(&session.options.host()));
    if let Some(problem) = elsewhere {
        return Err(Error::invalid(vec![format!("the checkpoint {shown} can't be used: {problem}")]));
    }
    let unread = job.known(|record| record.photos.iter().any(|photo| photo.sha256.is_none()));
    if unread {
        job.digest_photos(&session.transport.files).await?;
    }
    let stored_record = stored.known(Clone::clone);
    let newer = job.known(|record| {
        let same = record.same_order(&stored_record);
        same.map(|()| stored_record.revision >= record.revision)
    });
    match newer {
        Ok(true) => job.take_over(stored),
        Ok(false) => {}
        Err(other) => {
            let problem = format!("the checkpoint {shown} belongs to {other}: use another file for this job");
            return Err(Error::invalid(vec![problem]));
        }
    }
    Ok(())
}
