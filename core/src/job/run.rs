//! A job from wherever it stands to its end: advanced in a loop, kept in a checkpoint.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    AdvanceOptions, Job, RunOptions, SaveJob, advance::Advance, checkpoint::Checkpoint, pieces::UnderWay,
    record::Record, turn::Turn,
};
use crate::{
    error::{Error, ErrorKind, Result},
    photo::interrupted,
    session::Session,
};

/// Does what is due of a job.
pub(crate) async fn advance(
    session: Arc<Session>,
    job: &Job,
    save: SaveJob,
    options: AdvanceOptions,
) -> Result<Option<Duration>> {
    let turn = Turn::take(job).await?;
    let on_event = options.on_event;
    let advance = Advance { session, job: job.clone(), save, on_event, has_timeout: false, _turn: turn.lock.clone() };
    advance.enter(options.save_to)?;
    job.edit(|record| record.reopen(options.recreate, false));
    advance.prepare().await?;

    let mut under_way = UnderWay::new(&advance);
    // What becomes due meanwhile is for the next time.
    let now = advance.session.now_ms();
    loop {
        under_way.begin_due(now);
        match under_way.one_ends().await {
            Some(ended) => ended?,
            None => break,
        }
    }
    if advance.end_overdue() {
        advance.save().await?;
    }
    if job.known(Record::is_over) { advance.conclude().await.map(|()| None) } else { Ok(Some(under_way.pause())) }
}

/// Brings a job to its end.
pub(crate) async fn run(session: Arc<Session>, job: &Job, options: RunOptions) -> Result<()> {
    let Some(timeout) = options.timeout else { return to_the_end(session, job, options).await };
    let ended = tokio::time::timeout(timeout, to_the_end(session, job, options)).await;
    ended.unwrap_or_else(|_| {
        let message = format!(
            "the job was not done within {} s (it is {}); run it again to go on",
            timeout.as_secs_f64(),
            job.stage().name()
        );
        Err(Error::new(ErrorKind::Timeout, message))
    })
}

async fn to_the_end(session: Arc<Session>, job: &Job, options: RunOptions) -> Result<()> {
    let turn = Turn::take(job).await?;
    let save = match options.checkpoint {
        Some(path) => take_checkpoint(&session, job, path).await?,
        None => Arc::new(|_| Box::pin(std::future::ready(Ok(()))) as _),
    };
    let (has_timeout, on_event) = (options.timeout.is_some(), options.on_event);
    let advance = Advance { session, job: job.clone(), save, on_event, has_timeout, _turn: turn.lock.clone() };
    advance.enter(options.save_to)?;
    // A run may end before its first answer: what its caller has decided, such as which task to adopt, outlasts it.
    if job.known(Record::has_begun) {
        advance.save().await?;
    }
    job.edit(|record| {
        record.reopen(options.recreate, true);
        record.wait_anew();
    });
    advance.tell_pending();
    advance.prepare().await?;

    let mut under_way = UnderWay::new(&advance);
    let mut notify_listener = advance.session.scheduler.notify_listener();
    loop {
        if advance.end_overdue() {
            advance.save().await?;
        }
        under_way.begin_due(advance.session.now_ms());
        if under_way.is_empty() && job.known(Record::is_over) {
            return advance.conclude().await;
        }
        let pending: Vec<String> = job.known(|record| record.pending().into_iter().map(|(_, task)| task).collect());
        notify_listener.listen_for(&pending);
        let pause = under_way.pause();
        tokio::select! {
            Some(ended) = under_way.one_ends() => ended?,
            noticed = notify_listener.sleep(pause) => {
                if let Some(task_id) = noticed {
                    under_way.notice(&task_id);
                }
            }
        }
    }
}

/// Locks the checkpoint, takes over what it holds, and returns the way to write it.
async fn take_checkpoint(session: &Session, job: &Job, path: PathBuf) -> Result<SaveJob> {
    let shown = path.display().to_string();
    let opened = tokio::task::spawn_blocking(move || {
        let checkpoint = Checkpoint::open(&path)?;
        let stored = checkpoint.load()?;
        Ok::<_, Error>((Arc::new(checkpoint), stored))
    });
    let (checkpoint, stored) = opened.await.map_err(interrupted)??;

    if let Some(stored) = stored {
        // Before anything is taken over: a refused job stays what it was.
        let elsewhere = stored.known(|record| record.problem_at(&session.options.host()));
        if let Some(problem) = elsewhere {
            return Err(Error::invalid(vec![format!("the checkpoint {shown} can't be used: {problem}")]));
        }
        let unread = job.known(|record| record.photos.iter().any(|photo| photo.sha256.is_none()));
        if unread {
            job.check_photos(session).await?;
        }
        let stored_record = stored.known(Clone::clone);
        let newer = job.known(|record| {
            let same = record.same_wish(&stored_record);
            same.map(|()| stored_record.revision >= record.revision)
        });
        match newer {
            Ok(true) => job.take_over(&stored),
            Ok(false) => {}
            Err(other) => {
                let problem = format!("the checkpoint {shown} belongs to {other}: use another file for this job");
                return Err(Error::invalid(vec![problem]));
            }
        }
    }
    Ok(Arc::new(move |job: Job| {
        let checkpoint = checkpoint.clone();
        Box::pin(async move {
            let saved = tokio::task::spawn_blocking(move || checkpoint.save(&job)).await;
            saved.map_err(interrupted)?
        })
    }))
}
