//! Who follows a job is told of what happens to it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{advance::Advance, record::Slot};
use crate::{
    caller::Caller,
    event::{Event, OnEvent},
    task::{Task, TaskState},
    transport::{OnRetry, body::OnBytes},
};

impl Advance {
    /// Whoever follows the job, as long as the caller is there: nobody is told after the call has returned, and what
    /// shows progress is let go of.
    pub(super) fn heard_by(&self, caller: &Caller) -> Option<OnEvent> {
        let follower = Arc::downgrade(self.on_event.as_ref()?);
        let caller = caller.clone();
        Some(Arc::new(move |event| {
            if let Some(tell) = follower.upgrade().filter(|_| !caller.is_gone()) {
                tell(event);
            }
        }))
    }

    pub(super) fn tell(&self, event: Event) {
        if let Some(tell) = &self.on_event {
            tell(event);
        }
    }

    pub(super) fn tell_state(&self, slot: Slot, task: &Task) {
        let (task_id, state) = (task.id.clone(), task.state);
        if state == TaskState::Unknown {
            return self.tell(Event::UnknownState { task_id, raw_state: task.raw_state });
        }
        self.tell_work(slot, task_id, state);
    }

    pub(super) fn tell_work(&self, slot: Slot, task_id: String, state: TaskState) {
        match slot {
            Slot::Training => self.tell(Event::Training { task_id, state }),
            Slot::Portrait(index) => self.tell(Event::Generating { style: self.style(index), task_id, state }),
        }
    }

    /// Tells of a task's results. A failure is told by the error that ends the job.
    pub(super) fn tell_end(&self, slot: Slot, task: &Task) {
        match slot {
            _ if task.state == TaskState::Failed => {}
            Slot::Training => {
                if let Some(user_id) = self.job.user_id() {
                    self.tell(Event::Trained { user_id });
                }
            }
            Slot::Portrait(index) => {
                let (style, count) = (self.style(index), task.result_paths.len());
                if count == 0 {
                    let message = format!("the generation of {style:?} succeeded without a picture");
                    self.tell(Event::Warning { message });
                }
                self.tell(Event::Generated { style, count });
            }
        }
    }

    /// Tells of the work that was under way before this turn: what is waited for is never a secret.
    pub(super) fn tell_pending(&self) {
        let pending: Vec<(Slot, String, TaskState)> = self.job.known(|record| {
            let pending = record.works().filter(|(_, work)| work.is_pending());
            let told = pending.filter_map(|(slot, work)| {
                // A number that nobody knows is told of when it is seen.
                let state = work.state.unwrap_or(TaskState::Waiting);
                Some((slot, work.task_id.clone()?, state)).filter(|_| state != TaskState::Unknown)
            });
            told.collect()
        });
        for (slot, task_id, state) in pending {
            self.tell_work(slot, task_id, state);
        }
    }

    pub(super) fn on_retry(&self) -> Option<OnRetry> {
        let tell = self.on_event.clone()?;
        Some(Arc::new(move |call, error, delay| {
            tell(Event::Retrying { call: call.name().into(), error: error.clone(), delay });
        }))
    }

    /// Reports a photo's bytes in steps of a twentieth, and in none smaller than what is sent at a time.
    pub(super) fn on_bytes(&self, index: usize) -> Option<OnBytes> {
        let tell = self.on_event.clone()?;
        let told = AtomicU64::new(0);
        Some(Arc::new(move |bytes_sent, bytes| {
            let step = (bytes / 20).max(64 << 10);
            let before = told.load(Ordering::Relaxed);
            // A repeated upload begins anew.
            if bytes_sent == bytes || bytes_sent < before || bytes_sent - before >= step {
                told.store(bytes_sent, Ordering::Relaxed);
                tell(Event::PhotoUploading { index, bytes_sent, bytes });
            }
        }))
    }
}
