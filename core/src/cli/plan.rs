//! What `run` and `resume` are to do, found out before anything is sent.

use std::path::{Path, PathBuf};

use super::{
    adoption::adopt,
    arguments::{Resume, Run, RunArgs},
    folders::expanded,
    interrupt::off_thread,
    receive::Receiving,
    trust,
};
use crate::{
    client::Client,
    error::{Error, Result},
    job::{Job, RunOptions},
    photo::Photo,
};

/// A job that is to be done, and how.
pub(super) struct Plan {
    pub(super) job: Job,
    pub(super) checkpoint: PathBuf,
    pub(super) options: RunOptions,
    pub(super) receiving: Receiving,
}

impl Plan {
    pub(super) async fn new(run: &Run) -> Result<Self> {
        let run = run.clone();
        off_thread(move || Self::typed(&run)).await?
    }

    fn typed(run: &Run) -> Result<Self> {
        // The checkpoint may be taken up from another folder.
        let absolute = |path: &PathBuf| {
            std::path::absolute(path)
                .map(Photo::path)
                .map_err(|error| Error::invalid(vec![format!("photo {}: {error}", path.display())]))
        };
        let photos: Vec<Photo> = expanded(&run.photos)?.iter().map(absolute).collect::<Result<_>>()?;
        let checkpoint = run.checkpoint.clone().unwrap_or_else(|| run.out.join("job.json"));
        trusted(&checkpoint, &run.run_args)?;
        // A job that was begun may be finished: it has nothing to write.
        if !checkpoint.exists() {
            try_folder(&run.out)?;
        }
        let options = RunOptions {
            save_to: Some(run.out.clone()),
            checkpoint: Some(checkpoint.clone()),
            timeout: run.run_args.timeout,
            recreate: run.run_args.recreate,
            ..RunOptions::default()
        };
        Ok(Self {
            job: Job::from_parts(photos, Vec::new(), run.styles.clone(), run.user_id.clone()),
            checkpoint,
            options,
            receiving: run.run_args.receiving.clone(),
        })
    }

    pub(super) async fn stored(client: &Client, resume: &Resume) -> Result<Self> {
        let (typed, run_args) = (resume.checkpoint.clone(), resume.run_args.clone());
        let read = move || {
            let checkpoint = if typed.is_dir() { typed.join("job.json") } else { typed };
            trusted(&checkpoint, &run_args)?;
            Job::read_checkpoint(&checkpoint).map(|job| (checkpoint, job))
        };
        let (checkpoint, job) = off_thread(read).await??;
        if let Some(task_id) = &resume.adopt {
            adopt(client, &job, task_id, resume).await?;
        }
        let out = resume.out.clone();
        off_thread(move || out.as_deref().map_or(Ok(()), try_folder)).await??;
        let options = RunOptions {
            save_to: resume.out.clone(),
            checkpoint: Some(checkpoint.clone()),
            timeout: resume.run_args.timeout,
            recreate: resume.run_args.recreate,
            ..RunOptions::default()
        };
        let receiving = resume.run_args.receiving.clone();
        Ok(Self { job, checkpoint, options, receiving })
    }
}

fn trusted(checkpoint: &Path, run_args: &RunArgs) -> Result<()> {
    if run_args.trust { Ok(()) } else { trust::check(checkpoint) }
}

/// Whether pictures can be kept there: found out before anything is billed.
fn try_folder(folder: &Path) -> Result<()> {
    let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).map_err(|error| Error::io("can't keep pictures in", folder, error))
}
