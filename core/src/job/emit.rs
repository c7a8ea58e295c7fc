//! Events: what whoever follows a job is told.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{record::WorkId, runner::JobRunner};
use crate::{
    caller::Caller,
    event::{Event, OnEvent},
    task::{Task, TaskState},
    transport::{OnRetry, body::OnBytes},
};

impl JobRunner {
    /// Whoever follows the job, as long as the caller is there: nobody is told after the call has returned, and what
    /// shows progress is let go of.
    pub(super) fn events_while_present(&self, caller: &Caller) -> Option<OnEvent> {
        let follower = Arc::downgrade(self.on_event.as_ref()?);
        let caller = caller.clone();
        Some(Arc::new(move |event| {
            if let Some(emit) = follower.upgrade().filter(|_| !caller.is_gone()) {
                emit(event);
            }
        }))
    }

    pub(super) fn emit(&self, event: Event) {
        if let Some(emit) = &self.on_event {
            emit(event);
        }
    }

    pub(super) fn emit_state(&self, id: WorkId, task: &Task) {
        let (task_id, state) = (task.id.clone(), task.state);
        if state == TaskState::Unknown {
            return self.emit(Event::UnknownState { task_id, raw_state: task.raw_state });
        }
        self.emit_work_state(id, task_id, state);
    }

    pub(super) fn emit_work_state(&self, id: WorkId, task_id: String, state: TaskState) {
        match id {
            WorkId::Training => self.emit(Event::Training { task_id, state }),
            WorkId::Portrait(index) => self.emit(Event::Generating { style: self.style(index), task_id, state }),
        }
    }

    /// Tells of a task's results. A failure is told by the error that ends the job.
    pub(super) fn emit_end(&self, id: WorkId, task: &Task) {
        match id {
            _ if task.state == TaskState::Failed => {}
            WorkId::Training => {
                if let Some(user_id) = self.job.user_id() {
                    self.emit(Event::Trained { user_id });
                }
            }
            WorkId::Portrait(index) => {
                let (style, count) = (self.style(index), task.result_paths.len());
                let error = self.job.known(|record| record.portraits.get(index)?.work.error.clone());
                match error {
                    Some(error) => self.emit(Event::Notice { message: format!("{style}: {error}") }),
                    // Without a picture, they may still follow.
                    None if count > 0 => self.emit(Event::Generated { style, count }),
                    None => {}
                }
            }
        }
    }

    /// Emits the work that was under way before this run: what is waited for is never a secret.
    pub(super) fn emit_pending(&self) {
        let pending: Vec<(WorkId, String, TaskState)> = self.job.known(|record| {
            let pending = record.works().filter(|(_, work)| work.is_pending());
            let told = pending.filter_map(|(id, work)| {
                // A number that nobody knows is told of when it is seen.
                let state = work.state.unwrap_or(TaskState::Waiting);
                Some((id, work.task_id.clone()?, state)).filter(|_| state != TaskState::Unknown)
            });
            told.collect()
        });
        for (id, task_id, state) in pending {
            self.emit_work_state(id, task_id, state);
        }
    }

    pub(super) fn on_retry(&self) -> Option<OnRetry> {
        let emit = self.on_event.clone()?;
        Some(Arc::new(move |call, error, delay| {
            emit(Event::Retrying { call: call.name().into(), error: error.clone(), delay });
        }))
    }

    /// Reports a photo's bytes in steps of a twentieth, and in none smaller than what is sent at a time.
    pub(super) fn on_bytes(&self, index: usize) -> Option<OnBytes> {
        let emit = self.on_event.clone()?;
        let told = AtomicU64::new(0);
        Some(Arc::new(move |bytes_sent, bytes| {
            let step = (bytes / 20).max(64 << 10);
            let before = told.load(Ordering::Relaxed);
            // A repeated upload begins anew.
            if bytes_sent == bytes || bytes_sent < before || bytes_sent - before >= step {
                told.store(bytes_sent, Ordering::Relaxed);
                emit(Event::PhotoUploading { index, bytes_sent, bytes });
            }
        }))
    }
}
