//! A task that somebody waits for, and who does.

use std::{sync::Arc, time::Duration};

use slab::Slab;
use tokio::{sync::oneshot, time::Instant};

use super::{pace::Pace, sink::Sink};
use crate::{
    error::Result,
    task::{Task, TaskKind, TaskState},
};

/// A notified task is looked at again at most once in this time.
pub(crate) const NOTICE_PAUSE: Duration = Duration::from_secs(1);

/// When a waiter has what it came for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The task has ended.
    Ended,
    /// Somebody has looked at it, whatever was seen.
    Seen,
    /// `notify` was called for it; causes no look.
    Noticed,
}

pub(super) struct Waiter {
    /// Keys are used again; this never is.
    pub(super) id: u64,
    pub(super) since: Instant,
    pub(super) deadline: Option<Instant>,
    /// Whether that is the caller's own; else it is the kind's.
    pub(super) own_deadline: bool,
    pub(super) until: Until,
    pub(super) sink: Sink,
}

/// Everybody who waits for one task. Who does not care for a look costs it nothing, however many they are.
#[derive(Default)]
pub(super) struct Waiters {
    all: Slab<Waiter>,
    /// How many of them wait for the next look only, and how many for notices.
    lookers: usize,
    listeners: usize,
}

impl Waiters {
    pub(super) fn with_room_for_one() -> Self {
        Self { all: Slab::with_capacity(1), ..Self::default() }
    }

    fn count(&mut self, until: Until) -> Option<&mut usize> {
        match until {
            Until::Ended => None,
            Until::Seen => Some(&mut self.lookers),
            Until::Noticed => Some(&mut self.listeners),
        }
    }

    /// Adds one; its key is its place.
    pub(super) fn add(&mut self, waiter: Waiter) -> usize {
        if let Some(count) = self.count(waiter.until) {
            *count += 1;
        }
        self.all.insert(waiter)
    }

    /// Takes one away, unless its place is another's by now.
    pub(super) fn remove(&mut self, key: usize, id: u64) -> Option<Waiter> {
        self.get(key, id)?;
        let waiter = self.all.try_remove(key)?;
        if let Some(count) = self.count(waiter.until) {
            *count -= 1;
        }
        Some(waiter)
    }

    pub(super) fn get(&self, key: usize, id: u64) -> Option<&Waiter> {
        self.all.get(key).filter(|waiter| waiter.id == id)
    }

    /// Takes away those who have what they came for once the task was looked at.
    pub(super) fn take_lookers(&mut self) -> Vec<Waiter> {
        if self.lookers == 0 { Vec::new() } else { self.take(|until| until == Until::Seen) }
    }

    /// Takes away everybody but those who wait for notices.
    pub(super) fn take_all_but_listeners(&mut self) -> Vec<Waiter> {
        self.take(|until| until != Until::Noticed)
    }

    fn take(&mut self, wanted: impl Fn(Until) -> bool) -> Vec<Waiter> {
        let places: Vec<_> =
            self.all.iter().filter(|(_, waiter)| wanted(waiter.until)).map(|(key, waiter)| (key, waiter.id)).collect();
        places.into_iter().filter_map(|(key, id)| self.remove(key, id)).collect()
    }

    /// Tells those who wait for notices.
    pub(super) fn hear_notice(&self, task: &Arc<str>) {
        if self.listeners > 0 {
            self.all.iter().for_each(|(_, waiter)| waiter.sink.hear_notice(task));
        }
    }

    /// Whether somebody waits for the task's end.
    pub(super) fn want_the_end(&self) -> bool {
        self.all.len() > self.lookers + self.listeners
    }

    /// Whether somebody wants the task looked at.
    pub(super) fn want_looks(&self) -> bool {
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
        self.all.into_iter().for_each(|(_, waiter)| waiter.sink.tell(outcome()));
    }
}

/// A task that somebody waits for.
pub(super) struct Watch {
    pub(super) task: Arc<str>,
    pub(super) kind: TaskKind,
    pub(super) state: Option<TaskState>,
    pub(super) pace: Pace,
    /// Distinguishes valid entries of the heap from outdated ones.
    pub(super) due: Option<Instant>,
    pub(super) looked: Option<Instant>,
    /// While a look is under way; dropping it stops the look.
    pub(super) looking: Option<oneshot::Sender<()>>,
    /// Notified while being looked at: look once more.
    pub(super) again: bool,
    /// The service asked for a pause: no notice cuts it short.
    pub(super) not_before: Option<Instant>,
    pub(super) waiters: Waiters,
}

impl Watch {
    /// When a notice may have the task looked at.
    pub(super) fn soonest(&self, now: Instant) -> Instant {
        let looked = self.looked.map_or(now, |looked| now.max(looked + NOTICE_PAUSE));
        self.not_before.map_or(looked, |at| looked.max(at))
    }
}
