//! What the service says, as JavaScript sees it.

use napi_derive::napi;
use xiezhen::{TaskKind as CoreKind, TaskState as CoreState};

/// How far a task is. `succeeded`, `partly_succeeded` and `failed` are the end; see `rawState` for `unknown`.
#[napi(string_enum = "snake_case")]
pub enum TaskState {
    /// 1: queued.
    Waiting,
    /// 2: being worked on.
    Running,
    /// 3: done.
    Succeeded,
    /// 4: done, with something missing.
    PartlySucceeded,
    /// 5: given up by the service.
    Failed,
    /// A number that the service's document does not name.
    Unknown,
}

/// What a task is for.
#[napi(string_enum = "snake_case")]
pub enum TaskKind {
    /// 1: trains a user model.
    Training,
    /// 2: generates pictures.
    Generation,
    /// A number that the service's document does not name.
    Unknown,
}

impl From<CoreState> for TaskState {
    fn from(state: CoreState) -> Self {
        match state {
            CoreState::Waiting => Self::Waiting,
            CoreState::Running => Self::Running,
            CoreState::Succeeded => Self::Succeeded,
            CoreState::PartlySucceeded => Self::PartlySucceeded,
            CoreState::Failed => Self::Failed,
            CoreState::Unknown => Self::Unknown,
        }
    }
}

impl From<TaskState> for CoreState {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Waiting => Self::Waiting,
            TaskState::Running => Self::Running,
            TaskState::Succeeded => Self::Succeeded,
            TaskState::PartlySucceeded => Self::PartlySucceeded,
            TaskState::Failed => Self::Failed,
            TaskState::Unknown => Self::Unknown,
        }
    }
}

impl From<CoreKind> for TaskKind {
    fn from(kind: CoreKind) -> Self {
        match kind {
            CoreKind::Training => Self::Training,
            CoreKind::Generation => Self::Generation,
            CoreKind::Unknown => Self::Unknown,
        }
    }
}

impl From<TaskKind> for CoreKind {
    fn from(kind: TaskKind) -> Self {
        match kind {
            TaskKind::Training => Self::Training,
            TaskKind::Generation => Self::Generation,
            TaskKind::Unknown => Self::Unknown,
        }
    }
}

/// Something that the service does for minutes.
#[napi(object)]
pub struct Task {
    /// The task's id.
    pub id: String,
    /// How far it is.
    pub state: TaskState,
    /// The state as the service wrote it.
    pub raw_state: i64,
    /// What it is for.
    pub kind: TaskKind,
    /// The addresses of the pictures, once there are any.
    pub result_paths: Vec<String>,
    /// Why the service gave the task up, in its own words, if it said so.
    pub reason: Option<String>,
}

impl From<xiezhen::Task> for Task {
    fn from(task: xiezhen::Task) -> Self {
        Self {
            id: task.id,
            state: task.state.into(),
            raw_state: task.raw_state,
            kind: task.kind.into(),
            result_paths: task.result_paths,
            reason: task.reason,
        }
    }
}

impl From<Task> for xiezhen::Task {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            state: task.state.into(),
            raw_state: task.raw_state,
            kind: task.kind.into(),
            result_paths: task.result_paths,
            reason: task.reason,
        }
    }
}

/// A style that pictures can be generated in.
#[allow(clippy::struct_field_names)] // The vendor's name of the id.
#[napi(object, object_from_js = false)]
pub struct Style {
    /// What people call it.
    pub name: String,
    /// Its id, as `createTask` takes it.
    pub style: String,
    /// The address of a sample picture.
    pub template: String,
    /// Whom it is for, in the vendor's words (女, 男).
    pub sex: String,
}

impl From<xiezhen::Style> for Style {
    fn from(style: xiezhen::Style) -> Self {
        Self { name: style.name, style: style.style, template: style.template, sex: style.sex }
    }
}

/// What a create answered.
#[napi(object, object_from_js = false)]
pub struct Created {
    /// The task that was started.
    pub task_id: String,
    /// The user model that it belongs to.
    pub user_id: String,
}

impl From<xiezhen::Created> for Created {
    fn from(created: xiezhen::Created) -> Self {
        Self { task_id: created.task_id, user_id: created.user_id }
    }
}
