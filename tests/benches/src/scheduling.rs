//! The scheduler alone: what a poll costs without its call, and what a wait weighs.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use xiezhen::{
    PollSchedule, Task, TaskKind, TaskState,
    internals::{Scheduler, Schedules, TaskSource},
};

use crate::measure::{Before, Spent};

/// How often every task is polled before it is done.
const POLLS_EACH: usize = 10;

/// A service that answers at once and costs nothing.
struct Nothing {
    polls_until_done: usize,
    polls: AtomicUsize,
}

impl TaskSource for Nothing {
    fn poll(&self, task_id: &str) -> impl Future<Output = xiezhen::Result<Task>> + Send {
        let polls = self.polls.fetch_add(1, Ordering::Relaxed);
        let raw_state = if polls >= self.polls_until_done { 3 } else { 2 };
        let state = TaskState::from_raw(raw_state);
        let id = task_id.to_owned();
        std::future::ready(Ok(Task {
            id,
            state,
            raw_state,
            kind: TaskKind::Generation,
            result_paths: Vec::new(),
            reason: None,
        }))
    }

    fn try_acquire(&self, _now: Instant) -> bool {
        true
    }

    async fn acquire(&self) {}
}

/// So many waits of eleven polls each.
pub(crate) async fn measure(waits: usize) -> Spent {
    let schedule = PollSchedule { initial: Duration::from_millis(200), factor: 1.0, max: Duration::from_millis(200) };
    let both = Schedules { training: schedule, generation: schedule };
    let nothing = Nothing { polls_until_done: waits * POLLS_EACH, polls: AtomicUsize::default() };
    let scheduler = Scheduler::new(Arc::new(nothing), both);
    let tasks: Vec<String> = (0..waits).map(|n| format!("7e1cac92-e348-4c90-ac66-{n:012}")).collect();
    let before = Before::now();
    drop(scheduler.wait_many(&tasks, None, |_, _| {}).await);
    before.spent()
}
