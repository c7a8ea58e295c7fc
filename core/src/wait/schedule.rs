//! When a task is polled next (docs/design.md §7).

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::outcome::ends_a_wait;
use crate::{
    error::{Error, ErrorKind},
    options::PollSchedule,
    task::TaskKind,
};

/// The schedule of each kind of task.
#[derive(Clone, Copy, Debug)]
pub struct Schedules {
    /// Of trainings, and of tasks whose kind is not known yet.
    pub training: PollSchedule,
    /// Of generations.
    pub generation: PollSchedule,
}

impl Schedules {
    /// A task of unknown kind is waited for as a training: the more patient of the two.
    pub(crate) const fn of(&self, kind: TaskKind) -> PollSchedule {
        match kind {
            TaskKind::Generation => self.generation,
            TaskKind::Training | TaskKind::Unknown => self.training,
        }
    }

    /// How long a wait without a timeout of its own lasts.
    pub(crate) const fn deadline(kind: TaskKind) -> Duration {
        match kind {
            TaskKind::Generation => Duration::from_secs(30 * 60),
            TaskKind::Training | TaskKind::Unknown => Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// How far a task is in its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Steps {
    polls: u32,
    failures: u32,
    #[serde(skip)]
    unreadable: Unreadable,
}

/// The same unreadable answer again and again: that is not an outage (docs/design.md §5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Unreadable {
    /// A digest of how the answer began.
    answer: u64,
    times: u32,
    /// When it came first, in milliseconds.
    since: u64,
}

impl Unreadable {
    const TIMES: u32 = 10;
    const TIME: Duration = Duration::from_secs(5 * 60);

    /// Whether `error` is one such answer too many. Anything else begins anew.
    fn is_too_much(&mut self, error: &Error, now_ms: u64) -> bool {
        if error.kind() != ErrorKind::Protocol || error.http_status() != Some(200) {
            *self = Self::default();
            return false;
        }
        let mut hasher = DefaultHasher::new();
        error.body_start().hash(&mut hasher);
        let answer = hasher.finish();
        if self.times == 0 || self.answer != answer {
            *self = Self { answer, times: 0, since: now_ms };
        }
        self.times = self.times.saturating_add(1);
        self.times >= Self::TIMES && now_ms.saturating_sub(self.since) >= Self::TIME.as_millis() as u64
    }
}

impl Steps {
    /// The pause before the next poll, after one that saw the task; the first call gives the first pause.
    pub(crate) fn after_poll(&mut self, schedule: &PollSchedule) -> Duration {
        let pause = schedule.pause(self.polls);
        self.polls = self.polls.saturating_add(1);
        self.failures = 0;
        self.unreadable = Unreadable::default();
        jittered(pause)
    }

    /// Whether a poll that failed ends the wait. `since_created` is how long the task exists, if that is known: a
    /// service may be too busy for a new task, or not know it yet.
    pub(crate) fn ends_a_wait(&mut self, error: &Error, since_created: Option<Duration>, now_ms: u64) -> bool {
        const GRACE: Duration = Duration::from_secs(30);
        let is_new = since_created.is_some_and(|time| time < GRACE);
        let ends = ends_a_wait(error.kind()) && !(is_new && error.kind() == ErrorKind::Api);
        ends || self.unreadable.is_too_much(error, now_ms)
    }

    /// The pause after a poll that failed: short at first, as most outages are, and never longer than the schedule's.
    pub(crate) fn after_failure(&mut self, schedule: &PollSchedule, retry_after: Option<Duration>) -> Duration {
        const FIRST: Duration = Duration::from_secs(1);
        let grown = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        // A pause of zero would poll as fast as the rate limiter allows.
        let asked = retry_after.filter(|pause| !pause.is_zero());
        asked.unwrap_or_else(|| jittered(grown.min(schedule.pause(self.polls))))
    }
}

/// ±20 %, so that what began together does not come back together.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.8 + 0.4 * fastrand::f64())
}
