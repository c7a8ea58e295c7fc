//! Taking tasks over that exist at the service and that no answer told of.

use super::record::{Record, WorkId, kind_of};
use crate::{
    error::{Error, ErrorKind, Result},
    task::{Task, TaskKind},
};

fn refuse<T>(problem: impl Into<String>) -> Result<T> {
    Err(Error::invalid(vec![problem.into()]))
}

impl Record {
    /// Attaches a task that exists at the service to the first create whose outcome is unknown.
    pub(super) fn adopt(&mut self, task_id: &str, user_id: Option<&str>) -> Result<()> {
        if self.name_model(task_id, user_id) {
            return Ok(());
        }
        self.check_unused(task_id)?;
        let Some(id) = self.works().find(|(_, work)| work.is_unknown()).map(|(id, _)| id) else {
            return refuse(
                "nothing of this job has an unknown outcome, so there is nothing to adopt a task for (the answer of a create \
                 that is under way is yet to come)",
            );
        };
        match (id, user_id) {
            (WorkId::Training, None) => return refuse("a training is adopted with its ‹user_id›: pass both"),
            (WorkId::Training, Some(user_id)) => self.user_id = Some(user_id.to_owned()),
            (WorkId::Portrait(_), _) => {}
        }
        self.attach(id, task_id);
        Ok(())
    }

    /// Attaches a generation that exists at the service to the portrait of `style`.
    pub(super) fn adopt_portrait(&mut self, task_id: &str, style: &str) -> Result<()> {
        self.check_unused(task_id)?;
        let Some(index) = self.portraits.iter().position(|portrait| portrait.style == style) else {
            let styles: Vec<_> = self.portraits.iter().map(|portrait| &portrait.style).collect();
            return refuse(format!("style {style:?} is not one of this job's: {styles:?}"));
        };
        if !self.portraits.get(index).is_some_and(|portrait| portrait.work.is_unknown()) {
            return refuse(format!("the generation of {style:?} has no unknown outcome: there is nothing to adopt"));
        }
        self.attach(WorkId::Portrait(index), task_id);
        Ok(())
    }

    /// Names the user model of a training whose answer lacked it. False if that is not what is missing.
    fn name_model(&mut self, task_id: &str, user_id: Option<&str>) -> bool {
        let (None, Some(user_id), Some(training)) = (&self.user_id, user_id, &mut self.training) else { return false };
        if training.task_id.as_deref() != Some(task_id) {
            return false;
        }
        training.error = None;
        self.user_id = Some(user_id.to_owned());
        self.revision = self.revision.saturating_add(1);
        self.update_stage();
        true
    }

    /// Attaches a task that a callback has told of, and a query has shown.
    pub(super) fn adopt_told(&mut self, id: WorkId, task_id: &str, user_id: Option<&str>) {
        if let (WorkId::Training, Some(user_id)) = (id, user_id) {
            self.user_id = Some(user_id.to_owned());
        }
        self.attach(id, task_id);
        if let Some(work) = self.work(id) {
            work.unverified = false;
        }
    }

    /// Tasks that were adopted and that the service was not asked about yet.
    pub(super) fn unverified(&self) -> Vec<(WorkId, String)> {
        let unverified = self.works().filter(|(_, work)| work.unverified);
        unverified.filter_map(|(id, work)| Some((id, work.task_id.clone()?))).collect()
    }

    /// Takes in what the service says of a task that was adopted. An error says why it was not.
    pub(super) fn verify_adopted(&mut self, id: WorkId, seen: &Result<Task>) -> Result<()> {
        let wanted = kind_of(id);
        let fits = match seen {
            Ok(task) if task.kind == wanted || task.kind == TaskKind::Unknown => Ok(()),
            Ok(task) => refuse(format!(
                "task {} is a {}, and a {} is to be adopted: nothing was adopted",
                task.id,
                task.kind.name(),
                wanted.name()
            )),
            // The service doesn't know it, or not as ours. Anything else does not answer this question.
            Err(error) if error.kind() == ErrorKind::Api => Err(error.clone().within("nothing was adopted")),
            Err(error) => return Err(error.clone()),
        };
        let Some(work) = self.work(id) else { return fits };
        if fits.is_ok() {
            work.unverified = false;
            return fits;
        }
        work.reject_adopted();
        if id == WorkId::Training {
            self.user_id = None;
        }
        self.revision = self.revision.saturating_add(1);
        self.update_stage();
        fits
    }

    /// Refuses a task that a part of this job has already.
    fn check_unused(&self, task_id: &str) -> Result<()> {
        if self.works().any(|(_, work)| work.task_id.as_deref() == Some(task_id)) {
            return refuse(format!("task {task_id} is this job's already: nothing was adopted"));
        }
        Ok(())
    }

    fn attach(&mut self, id: WorkId, task_id: &str) {
        if let Some(work) = self.work(id) {
            work.adopt(task_id);
        }
        // Newer than any checkpoint of the run that lost the answer.
        self.revision = self.revision.saturating_add(1);
        self.update_stage();
    }
}
