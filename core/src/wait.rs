//! The scheduler that looks at tasks for everybody who waits: one budget, one look at a task at a time,
//! the longest due first (design §5.3, §5.4).
//!
//! All that is known is on one [`Board`]; one driver at a time makes the looks, and ends when nobody waits.

#![allow(unreachable_pub, reason = "public for benchmarks, which measure the scheduler alone")]

mod board;
mod driver;
mod ending;
pub(crate) mod pace;
mod sink;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

pub use self::pace::Schedules;
use self::{
    board::Board,
    driver::Driver,
    sink::{Gathering, Notices, Sink},
    watch::Until,
};
pub(crate) use self::{
    board::Place,
    ending::{ends_a_wait, out_of_time, task_failed},
    pace::Steps,
    sink::OnEnd,
    watch::NOTICE_PAUSE,
};
use crate::{
    arguments::check_id,
    error::{Error, Result},
    task::{Task, TaskKind},
};

/// Looks at a task once.
pub trait Look: Send + Sync + 'static {
    /// Asks the service for the task's state, once.
    fn look(&self, task_id: &str) -> impl Future<Output = Result<Task>> + Send;
    /// Takes a look's place in the budget that looks share with all other calls, if there is one now.
    fn try_pay(&self, now: Instant) -> bool;
    /// Waits for a place, and takes it.
    fn pay(&self) -> impl Future<Output = ()> + Send;
}

/// Looks at tasks on behalf of all waits of one client.
pub struct Scheduler<L>(Arc<Shared<L>>);

impl<L> Clone for Scheduler<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Shared<L> {
    board: Mutex<Board>,
    /// Something is due earlier than the driver knows.
    changed: Notify,
    look: Arc<L>,
}

impl<L> Shared<L> {
    /// Takes waiters away; the driver ends when they were the last, and frees its connections.
    fn leave<'a>(&self, places: impl IntoIterator<Item = &'a Place>) {
        let mut board = self.board();
        places.into_iter().for_each(|place| board.leave(*place));
        if board.is_idle() {
            self.changed.notify_one();
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Look> Scheduler<L> {
    /// A scheduler that looks through `look`.
    pub fn new(look: Arc<L>, schedules: Schedules) -> Self {
        Self(Arc::new(Shared { board: Mutex::new(Board::new(schedules)), changed: Notify::new(), look }))
    }

    /// Remembers a task that this client created.
    pub(crate) fn remember(&self, task_id: &str, kind: TaskKind) {
        self.0.board().remember(task_id, kind, Instant::now());
    }

    /// Waits on behalf of somebody who spares no future for it: `on_end` is told, unless the place is given up before.
    pub(crate) fn begin(&self, task_id: &str, timeout: Option<Duration>, on_end: OnEnd) -> Place {
        self.take_place(task_id, Until::Ended, timeout, Sink::Call(on_end))
    }

    /// Gives up a place.
    pub(crate) fn give_up(&self, place: Place) {
        self.0.leave([&place]);
    }

    /// Ends every wait.
    pub(crate) fn close(&self) {
        self.0.board().abandon(&Error::cancelled("wait_task"));
        self.0.changed.notify_one();
    }

    /// Waits until the task has ended.
    pub(crate) async fn wait(&self, task_id: &str, timeout: Option<Duration>) -> Result<Task> {
        self.one(task_id, Until::Ended, timeout).await
    }

    /// Looks at the task now, together with whoever else is looking.
    pub(crate) async fn look(&self, task_id: &str) -> Result<Task> {
        self.one(task_id, Until::Seen, None).await
    }

    async fn one(&self, task_id: &str, until: Until, timeout: Option<Duration>) -> Result<Task> {
        let (sender, outcome) = oneshot::channel();
        let _place = self.join(task_id, until, timeout, Sink::One(sender));
        outcome.await.unwrap_or_else(|_| Err(Error::cancelled("the wait").with_task_id(task_id)))
    }

    /// Waits until every task has ended; `on_end` is told of each as it does. Answers in the order of `task_ids`.
    pub async fn wait_many(
        &self,
        task_ids: &[String],
        timeout: Option<Duration>,
        mut on_end: impl FnMut(usize, &Result<Task>),
    ) -> Vec<Result<Task>> {
        let gathering = Arc::<Gathering>::default();
        let mut outcomes: Vec<Option<Result<Task>>> = Vec::new();
        outcomes.resize_with(task_ids.len(), || None);
        let mut places = Places { scheduler: self, places: Vec::with_capacity(task_ids.len()) };
        for (index, task_id) in task_ids.iter().enumerate() {
            match check_id("task_id", task_id) {
                Ok(()) => places.join(task_id, timeout, Sink::Many(gathering.clone(), index)),
                Err(error) => gathering.add(index, Err(error)),
            }
        }

        let mut left = task_ids.len();
        while left > 0 {
            for (index, outcome) in gathering.take().await {
                left -= 1;
                on_end(index, &outcome);
                if let Some(slot) = outcomes.get_mut(index) {
                    *slot = Some(outcome);
                }
            }
        }
        // Every place had an outcome, or `left` would not be 0.
        outcomes.into_iter().flatten().collect()
    }

    /// "Look at this task now": does nothing if nobody waits for it.
    pub(crate) fn notify(&self, task_id: &str) {
        let mut board = self.0.board();
        board.notify(task_id, Instant::now());
        if board.wakes_too_late() {
            self.0.changed.notify_one();
        }
    }

    /// Is told of every `notify` for the tasks it attends to.
    pub(crate) fn attention(&self) -> Attention<L> {
        Attention { scheduler: self.clone(), attended: Vec::new(), notices: Arc::default() }
    }

    fn join(&self, task_id: &str, until: Until, timeout: Option<Duration>, sink: Sink) -> OnePlace<'_, L> {
        OnePlace { scheduler: self, place: self.take_place(task_id, until, timeout, sink) }
    }

    fn take_place(&self, task_id: &str, until: Until, timeout: Option<Duration>, sink: Sink) -> Place {
        let mut board = self.0.board();
        let place = board.join(task_id, until, timeout, sink, Instant::now());
        let start = until != Until::Noticed && !board.driven;
        board.driven |= start;
        let wake = board.wakes_too_late();
        drop(board);
        if start {
            tokio::spawn(Driver::new(self.0.clone()).drive());
        } else if wake {
            self.0.changed.notify_one();
        }
        place
    }
}

/// Leaves when it is dropped: a cancelled wait costs nothing more.
struct OnePlace<'a, L: Look> {
    scheduler: &'a Scheduler<L>,
    place: Place,
}

