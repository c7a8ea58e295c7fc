//! A task that somebody waits for, and who does.

use std::sync::Arc;

use slab::Slab;
use tokio::{sync::oneshot, time::Instant};

use super::{completion::Completion, poll_state::PollState};
use crate::{
    error::Result,
    task::{Task, TaskKind, TaskState},
};

/// When a waiter has what it came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// The task has ended.
    End,
    /// Somebody has polled it, whatever was seen.
    NextPoll,
    /// `notify` was called for it; causes no poll.
    Notify,
}

pub(super) struct Waiter {
    /// Keys are used again; this never is.
    pub(super) id: u64,
    pub(super) since: Instant,
    pub(super) deadline: Option<Instant>,
    /// Whether that is the caller's own; else it is the kind's.
    pub(super) own_deadline: bool,
    pub(super) interest: Interest,
    pub(super) completion: Completion,
}

/// Everybody who waits for one task. Waiters that a poll does not concern cost it nothing, however many there are.
#[derive(Default)]
pub(super) struct Waiters {
    all: Slab<Waiter>,
    /// How many of them wait for the next poll only, and how many for notifications.
    next_poll_only: usize,
    listeners: usize,
}

impl Waiters {
    pub(super) fn with_room_for_one() -> Self {
        Self { all: Slab::with_capacity(1), ..Self::default() }
    }

    fn count(&mut self, interest: Interest) -> Option<&mut usize> {
        match interest {
            Interest::End => None,
            Interest::NextPoll => Some(&mut self.next_poll_only),
            Interest::Notify => Some(&mut self.listeners),
        }
    }

    /// Adds one and returns its key.
    pub(super) fn add(&mut self, waiter: Waiter) -> usize {
        if let Some(count) = self.count(waiter.interest) {
            *count += 1;
        }
        self.all.insert(waiter)
    }

    /// Takes one away, unless its key is another's by now.
    pub(super) fn remove(&mut self, key: usize, id: u64) -> Option<Waiter> {
        self.get(key, id)?;
        let waiter = self.all.try_remove(key)?;
        if let Some(count) = self.count(waiter.interest) {
            *count -= 1;
        }
        Some(waiter)
    }

    pub(super) fn get(&self, key: usize, id: u64) -> Option<&Waiter> {
        self.all.get(key).filter(|waiter| waiter.id == id)
    }

    /// Takes away those who have what they came for once the task was polled.
    pub(super) fn take_next_poll_only(&mut self) -> Vec<Waiter> {
        if self.next_poll_only == 0 { Vec::new() } else { self.take(|interest| interest == Interest::NextPoll) }
    }

    /// Takes away everybody but those who wait for notifications.
    pub(super) fn take_all_but_listeners(&mut self) -> Vec<Waiter> {
        self.take(|interest| interest != Interest::Notify)
    }

    fn take(&mut self, wanted: impl Fn(Interest) -> bool) -> Vec<Waiter> {
        let keys: Vec<_> = self
            .all
            .iter()
            .filter(|(_, waiter)| wanted(waiter.interest))
            .map(|(key, waiter)| (key, waiter.id))
            .collect();
        keys.into_iter().filter_map(|(key, id)| self.remove(key, id)).collect()
    }

    /// Tells those who wait for notifications.
    pub(super) fn on_notify(&self, task: &Arc<str>) {
        if self.listeners > 0 {
            self.all.iter().for_each(|(_, waiter)| waiter.completion.on_notify(task));
        }
    }

    /// Whether somebody waits for the task's end.
    pub(super) fn want_the_end(&self) -> bool {
        self.all.len() > self.next_poll_only + self.listeners
    }

    /// Whether somebody wants the task polled.
    pub(super) fn want_polls(&self) -> bool {
        self.all.len() > self.listeners
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those whose deadline is the kind's.
    pub(super) fn patient(&mut self) -> impl Iterator<Item = (usize, &mut Waiter)> {
        self.all.iter_mut().filter(|(_, waiter)| !waiter.own_deadline && waiter.deadline.is_some())
    }

    /// Tells everybody how it has ended.
    pub(super) fn tell(self, outcome: impl Fn() -> Result<Task>) {
        self.all.into_iter().for_each(|(_, waiter)| waiter.completion.tell(outcome()));
    }
}

/// A task that somebody waits for.
pub(super) struct PolledTask {
    pub(super) task: Arc<str>,
    pub(super) kind: TaskKind,
    pub(super) state: Option<TaskState>,
    /// In milliseconds of the queue.
    pub(super) polls: PollState,
    /// When this client created it, in the same milliseconds.
    pub(super) created: Option<u64>,
    /// Distinguishes valid entries of the heap from outdated ones.
    pub(super) due: Option<Instant>,
    /// While a poll is under way; dropping it stops the poll.
    pub(super) in_flight: Option<oneshot::Sender<()>>,
    /// Notified while being polled: poll once more.
    pub(super) again: bool,
    pub(super) waiters: Waiters,
}
