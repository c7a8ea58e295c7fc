//! Who makes the looks as they fall due: one driver at a time, which ends when nobody waits.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use tokio::time::Instant;

use super::{
    Look, Shared,
    board::{Board, DueLook},
};
use crate::{
    error::{Error, ErrorKind, Result},
    task::Task,
};

/// How many looks are under way at a time: enough for a slow gateway, few enough for its connections.
pub(super) const LOOKS_AT_ONCE: usize = 64;
/// What falls due so soon after other looks waits for the next ones: with hundreds of waits, each would be a wake-up of
/// its own.
const GATHER: Duration = Duration::from_millis(5);
/// With so many looks under way, what ends together is taken up together. A runtime of many threads runs next what was
/// woken last: the driver, between each look and the next, with the processor's caches emptied by it (a third more CPU time).
const CROWD: usize = 16;

/// The right to drive. A runtime that is shut down drops the driver half way, and then nobody may be left waiting
/// for looks that never come.
pub(super) struct Driver<L: Look> {
    shared: Arc<Shared<L>>,
    /// Set together with the board's own mark: from then on, somebody else may drive.
    gave_up: bool,
}

impl<L: Look> Drop for Driver<L> {
    fn drop(&mut self) {
        if !self.gave_up {
            let mut board = self.shared.board();
            board.driven = false;
            board.abandon(&Error::new(ErrorKind::Cancelled, "the wait has ended with its runtime"));
        }
    }
}

impl<L: Look> Driver<L> {
    pub(super) fn new(shared: Arc<Shared<L>>) -> Self {
        Self { shared, gave_up: false }
    }

    /// Makes looks as they fall due, until nobody waits.
    pub(super) async fn drive(mut self) {
        let shared = self.shared.clone();
        let mut looks = FuturesUnordered::new();
        // In the queue for the next look's place, and whether it has just been got.
        let mut paying: Option<BoxFuture<'static, ()>> = None;
        let mut paid = false;
        let timer = tokio::time::sleep(Duration::ZERO);
        let changed = shared.changed.notified();
        tokio::pin!(timer, changed);
        loop {
            let wake = {
                let now = Instant::now();
                let mut board = shared.board();
                board.expire(now);
                if board.is_idle() {
                    board.driven = false;
                    self.gave_up = true;
                    return;
                }
                let begin = |due| looks.push(one_look(shared.look.clone(), due));
                let pay = || std::mem::take(&mut paid) || (paying.is_none() && shared.look.try_pay(now));
                let held_by = begin_due(&mut board, LOOKS_AT_ONCE - looks.len(), now, pay, begin);
                if held_by == HeldBy::Budget && paying.is_none() {
                    let look = shared.look.clone();
                    paying = Some(Box::pin(async move { look.pay().await }));
                }
                // A place that nothing is due for any more is given up: its second passes.
                paid = false;
                board.sleep((held_by == HeldBy::Nothing).then_some(now + GATHER))
            };

            // Woken too early, it just looks again: setting a timer costs more.
            if let Some(at) = wake.filter(|at| timer.is_elapsed() || *at < timer.deadline()) {
                timer.as_mut().reset(at);
            }
            tokio::select! {
                Some(first) = looks.next(), if !looks.is_empty() => {
                    note(&shared, first);
                    gather(&shared, &mut looks);
                    if looks.len() >= CROWD {
                        tokio::task::yield_now().await;
                        gather(&shared, &mut looks);
                    }
                }
                Some(()) = OptionFuture::from(paying.as_mut()) => (paying, paid) = (None, true),
                () = &mut timer, if wake.is_some() => {}
                () = &mut changed => changed.set(shared.changed.notified()),
            }
        }
    }
}

/// What keeps further looks from being begun.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HeldBy {
    /// None is due.
    Nothing,
    /// The budget, which has no place now.
    Budget,
    /// Those under way: no more may be.
    Looks,
}

/// Begins the looks that are due, as many as there are `places`, and as can be paid.
fn begin_due(
    board: &mut Board,
    places: usize,
    now: Instant,
    mut pay: impl FnMut() -> bool,
    mut begin: impl FnMut(DueLook),
) -> HeldBy {
    for _ in 0..places {
        if board.next_due().is_none_or(|at| at > now) {
            return HeldBy::Nothing;
        }
        if !pay() {
            return HeldBy::Budget;
        }
        board.take_due(now).map(&mut begin);
    }
    HeldBy::Looks
}

/// A look that has ended: its watch, its task, and the outcome if anybody still wants it.
type Looked = (usize, Arc<str>, Option<Result<Task>>);

/// Ends without an outcome when nobody wants it any more.
async fn one_look<L: Look>(look: Arc<L>, due: DueLook) -> Looked {
    let outcome = tokio::select! {
        biased;
        _ = due.abandoned => None,
        outcome = look.look(&due.task) => Some(outcome),
    };
    (due.watch, due.task, outcome)
}

/// Notes all that has ended by now. Nobody is woken by what ends later, until the driver waits for it.
fn gather<L: Look>(shared: &Shared<L>, looks: &mut FuturesUnordered<impl Future<Output = Looked>>) {
    while let Some(Some(looked)) = looks.next().now_or_never() {
        note(shared, looked);
    }
}

fn note<L: Look>(shared: &Shared<L>, (watch, task, outcome): Looked) {
    if let Some(outcome) = outcome {
        shared.board().seen(watch, &task, outcome, Instant::now());
    }
}
