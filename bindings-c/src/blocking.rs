//! A call that blocks its thread, which drives the library's runtime meanwhile; what it has to tell is told here.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use xiezhen_core::{
    Client, Error, Result,
    process::{self, Sender, Step},
};

use crate::{client::xiezhen_client, log};

/// What a running call tells the thread that made it.
pub(crate) enum Message<M> {
    Log(log::Line),
    Told(M),
}

/// The way for a call to tell its own kind of messages.
pub(crate) struct Tell<M>(Sender<Message<M>>);

impl<M> Clone for Tell<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Tell<M> {
    /// Tells the caller's thread; once that has gone away, nobody.
    pub(crate) fn tell(&self, message: M) {
        self.0.send(Message::Told(message));
    }
}

/// Makes a call that tells nothing on the way.
pub(crate) fn call<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    client: &xiezhen_client,
    cancel: Option<&CancellationToken>,
    name: &'static str,
    work: impl FnOnce(Client) -> F,
) -> Result<T> {
    block_on_call(client, cancel, name, |core, _: Tell<()>| work(core), |()| Ok(()))
}

/// Makes a call and waits for its end. `hear` is given what it tells, on this thread; an error of `hear` stops the call.
pub(crate) fn block_on_call<T: Send + 'static, M: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    client: &xiezhen_client,
    cancel: Option<&CancellationToken>,
    name: &'static str,
    work: impl FnOnce(Client, Tell<M>) -> F,
    mut hear: impl FnMut(M) -> Result<()>,
) -> Result<T> {
    let stop = cancel.map_or_else(CancellationToken::new, CancellationToken::child_token);
    let stopped = stop.clone();
    let mut running = process::start(|sender: Sender<Message<M>>| {
        let log_to = sender.clone();
        // Held once, not once for each layer that takes it by value.
        let work = Box::pin(work(client.core.clone(), Tell(sender)));
        let call = async move {
            tokio::select! {
                biased;
                () = stopped.cancelled() => Err(Error::cancelled(name)),
                outcome = work => outcome,
            }
        };
        let send = move |line| {
            log_to.send(Message::Log(line));
        };
        log::scope(client.number, client.log.map(|log| log.level), send, call)
    })?;

    // The call is stopped by its token rather than dropped, so that it is gone when this returns.
    let mut refused = None;
    loop {
        match running.next(None) {
            Step::Message(Message::Log(line)) => {
                if let Some(log) = &client.log {
                    log.tell(&line);
                }
            }
            Step::Message(Message::Told(message)) if refused.is_none() => {
                if let Err(error) = hear(message) {
                    refused = Some(error);
                    stop.cancel();
                }
            }
            Step::Message(_) | Step::Idle => {}
            Step::Done(outcome) => return refused.map_or(outcome, Err),
        }
    }
}
