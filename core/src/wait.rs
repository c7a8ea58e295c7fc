//! The scheduler that polls tasks for everybody who waits: one rate limiter, one poll a task at a time,
//! the longest due first (docs/design.md §5.3, §5.4).
//!
//! All that is known is on one [`PollQueue`]; one driver at a time makes the polls, and ends when nobody waits.

#![allow(unreachable_pub, reason = "public for benchmarks, which measure the scheduler alone")]

mod completion;
mod driver;
mod outcome;
mod poll_queue;
mod poll_state;
mod polled_task;
pub(crate) mod schedule;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

pub use self::schedule::Schedules;
pub(crate) use self::{
    completion::OnEnd,
    outcome::{out_of_time, task_failed},
    poll_queue::WaiterKey,
    poll_state::PollState,
};
use self::{
    completion::{Completion, NotifyQueue, OutcomeBatch},
    driver::Driver,
    poll_queue::PollQueue,
    polled_task::Interest,
};
use crate::{
    arguments::check_id,
    error::{Error, Result},
    task::{Task, TaskKind},
};

/// Polls a task once.
pub trait TaskSource: Send + Sync + 'static {
    /// Asks the service for the task's state, once.
    fn poll(&self, task_id: &str) -> impl Future<Output = Result<Task>> + Send;
    /// Takes a poll's permit of the rate limiter that polls share with all other calls, if there is one now.
    fn try_acquire(&self, now: Instant) -> bool;
    /// Waits for a permit, and takes it.
    fn acquire(&self) -> impl Future<Output = ()> + Send;
}

/// Polls tasks on behalf of all waits of one client.
pub struct Scheduler<S>(Arc<Shared<S>>);

impl<S> Clone for Scheduler<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Shared<S> {
    queue: Mutex<PollQueue>,
    /// Something is due earlier than the driver knows.
    changed: Notify,
    source: Arc<S>,
}

impl<S> Shared<S> {
    /// Takes waiters away; the driver ends when they were the last, and frees its connections.
    fn leave<'a>(&self, keys: impl IntoIterator<Item = &'a WaiterKey>) {
        let mut queue = self.queue();
        keys.into_iter().for_each(|waiter_key| queue.leave(*waiter_key));
        if queue.is_idle() {
            self.changed.notify_one();
        }
    }

    fn queue(&self) -> MutexGuard<'_, PollQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: TaskSource> Scheduler<S> {
    /// A scheduler that polls through `source`.
    pub fn new(source: Arc<S>, schedules: Schedules) -> Self {
        Self(Arc::new(Shared { queue: Mutex::new(PollQueue::new(schedules)), changed: Notify::new(), source }))
    }

    /// Remembers a task that this client created.
    pub(crate) fn remember(&self, task_id: &str, kind: TaskKind) {
        self.0.queue().remember(task_id, kind, Instant::now());
    }

    /// Waits on behalf of somebody who spares no future for it: `on_end` is told, unless the wait is given up before.
    pub(crate) fn begin(&self, task_id: &str, timeout: Option<Duration>, on_end: OnEnd) -> WaiterKey {
        self.add_waiter(task_id, Interest::End, timeout, Completion::Call(on_end))
    }

    /// Ends such a wait.
    pub(crate) fn give_up(&self, waiter_key: WaiterKey) {
        self.0.leave([&waiter_key]);
    }

    /// Ends every wait.
    pub(crate) fn close(&self) {
        self.0.queue().abandon(&Error::cancelled("wait_task"));
        self.0.changed.notify_one();
    }

    /// Waits until the task has ended.
    pub(crate) async fn wait(&self, task_id: &str, timeout: Option<Duration>) -> Result<Task> {
        self.one(task_id, Interest::End, timeout).await
    }

    /// Polls the task now, together with whoever else is polling.
    pub(crate) async fn poll(&self, task_id: &str) -> Result<Task> {
        self.one(task_id, Interest::NextPoll, None).await
    }

    async fn one(&self, task_id: &str, interest: Interest, timeout: Option<Duration>) -> Result<Task> {
        let (sender, outcome) = oneshot::channel();
        let _joined = self.join(task_id, interest, timeout, Completion::One(sender));
        outcome.await.unwrap_or_else(|_| Err(Error::cancelled("the wait").with_task_id(task_id)))
    }

    /// Waits until every task has ended; `on_end` is told of each as it does. Answers in the order of `task_ids`.
    pub async fn wait_many(
        &self,
        task_ids: &[String],
        timeout: Option<Duration>,
        mut on_end: impl FnMut(usize, &Result<Task>),
    ) -> Vec<Result<Task>> {
        let batch = Arc::<OutcomeBatch>::default();
        let mut outcomes: Vec<Option<Result<Task>>> = Vec::new();
        outcomes.resize_with(task_ids.len(), || None);
        let mut keys = JoinedMany { scheduler: self, keys: Vec::with_capacity(task_ids.len()) };
        for (index, task_id) in task_ids.iter().enumerate() {
            match check_id("task_id", task_id) {
                Ok(()) => keys.join(task_id, timeout, Completion::Many(batch.clone(), index)),
                Err(error) => batch.add(index, Err(error)),
            }
        }

        let mut left = task_ids.len();
        while left > 0 {
            for (index, outcome) in batch.take().await {
                left -= 1;
                on_end(index, &outcome);
                if let Some(slot) = outcomes.get_mut(index) {
                    *slot = Some(outcome);
                }
            }
        }
        // Every waiter had an outcome, or `left` would not be 0.
        outcomes.into_iter().flatten().collect()
    }

    /// "Poll this task now": does nothing if nobody waits for it.
    pub(crate) fn notify(&self, task_id: &str) {
        let mut queue = self.0.queue();
        queue.notify(task_id, Instant::now());
        if queue.wakes_too_late() {
            self.0.changed.notify_one();
        }
    }

    /// Is told of every `notify` for the tasks it listens for.
    pub(crate) fn notify_listener(&self) -> NotifyListener<S> {
        NotifyListener { scheduler: self.clone(), listening: Vec::new(), notified: Arc::default() }
    }

    fn join(
        &self,
        task_id: &str,
        interest: Interest,
        timeout: Option<Duration>,
        completion: Completion,
    ) -> Joined<'_, S> {
        Joined { scheduler: self, waiter_key: self.add_waiter(task_id, interest, timeout, completion) }
    }

    fn add_waiter(
        &self,
        task_id: &str,
        interest: Interest,
        timeout: Option<Duration>,
        completion: Completion,
    ) -> WaiterKey {
        let mut queue = self.0.queue();
        let waiter_key = queue.join(task_id, interest, timeout, completion, Instant::now());
        let start = interest != Interest::Notify && !queue.driven;
        queue.driven |= start;
        let wake = queue.wakes_too_late();
        drop(queue);
        if start {
            tokio::spawn(Driver::new(self.0.clone()).drive());
        } else if wake {
            self.0.changed.notify_one();
        }
        waiter_key
    }
}

