//! The Node binding of xiezhen: converts arguments, calls the core, converts what comes back.
//!
//! What users see is made of this by the TypeScript in `lib/`: errors become `XiezhenError`s there, and an
//! `AbortSignal` becomes a [`Cancel`](promise::Cancel). Core futures run on the runtime of napi.
// Functions that JavaScript calls have the signatures of napi: owned arguments, and the environment by reference.
#![allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref)]

mod client;
mod error;
mod event;
mod job;
mod log;
mod options;
mod promise;
mod values;

use std::ffi::OsString;

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use xiezhen::ErrorKind;

/// One thread is plenty for waiting on the network, and half as dear as two that wake each other. If it can't be had,
/// napi's own runtime serves.
#[napi_derive::module_init]
fn start_runtime() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Ok(runtime) = builder.worker_threads(1).thread_name("xiezhen").enable_all().build() {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}

/// The codes of all errors, in the order of the core's table.
#[napi(catch_unwind)]
pub fn error_codes() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}

/// Runs the command `xiezhen` with these arguments, the program's name first; resolves with what to exit with.
#[napi(catch_unwind)]
pub fn cli(env: &Env, arguments: Vec<String>) -> napi::Result<PromiseRaw<'_, u32>> {
    let arguments = arguments.into_iter().map(OsString::from);
    promise::promise(env, None, async move {
        let ended = tokio::task::spawn_blocking(move || xiezhen::cli::main(arguments)).await;
        ended.map(u32::from).map_err(|error| {
            xiezhen::Error::new(ErrorKind::Internal, "the command has panicked: a defect of xiezhen").with_source(error)
        })
    })
}
