//! When a task is polled next (design §7).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{options::PollSchedule, task::TaskKind};

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
    #[serde(alias = "looks")]
    polls: u32,
    failures: u32,
}

impl Steps {
    /// The pause before the next poll, after one that saw the task; the first call gives the first pause.
    pub(crate) fn after_poll(&mut self, schedule: &PollSchedule) -> Duration {
        let pause = schedule.pause(self.polls);
        self.polls = self.polls.saturating_add(1);
        self.failures = 0;
        jittered(pause)
    }

    /// The pause after a poll that failed: short at first, as most outages are, and never longer than the schedule's.
    pub(crate) fn after_failure(&mut self, schedule: &PollSchedule, retry_after: Option<Duration>) -> Duration {
        const FIRST: Duration = Duration::from_secs(1);
        let grown = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        // "At once" is no pause to keep: it would ask as fast as the rate limiter allows.
        let asked = retry_after.filter(|pause| !pause.is_zero());
        asked.unwrap_or_else(|| jittered(grown.min(schedule.pause(self.polls))))
    }
}

/// ±20 %, so that what began together does not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// A polled task's place in the schedule of its kind, which it does not hold: there may be ten thousand.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskSchedule {
    steps: Steps,
    /// Set until the first poll: when this client created the task.
    first: Option<Instant>,
}

impl TaskSchedule {
    /// A task created here is first polled after the schedule's first pause, any other at once.
    pub(super) fn new(schedule: &PollSchedule, created: Option<Instant>, now: Instant) -> Self {
        let mut steps = Steps::default();
        let first = created.map_or(now, |at| now.max(at + steps.after_poll(schedule)));
        Self { steps, first: Some(first) }
    }

    /// When a new waiter wants the task polled, unless a poll is planned already.
    pub(super) fn first_poll(&self, now: Instant) -> Instant {
        self.first.map_or(now, |first| first.max(now))
    }

    pub(super) fn after_poll(&mut self, schedule: &PollSchedule) -> Duration {
        self.first = None;
        self.steps.after_poll(schedule)
    }

    pub(super) fn after_failure(&mut self, schedule: &PollSchedule, retry_after: Option<Duration>) -> Duration {
        self.first = None;
        self.steps.after_failure(schedule, retry_after)
    }
}
