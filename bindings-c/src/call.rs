//! A call that has its arguments: it is made on this thread (`blocking.rs`), or begun on a queue (`queue.rs`).

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use xiezhen_core::{Client, Error, Event, Job, Result, SaveError, Task};

use crate::{
    client::xiezhen_client,
    log::{self, LogCallback},
};

/// What a call reports before it ends.
pub(crate) enum Message {
    Event(Event),
    /// The job is to be stored, and the call waits for how that went.
    Save(Job, oneshot::Sender<Result<(), SaveError>>),
    /// A task of several has ended.
    Ended(usize, Result<Task>),
    /// An event of one job of several.
    JobEvent(usize, Event),
    /// A job of several has ended.
    JobEnded(usize, Result<()>),
}

/// Where a call reports.
#[derive(Clone)]
pub(crate) struct Emit(Arc<dyn Fn(Message) + Send + Sync>);

impl Emit {
    pub(crate) fn new(emit: impl Fn(Message) + Send + Sync + 'static) -> Self {
        Self(Arc::new(emit))
    }

    pub(crate) fn emit(&self, message: Message) {
        (self.0)(message);
    }
}

/// How a call is made, and so who hears what it reports.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// On the thread that waits for it: the caller's callbacks hear, where there are any.
    Blocking,
    /// Begun on a queue, which takes all of it.
    Begun,
}

impl Mode {
    /// Whether anybody hears what is for `callback`.
    pub(crate) fn is_heard<F: Copy>(self, callback: Option<F>) -> bool {
        self == Self::Begun || callback.is_some()
    }
}

type Outcome<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// A call with its arguments, not yet made.
pub(crate) struct Call<T> {
    core: Client,
    client: u64,
    log: Option<LogCallback>,
    cancel: Option<CancellationToken>,
    name: &'static str,
    work: Box<dyn FnOnce(Client, Emit) -> Outcome<T> + Send>,
    name_subject: Box<dyn FnOnce(Error) -> Error + Send>,
}

impl<T: Send + 'static> Call<T> {
    /// A call that reports nothing before it ends.
    pub(crate) fn new<F: Future<Output = Result<T>> + Send + 'static>(
        client: &xiezhen_client,
        cancel: Option<CancellationToken>,
        name: &'static str,
        work: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Self {
        Self::emitting(client, cancel, name, |core, _| work(core))
    }

    pub(crate) fn emitting<F: Future<Output = Result<T>> + Send + 'static>(
        client: &xiezhen_client,
        cancel: Option<CancellationToken>,
        name: &'static str,
        work: impl FnOnce(Client, Emit) -> F + Send + 'static,
    ) -> Self {
        Self {
            core: client.core.begun(),
            client: client.number,
            log: client.log,
            cancel,
            name,
            work: Box::new(|core, emit| Box::pin(work(core, emit))),
            name_subject: Box::new(|error| error),
        }
    }

    /// Has every error of the call, a cancellation too, name what it is about.
    pub(crate) fn about(mut self, name_subject: impl FnOnce(Error) -> Error + Send + 'static) -> Self {
        self.name_subject = Box::new(name_subject);
        self
    }

    /// Errors name this task.
    pub(crate) fn about_task(self, task_id: &str) -> Self {
        let task_id = task_id.to_owned();
        self.about(move |error| error.with_task_id(&task_id))
    }

    /// The client, and its number.
    pub(crate) fn client(&self) -> (u64, Client) {
        (self.client, self.core.clone())
    }

    /// What the client's log is told through, and the client's number.
    pub(crate) fn log(&self) -> Option<(u64, LogCallback)> {
        self.log.map(|log| (self.client, log))
    }

    /// The call as a future. It ends when it is done, cancelled by its own options, or stopped.
    pub(crate) fn start(
        self,
        stop: CancellationToken,
        emit: Emit,
        send_line: impl Fn(log::Line) + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        let cancel = self.cancel.unwrap_or_default();
        let work = (self.work)(self.core, emit);
        let (name, name_subject) = (self.name, self.name_subject);
        let call = async move {
            let outcome = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::cancelled(name)),
                () = stop.cancelled() => Err(Error::cancelled(name)),
                outcome = work => outcome,
            };
            outcome.map_err(name_subject)
        };
        log::scope(self.client, self.log.map(|log| log.level), send_line, call)
    }
}
