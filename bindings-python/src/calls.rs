//! The calls that emit something on their way, as futures that are told where to emit it.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, task::spawn_blocking};
use xiezhen::{
    AdvanceOptions, Client, Error, Job, KeyedJob, OnEvent, Result, RunManyOptions, RunOptions, SaveError, Task,
};

use crate::callbacks::{Callbacks, Emit, Message, Store};

/// A call that has its arguments and begins once it knows where to emit.
pub(crate) type Work<T> = Box<dyn FnOnce(Emit) -> BoxFuture<'static, Result<T>> + Send>;

/// Waits for many tasks; emits each outcome as it comes.
pub(crate) fn wait_many(client: Client, task_ids: Vec<String>, timeout: Option<Duration>) -> Work<()> {
    Box::new(move |emit| {
        let on_end = move |index: usize, outcome: &Result<Task>| emit(Message::Ended(index, outcome.clone()));
        Box::pin(async move { client.wait_many(&task_ids, timeout, on_end).await.map(drop) })
    })
}

/// How a job that is in a store is advanced; hints are JSON.
pub(crate) fn stored_options(
    job: &Job,
    key: &str,
    save_to: Option<PathBuf>,
    recreate: bool,
    woken: &[String],
) -> AdvanceOptions {
    let mut options = AdvanceOptions::default().recreate(recreate).stored(job, key, woken);
    options.save_to = save_to;
    options
}

/// Does what is due of a job.
pub(crate) fn advance(
    client: Client,
    job: Job,
    mut options: AdvanceOptions,
    callbacks: &Callbacks,
) -> Work<Option<f64>> {
    let (listens, store) = (callbacks.listens(), callbacks.store());
    Box::new(move |emit| {
        options.on_event = listens.then(|| on_event(emit.clone(), None));
        let save = save(emit, store);
        Box::pin(async move { Ok(client.advance(&job, save, options).await?.map(|delay| delay.as_secs_f64())) })
    })
}

/// Brings a job to its end.
pub(crate) fn run(client: Client, job: Job, mut options: RunOptions, progress: bool, listens: bool) -> Work<()> {
    Box::new(move |emit| {
        let bars = progress.then(xiezhen::cli::progress);
        options.on_event = if listens { Some(on_event(emit, bars)) } else { bars };
        Box::pin(async move { client.run(&job, options).await })
    })
}

/// Brings many jobs to their ends.
pub(crate) fn run_many(
    client: Client,
    jobs: Vec<KeyedJob>,
    mut options: RunManyOptions,
    callbacks: &Callbacks,
) -> Work<Vec<Result<Job>>> {
    let (listens, hears_ends) = (callbacks.listens(), callbacks.hears_ends());
    Box::new(move |emit| {
        if listens {
            let emit = emit.clone();
            options = options.on_event(move |index, event| emit(Message::JobEvent(index, event)));
        }
        if hears_ends {
            options = options.on_end(move |index, ended| {
                emit(Message::JobEnded(index, ended.as_ref().err().cloned()));
            });
        }
        Box::pin(async move { client.run_many(jobs, options).await })
    })
}

/// Emits events, to the progress bars first.
fn on_event(emit: Emit, bars: Option<OnEvent>) -> OnEvent {
    Arc::new(move |event| {
        if let Some(bars) = &bars {
            bars(event.clone());
        }
        emit(Message::Event(event));
    })
}

/// Has the caller store the job, and waits until it has. If the caller has left, it is stored all the same.
fn save(
    emit: Emit,
    store: Option<Arc<Store>>,
) -> impl Fn(Job) -> Pin<Box<dyn Future<Output = Result<(), SaveError>> + Send>> + Send + Sync + 'static {
    move |_job| {
        let (reply, saved) = oneshot::channel();
        emit(Message::Save(reply));
        let store = store.clone();
        Box::pin(async move {
            match (saved.await, store) {
                (Ok(saved), _) => saved,
                (Err(_), Some(store)) => save_unattended(store).await,
                (Err(_), None) => Err(Error::cancelled("saving the job").into()),
            }
        })
    }
}

/// Taking the GIL may block, so never on the thread that drives the runtime.
async fn save_unattended(store: Arc<Store>) -> Result<(), SaveError> {
    let saved = spawn_blocking(move || store.save_unattended()).await;
    saved.unwrap_or_else(|_| Err(Error::cancelled("saving the job").into()))
}
