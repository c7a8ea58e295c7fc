//! One run of a job at a time.

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    thread::ThreadId,
};

use tokio::sync::OwnedMutexGuard;

use super::Job;
use crate::{
    error::{Error, Result},
    process,
};

/// One run of a job, or one `advance`.
pub(super) struct RunLock {
    job: Job,
    /// For creates under way, which may outlast the run: nobody else touches the job before their answer is noted.
    pub(super) lock: Arc<OwnedMutexGuard<()>>,
}

impl RunLock {
    /// Waits until nobody else runs or advances the job.
    pub(super) async fn take(job: &Job) -> Result<Self> {
        let calling_thread = process::calling_thread();
        if calling_thread.is_some() && *runner(job) == calling_thread {
            let problem = "this job is being run by this very thread: what that calls on its way, such as save or \
                           on_event, can't run or advance the same job";
            return Err(Error::invalid(vec![problem.to_owned()]));
        }
        let lock = Arc::new(job.0.run_lock.clone().lock_owned().await);
        *runner(job) = calling_thread;
        Ok(Self { job: job.clone(), lock })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        *runner(&self.job) = None;
    }
}

fn runner(job: &Job) -> MutexGuard<'_, Option<ThreadId>> {
    job.0.runner.lock().unwrap_or_else(PoisonError::into_inner)
}
