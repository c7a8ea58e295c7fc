//! How a job is run or advanced.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{Job, record::Record};
use crate::{
    callback::{Callbacks, Hint},
    event::OnEvent,
};

/// How [`Client::advance`](crate::Client::advance) goes about it.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct AdvanceOptions {
    /// The folder for pictures; without one, none are fetched. The job remembers it.
    pub save_to: Option<PathBuf>,
    /// Is told of progress.
    pub on_event: Option<OnEvent>,
    /// Bounds the whole advance; without it, each of its calls is bounded by the client's timeout.
    pub timeout: Option<Duration>,
    /// Starts (and pays) again what was found failed, or with an unknown outcome.
    pub recreate: bool,
    /// Ends the job, as failed, if its photos or styles are refused: nobody is there to be told (fleets).
    #[doc(hidden)]
    pub ends_refused: bool,
    /// Creates tell the service to report to an address of these.
    pub callback: Option<Callbacks>,
    /// What these addresses call the job; without it, the job's id.
    pub callback_key: Option<String>,
    /// Callbacks that came for this job, to this process or another: their tasks are polled at once.
    pub woken: Vec<Hint>,
}

/// How [`Client::run`](crate::Client::run) goes about it.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// The folder for pictures; without one, none are fetched. The job remembers it.
    pub save_to: Option<PathBuf>,
    /// The file that keeps the job, so that it can go on after this process. Loaded if it is there.
    pub checkpoint: Option<PathBuf>,
    /// Is told of progress.
    pub on_event: Option<OnEvent>,
    /// Bounds the whole run; without one, each task's own deadline does (training 2 h, generation 30 min).
    pub timeout: Option<Duration>,
    /// Starts (and pays) again what was found failed, or with an unknown outcome.
    pub recreate: bool,
    /// Creates tell the service to report to an address of these, and what comes back is acted on at once.
    pub callback: Option<Callbacks>,
    /// What these addresses call the job; without it, the job's id.
    pub callback_key: Option<String>,
}

/// Setters that both kinds of options have.
macro_rules! chained {
    ($($options:ident)+) => {
        $(impl $options {
            /// The folder for pictures.
            #[must_use]
            pub fn save_to(mut self, folder: impl Into<PathBuf>) -> Self {
                self.save_to = Some(folder.into());
                self
            }

            /// Is told of progress, on whatever thread it is made; must not block.
            #[must_use]
            pub fn on_event(mut self, emit: impl Fn(crate::Event) + Send + Sync + 'static) -> Self {
                self.on_event = Some(Arc::new(emit));
                self
            }

            /// Bounds the whole call.
            #[must_use]
            pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
                self.timeout = timeout.into();
                self
            }

            /// Starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
            #[must_use]
            pub fn recreate(mut self, recreate: bool) -> Self {
                self.recreate = recreate;
                self
            }

            /// Creates tell the service to report to an address of these.
            #[must_use]
            pub fn callback(mut self, callbacks: impl Into<Option<Callbacks>>) -> Self {
                self.callback = callbacks.into();
                self
            }

            /// What callback addresses call the job, in place of its id.
            #[must_use]
            pub fn callback_key(mut self, key: impl Into<Option<String>>) -> Self {
                self.callback_key = key.into();
                self
            }
        })+
    };
}

chained!(AdvanceOptions RunOptions);

impl AdvanceOptions {
    /// For a job that is in a store under `key`: refused photos end it, and hints are those that its wakes brought, as
    /// JSON; one that says nothing is about what the job waits for.
    #[doc(hidden)]
    #[must_use]
    pub fn stored(mut self, job: &Job, key: &str, hints: &[String]) -> Self {
        let pending: Vec<String> = job.known(Record::pending).into_iter().map(|(_, task_id)| task_id).collect();
        let any = serde_json::json!({ "key": key, "task_ids": pending }).to_string();
        let read = |json: &String| Hint::from_json(json).or_else(|_| Hint::from_json(&any)).ok();
        self.woken = hints.iter().filter_map(read).map(|hint| Hint { key: key.to_owned(), ..hint }).collect();
        self.callback_key = Some(key.to_owned());
        self.ends_refused = true;
        self
    }

    /// Callbacks that came for this job.
    #[must_use]
    pub fn woken(mut self, hints: impl IntoIterator<Item = Hint>) -> Self {
        self.woken = hints.into_iter().collect();
        self
    }
}

impl RunOptions {
    /// The file that keeps the job.
    #[must_use]
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }
}
