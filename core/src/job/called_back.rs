//! What a run does about callbacks: polls that happen now, trust that is earned and lost, and creates whose answer was lost.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    record::{Record, WorkId, kind_of},
    runner::JobRunner,
    work::Work,
};
use crate::{
    callback::{Hint, fallback},
    error::{Error, Result},
    event::Event,
    task::Task,
};

/// Before a task that could not be asked for is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

impl JobRunner {
    /// Sorts what has come since: gives the tasks that are to be polled now.
    pub(super) fn take_hints(&self) -> Vec<String> {
        let mut state = self.hints.state();
        let mut hints = std::mem::take(&mut state.early);
        hints.extend(self.hints.inbox.take());
        let mut polled = Vec::new();
        for hint in hints {
            let Some(id) = WorkId::from_slot(hint.slot.as_deref()) else {
                // Nobody knows which task it is about.
                polled.extend(self.job.known(Record::pending).into_iter().map(|(_, task_id)| task_id));
                continue;
            };
            if let (Some(callbacks), Some(subject)) = (&self.hints.callbacks, hint.subject()) {
                callbacks.trust().hear(&subject, Instant::now());
            }
            self.job.edit(|record| match record.work(id) {
                Some(work) if work.attempt != hint.attempt => {}
                Some(work) if work.is_in_flight() => state.early.push(hint),
                Some(work) if work.is_unknown() => state.claim(id, hint),
                Some(work) if work.is_pending() => {
                    state.told.push(id);
                    polled.extend(work.task_id.clone());
                }
                _ => {}
            });
        }
        polled
    }

    /// A create was answered, or its answer lost.
    pub(super) fn on_create_answered(&self, id: WorkId, attempt: u32, outcome_unknown: bool) {
        if !outcome_unknown || !self.hints.are_used() {
            return;
        }
        if let Some(patience) = self.hints.await_callback(id, attempt, self.session.now_ms()) {
            let (what, minutes) = (self.job.known(|record| record.name_of(id)), patience.as_secs() / 60);
            let message =
                format!("whether {what} was started is unknown: waiting up to {minutes} min for its callback");
            self.emit(Event::Notice { message });
        }
    }

    /// Whether a callback may still settle what is unknown.
    pub(super) fn awaits_callback(&self) -> bool {
        let now = self.session.now_ms();
        let mut state = self.hints.state();
        state.awaited.retain(|(id, attempt, until)| {
            let lacks = self.job.edit(|record| record.work(*id).is_some_and(|work| work.awaits(*attempt)));
            lacks && *until > now
        });
        !state.awaited.is_empty() || !state.claims.is_empty()
    }

    /// A poll has seen how far a task is: what that says of callbacks.
    pub(super) fn judge_callbacks(&self, id: WorkId, task: &Task) {
        let told = {
            let mut state = self.hints.state();
            let told = state.told.contains(&id);
            state.told.retain(|one| *one != id);
            told
        };
        let Some(callbacks) = &self.hints.callbacks else { return };
        let known = |work: &mut Work| (work.expects_callback, work.attempt, work.names_no_picture());
        let (expected, attempt, has_ended) = self.job.edit(|record| record.work(id).map_or((false, 0, false), known));
        if has_ended {
            // Polled on for its pictures: its callback was judged when it ended.
        } else if task.state.is_terminal() {
            let subject = self.hints.subject(id, attempt);
            callbacks.on_end(subject, expected);
        } else if told {
            // Somebody calls back before the end: from now on, this task is polled as if nobody did.
            self.work(id, Work::poll_fast);
        }
    }

    /// Puts off the next poll of a task whose callback is expected, while callbacks can be relied on.
    pub(super) fn rely_on_callback(&self, id: WorkId, now: u64) {
        if !self.hints.are_trusted() {
            return;
        }
        let rare = fallback(kind_of(id), self.schedule(id));
        self.work(id, |work| {
            if work.expects_callback && work.is_pending() {
                work.poll_rarely(&rare, now);
            }
        });
    }

