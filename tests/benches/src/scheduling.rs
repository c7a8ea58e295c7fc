//! The scheduler alone: what a look costs without its call, and what a wait weighs.

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
    internals::{Look, Scheduler, Schedules},
};

use crate::measure::{Before, Spent};

/// How often every task is looked at before it is done.
const LOOKS_EACH: usize = 10;

/// A service that answers at once and costs nothing.
struct Nothing {
    looks_until_done: usize,
    looks: AtomicUsize,
}

impl Look for Nothing {
    fn look(&self, task_id: &str) -> impl Future<Output = xiezhen::Result<Task>> + Send {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        let raw_state = if looks >= self.looks_until_done { 3 } else { 2 };
        let state = TaskState::from_raw(raw_state);
        let id = task_id.to_owned();
        std::future::ready(Ok(Task { id, state, raw_state, kind: TaskKind::Generation, result_paths: Vec::new() }))
    }

    fn try_pay(&self, _now: Instant) -> bool {
        true
    }

    async fn pay(&self) {}
}

/// So many waits of eleven looks each.
pub(crate) async fn measure(waits: usize) -> Spent {
    let schedule = PollSchedule { initial: Duration::from_millis(200), factor: 1.0, max: Duration::from_millis(200) };
    let both = Schedules { training: schedule, generation: schedule };
    let nothing = Nothing { looks_until_done: waits * LOOKS_EACH, looks: AtomicUsize::default() };
    let scheduler = Scheduler::new(Arc::new(nothing), both);
    let tasks: Vec<String> = (0..waits).map(|n| format!("7e1cac92-e348-4c90-ac66-{n:012}")).collect();
    let before = Before::now();
    drop(scheduler.wait_many(&tasks, None, |_, _| {}).await);
    before.spent()
}
