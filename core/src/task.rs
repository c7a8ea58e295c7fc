//! What the service knows: tasks, styles, and what a create made. How they are read is in `wire.rs`.

use crate::table::{define_enums, define_values};

/// The words for tasks (docs/service.md, step 3).
#[doc(hidden)]
#[macro_export]
macro_rules! task_enums {
    ($with:ident) => {
        $with! {
            /// How far a task is. `succeeded`, `partly_succeeded` and `failed` are terminal.
            TaskState {
                /// 1: queued.
                Waiting "waiting",
                /// 2: being worked on.
                Running "running",
                /// 3: done.
                Succeeded "succeeded",
                /// 4: done, with something missing.
                PartlySucceeded "partly_succeeded",
                /// 5: given up by the service.
                Failed "failed",
                /// A number that the service's document does not name; the task's raw state says which.
                Unknown "unknown",
            }
            /// What a task is for.
            TaskKind {
                /// 1: trains a user model.
                Training "training",
                /// 2: generates pictures.
                Generation "generation",
                /// A number that the service's document does not name.
                Unknown "unknown",
            }
        }
    };
}
task_enums!(define_enums);

/// What the service knows (docs/service.md, steps 2 to 6).
#[doc(hidden)]
#[macro_export]
macro_rules! task_values {
    ($with:ident) => {
        $with! {
            /// Something that the service does for minutes.
            Task {
                /// The task's id.
                id: String,
                /// How far it is.
                state: TaskState,
                /// The state as the service wrote it.
                raw_state: i64,
                /// What it is for.
                kind: TaskKind,
                /// The addresses of the pictures, once there are any.
                result_paths: Vec<String>,
                /// Why the service gave the task up, in its own words, if it said so.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                reason: Option<String> = None,
            }
            /// A style that pictures can be generated in.
            Style {
                /// What people call it.
                name: String,
                /// Its id: generations are created with it.
                style: String,
                /// The address of a sample picture.
                template: String,
                /// Whom it is for, in the vendor's words (女, 男).
                sex: String,
            }
            /// What a create answered.
            Created {
                /// The task that was started.
                task_id: String,
                /// The user model that it belongs to.
                user_id: String,
            }
        }
    };
}
task_values!(define_values);

impl Eq for Task {}
impl Eq for Style {}
impl Eq for Created {}

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
}
