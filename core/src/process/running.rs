//! Calls that block their thread.

use std::{
    future::Future,
    thread::{self, ThreadId},
    time::Duration,
};

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{FutureExt, StreamExt, future::lazy};
use tokio::{
    runtime::Handle,
    task::{JoinError, JoinHandle},
    task_local, time,
};

use super::{Host, generation, host, signals::NoBrokenPipe};
use crate::error::{Error, ErrorKind, Result};

task_local! {
    static CALLER: ThreadId;
}

/// The thread that waits for the call that this runs in.
pub(crate) fn caller() -> Option<ThreadId> {
    CALLER.try_with(|caller| *caller).ok()
}

/// Carries what a call has to tell, in order, to the thread that made it.
pub struct Teller<M>(UnboundedSender<M>);

impl<M> Clone for Teller<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Teller<M> {
    /// Tells the caller. False if it has gone away.
    pub fn tell(&self, message: M) -> bool {
        self.0.unbounded_send(message).is_ok()
    }
}

/// What the caller of a running call hears next.
pub enum Said<T, M> {
    /// Something on the way.
    Message(M),
    /// The end.
    Done(Result<T>),
    /// Nothing within the caller's patience.
    Nothing,
}

/// A call on the process's runtime, which its caller's thread drives while it waits. It stops when this is dropped.
pub struct Running<T, M> {
    host: &'static Host,
    messages: UnboundedReceiver<M>,
    /// `None` once it has ended, or was left to the parent.
    call: Option<JoinHandle<Result<T>>>,
    /// How it ended, while there are messages to hear first.
    ended: Option<Result<T>>,
    generation: u32,
}

/// Starts a call. `work` is given the means to speak to the caller's thread: callbacks run there, between two turns at
/// driving, and a long one leaves the runtime to its attendant.
pub fn start<T, M, F>(work: impl FnOnce(Teller<M>) -> F) -> Result<Running<T, M>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let host = host()?;
    let problem = match Handle::try_current() {
        Ok(_) => "a call that blocks can't be made from what this library calls on its way, such as a log handler",
        Err(error) if error.is_thread_local_destroyed() => {
            "a call that blocks can't be made by a thread that is ending, from atexit or a static destructor"
        }
        Err(_) => "",
    };
    if !problem.is_empty() {
        return Err(Error::invalid(vec![problem.to_owned()]));
    }
    let (sender, messages) = unbounded();
    let work = work(Teller(sender));
    // Begun while this thread drives, a call wakes nobody.
    let call = host.drive(lazy(|_| tokio::spawn(CALLER.scope(thread::current().id(), work))));
    Ok(Running { host, messages, call: Some(call), ended: None, generation: generation() })
}

/// Starts what is not waited for here: whoever wants its outcome is told by the work itself.
pub fn spawn<F>(work: F) -> Result<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let host = host()?;
    host.expect_timers();
    Ok(host.runtime.spawn(work))
}

impl<T, M> Running<T, M> {
    /// A callback may have forked, and its child come back here: the runtime's threads, its sockets and whatever it waits on
    /// are the parent's, and even dropping the call would touch them.
    fn leave_to_parent(&mut self) {
        if self.generation != generation() {
            std::mem::forget(self.call.take());
        }
    }

    /// Stops the call and waits, for as long as `patience`, until it has let go of what it held.
    pub fn stop(mut self, patience: Duration) {
        self.leave_to_parent();
        if let Some(call) = &mut self.call {
            call.abort();
            let _whole = NoBrokenPipe::begin();
            let _ = self.host.drive(async { time::timeout(patience, call).await });
        }
    }

    /// Waits for what the call says next, for as long as `patience` if there is one.
    pub fn next(&mut self, patience: Option<Duration>) -> Said<T, M> {
        self.leave_to_parent();
        if let Some(outcome) = self.ended.take() {
            return self.last(outcome);
        }
        let (messages, Some(call)) = (&mut self.messages, &mut self.call) else {
            let problem = "this call was begun before a fork: it is the parent's, and ends there";
            return Said::Done(Err(Error::invalid(vec![problem.to_owned()])));
        };
        let say = async {
            tokio::select! {
                biased;
                Some(message) = messages.next() => Said::Message(message),
                outcome = call => Said::Done(outcome.unwrap_or_else(|error| Err(defect(&error)))),
            }
        };
        let whole = NoBrokenPipe::begin();
        let said = self.host.drive(async {
            match patience {
                None => say.await,
                Some(patience) => time::timeout(patience, say).await.unwrap_or(Said::Nothing),
            }
        });
        drop(whole);
        let Said::Done(outcome) = said else { return said };
        self.call = None;
        self.last(outcome)
    }

    /// What is left to say of a call that has ended: where another thread drives the runtime, its last message may have come
    /// just before its end.
    fn last(&mut self, outcome: Result<T>) -> Said<T, M> {
        match self.messages.next().now_or_never().flatten() {
            Some(message) => {
                self.ended = Some(outcome);
                Said::Message(message)
            }
            None => Said::Done(outcome),
        }
    }
}

impl<T, M> Drop for Running<T, M> {
    fn drop(&mut self) {
        self.leave_to_parent();
        if let Some(call) = &self.call {
            call.abort();
        }
    }
}

/// A call that ended without an outcome has panicked.
fn defect(error: &JoinError) -> Error {
    let message = "the call ended without an outcome: a defect of xiezhen; please report it";
    Error::new(ErrorKind::Internal, message).with_source(std::io::Error::other(error.to_string()))
}