/// Leaves when it is dropped: a cancelled wait costs nothing more.
struct Joined<'a, S: TaskSource> {
    scheduler: &'a Scheduler<S>,
    waiter_key: WaiterKey,
}

impl<S: TaskSource> Drop for Joined<'_, S> {
    fn drop(&mut self) {
        self.scheduler.0.leave([&self.waiter_key]);
    }
}

/// The same for many.
struct JoinedMany<'a, S: TaskSource> {
    scheduler: &'a Scheduler<S>,
    keys: Vec<WaiterKey>,
}

impl<S: TaskSource> JoinedMany<'_, S> {
    fn join(&mut self, task_id: &str, timeout: Option<Duration>, completion: Completion) {
        self.keys.push(self.scheduler.add_waiter(task_id, Interest::End, timeout, completion));
    }
}

impl<S: TaskSource> Drop for JoinedMany<'_, S> {
    fn drop(&mut self) {
        self.scheduler.0.leave(&self.keys);
    }
}

/// Listens for `notify` on behalf of a job, for as long as the job runs.
pub(crate) struct NotifyListener<S: TaskSource> {
    scheduler: Scheduler<S>,
    listening: Vec<(String, WaiterKey)>,
    notified: Arc<NotifyQueue>,
}

impl<S: TaskSource> NotifyListener<S> {
    /// Listens for exactly these tasks from now on.
    pub(crate) fn listen_for(&mut self, task_ids: &[String]) {
        let scheduler = &self.scheduler;
        let gone = self.listening.extract_if(.., |(task_id, _)| !task_ids.contains(task_id));
        let gone: Vec<WaiterKey> = gone.map(|(_, waiter_key)| waiter_key).collect();
        scheduler.0.leave(&gone);
        for task_id in task_ids {
            if !self.listening.iter().any(|(listening, _)| listening == task_id) {
                let completion = Completion::NotifyQueue(self.notified.clone());
                self.listening
                    .push((task_id.clone(), scheduler.add_waiter(task_id, Interest::Notify, None, completion)));
            }
        }
    }

    /// Sleeps for `pause`, or until a task is notified: then says which.
    pub(crate) async fn sleep(&mut self, pause: Duration) -> Option<Arc<str>> {
        tokio::time::timeout(pause, self.notified.take()).await.ok()
    }
}

impl<S: TaskSource> Drop for NotifyListener<S> {
    fn drop(&mut self) {
        self.scheduler.0.leave(self.listening.iter().map(|(_, waiter_key)| waiter_key));
    }
}
