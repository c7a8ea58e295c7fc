//! Where waiters are told how their task has ended.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::{error::Result, task::Task};

/// Hears how a wait has ended. It is called with the board locked: it hands on what it hears, and no more.
pub(crate) type OnEnd = Box<dyn FnOnce(Result<Task>) + Send>;

/// Where a waiter is told.
pub(super) enum Sink {
    One(oneshot::Sender<Result<Task>>),
    Call(OnEnd),
    Many(Arc<Gathering>, usize),
    Notices(mpsc::UnboundedSender<Arc<str>>),
}

impl Sink {
    /// The receiver may be gone; then nobody needs to know.
    pub(super) fn tell(self, outcome: Result<Task>) {
        match self {
            Self::One(sender) => drop(sender.send(outcome)),
            Self::Call(on_end) => on_end(outcome),
            Self::Many(gathering, index) => gathering.add(index, outcome),
            Self::Notices(_) => {}
        }
    }

    /// Tells of a notice whoever listens for those.
    pub(super) fn hear_notice(&self, task: &Arc<str>) {
        if let Self::Notices(sender) = self {
            let _ = sender.send(task.clone());
        }
    }
}

/// Outcomes on their way to one caller who waits for many.
#[derive(Default)]
pub(super) struct Gathering {
    ended: Mutex<Vec<(usize, Result<Task>)>>,
    more: Notify,
}

impl Gathering {
    pub(super) fn add(&self, index: usize, outcome: Result<Task>) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push((index, outcome));
        self.more.notify_one();
    }

    /// All that has ended since the last time; waits for the first. Wakes its caller at most once a millisecond:
    /// waking costs more than what is told.
    pub(super) async fn take(&self) -> Vec<(usize, Result<Task>)> {
        self.more.notified().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
