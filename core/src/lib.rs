//! Client of an asynchronous AI portrait API on Alibaba Cloud's Marketplace: photos of a person in, portraits on disk.
//!
//! A [`Client`] makes the service's five calls, waits for thousands of [`Task`]s on one rate limiter, and brings a whole
//! [`Job`] to its end: upload 8 to 20 photos, train a user model, generate the styles, fetch the pictures. It never
//! pays twice unknowingly, a wait always ends, and a killed job resumes where it left off.
//!
//! Calls run on the caller's tokio runtime. A client belongs to the runtime on which it is used.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod addresses;
mod answer;
mod arguments;
mod call;
mod callback;
mod caller;
#[cfg(feature = "cli")]
pub mod cli;
mod client;
mod credential;
mod digest;
mod disk;
mod error;
mod event;
mod file_work;
mod gateway;
mod job;
mod options;
mod photo;
mod picture;
pub mod process;
mod rate_limit;
mod results;
mod session;
mod spelling;
#[doc(hidden)]
pub mod store;
mod table;
mod task;
mod text;
mod transport;
mod wait;
mod wire;

#[cfg(feature = "receiver")]
pub use callback::Receiver;
pub use callback::{CALLBACK_METHODS, Callbacks, Hint, MAX_CALLBACK_BYTES, Received};
pub use client::{Client, KeyedJob, OnJobEnd, OnJobEvent, RunEvents, RunManyOptions, Wait};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, OnEvent};
pub use job::{AdvanceOptions, Job, JobPhoto, Portrait, RunOptions, SaveError, Stage};
pub use options::{ClientBuilder, OptionChanges, PollSchedule};
pub use photo::{Photo, PhotoPlan, PhotoReport, Preparation, check_photos};
#[doc(hidden)]
pub use rate_limit::{ReservePermits, ReservedPermits};
#[doc(hidden)]
pub use spelling::Spelling;
pub use task::{Created, Style, Task, TaskKind, TaskState};

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;

/// Compiles the examples of the READMEs.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    struct English;
    #[doc = include_str!("../../README.zh-CN.md")]
    struct Chinese;
    #[doc = include_str!("../README.md")]
    struct OfTheCrate;
}
