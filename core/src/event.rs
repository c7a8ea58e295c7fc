//! What progress is made of: one value for each thing that a caller may want to show.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize, Serializer};

use crate::{error::Error, task::TaskState};

/// Something that happened to a job. Events come in order; none is lost, but upload bytes are coalesced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// So much of a photo has gone out: 0 of each before the first is sent.
    PhotoUploading {
        /// Which photo, from 0.
        index: usize,
        /// Bytes sent so far.
        bytes_sent: u64,
        /// Bytes in all.
        bytes: u64,
    },
    /// The service has a photo.
    PhotoUploaded {
        /// Which photo, from 0.
        index: usize,
        /// The service's path of it.
        path: String,
    },
    /// The training was started, found under way by a run, or has reached another state.
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
    /// A style's generation was started, found under way by a run, or has reached another state.
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
        count: usize,
    },
    /// A picture is on disk.
    Saved {
        /// The style, as the job asked for it.
        style: String,
        /// The file.
        #[serde(serialize_with = "shown")]
        path: PathBuf,
    },
    /// A call failed and is made again.
    Retrying {
        /// The call's name.
        call: String,
        /// Why it failed.
        error: Error,
        /// How long until it is made again; serialised as seconds.
        #[serde(with = "seconds")]
        delay: Duration,
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

/// Is told of events, on whatever thread they happen; must not block.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// JSON is text: a path that is not UTF-8 is shown there as well as it can be.
fn shown<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}
