//! `resume --adopt`: a task takes the place of an answer that was lost, if it is one that can.

use super::arguments::Resume;
use crate::{
    client::Client,
    error::{Error, Result},
    job::Job,
};

/// Attaches the task to the job, in memory, in the words of the command where those of the library don't fit.
pub(super) async fn adopt(client: &Client, job: &Job, task_id: &str, resume: &Resume) -> Result<()> {
    let unknown = job.adoptable();
    let training = unknown.contains(&None);
    let styles: Vec<String> = unknown.into_iter().flatten().collect();
    let (user_id, style) = (resume.user_id.as_deref(), resume.style.as_deref());
    if style.is_none() && training && user_id.is_none() {
        return refuse("a training is adopted with its user model: give --user-id ID too".to_owned());
    }
    if style.is_none() && !training && styles.len() > 1 && !job.has_task(task_id) {
        return refuse(format!("the outcome of several styles is unknown: say with --style which of {styles:?} it is"));
    }
    client.adopt(job, task_id, user_id, style).await
}

fn refuse<T>(problem: String) -> Result<T> {
    Err(Error::invalid(vec![problem]))
}
