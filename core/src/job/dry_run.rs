//! What a run would do and cost, found out without uploading, billing or writing anything.

use std::{path::PathBuf, sync::Arc};

use super::{Job, hints::Hints, run::take_up, run_lock::RunLock, runner::JobRunner, work::Reopen};
use crate::{
    error::{Error, Result},
    session::Session,
};

/// What a run would come to.
pub(crate) struct DryRun {
    pub(crate) billed_calls: usize,
    /// What it would be refused for, or end with because it has ended so before.
    pub(crate) error: Option<Error>,
}

/// Where a run would keep the job, and what it would be allowed.
pub(crate) struct Wanted {
    pub(crate) checkpoint: PathBuf,
    pub(crate) save_to: PathBuf,
    pub(crate) recreate: bool,
}

/// Takes the same steps as a run, up to the first that changes something.
pub(crate) async fn dry_run(session: Arc<Session>, job: &Job, wanted: Wanted) -> DryRun {
    match looked_through(session, job, wanted).await {
        Ok(()) => job.known(|record| {
            let due = if record.is_over() { 0 } else { record.works().filter(|(_, work)| work.is_fresh()).count() };
            DryRun { billed_calls: due, error: record.first_error() }
        }),
        Err(error) => DryRun { billed_calls: 0, error: Some(error) },
    }
}

async fn looked_through(session: Arc<Session>, job: &Job, wanted: Wanted) -> Result<()> {
    let lock = RunLock::take(job).await?;
    if wanted.checkpoint.exists() {
        let stored = Job::read_checkpoint(&wanted.checkpoint)?;
        take_up(&session, job, &stored, &wanted.checkpoint.display().to_string()).await?;
    }
    let hints = Arc::new(Hints::new(&session, None, job.id(), Vec::new()));
    let runner = JobRunner {
        session,
        job: job.clone(),
        save: Arc::new(|_| Box::pin(std::future::ready(Ok(()))) as _),
        on_event: None,
        has_timeout: false,
        stores_times: false,
        hints,
        _lock: lock.lock.clone(),
    };
    runner.enter(Some(wanted.save_to)).await?;
    runner.verify_adopted().await?;
    job.edit(|record| record.reopen(Reopen { recreate: wanted.recreate, comes_back: true }));
    runner.check_order().await.map(drop)
}
