//! The calls that tell something on their way, in the form that both kinds of client start them.

use std::{path::PathBuf, sync::Arc};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use xiezhen::{AdvanceOptions, Client, Error, Job, OnEvent, Result, RunOptions, SaveJob, Task};

use crate::{
    arguments::Seconds,
    callbacks::{Callbacks, Message, Tell},
};

/// A call that has its arguments, and waits to be told whom to tell.
pub(crate) type Work<T> = Box<dyn FnOnce(Tell) -> BoxFuture<'static, Result<T>> + Send>;

/// Waits for many tasks.
pub(crate) fn wait_many(client: Client, task_ids: Vec<String>, timeout: Option<Seconds>) -> Work<Vec<Result<Task>>> {
    Box::new(move |tell| {
        let on_end = move |index: usize, outcome: &Result<Task>| tell(Message::Ended(index, outcome.clone()));
        Box::pin(async move { client.wait_many(&task_ids, timeout.map(|timeout| timeout.0), on_end).await })
    })
}

/// Does what is due of a job.
pub(crate) fn advance(
    client: Client,
    job: Job,
    save_to: Option<PathBuf>,
    recreate: bool,
    callbacks: &Callbacks,
) -> Work<Option<f64>> {
    let listens = callbacks.listens();
    Box::new(move |tell| {
        let mut options = AdvanceOptions::default().recreate(recreate);
        options.save_to = save_to;
        options.on_event = listens.then(|| on_event(tell.clone(), None));
        let save = save(tell);
        Box::pin(async move { Ok(client.advance_with(&job, save, options).await?.map(|delay| delay.as_secs_f64())) })
    })
}

/// What `run` takes beside the job.
pub(crate) struct Run {
    pub(crate) save_to: Option<PathBuf>,
    pub(crate) checkpoint: Option<PathBuf>,
    pub(crate) timeout: Option<Seconds>,
    pub(crate) recreate: bool,
    pub(crate) progress: bool,
}

/// Brings a job to its end.
pub(crate) fn run(client: Client, job: Job, run: Run, callbacks: &Callbacks) -> Work<()> {
    let listens = callbacks.listens();
    Box::new(move |tell| {
        let mut options = RunOptions::default().recreate(run.recreate);
        options.save_to = run.save_to;
        options.checkpoint = run.checkpoint;
        options.timeout = run.timeout.map(|timeout| timeout.0);
        let bars = run.progress.then(xiezhen::cli::progress);
        options.on_event = if listens { Some(on_event(tell, bars)) } else { bars };
        Box::pin(async move { client.run(&job, options).await })
    })
}

/// Tells the caller of events, and the progress bars first.
fn on_event(tell: Tell, bars: Option<OnEvent>) -> OnEvent {
    Arc::new(move |event| {
        if let Some(bars) = &bars {
            bars(event.clone());
        }
        tell(Message::Event(event));
    })
}

/// Has the caller store the job, and waits until it has.
fn save(tell: Tell) -> SaveJob {
    Arc::new(move |_job| {
        let (reply, saved) = oneshot::channel();
        tell(Message::Save(reply));
        Box::pin(async move { saved.await.unwrap_or_else(|_| Err(Error::cancelled("saving the job"))) })
    })
}
