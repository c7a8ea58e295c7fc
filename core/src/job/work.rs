//! One thing that the service is paid to do, and what is known of it. No input or output.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result},
    options::PollSchedule,
    task::{Created, Task, TaskState},
    wait::{PollState, task_failed},
};

/// So long after a generation's end the addresses of its pictures may follow.
const PICTURES_FOLLOW: Duration = Duration::from_secs(2 * 60);
/// So long a stored job waits for photos that can't be read: somebody can mount the folder or give them again.
const PHOTOS_FOLLOW: Duration = Duration::from_secs(24 * 60 * 60);

/// One thing that the service is paid to do: a training, or the generation of one style.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own in the job's JSON")]
pub(super) struct Work {
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) task_id: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) state: Option<TaskState>,
    /// The number of a state that nobody knows.
    #[serde(skip)]
    unknown: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) error: Option<Error>,
    /// A create was about to be sent, and no answer to it is known.
    pub(super) intent: bool,
    /// How many creates were about to be sent. The last of them is what `intent`, `task_id` or `error` are about, unless it
    /// is void.
    pub(super) attempt: u32,
    /// How many of them came to nothing: never sent, refused and to be sent anew, or started anew.
    void_attempts: u32,
    /// This process is asking, and an answer may come.
    #[serde(skip)]
    in_flight: bool,
    /// A task that was adopted, and that the service was not asked about yet.
    pub(super) unverified: bool,
    /// Since when a generation has succeeded without the address of a picture.
    #[serde(deserialize_with = "Option::deserialize")]
    empty_since: Option<u64>,
    /// Times are milliseconds since 1970: the job may go on in another process.
    #[serde(flatten)]
    polls: PollState,
    /// Since when its end is waited for; before it is asked for, its photos.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) waiting_since: Option<u64>,
    /// The create told the service where to report the end, and no callback has come before it. Where this is missing,
    /// polls are more frequent.
    pub(super) expects_callback: bool,
}

/// How a job is taken up again.
#[derive(Clone, Copy)]
pub(super) struct Reopen {
    /// What has failed, or may have been started, is started again and billed again.
    pub(super) recreate: bool,
    /// By a caller who comes back, rather than while its other work goes on.
    pub(super) comes_back: bool,
}

impl Work {
    /// Takes a task that the service knows for the answer that was lost.
    pub(super) fn adopt(&mut self, task_id: &str) {
        *self = Self { task_id: Some(task_id.to_owned()), unverified: true, ..self.anew() };
    }

    /// It was another's: the outcome of the create is as unknown as before.
    pub(super) fn reject_adopted(&mut self) {
        *self = Self { intent: true, ..self.anew() };
    }

    /// Nothing but how often it was asked for.
    fn anew(&self) -> Self {
        Self { attempt: self.attempt, void_attempts: self.void_attempts, ..Self::default() }
    }

    /// What is wrong with it as a whole: a field that was lost must never look like work that was never begun.
    pub(super) fn contradiction(&self) -> Option<String> {
        let created = self.task_id.is_some();
        let known = created || self.intent || self.error.is_some();
        let about = self.error.as_ref().and_then(Error::task_id);
        let polled = self.state.is_some() || self.polls.is_polled();
        if created && self.intent {
            Some("has a task_id, and an intent as if no answer had come".into())
        } else if polled && !created {
            Some("was seen at the service, and has no task_id".into())
        } else if !created && let Some(task_id) = about {
            Some(format!("has an error about task {task_id}, and no task_id"))
        } else if self.attempt > self.void_attempts && !known {
            Some(format!("was asked for (attempt {}), and has neither intent, task_id nor error", self.attempt))
        } else if self.attempt == self.void_attempts && (created || self.intent) {
            // Not so an error: what is refused before it is sent has one.
            Some("has a task or an intent, and no attempt that it belongs to".into())
        } else if self.attempt < self.void_attempts {
            Some("has fewer attempts than void ones".into())
        } else {
            None
        }
    }

