//! The calls that tell something on their way, in the form that both kinds of client start them.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use pyo3::prelude::*;
use tokio::{sync::oneshot, task::spawn_blocking};
use xiezhen::{AdvanceOptions, Client, Error, Job, OnEvent, Result, RunOptions, SaveError, Task};

use crate::{
    arguments::{self, LocalPath, Seconds},
    callbacks::{Callbacks, Message, Store, Tell},
};

/// A call that has its arguments, and waits to be told whom to tell.
pub(crate) type Work<T> = Box<dyn FnOnce(Tell) -> BoxFuture<'static, Result<T>> + Send>;

/// Waits for many tasks; each outcome is told as it comes.
pub(crate) fn wait_many(client: Client, task_ids: Vec<String>, timeout: Option<Duration>) -> Work<()> {
    Box::new(move |tell| {
        let on_end = move |index: usize, outcome: &Result<Task>| tell(Message::Ended(index, outcome.clone()));
        Box::pin(async move { client.wait_many(&task_ids, timeout, on_end).await.map(drop) })
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
    let (listens, store) = (callbacks.listens(), callbacks.store());
    Box::new(move |tell| {
        let mut options = AdvanceOptions::default().recreate(recreate);
        options.save_to = save_to;
        options.on_event = listens.then(|| on_event(tell.clone(), None));
        let save = save(tell, store);
        Box::pin(async move { Ok(client.advance(&job, save, options).await?.map(|delay| delay.as_secs_f64())) })
    })
}

/// What `run` takes beside the job and `progress`.
pub(crate) fn run_options(
    py: Python<'_>,
    save_to: Option<LocalPath>,
    checkpoint: Option<LocalPath>,
    timeout: Option<Seconds>,
    recreate: bool,
) -> PyResult<RunOptions> {
    let mut options = RunOptions::default().recreate(recreate);
    options.save_to = save_to.map(|path| path.0);
    options.checkpoint = checkpoint.map(|path| path.0);
    options.timeout = arguments::timeout(py, timeout)?;
    Ok(options)
}

/// Brings a job to its end.
pub(crate) fn run(
    client: Client,
    job: Job,
    mut options: RunOptions,
    progress: bool,
    callbacks: &Callbacks,
) -> Work<()> {
    let listens = callbacks.listens();
    Box::new(move |tell| {
        let bars = progress.then(xiezhen::cli::progress);
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

/// Has the caller store the job, and waits until it has. If the caller has left, it is stored all the same.
fn save(
    tell: Tell,
    store: Option<Arc<Store>>,
) -> impl Fn(Job) -> Pin<Box<dyn Future<Output = Result<(), SaveError>> + Send>> + Send + Sync + 'static {
    move |_job| {
        let (reply, saved) = oneshot::channel();
        tell(Message::Save(reply));
        let store = store.clone();
        Box::pin(async move {
            match (saved.await, store) {
                (Ok(saved), _) => Ok(saved?),
                (Err(_), Some(store)) => Ok(save_unheard(store).await?),
                (Err(_), None) => Err(Error::cancelled("saving the job").into()),
            }
        })
    }
}

/// Taking the GIL may block, so never on the thread that drives the runtime.
async fn save_unheard(store: Arc<Store>) -> Result<()> {
    let saved = spawn_blocking(move || store.save_unheard()).await;
    saved.unwrap_or_else(|_| Err(Error::cancelled("saving the job")))
}