impl<L: Look> Drop for OnePlace<'_, L> {
    fn drop(&mut self) {
        self.scheduler.0.leave([&self.place]);
    }
}

/// The same for many.
struct Places<'a, L: Look> {
    scheduler: &'a Scheduler<L>,
    places: Vec<Place>,
}

impl<L: Look> Places<'_, L> {
    fn join(&mut self, task_id: &str, timeout: Option<Duration>, sink: Sink) {
        self.places.push(self.scheduler.take_place(task_id, Until::Ended, timeout, sink));
    }
}

impl<L: Look> Drop for Places<'_, L> {
    fn drop(&mut self) {
        self.scheduler.0.leave(&self.places);
    }
}

/// Listens for `notify` on behalf of a job, for as long as the job runs.
pub(crate) struct Attention<L: Look> {
    scheduler: Scheduler<L>,
    attended: Vec<(String, Place)>,
    notices: Arc<Notices>,
}

impl<L: Look> Attention<L> {
    /// Attends to exactly these tasks from now on.
    pub(crate) fn attend(&mut self, task_ids: &[String]) {
        let scheduler = &self.scheduler;
        let gone = self.attended.extract_if(.., |(task_id, _)| !task_ids.contains(task_id));
        let gone: Vec<Place> = gone.map(|(_, place)| place).collect();
        scheduler.0.leave(&gone);
        for task_id in task_ids {
            if !self.attended.iter().any(|(attended, _)| attended == task_id) {
                let sink = Sink::Notices(self.notices.clone());
                self.attended.push((task_id.clone(), scheduler.take_place(task_id, Until::Noticed, None, sink)));
            }
        }
    }

    /// Sleeps for `pause`, or until a task is notified: then says which.
    pub(crate) async fn sleep(&mut self, pause: Duration) -> Option<Arc<str>> {
        tokio::time::timeout(pause, self.notices.take()).await.ok()
    }
}

impl<L: Look> Drop for Attention<L> {
    fn drop(&mut self) {
        self.scheduler.0.leave(self.attended.iter().map(|(_, place)| place));
    }
}
