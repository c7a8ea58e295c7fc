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

use super::{RuntimeDriver, driver, generation, signals::NoBrokenPipe};
use crate::error::{Error, Result};

task_local! {
    static CALLING_THREAD: ThreadId;
}

/// The thread that waits for the call that this runs in.
pub(crate) fn calling_thread() -> Option<ThreadId> {
    CALLING_THREAD.try_with(|calling_thread| *calling_thread).ok()
}

/// Carries what a call has to tell, in order, to the thread that made it.
pub struct Sender<M>(UnboundedSender<M>);

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Sender<M> {
    /// Tells the caller. False if it has gone away.
    pub fn send(&self, message: M) -> bool {
        self.0.unbounded_send(message).is_ok()
    }
}

/// What the caller of a running call hears next.
pub enum Step<T, M> {
    /// Something on the way.
    Message(M),
    /// The end.
    Done(Result<T>),
    /// Nothing within the caller's patience.
    Idle,
}

/// A call on the process's runtime, which its caller's thread drives while it waits. It stops when this is dropped.
pub struct BlockingCall<T, M> {
    driver: &'static RuntimeDriver,
    messages: UnboundedReceiver<M>,
    /// `None` once it has ended, or was left to the parent.
    call: Option<JoinHandle<Result<T>>>,
    /// How it ended, while there are messages to hear first.
    ended: Option<Result<T>>,
    generation: u32,
}

/// Starts a call. `work` is given the means to speak to the caller's thread: callbacks run there, between two turns at
/// driving, and a long one leaves the runtime to its background thread.
pub fn start<T, M, F>(work: impl FnOnce(Sender<M>) -> F) -> Result<BlockingCall<T, M>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let driver = driver()?;
    let problem = match Handle::try_current() {
        Ok(_) => "a blocking call can't be made from a callback of this library, such as a log handler",
        Err(error) if error.is_thread_local_destroyed() => {
            "a blocking call can't be made by a thread that is ending, from atexit or a static destructor"
        }
        Err(_) => "",
    };
    if !problem.is_empty() {
        return Err(Error::invalid(vec![problem.to_owned()]));
    }
    let (sender, messages) = unbounded();
    let work = work(Sender(sender));
    // Begun while this thread drives, a call wakes nobody.
    let call = driver.drive(lazy(|_| tokio::spawn(CALLING_THREAD.scope(thread::current().id(), work))));
    Ok(BlockingCall { driver, messages, call: Some(call), ended: None, generation: generation() })
}

/// Starts what is not waited for here: whoever wants its outcome is told by the work itself.
pub fn spawn<F>(work: F) -> Result<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    let driver = driver()?;
    driver.expect_timers();
    Ok(driver.runtime.spawn(work))
}

impl<T, M> BlockingCall<T, M> {
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
            let _ = self.driver.drive(async { time::timeout(patience, call).await });
        }
    }

    /// Waits for what the call says next, for as long as `patience` if there is one.
    pub fn next(&mut self, patience: Option<Duration>) -> Step<T, M> {
        self.leave_to_parent();
        if let Some(outcome) = self.ended.take() {
            return self.last(outcome);
        }
        let (messages, Some(call)) = (&mut self.messages, &mut self.call) else {
            let problem = "this call was begun before a fork: it belongs to the parent process, and ends there";
            return Step::Done(Err(Error::invalid(vec![problem.to_owned()])));
        };
        let step = async {
            tokio::select! {
                biased;
                Some(message) = messages.next() => Step::Message(message),
                outcome = call => Step::Done(outcome.unwrap_or_else(|error| Err(defect(&error)))),
            }
        };
        let whole = NoBrokenPipe::begin();
        let step = self.driver.drive(async {
            match patience {
                None => step.await,
                Some(patience) => time::timeout(patience, step).await.unwrap_or(Step::Idle),
            }
        });
        drop(whole);
        let Step::Done(outcome) = step else { return step };
        self.call = None;
        self.last(outcome)
    }

    /// What is left to say of a call that has ended: where another thread drives the runtime, its last message may have come
    /// just before its end.
    fn last(&mut self, outcome: Result<T>) -> Step<T, M> {
        match self.messages.next().now_or_never().flatten() {
            Some(message) => {
                self.ended = Some(outcome);
                Step::Message(message)
            }
            None => Step::Done(outcome),
        }
    }
}

impl<T, M> Drop for BlockingCall<T, M> {
    fn drop(&mut self) {
        self.leave_to_parent();
        if let Some(call) = &self.call {
            call.abort();
        }
    }
}

/// A call that ended without an outcome has panicked.
fn defect(error: &JoinError) -> Error {
    Error::defect().with_source(std::io::Error::other(error.to_string()))
}
