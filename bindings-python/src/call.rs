//! Calls into the core: the GIL is released, panics are caught, and what log handlers raised is raised again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use pyo3::prelude::*;
use xiezhen::Result;

use crate::{
    arguments::{self, Seconds},
    errors, finalize, logging,
};

/// Calls what neither waits nor calls back, with the GIL released and defects caught.
pub(crate) fn call<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> Result<T>) -> PyResult<T> {
    let done = caught(py, work)?;
    logging::raised(py).map(|()| done)
}

/// The same, but if there is an outcome, a Ctrl-C meanwhile is left to the caller to raise.
pub(crate) fn caught<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> Result<T>) -> PyResult<T> {
    let _inside = finalize::inside(py);
    let outcome =
        finalize::detach(py, || catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(xiezhen::Error::defect())));
    outcome.map_err(|error| logging::raised(py).err().unwrap_or_else(|| errors::raised(py, &error)))
}

/// The argument `timeout`, or the refusal of it.
pub(crate) fn timeout(py: Python<'_>, seconds: Option<Seconds>) -> PyResult<Option<Duration>> {
    arguments::timeout(seconds).map_err(|problem| errors::refusal(py, vec![problem]))
}
