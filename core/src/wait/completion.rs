//! Where waiters are told how their task has ended.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, oneshot};

use crate::{error::Result, task::Task};

/// Hears how a wait has ended. It is called with the queue locked: it hands on what it hears, and no more.
pub(crate) type OnEnd = Box<dyn FnOnce(Result<Task>) + Send>;

/// Where a waiter is told.
pub(super) enum Completion {
    One(oneshot::Sender<Result<Task>>),
    Call(OnEnd),
    Many(Arc<OutcomeBatch>, usize),
    NotifyQueue(Arc<NotifyQueue>),
}

impl Completion {
    /// The receiver may be gone; then nobody needs to know.
    pub(super) fn tell(self, outcome: Result<Task>) {
        match self {
            Self::One(sender) => drop(sender.send(outcome)),
            Self::Call(on_end) => on_end(outcome),
            Self::Many(batch, index) => batch.add(index, outcome),
            Self::NotifyQueue(_) => {}
        }
    }

    /// Tells of a notification whoever listens for those.
    pub(super) fn on_notify(&self, task: &Arc<str>) {
        if let Self::NotifyQueue(notified) = self {
            notified.add(task);
        }
    }
}

/// Tasks that were notified, on their way to one listener. However often one is, it is on its way once.
#[derive(Default)]
pub(super) struct NotifyQueue {
    tasks: Mutex<VecDeque<Arc<str>>>,
    more: Notify,
}

impl NotifyQueue {
    fn tasks(&self) -> MutexGuard<'_, VecDeque<Arc<str>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, task: &Arc<str>) {
        let mut tasks = self.tasks();
        if !tasks.contains(task) {
            tasks.push_back(task.clone());
            self.more.notify_one();
        }
    }

    /// The one that was notified first; waits for it.
    pub(super) async fn take(&self) -> Arc<str> {
        loop {
            if let Some(task) = self.tasks().pop_front() {
                return task;
            }
            self.more.notified().await;
        }
    }
}

/// Outcomes on their way to one caller who waits for many.
#[derive(Default)]
pub(super) struct OutcomeBatch {
    ended: Mutex<Vec<(usize, Result<Task>)>>,
    more: Notify,
}

impl OutcomeBatch {
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
