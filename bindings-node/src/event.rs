//! What happens to a job, as JavaScript hears it.

use napi_derive::napi;
use xiezhen::Event as CoreEvent;

use crate::{error::Failure, values::TaskState};

/// Something that happened to a job. Events come in order; none is lost, but upload bytes are coalesced.
#[allow(clippy::large_enum_variant)] // Lives for one call.
#[napi(discriminant = "type", discriminant_case = "snake_case", object_from_js = false)]
pub enum RawEvent {
    /// So much of a photo has gone out.
    PhotoUploading {
        /// Which photo, from 0.
        index: u32,
        /// Bytes sent so far.
        bytes_sent: f64,
        /// Bytes in all.
        bytes: f64,
    },
    /// The service has a photo.
    PhotoUploaded {
        /// Which photo, from 0.
        index: u32,
        /// The service's path of it.
        path: String,
    },
    /// The training was started, or has reached another state.
    Training {
        /// The training's task.
        task_id: String,
        /// Its state.
        state: TaskState,
    },
    /// The user model is there.
    Trained {
        /// Its id: a later job can use it again.
        user_id: String,
    },
    /// A style's generation was started, or has reached another state.
    Generating {
        /// The style, as the job asked for it.
        style: String,
        /// The generation's task.
        task_id: String,
        /// Its state.
        state: TaskState,
    },
    /// A style's pictures are ready at the service.
    Generated {
        /// The style, as the job asked for it.
        style: String,
        /// How many pictures.
        count: u32,
    },
    /// A picture is on disk.
    Saved {
        /// The style, as the job asked for it.
        style: String,
        /// The file.
        path: String,
    },
    /// A call failed and is made again.
    Retrying {
        /// The call's name.
        call: String,
        /// Why it failed.
        error: Failure,
        /// How long until it is made again.
        delay_ms: f64,
    },
    /// The service gave a state that its document does not name; the job waits on.
    UnknownState {
        /// The task.
        task_id: String,
        /// The number.
        raw_state: i64,
    },
    /// Something that a person should know and that stops nothing.
    Notice {
        /// What.
        message: String,
    },
    /// The job is done.
    Finished,
}

impl RawEvent {
    /// `None` for an event that this binding does not know yet.
    pub(crate) fn new(event: CoreEvent) -> Option<Self> {
        Some(match event {
            CoreEvent::PhotoUploading { index, bytes_sent, bytes } => {
                Self::PhotoUploading { index: index as u32, bytes_sent: bytes_sent as f64, bytes: bytes as f64 }
            }
            CoreEvent::PhotoUploaded { index, path } => Self::PhotoUploaded { index: index as u32, path },
            CoreEvent::Training { task_id, state } => Self::Training { task_id, state: state.into() },
            CoreEvent::Trained { user_id } => Self::Trained { user_id },
            CoreEvent::Generating { style, task_id, state } => Self::Generating { style, task_id, state: state.into() },
            CoreEvent::Generated { style, count } => Self::Generated { style, count: count as u32 },
            CoreEvent::Saved { style, path } => Self::Saved { style, path: path.to_string_lossy().into_owned() },
            CoreEvent::Retrying { call, error, delay } => {
                Self::Retrying { call, error: Failure::from(&error), delay_ms: delay.as_secs_f64() * 1000.0 }
            }
            CoreEvent::UnknownState { task_id, raw_state } => Self::UnknownState { task_id, raw_state },
            CoreEvent::Notice { message } => Self::Notice { message },
            CoreEvent::Finished => Self::Finished,
            _ => return None,
        })
    }
}
