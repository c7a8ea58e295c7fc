//! What the service knows: tasks, styles, and what a create made. How they are read is in `wire.rs`.

use serde::{Deserialize, Serialize};

/// How far a task is (docs/service.md, step 3). `Succeeded`, `PartlySucceeded` and `Failed` are terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// A number that the document does not name; see [`Task::raw_state`].
    Unknown,
}

impl TaskState {
    /// The state that the service writes as this number.
    pub const fn from_raw(raw: i64) -> Self {
        match raw {
            1 => Self::Waiting,
            2 => Self::Running,
            3 => Self::Succeeded,
            4 => Self::PartlySucceeded,
            5 => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Whether the service is done with the task.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlySucceeded | Self::Failed)
    }

    /// The name, the same in every language: `"partly_succeeded"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::PartlySucceeded => "partly_succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What a task is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// 1: trains a user model.
    Training,
    /// 2: generates pictures.
    Generation,
    /// A number that the document does not name.
    Unknown,
}

impl TaskKind {
    /// The kind that the service writes as this number.
    pub const fn from_raw(raw: i64) -> Self {
        match raw {
            1 => Self::Training,
            2 => Self::Generation,
            _ => Self::Unknown,
        }
    }

    /// The name, the same in every language: `"training"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Generation => "generation",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that the service does for minutes (docs/service.md, steps 3 and 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A style that pictures can be generated in (docs/service.md, step 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// What people call it.
    pub name: String,
    /// Its id, as `create_task` takes it.
    pub style: String,
    /// The address of a sample picture.
    pub template: String,
    /// Whom it is for, in the vendor's words (女, 男).
    pub sex: String,
}

/// What a create answered (docs/service.md, steps 2 and 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The task that was started.
    pub task_id: String,
    /// The user model that it belongs to.
    pub user_id: String,
}