    /// Once callbacks can't be relied on any more, what waits for one is polled as usual.
    pub(super) fn review_trust(&self) {
        let is_any_rare = self.job.known(|record| record.works().any(|(_, work)| work.is_polled_rarely()));
        if is_any_rare && !self.hints.are_trusted() {
            for (id, _) in self.job.known(Record::pending) {
                self.work(id, Work::poll_as_usual);
            }
        }
    }

    /// Asks the service for the task that a callback names for a create whose answer was lost, and adopts it if it can
    /// only be that.
    pub(super) async fn settle_claim(&self, id: WorkId) -> Result<()> {
        let hint = {
            let mut state = self.hints.state();
            let Some(at) = state.claims.iter().position(|(claimed, _)| *claimed == id) else { return Ok(()) };
            state.claims.swap_remove(at).1
        };
        let task_id = match hint.task_ids.as_slice() {
            [task_id] => task_id.clone(),
            // Nothing to go by; another callback may say more.
            [] => return Ok(()),
            _ => {
                self.refuse_claim(id, &hint, "more than one task is named");
                return Ok(());
            }
        };
        if id == WorkId::Training && hint.user_id.is_none() {
            self.refuse_claim(id, &hint, "no user is named");
            return Ok(());
        }
        let is_elsewhere = |record: &Record| record.works().any(|(_, work)| work.task_id.as_ref() == Some(&task_id));
        if self.job.known(is_elsewhere) || self.session.is_taken(&task_id) {
            self.refuse_claim(id, &hint, "that task belongs to something else");
            return Ok(());
        }
        match self.session.query(&task_id).await {
            Ok(task) if task.kind == kind_of(id) => self.adopt_claim(id, &hint, &task).await,
            Ok(_) => {
                self.refuse_claim(id, &hint, "that task is of another kind");
                Ok(())
            }
            Err(error) if error.is_retryable() => {
                tokio::time::sleep(ASK_AGAIN).await;
                self.hints.inbox.put(hint);
                Ok(())
            }
            Err(error) => {
                self.refuse_claim(id, &hint, &error.to_string());
                Ok(())
            }
        }
    }

    async fn adopt_claim(&self, id: WorkId, hint: &Hint, task: &Task) -> Result<()> {
        if !self.session.take_task(&task.id) {
            self.refuse_claim(id, hint, "that task belongs to something else");
            return Ok(());
        }
        let (schedule, now) = (self.schedule(id), self.session.now_ms());
        let adopted = self.job.edit(|record| {
            let lacks = record.work(id).is_some_and(|work| work.awaits(hint.attempt));
            if lacks {
                record.adopt_told(id, &task.id, hint.user_id.as_deref());
                record.on_polled(id, task, &schedule, now);
            }
            lacks
        });
        if !adopted {
            return Ok(());
        }
        self.rely_on_callback(id, now);
        let what = self.job.known(|record| record.name_of(id));
        tracing::info!(task_id = task.id, user_id = hint.user_id, "{what} was found by its callback");
        self.emit_state(id, task);
        if task.state.is_terminal() {
            self.judge_callbacks(id, task);
            self.emit_end(id, task);
        }
        self.save().await
    }

    fn refuse_claim(&self, id: WorkId, hint: &Hint, why: &str) {
        let (what, tasks) = (self.job.known(|record| record.name_of(id)), hint.task_ids.join(", "));
        let message =
            format!("a callback names task {tasks} for {what}, whose outcome is unknown; not adopted, because {why}");
        self.emit(Event::Notice { message });
    }

    /// What a run that is out of time says first: that something may have been billed.
    pub(super) fn unknown_error(job: &super::Job) -> Option<Error> {
        job.known(Record::first_error).filter(|error| error.kind() == crate::ErrorKind::OutcomeUnknown)
    }
}
