//! When a task is polled next, for waits and jobs alike (docs/design.md §7). No clock and no input or output.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::schedule::{Steps, jittered};
use crate::{error::Error, options::PollSchedule};

/// A notified task is polled again at most once in this time.
const NOTIFY_PAUSE: Duration = Duration::from_secs(1);

/// How far a task is in its schedule, and when it is polled. Times are milliseconds since a moment of the holder's choice,
/// which a job keeps across processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PollState {
    steps: Steps,
    next_poll: u64,
    last_poll: u64,
    /// The service asked for this pause: no notification cuts it short.
    not_before: u64,
    /// When it would be polled next if nobody were relied on to tell of its end. Another process plans anew.
    #[serde(skip)]
    held_back_from: Option<u64>,
    /// How often in a row it was held back.
    #[serde(skip)]
    held_back: u32,
}

impl PollState {
    /// Of a task that is created `now`: the first poll comes after the schedule's first pause.
    pub(crate) fn created(schedule: &PollSchedule, now: u64) -> Self {
        let mut state = Self::default();
        state.plan(schedule, now);
        state
    }

    /// When it is polled next.
    pub(crate) const fn next_poll(&self) -> u64 {
        self.next_poll
    }

    /// Until when the service has asked not to be polled.
    pub(crate) const fn not_before(&self) -> u64 {
        self.not_before
    }

    /// Whether somebody has polled it.
    pub(crate) const fn is_polled(&self) -> bool {
        self.last_poll > 0
    }

    /// Whether a clock that was ahead has left times behind.
    pub(crate) const fn is_ahead_of(&self, now: u64) -> bool {
        self.last_poll > now
    }

    /// Due at once, and as far in the schedule as before.
    pub(crate) fn poll_now(&mut self) {
        self.next_poll = 0;
    }

    /// Begins the schedule anew. The next poll stays where it is.
    pub(crate) fn restart(&mut self) {
        self.steps = Steps::default();
        self.held_back = 0;
    }

    /// Due at once, as if it had never been polled, and as far in the schedule as before.
    pub(crate) fn drop_times(&mut self) {
        (self.next_poll, self.last_poll, self.not_before) = (0, 0, 0);
    }

    /// Takes in that a poll saw the task, and plans the next.
    pub(crate) fn on_polled(&mut self, schedule: &PollSchedule, now: u64) {
        self.last_poll = now;
        self.not_before = 0;
        self.plan(schedule, now);
    }

    /// Plans the next poll for a pause of the schedule after `now`.
    pub(crate) fn plan(&mut self, schedule: &PollSchedule, now: u64) {
        self.held_back_from = None;
        self.next_poll = now.saturating_add(whole_ms(self.steps.after_poll(schedule)));
    }

    /// Takes in a poll that failed. Gives the pause before the next, or `None` if the wait ends. `age` is how long the task
    /// exists, if that is known.
    pub(crate) fn on_poll_failed(
        &mut self,
        error: &Error,
        schedule: &PollSchedule,
        age: Option<Duration>,
        now: u64,
    ) -> Option<Duration> {
        if self.steps.ends_a_wait(error, age, now) {
            return None;
        }
        let pause = self.steps.after_failure(schedule, error.retry_after());
        self.held_back_from = None;
        self.last_poll = now;
        self.next_poll = now.saturating_add(whole_ms(pause));
        self.not_before = if error.retry_after().is_some() { self.next_poll } else { 0 };
        Some(pause)
    }

    /// Puts the poll off that was just planned: somebody is relied on to tell of the end. `rare` begins anew for each task
    /// whose polls were usual until now.
    pub(crate) fn hold_back(&mut self, rare: &PollSchedule, now: u64) {
        let usual = self.next_poll;
        self.next_poll = usual.max(now.saturating_add(whole_ms(jittered(rare.pause(self.held_back)))));
        self.held_back_from = Some(usual);
        self.held_back = self.held_back.saturating_add(1);
    }

    /// Whether it is polled later than usual.
    pub(crate) const fn is_held_back(&self) -> bool {
        self.held_back_from.is_some()
    }

    /// Nobody is relied on any more: the next poll comes when it usually would have.
    pub(crate) fn release(&mut self) {
        self.held_back = 0;
        if let Some(usual) = self.held_back_from.take() {
            self.next_poll = self.next_poll.min(usual);
        }
    }

    /// Brings the next poll forward; at most one a second, whoever asks for it.
    pub(crate) fn poll_soon(&mut self, now: u64) {
        self.next_poll = self.next_poll.min(self.soonest(now));
    }

    /// When a notification may have it polled.
    pub(crate) fn soonest(&self, now: u64) -> u64 {
        let after_last = if self.is_polled() { self.last_poll.saturating_add(whole_ms(NOTIFY_PAUSE)) } else { 0 };
        now.max(after_last).max(self.not_before)
    }
}

/// Never less than the pause: one of zero would poll as fast as the rate limiter allows.
fn whole_ms(pause: Duration) -> u64 {
    u64::try_from(pause.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
