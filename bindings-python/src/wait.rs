//! Sync calls: the work runs on the runtime, and its caller's thread waits, answers Ctrl-C and calls the callbacks.

use std::{future::Future, sync::Arc, time::Duration};

use pyo3::prelude::*;
use xiezhen::{
    Result,
    process::{Sender, Step, start},
};

use crate::{
    call::{call, caught},
    callbacks::{Callbacks, Emit, Message},
    finalize, logging,
};

/// How long a Ctrl-C may go unnoticed.
pub(crate) const SLICE: Duration = Duration::from_millis(50);
/// How long a call that was given up may take to let go of what it holds, such as a checkpoint.
pub(crate) const FAREWELL: Duration = Duration::from_millis(30);

/// Runs a call to its end with the GIL released. An exception of a callback, or Ctrl-C, ends it.
pub(crate) fn wait<T, F>(py: Python<'_>, callbacks: &Callbacks, work: impl FnOnce(Emit) -> F + Send) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let _inside = finalize::inside(py);
    logging::refresh(py)?;
    // Held once, not once for each layer that takes it by value.
    let mut running = call(py, || start(|sender| Box::pin(work(emit_to(sender)))))?;
    loop {
        let step;
        (running, step) = caught(py, move || {
            let step = running.next(Some(SLICE));
            Ok((running, step))
        })?;
        let delivered = match step {
            Step::Done(outcome) => return logging::raised(py).and_then(|()| callbacks.outcome(py, outcome)),
            Step::Message(message) => callbacks.deliver(py, message),
            Step::Idle => Ok(()),
        };
        let checked = logging::raised(py).and(delivered).and_then(|()| py.check_signals());
        if let Err(error) = checked.and_then(|()| logging::refresh(py)) {
            let stop = move || {
                running.stop(FAREWELL);
                Ok(())
            };
            // What failed first is what the call ends with.
            drop(call(py, stop));
            return Err(error);
        }
    }
}

/// Emits to the thread that waits for the call.
pub(crate) fn emit_to(sender: Sender<Message>) -> Emit {
    Arc::new(move |message| {
        sender.send(message);
    })
}