    /// Whether the answer to this attempt is still to come, or was given up.
    pub(super) fn awaits(&self, attempt: u32) -> bool {
        let unknown = self.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::OutcomeUnknown);
        self.attempt == attempt && attempt > self.void_attempts && self.task_id.is_none() && (self.intent || unknown)
    }

    /// Sent, and not known to have ended.
    pub(super) fn is_pending(&self) -> bool {
        self.task_id.is_some() && self.error.is_none() && !self.has_result()
    }

    pub(super) fn has_result(&self) -> bool {
        matches!(self.state, Some(TaskState::Succeeded | TaskState::PartlySucceeded)) && self.empty_since.is_none()
    }

    /// Known to have ended well, without a picture until now.
    pub(super) fn names_no_picture(&self) -> bool {
        self.empty_since.is_some()
    }

    /// Never sent, or refused when it was.
    pub(super) fn is_fresh(&self) -> bool {
        self.task_id.is_none() && !self.intent && self.error.is_none()
    }

    /// This process waits for the answer of its create.
    pub(super) fn is_in_flight(&self) -> bool {
        self.in_flight
    }

    /// Begins the schedule anew, as for a task that nobody calls back about.
    pub(super) fn poll_fast(&mut self) {
        self.polls.restart();
        self.expects_callback = false;
    }

    /// Polled rarely from now on: a callback is expected, and relied on.
    pub(super) fn poll_rarely(&mut self, rare: &PollSchedule, now: u64) {
        self.polls.hold_back(rare, now);
    }

    pub(super) fn is_polled_rarely(&self) -> bool {
        self.is_pending() && self.polls.is_held_back()
    }

    /// Polled as usual again: callbacks are relied on no more.
    pub(super) fn poll_as_usual(&mut self) {
        self.polls.release();
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.intent && self.task_id.is_none() && !self.in_flight
    }

    /// Notes that a create is about to be sent.
    pub(super) fn note_intent(&mut self) {
        (self.intent, self.in_flight) = (true, true);
        self.attempt = self.attempt.saturating_add(1);
    }

    /// Notes that it was not sent.
    fn clear_intent(&mut self) {
        (self.intent, self.in_flight) = (false, false);
        self.void_attempts = self.attempt;
    }

    /// Takes the intent of this attempt back, which was not sent.
    pub(super) fn withdraw(&mut self, attempt: u32) {
        if self.awaits(attempt) {
            self.clear_intent();
        }
    }

    /// Takes in what a create answered. A refusal leaves nothing behind but its error.
    pub(super) fn on_created(&mut self, outcome: &Result<Created>, schedule: &PollSchedule, now: u64) {
        self.in_flight = false;
        match outcome {
            Ok(created) => {
                (self.intent, self.error) = (false, None);
                self.task_id = Some(created.task_id.clone());
                self.state = Some(TaskState::Waiting);
                self.waiting_since = Some(now);
                self.polls.plan(schedule, now);
            }
            // Given up before it was sent: as if it had never been begun.
            Err(error) if error.kind() == ErrorKind::Cancelled => self.clear_intent(),
            Err(error) => {
                self.intent = error.kind() == ErrorKind::OutcomeUnknown;
                self.error = Some(error.clone());
            }
        }
    }

    /// Notes whether photos are missing; false as well once that has been so for too long.
    pub(super) fn awaits_photos(&mut self, missing: bool, now: u64) -> bool {
        if !missing {
            self.waiting_since = None;
            return false;
        }
        now.saturating_sub(*self.waiting_since.get_or_insert(now)) < PHOTOS_FOLLOW.as_millis() as u64
    }

    pub(super) fn restart_wait(&mut self) {
        self.waiting_since = None;
        self.polls.poll_now();
    }

    /// When it is polled next, in milliseconds since 1970.
    pub(super) fn next_poll(&self) -> u64 {
        self.polls.next_poll()
    }

    pub(super) fn drop_future_times(&mut self, now: u64) {
        if self.polls.is_ahead_of(now) || self.waiting_since.is_some_and(|since| since > now) {
            self.polls.drop_times();
            self.waiting_since = None;
        }
    }

    /// Brings the next poll forward; at most one a second, whoever asks for it.
    pub(super) fn poll_soon(&mut self, now: u64) {
        self.polls.poll_soon(now);
    }

    /// Notes what a poll saw, and plans the next one. True if the state is a new one.
    pub(super) fn on_polled(&mut self, task: &Task, schedule: &PollSchedule, now: u64) -> bool {
        let raw = (task.state == TaskState::Unknown).then_some(task.raw_state);
        let changed = self.state != Some(task.state) || self.unknown != raw;
        (self.state, self.unknown) = (Some(task.state), raw);
        if task.state == TaskState::Failed {
            self.error = Some(task_failed(task.clone()));
        }
        self.empty_since = self.empty_since.filter(|_| task.result_paths.is_empty());
        self.polls.on_polled(schedule, now);
        changed
    }

    /// Notes that a generation has succeeded and names no picture: they may be on their way. True once that has taken too
    /// long.
    pub(super) fn on_empty(&mut self, schedule: &PollSchedule, now: u64) -> bool {
        if self.empty_since.is_none() {
            self.polls.restart();
            self.polls.plan(schedule, now);
        }
        let since = *self.empty_since.get_or_insert(now);
        let is_over = now.saturating_sub(since) >= PICTURES_FOLLOW.as_millis() as u64;
        if is_over {
            let task_id = self.task_id.clone().unwrap_or_default();
            let message = format!(
                "task {task_id} has succeeded, and the service names no picture of it: run the job again to ask for them once more"
            );
            self.error = Some(Error::new(ErrorKind::Protocol, message).with_task_id(&task_id));
        }
        is_over
    }

    /// Notes a poll that failed; gives the pause before the next, or `None` if that was the last.
    pub(super) fn on_poll_failed(&mut self, error: &Error, schedule: &PollSchedule, now: u64) -> Option<Duration> {
        let age = self.waiting_since.map(|since| Duration::from_millis(now.saturating_sub(since)));
        self.polls.on_poll_failed(error, schedule, age, now)
    }

    /// What a caller who comes back wants done again. What was billed is done again only if `recreate` says so.
    pub(super) fn reopen(&mut self, how: Reopen, what: &str, sent: Option<String>) {
        // The caller holds the run lock, so no other run is polling.
        self.in_flight = false;
        let failed = self.state == Some(TaskState::Failed);
        if how.recreate && (failed || self.is_unknown()) {
            *self = Self { void_attempts: self.attempt, ..self.anew() };
        } else if self.is_unknown() {
            self.error.get_or_insert_with(|| unanswered(what, sent));
        } else if how.comes_back && !failed {
            self.error = None;
            self.waiting_since = None;
            if self.empty_since.take().is_some() {
                self.state = None;
                self.polls.poll_now();
            }
            if self.task_id.is_none() {
                self.void_attempts = self.attempt;
            }
        }
    }
}

/// A process ended between a create's intent and its answer.
fn unanswered(what: &str, sent: Option<String>) -> Error {
    let message = format!(
        "whether {what} was started is unknown: the run that asked for it ended before the answer came. If the \
         vendor's side shows the task, adopt it; to start (and pay) anew, pass ‹recreate›"
    );
    Error::new(ErrorKind::OutcomeUnknown, message).with_sent(sent)
}
