//! What earlier runs of a batch have left: who is done, and what to do where an order is another one now.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::customers::Customer;
use crate::{
    cli::{
        arguments::Batch,
        report::{one_more_style, quoted_path},
        text, trust,
    },
    error::{Error, ErrorKind, Result},
    job::{Job, Stage},
};

/// What commands in advice begin with, and what options they need again.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Commands<'a> {
    pub(in crate::cli) program: &'a str,
    pub(in crate::cli) options: &'a str,
}

/// The jobs that were stored before, by their keys.
pub(super) struct Begun<'a> {
    jobs: HashMap<String, Job>,
    out: &'a Path,
    commands: Commands<'a>,
}

/// Where a customer's job is kept.
pub(super) fn checkpoint(out: &Path, key: &str) -> PathBuf {
    out.join(key).join("job.json")
}

/// Reads them; one that can't be read is refused when it is run. One that others can change is not used at all.
pub(super) fn read(customers: &[Customer], batch: &Batch) -> Result<HashMap<String, Job>> {
    let mut jobs = HashMap::new();
    for Customer { key, .. } in customers {
        let checkpoint = checkpoint(&batch.out, key);
        if !batch.run_args.trust {
            trust::check(&checkpoint)?;
        }
        if let Ok(job) = Job::read_checkpoint(&checkpoint) {
            jobs.insert(key.clone(), job);
        }
    }
    Ok(jobs)
}

impl<'a> Begun<'a> {
    pub(super) fn new(jobs: HashMap<String, Job>, batch: &'a Batch, commands: Commands<'a>) -> Self {
        Self { jobs, out: &batch.out, commands }
    }

    /// What is to be run for each: a customer who is done and of whom nothing new is asked stays done, although photos
    /// were put away since, or fewer styles are asked for.
    pub(super) async fn jobs(&self, customers: &[Customer]) -> Vec<(String, Job)> {
        let mut jobs = Vec::new();
        for Customer { key, job: order, .. } in customers {
            let job = match self.jobs.get(key) {
                Some(stored) if order.is_done_by(stored).await => stored,
                _ => order,
            };
            jobs.push((key.clone(), job.clone()));
        }
        jobs
    }

    /// What to do about an order that was refused because another one was begun, or done, under its key.
    pub(super) fn advice(&self, key: &str, order: &Job, error: &Error) -> Option<String> {
        let stored = self.jobs.get(key).filter(|_| error.kind() == ErrorKind::InvalidArgument)?;
        let Commands { program, options } = self.commands;
        let folder = self.out.join(key);
        if stored.stage() != Stage::Done {
            let command = format!("{program} resume {}{options}", quoted_path(&folder));
            return (!order.is_same_order(stored)).then(|| text::begun_otherwise(command, folder.display()));
        }
        if !order.is_of_the_same_person(stored) {
            return Some(text::done_with_other_photos(folder.display()));
        }
        let styles: Vec<String> = order.portraits().into_iter().map(|portrait| portrait.style).collect();
        one_more_style(program, options, stored, &styles, &folder).map(text::one_more_style)
    }
}
