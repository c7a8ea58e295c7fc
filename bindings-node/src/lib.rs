//! The Node binding of xiezhen: converts arguments, calls the core, converts what comes back.
//!
//! What users see is made of this by the TypeScript in `lib/`: errors become `XiezhenError`s there, and an
//! `AbortSignal` stops the call that it was given to. Core futures run on the process's runtime, which all
//! environments share, and speak to JavaScript by messages (`mailbox`).
// Functions that JavaScript calls have the signatures of napi: owned arguments, and the environment by reference. What
// is public is so for JavaScript.
#![allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, unreachable_pub)]
#![allow(
    clippy::cast_possible_wrap,
    clippy::doc_markdown,
    clippy::too_many_arguments,
    reason = "JavaScript has numbers of one kind, and positional arguments"
)]
// The macro exports what only JavaScript calls: a test build does not see that.
#![cfg_attr(test, allow(dead_code))]

mod calls;
mod client;
mod error;
mod event;
mod fleet;
mod job;
mod log;
mod mailbox;
mod options;
mod receiver;
mod values;

use std::{env, ffi::OsString, iter, path::Path};

use calls::Calls;
use mailbox::Ticket;
use napi::Env;
use napi_derive::napi;
use xiezhen::ErrorKind;

/// The codes of all errors, in the order of the core's table.
#[napi(catch_unwind)]
pub fn error_codes() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}

/// The version that this addon was built with: the JavaScript beside it has to be of the same.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Runs the command `xiezhen` with these arguments, the program's name first; resolves with what to exit with.
#[napi(catch_unwind)]
pub fn cli(env: &Env, calls: &Calls, arguments: Vec<String>) -> napi::Result<Ticket> {
    let arguments = arguments.into_iter().skip(1).map(OsString::from);
    let arguments = iter::once(OsString::from(program())).chain(arguments);
    calls.start(env, |_| async move {
        let ended = tokio::task::spawn_blocking(move || xiezhen::cli::main(arguments)).await;
        ended.map(u32::from).map_err(|error| {
            xiezhen::Error::new(ErrorKind::Internal, "the command has panicked: a defect of xiezhen").with_source(error)
        })
    })
}

/// What people type to call the command: by itself it is found only where its folder is on the `PATH`, and npm puts it
/// there for as long as its own command runs.
fn program() -> &'static str {
    let folder = env::args_os().nth(1).and_then(|script| Some(Path::new(&script).parent()?.to_owned()));
    let on_path = env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|one| Some(one) == folder));
    if on_path && env::var_os("npm_command").is_none() { "xiezhen" } else { "npx xiezhen" }
}
