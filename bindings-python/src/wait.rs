//! Sync calls: the work runs on the runtime, and its caller's thread waits, answers Ctrl-C and calls the callbacks.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use pyo3::prelude::*;
use xiezhen::{
    Error, ErrorKind, Result,
    process::{Step, start},
};

use crate::{
    callbacks::{Callbacks, Tell},
    errors, gate, logging,
};

/// How long a Ctrl-C may go unnoticed.
const SLICE: Duration = Duration::from_millis(50);
/// How long a call that was given up may take to let go of what it holds, such as a checkpoint.
const FAREWELL: Duration = Duration::from_millis(30);

/// Runs a call to its end with the GIL released. An exception of a callback, or Ctrl-C, ends it.
pub(crate) fn wait<T, F>(py: Python<'_>, callbacks: &Callbacks, work: impl FnOnce(Tell) -> F + Send) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let _inside = gate::inside(py);
    logging::refresh(py)?;
    let begin = || {
        start(|sender| {
            // Held once, not once for each layer that takes it by value.
            Box::pin(work(Arc::new(move |message| {
                sender.send(message);
            })))
        })
    };
    let mut running = call(py, begin)?;
    loop {
        let said;
        (running, said) = caught(py, move || {
            let said = running.next(Some(SLICE));
            Ok((running, said))
        })?;
        let heard = match said {
            Step::Done(outcome) => return logging::raised(py).and_then(|()| callbacks.outcome(py, outcome)),
            Step::Message(message) => callbacks.hear(py, message),
            Step::Idle => Ok(()),
        };
        let heard = logging::raised(py).and(heard).and_then(|()| py.check_signals());
        if let Err(error) = heard.and_then(|()| logging::refresh(py)) {
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

/// Calls what neither waits nor calls back, with the GIL released and defects caught.
pub(crate) fn call<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> Result<T>) -> PyResult<T> {
    let done = caught(py, work)?;
    logging::raised(py).map(|()| done)
}

/// The same, but for a Ctrl-C meanwhile: raising that is left to the caller, if there is an outcome.
fn caught<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> Result<T>) -> PyResult<T> {
    let _inside = gate::inside(py);
    let outcome = gate::detach(py, || {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, errors::DEFECT)))
    });
    outcome.map_err(|error| logging::raised(py).err().unwrap_or_else(|| errors::raised(py, &error)))
}
