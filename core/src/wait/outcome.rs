//! How a wait ends.

use std::time::Duration;

use crate::{
    error::{Error, ErrorKind, Result},
    task::{Task, TaskState},
};

/// What a wait returns for a task that has ended.
pub(super) fn ended(task: Task) -> Result<Task> {
    if task.state == TaskState::Failed { Err(task_failed(task)) } else { Ok(task) }
}

pub(crate) fn task_failed(task: Task) -> Error {
    let said = task.reason.as_deref().map(|reason| format!(", {reason:?}")).unwrap_or_default();
    let message = format!("task {} failed: the service gave it up (state {}){said}", task.id, task.raw_state);
    Error::new(ErrorKind::TaskFailed, message).with_task(task)
}

pub(crate) fn out_of_time(task: &str, state: Option<TaskState>, waited: Duration) -> Error {
    let state = state.map_or("not seen yet", TaskState::name);
    let message = format!(
        "task {task} did not end within {:.1} s ({state}); it goes on at the service: wait for it again",
        waited.as_secs_f64()
    );
    Error::new(ErrorKind::Timeout, message).with_task_id(task)
}

/// Outages, throttling and unreadable answers are waited out; what stays as it is, is not. A query touches no file: `Io`
/// says that this process has too many open for now.
pub(super) const fn ends_a_wait(kind: ErrorKind) -> bool {
    use ErrorKind as K;
    !matches!(kind, K::RateLimited | K::Protocol | K::Transport | K::Timeout | K::Io)
}
