//! `resume --adopt`: a task takes the place of an answer that was lost, if it is one that can.

use super::arguments::Resume;
use crate::{
    client::Client,
    error::{Error, Result},
    job::Job,
    task::TaskKind,
};

/// Attaches the task to the job, in memory: nothing is written of one that doesn't fit, which would be waited for or
/// used for ever.
pub(super) async fn adopt(client: &Client, job: &Job, task_id: &str, resume: &Resume) -> Result<()> {
    let wanted = attach(job, task_id, resume)?;
    let task = client.query_task(task_id).await.map_err(|error| error.within("nothing was adopted"))?;
    if task.kind == wanted || task.kind == TaskKind::Unknown {
        return Ok(());
    }
    let (kind, wanted) = (task.kind.name(), wanted.name());
    refuse(format!("task {task_id} is a {kind}, and a {wanted} is to be adopted: nothing was adopted"))
}

/// Returns what kind of task it has to be.
fn attach(job: &Job, task_id: &str, resume: &Resume) -> Result<TaskKind> {
    let known = job.portraits().into_iter().filter_map(|portrait| portrait.task_id).chain(job.training_task_id());
    if known.into_iter().any(|known| known == task_id) {
        return refuse(format!("task {task_id} is this job's already: nothing was adopted"));
    }
    let (training, styles) = job.unknown();
    match (&resume.style, styles.as_slice()) {
        (Some(style), _) => job.adopt_portrait(task_id, style).map(|()| TaskKind::Generation),
        (None, _) if training && resume.user_id.is_none() => {
            refuse("a training is adopted with its user model: give --user-id ID too".to_owned())
        }
        (None, [_, _, ..]) if !training => {
            refuse(format!("the outcome of several styles is unknown: say with --style which of {styles:?} it is"))
        }
        (None, _) => {
            job.adopt(task_id, resume.user_id.as_deref())?;
            Ok(if training { TaskKind::Training } else { TaskKind::Generation })
        }
    }
}

fn refuse<T>(problem: String) -> Result<T> {
    Err(Error::invalid(vec![problem]))
}
