//! How each of several tasks or jobs ended.

use std::ptr::null;

use xiezhen_core::{Error, Job, Result, Task};

use crate::{
    error::xiezhen_error,
    ffi::{free, read_or},
    task::xiezhen_task,
};

/// How each task of a `xiezhen_wait_many` ended.
pub struct xiezhen_outcomes(Vec<Result<xiezhen_task, Box<xiezhen_error>>>);

impl xiezhen_outcomes {
    pub(crate) fn new(outcomes: Vec<Result<Task>>) -> Self {
        Self(outcomes.into_iter().map(|outcome| outcome.map(xiezhen_task::new).map_err(boxed)).collect())
    }
}

pub(crate) fn boxed(error: Error) -> Box<xiezhen_error> {
    Box::new(xiezhen_error::new(error))
}

pub(crate) fn parts(outcome: &Result<xiezhen_task, Box<xiezhen_error>>) -> (*const xiezhen_task, *const xiezhen_error) {
    match outcome {
        Ok(task) => (task, null()),
        Err(error) => (null(), &raw const **error),
    }
}

/// How many outcomes there are: as many as task ids were given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_count(outcomes: *const xiezhen_outcomes) -> usize {
    read_or(outcomes, 0, |outcomes| outcomes.0.len())
}

/// The task at `index`; NULL if it ended in an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_task(outcomes: *const xiezhen_outcomes, index: usize) -> *const xiezhen_task {
    read_or(outcomes, null(), |outcomes| outcomes.0.get(index).map_or(null(), |outcome| parts(outcome).0))
}

/// The error at `index`; NULL if the task ended well.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_error(
    outcomes: *const xiezhen_outcomes,
    index: usize,
) -> *const xiezhen_error {
    read_or(outcomes, null(), |outcomes| outcomes.0.get(index).map_or(null(), |outcome| parts(outcome).1))
}

/// Frees outcomes, and the tasks and errors in them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_outcomes_free(outcomes: *mut xiezhen_outcomes) {
    free(outcomes);
}

/// What went wrong with each of several jobs.
pub struct xiezhen_errors(Vec<Option<xiezhen_error>>);

impl xiezhen_errors {
    pub(crate) fn new(jobs: Vec<Result<Job>>) -> Self {
        Self(jobs.into_iter().map(|job| job.err().map(xiezhen_error::new)).collect())
    }
}

/// How many jobs there were.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_errors_count(errors: *const xiezhen_errors) -> usize {
    read_or(errors, 0, |errors| errors.0.len())
}

/// What went wrong with the job at `index`; NULL if it is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_errors_at(errors: *const xiezhen_errors, index: usize) -> *const xiezhen_error {
    read_or(errors, null(), |errors| errors.0.get(index).and_then(Option::as_ref).map_or(null(), |error| error))
}

/// Frees a list of errors, and the errors in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_errors_free(errors: *mut xiezhen_errors) {
    free(errors);
}
