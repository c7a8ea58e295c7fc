//! What progress is made of: one value for each thing that a caller may want to show.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    error::Error as Failure,
    table::{Bytes, Call, Count, Delay, Index, LocalPath},
    task::TaskState,
};

/// All that can happen to a job; what comes last is behind the semicolon.
#[doc(hidden)]
#[macro_export]
macro_rules! events {
    ($with:ident) => {
        $with! {
            /// So much of a photo has gone out: 0 of each before the first is sent.
            PhotoUploading "photo_uploading" {
                /// Which photo, from 0.
                index: Index,
                /// Bytes sent so far.
                bytes_sent: Bytes,
                /// Bytes in all.
                bytes: Bytes,
            }
            /// The service has a photo.
            PhotoUploaded "photo_uploaded" {
                /// Which photo, from 0.
                index: Index,
                /// The service's path of it.
                path: String,
            }
            /// The training was started, found in progress by a run, or has reached another state.
            Training "training" {
                /// The training's task.
                task_id: String,
                /// Its state.
                state: TaskState,
            }
            /// The user model is there.
            Trained "trained" {
                /// Its id: a later job can use it again.
                user_id: String,
            }
            /// A style's generation was started, found in progress by a run, or has reached another state.
            Generating "generating" {
                /// The style, as the job asked for it.
                style: String,
                /// The generation's task.
                task_id: String,
                /// Its state.
                state: TaskState,
            }
            /// A style's pictures are ready at the service.
            Generated "generated" {
                /// The style, as the job asked for it.
                style: String,
                /// How many pictures.
                count: Count,
            }
            /// A picture is on disk.
            Saved "saved" {
                /// The style, as the job asked for it.
                style: String,
                /// The file.
                #[serde(serialize_with = "shown")]
                path: LocalPath,
            }
            /// A call failed and is made again.
            Retrying "retrying" {
                /// The call's name.
                call: Call,
                /// Why it failed.
                error: Failure,
                /// How long until it is made again, in seconds where it is a number.
                #[serde(with = "seconds")]
                delay: Delay,
            }
            /// The service gave a state that its document does not name; the job waits on.
            UnknownState "unknown_state" {
                /// The task.
                task_id: String,
                /// The number.
                raw_state: i64,
            }
            /// Something that a person should know and that stops nothing.
            Notice "notice" {
                /// What.
                message: String,
            }
            ;
            /// The job is done. Nothing comes after this.
            Finished "finished"
        }
    };
}

macro_rules! define {
    ($($(#[doc = $doc:tt])+ $name:ident $kind:literal { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])? $field:ident: $type:ident,
    )+ })+ ; $(#[doc = $last_doc:tt])+ $last:ident $last_kind:literal) => {
        /// Something that happened to a job. Events come in order; none is lost, but upload bytes are coalesced.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Event {
            $($(#[doc = $doc])+ $name { $($(#[doc = $about])+ $(#[serde($($serde)*)])? $field: $type,)+ },)+
            $(#[doc = $last_doc])+ $last,
        }
    };
}
events!(define);

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
