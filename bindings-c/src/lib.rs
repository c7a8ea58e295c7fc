//! The C library: `xiezhen.h`, generated from here, and `libxiezhen`.
//!
//! Each exported function converts its arguments, makes one call of the core, and converts what that returned. The
//! rules that all of them follow are in `src/header.txt`, which is the beginning of the header. They are also what
//! makes the `unsafe` in here right: a pointer is NULL or valid for the call.
#![allow(unsafe_code, reason = "this is the border to C")]
#![allow(non_camel_case_types, reason = "these are the names that C sees")]
#![allow(clippy::missing_safety_doc, reason = "the header's rules say it once for all functions")]
#![allow(clippy::doc_markdown, reason = "these texts are C's: Doxygen reads them")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod adopt;
mod blocking;
mod call;
pub mod call_options;
pub mod callbacks;
pub mod calls;
pub mod cancel;
pub mod client;
pub mod client_options;
pub mod completion;
mod enums;
pub mod error;
pub mod event;
mod exit;
mod ffi;
pub mod job;
pub mod job_options;
pub mod job_run;
pub mod log;
pub mod outcomes;
pub mod photo;
pub mod photo_report;
pub mod portrait;
pub mod queue;
pub mod run_many;
pub mod run_options;
mod signal;
pub mod strings;
pub mod task;
pub mod version;
pub mod waits;

#[cfg(test)]
mod tests;
