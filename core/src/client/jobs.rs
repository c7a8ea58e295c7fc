//! Jobs, one at a time: advanced, run, and brought together with tasks that they lost.

use std::{future::Future, sync::Arc, time::Duration};

use tracing::Instrument;

use super::Client;
use crate::{
    error::Result,
    job::{self, AdvanceOptions, Job, RunOptions, SaveError, SaveJob},
    session::Session,
};

impl Client {
    /// Does all that is due of a job, without waiting for the service's work. Returns when to come back, or `None`
    /// when the job is done.
    ///
    /// Before each create, the job notes the intent and `save` is called; if that fails, nothing is sent. After each
    /// answer it is called again.
    pub async fn advance<S, F>(&self, job: &Job, save: S, options: AdvanceOptions) -> Result<Option<Duration>>
    where
        S: Fn(Job) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), SaveError>> + Send + 'static,
    {
        let save: SaveJob = Arc::new(move |job| Box::pin(save(job)));
        let advance = |session: Arc<Session>| job::advance(session, job, save, options);
        let ended = self.until_closed("advance", advance).instrument(tracing::info_span!("job")).await;
        ended.map_err(|error| job.name_pending(error))
    }

    /// Brings a job to its end: uploads, trains, generates, waits, saves.
    ///
    /// With a checkpoint, a run that was killed at any instant resumes where it left off: nothing that was confirmed
    /// is uploaded or billed again. On an error, the job holds all that was known.
    ///
    /// ```no_run
    /// # async fn example(client: xiezhen::Client) -> xiezhen::Result<()> {
    /// let photos = (1..=10).map(|n| format!("photos/{n:02}.jpg"));
    /// let job = xiezhen::Job::new(photos, ["仙气十足"]);
    /// client.run(&job, xiezhen::RunOptions::default().save_to("out").checkpoint("out/job.json")).await?;
    /// for portrait in job.portraits() {
    ///     println!("{}: {:?}", portrait.style, portrait.files);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn run(&self, job: &Job, options: RunOptions) -> Result<()> {
        let run = |session: Arc<Session>| job::run(session, job, options);
        let ended = self.until_closed("run", run).instrument(tracing::info_span!("job")).await;
        ended.map_err(|error| job.name_pending(error))
    }

    /// Takes over a task that the vendor's side shows, for the create of a job whose outcome is unknown, once the service
    /// says that it is of the right kind. A training is adopted with its `user_id`; `style` says which of several
    /// generations it is.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if nothing of the job has an unknown outcome, if the task is of
    /// another kind, or if another part of the job has it.
    pub async fn adopt(&self, job: &Job, task_id: &str, user_id: Option<&str>, style: Option<&str>) -> Result<()> {
        match style {
            Some(style) => job.adopt_portrait(task_id, style)?,
            None => job.adopt(task_id, user_id)?,
        }
        let verify = |session: Arc<Session>| async move { job.verify_adopted(&session).await };
        self.until_closed("adopt", verify).await.map_err(|error| error.with_task_id(task_id))
    }
}
