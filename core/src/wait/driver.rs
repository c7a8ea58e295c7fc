//! Makes the polls as they fall due: one driver at a time, which ends when nobody waits.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use tokio::time::Instant;

use super::{
    Shared, TaskSource,
    poll_queue::{DuePoll, PollQueue},
};
use crate::{
    error::{Error, ErrorKind, Result},
    task::Task,
};

/// How many polls are under way at a time: enough for a slow gateway, few enough for its connections.
pub(super) const MAX_POLLS_IN_FLIGHT: usize = 64;
/// What falls due so soon after other polls waits for the next ones: with hundreds of waits, each would be a wake-up of
/// its own.
const BATCH_WINDOW: Duration = Duration::from_millis(5);
/// With so many polls under way, what ends together is taken up together. A runtime of many threads runs next what was
/// woken last: the driver, between each poll and the next, with the processor's caches emptied by it (a third more CPU time).
const CROWD: usize = 16;

/// The right to drive. A runtime that is shut down drops the driver half way, and then nobody may be left waiting
/// for polls that never come.
pub(super) struct Driver<S: TaskSource> {
    shared: Arc<Shared<S>>,
    /// Set together with the queue's own mark: from then on, somebody else may drive.
    gave_up: bool,
}

impl<S: TaskSource> Drop for Driver<S> {
    fn drop(&mut self) {
        if !self.gave_up {
            let mut queue = self.shared.queue();
            queue.driven = false;
            queue.abandon(&Error::new(ErrorKind::Cancelled, "the wait has ended with its runtime"));
        }
    }
}

impl<S: TaskSource> Driver<S> {
    pub(super) fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared, gave_up: false }
    }

    /// Makes polls as they fall due, until nobody waits.
    pub(super) async fn drive(mut self) {
        let shared = self.shared.clone();
        let mut polls = FuturesUnordered::new();
        // In the queue for the next poll's permit, and whether it has just been got.
        let mut acquiring: Option<BoxFuture<'static, ()>> = None;
        let mut permit = false;
        let timer = tokio::time::sleep(Duration::ZERO);
        let changed = shared.changed.notified();
        tokio::pin!(timer, changed);
        loop {
            let wake = {
                let now = Instant::now();
                let mut queue = shared.queue();
                queue.expire(now);
                if queue.is_idle() {
                    queue.driven = false;
                    self.gave_up = true;
                    return;
                }
                let begin = |due| polls.push(poll_one(shared.source.clone(), due));
                let acquire = || std::mem::take(&mut permit) || (acquiring.is_none() && shared.source.try_acquire(now));
                let blocked_by = begin_due(&mut queue, MAX_POLLS_IN_FLIGHT - polls.len(), now, acquire, begin);
                if blocked_by == BlockedBy::RateLimit && acquiring.is_none() {
                    let poll = shared.source.clone();
                    acquiring = Some(Box::pin(async move { poll.acquire().await }));
                }
                // A permit that nothing is due for any more is given up: its second passes.
                permit = false;
                queue.sleep((blocked_by == BlockedBy::Nothing).then_some(now + BATCH_WINDOW))
            };

            // Woken too early, it just polls again: setting a timer costs more.
            if let Some(at) = wake.filter(|at| timer.is_elapsed() || *at < timer.deadline()) {
                timer.as_mut().reset(at);
            }
            tokio::select! {
                Some(first) = polls.next(), if !polls.is_empty() => {
                    note(&shared, first);
                    gather(&shared, &mut polls);
                    if polls.len() >= CROWD {
                        tokio::task::yield_now().await;
                        gather(&shared, &mut polls);
                    }
                }
                Some(()) = OptionFuture::from(acquiring.as_mut()) => (acquiring, permit) = (None, true),
                () = &mut timer, if wake.is_some() => {}
                () = &mut changed => changed.set(shared.changed.notified()),
            }
        }
    }
}

/// What keeps further polls from being begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BlockedBy {
    /// None is due.
    Nothing,
    /// The rate limiter, which has no permit now.
    RateLimit,
    /// Those under way: no more may be.
    InFlight,
}

/// Begins the polls that are due, as many as there is `room` for and the rate limiter permits.
fn begin_due(
    queue: &mut PollQueue,
    room: usize,
    now: Instant,
    mut acquire: impl FnMut() -> bool,
    mut begin: impl FnMut(DuePoll),
) -> BlockedBy {
    for _ in 0..room {
        if queue.next_due().is_none_or(|at| at > now) {
            return BlockedBy::Nothing;
        }
        if !acquire() {
            return BlockedBy::RateLimit;
        }
        queue.take_due(now).map(&mut begin);
    }
    BlockedBy::InFlight
}

/// A poll that has ended: its task, its task, and the outcome if anybody still wants it.
type PollEnded = (usize, Arc<str>, Option<Result<Task>>);

/// Ends without an outcome when nobody wants it any more.
async fn poll_one<S: TaskSource>(source: Arc<S>, due: DuePoll) -> PollEnded {
    let outcome = tokio::select! {
        biased;
        _ = due.abandoned => None,
        outcome = source.poll(&due.task) => Some(outcome),
    };
    (due.key, due.task, outcome)
}

/// Notes all that has ended by now. Nobody is woken by what ends later, until the driver waits for it.
fn gather<S: TaskSource>(shared: &Shared<S>, polls: &mut FuturesUnordered<impl Future<Output = PollEnded>>) {
    while let Some(Some(last_poll)) = polls.next().now_or_never() {
        note(shared, last_poll);
    }
}

fn note<S: TaskSource>(shared: &Shared<S>, (polled, task, outcome): PollEnded) {
    if let Some(outcome) = outcome {
        shared.queue().on_polled(polled, &task, outcome, Instant::now());
    }
}
