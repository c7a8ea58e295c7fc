//! Our waits, by the scheduler itself.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use xiezhen::{
    PollSchedule, Task, TaskKind, TaskState,
    internals::{Scheduler, Schedules, TaskSource},
};

use crate::Waited;

const SCHEDULES: Schedules = Schedules { training: PollSchedule::TRAINING, generation: PollSchedule::GENERATION };

/// A service whose tasks all began at once and end when they are told to.
struct Service {
    kind: TaskKind,
    began: Instant,
    tasks: Mutex<HashMap<String, Progress>>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    ends: Duration,
    queries: u64,
    on_polled: Option<Duration>,
}

impl Service {
    fn tasks(&self) -> MutexGuard<'_, HashMap<String, Progress>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskSource for Service {
    fn poll(&self, task_id: &str) -> impl Future<Output = xiezhen::Result<Task>> + Send {
        let at = self.began.elapsed();
        let mut tasks = self.tasks();
        let task = tasks.entry(task_id.to_owned()).or_default();
        let ended = at >= task.ends;
        // Whoever creates a task through its client is spared the poll at the very start, and has the same pauses
        // from there on (core/src/wait/schedule.rs): here that poll is the create's answer.
        task.queries += u64::from(!at.is_zero());
        task.on_polled = ended.then_some(at);
        let raw_state = if ended { 3 } else { 2 };
        let state = TaskState::from_raw(raw_state);
        let on_polled =
            Task { id: task_id.to_owned(), state, raw_state, kind: self.kind, result_paths: Vec::new(), reason: None };
        std::future::ready(Ok(on_polled))
    }

    fn try_acquire(&self, _now: Instant) -> bool {
        true
    }

    async fn acquire(&self) {}
}

/// Waits for tasks that end after so many seconds each.
pub(crate) async fn waits(durations: &[f64], kind: TaskKind) -> Vec<Waited> {
    let ids: Vec<String> = (0..durations.len()).map(|n| format!("task-{n}")).collect();
    let ends = durations.iter().map(|ends| Progress { ends: Duration::from_secs_f64(*ends), ..Progress::default() });
    let tasks = Mutex::new(ids.iter().cloned().zip(ends).collect());
    let service = Arc::new(Service { kind, began: Instant::now(), tasks });
    Scheduler::new(service.clone(), SCHEDULES).wait_many(&ids, None, |_, _| {}).await;

    let tasks = service.tasks();
    let waited = |id: &String| {
        let task = tasks.get(id).copied().unwrap_or_default();
        let delay = task.on_polled.unwrap_or_default().saturating_sub(task.ends).as_secs_f64();
        Waited { queries: task.queries, delay, given_up: task.on_polled.is_none() }
    };
    ids.iter().map(waited).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_generation_of_ten_seconds() {
        let waits = waits(&[10.0; 50], TaskKind::Generation).await;
        // 3, 7.5 and 14.25 s after its creation, ±20 % each: a second poll may already see the end.
        for wait in waits {
            assert!((2..=4).contains(&wait.queries), "{wait:?}");
            assert!((0.0..=8.0).contains(&wait.delay) && !wait.given_up, "{wait:?}");
        }
    }
}
