//! What the core promises, through real sockets, files, processes and signals. One program, a module for each subject:
//! seventeen programs took half as long again to build, and ran one after the other.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[cfg(not(unix))]
compile_error!("this suite uses pipes, links, signals and permissions of Unix; elsewhere there is `cargo test --lib`");

mod service;

mod adopted;

#[cfg(feature = "receiver")]
mod callbacks;
#[cfg(feature = "receiver")]
mod called_back;
mod conflict;
mod connections;
mod course;
mod creates;
mod crowd;
#[cfg(target_os = "linux")]
mod hanging;
#[cfg(target_os = "linux")]
mod hanging_disk;
mod hostile;
mod job;
mod killed;
#[cfg(target_os = "linux")]
mod large;
mod many;
mod photos;
mod pictures;
#[cfg(feature = "receiver")]
mod receiver;
mod records;
mod recovery;
mod results;
mod stored;
mod timeouts;
mod wait_for_creates;
mod waits;
mod with_options;

#[cfg(feature = "process")]
mod blocking;

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_batch;
#[cfg(feature = "cli")]
mod cli_callbacks;
#[cfg(feature = "cli")]
mod cli_check;
#[cfg(feature = "cli")]
mod cli_errors;
#[cfg(feature = "cli")]
mod cli_habits;
#[cfg(feature = "cli")]
mod cli_resume;
#[cfg(feature = "cli")]
mod cli_sheet;
#[cfg(feature = "cli")]
mod cli_signals;
#[cfg(feature = "cli")]
mod command;
#[cfg(feature = "cli")]
mod demo;
