//! What a job knows, as it is written down, and the rules for changing it. No input or output.

use std::{collections::HashSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{JobPhoto, Portrait, Stage};
use crate::{
    error::{Error, ErrorKind, Result},
    options::PollSchedule,
    task::{Created, Task, TaskState},
    wait::Steps,
};

/// The layout that this version writes, and the newest it reads.
pub(super) const VERSION: u32 = 1;

/// A job, whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) version: u32,
    /// Grows with every save: of two records of one job, the larger knows more.
    #[serde(default)]
    pub(super) revision: u64,
    pub(super) host: Option<String>,
    pub(super) stage: Stage,
    pub(super) user_id: Option<String>,
    pub(super) photos: Vec<JobPhoto>,
    /// Absent where a trained model is used again.
    pub(super) training: Option<Work>,
    pub(super) portraits: Vec<PortraitRecord>,
    #[serde(default)]
    pub(super) save_to: Option<PathBuf>,
}

/// One thing that the service is paid to do: a training, or the generation of one style.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) task_id: Option<String>,
    pub(super) state: Option<TaskState>,
    /// The number of a state that nobody knows.
    #[serde(skip)]
    unknown: Option<i64>,
    pub(super) error: Option<Error>,
    /// A create was about to be sent, and no answer to it is known.
    #[serde(default)]
    pub(super) intent: bool,
    #[serde(default)]
    steps: Steps,
    /// Times are milliseconds since 1970: the job may go on in another process.
    #[serde(default)]
    next_look: u64,
    #[serde(default)]
    looked: u64,
    /// The service asked for this pause: no notice cuts it short.
    #[serde(default)]
    not_before: u64,
    #[serde(default)]
    pub(super) waiting_since: Option<u64>,
}

/// A style and its generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PortraitRecord {
    pub(super) style: String,
    pub(super) style_id: Option<String>,
    #[serde(flatten)]
    pub(super) work: Work,
    #[serde(default)]
    pub(super) urls: Vec<String>,
    #[serde(default)]
    pub(super) files: Vec<PathBuf>,
    /// Whether the files are all there; looked up when the job is taken up.
    #[serde(skip)]
    pub(super) saved: bool,
}

/// Which work of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Training,
    Portrait(usize),
}

impl Work {
    /// Sent, and not known to have ended.
    pub(super) fn is_pending(&self) -> bool {
        self.task_id.is_some() && self.error.is_none() && !self.has_result()
    }

    pub(super) fn has_result(&self) -> bool {
        matches!(self.state, Some(TaskState::Succeeded | TaskState::PartlySucceeded))
    }

    /// Never sent, or refused when it was.
    pub(super) fn is_fresh(&self) -> bool {
        self.task_id.is_none() && !self.intent && self.error.is_none()
    }

    fn is_unknown(&self) -> bool {
        self.intent && self.task_id.is_none()
    }

    /// Takes in what a create answered. A refusal leaves nothing behind but its error.
    pub(super) fn settle(&mut self, outcome: &Result<Created>, schedule: &PollSchedule, now: u64) {
        match outcome {
            Ok(created) => {
                self.intent = false;
                self.task_id = Some(created.task_id.clone());
                self.state = Some(TaskState::Waiting);
                self.waiting_since = Some(now);
                self.next_look = now.saturating_add(self.steps.after_sight(schedule).as_millis() as u64);
            }
            Err(error) => {
                self.intent = error.kind() == ErrorKind::OutcomeUnknown;
                self.error = Some(error.clone());
            }
        }
    }

    /// A run looks at once, and waits as long as any other, however long the task has been going on.
    pub(super) fn wait_anew(&mut self) {
        self.waiting_since = None;
        self.next_look = 0;
    }

    /// When it is looked at next; at most one look a second, whoever asks for it.
    pub(super) fn next_look(&self) -> u64 {
        self.next_look
    }

    pub(super) fn look_soon(&mut self, now: u64) {
        let pause = crate::wait::NOTICE_PAUSE.as_millis() as u64;
        let soon = now.max(self.looked.saturating_add(pause)).max(self.not_before);
        self.next_look = self.next_look.min(soon);
    }

    /// Notes what a look saw, and plans the next one. True if the state is a new one.
    pub(super) fn sighted(&mut self, task: &Task, schedule: &PollSchedule, now: u64) -> bool {
        let raw = (task.state == TaskState::Unknown).then_some(task.raw_state);
        let changed = self.state != Some(task.state) || self.unknown != raw;
        (self.state, self.unknown) = (Some(task.state), raw);
        self.looked = now;
        self.next_look = now.saturating_add(self.steps.after_sight(schedule).as_millis() as u64);
        changed
    }

    /// Notes a look that failed; gives the pause before the next.
    pub(super) fn missed(&mut self, error: &Error, schedule: &PollSchedule, now: u64) -> std::time::Duration {
        let pause = self.steps.after_failure(schedule, error.retry_after());
        self.looked = now;
        self.next_look = now.saturating_add(pause.as_millis() as u64);
        if error.retry_after().is_some() {
            self.not_before = self.next_look;
        }
        pause
    }

    /// What a caller who comes back wants done again. What was paid for is done again only if `recreate` says so.
    fn reopen(&mut self, recreate: bool, comes_back: bool, what: &str) {
        let failed = self.state == Some(TaskState::Failed);
        if recreate && (failed || self.is_unknown()) {
            *self = Self::default();
        } else if self.is_unknown() {
            self.error.get_or_insert_with(|| unanswered(what));
        } else if comes_back && !failed {
            self.error = None;
            self.waiting_since = None;
        }
    }
}

/// A process ended between a create's intent and its answer.
fn unanswered(what: &str) -> Error {
    let message = format!(
        "whether {what} was started is unknown: the run that asked for it ended before the answer came. If the \
         vendor's side shows the task, adopt it; to start (and pay) anew, pass recreate"
    );
    Error::new(ErrorKind::OutcomeUnknown, message)
}

fn refuse<T>(problem: impl Into<String>) -> Result<T> {
    Err(Error::invalid(vec![problem.into()]))
}

impl Record {
    pub(super) fn new(photos: Vec<JobPhoto>, styles: Vec<String>, user_id: Option<String>) -> Self {
        let portrait = |style| PortraitRecord {
            style,
            style_id: None,
            work: Work::default(),
            urls: Vec::new(),
            files: Vec::new(),
            saved: false,
        };
        let mut record = Self {
            version: VERSION,
            revision: 0,
            host: None,
            stage: Stage::Uploading,
            training: user_id.is_none().then(Work::default),
            user_id,
            photos,
            portraits: styles.into_iter().map(portrait).collect(),
            save_to: None,
        };
        record.restage();
        record
    }

    pub(super) fn work(&mut self, slot: Slot) -> Option<&mut Work> {
        match slot {
            Slot::Training => self.training.as_mut(),
            Slot::Portrait(index) => self.portraits.get_mut(index).map(|portrait| &mut portrait.work),
        }
    }

    pub(super) fn works(&self) -> impl Iterator<Item = (Slot, &Work)> {
        let portraits =
            self.portraits.iter().enumerate().map(|(index, portrait)| (Slot::Portrait(index), &portrait.work));
        self.training.iter().map(|work| (Slot::Training, work)).chain(portraits)
    }

    /// Tasks that may still change.
    pub(super) fn pending(&self) -> Vec<(Slot, String)> {
        let pending = self.works().filter(|(_, work)| work.is_pending());
        pending.filter_map(|(slot, work)| Some((slot, work.task_id.clone()?))).collect()
    }

    pub(super) fn is_trained(&self) -> bool {
        self.training.as_ref().is_none_or(Work::has_result)
    }

    /// The first thing that went wrong, in the order in which things are done.
    pub(super) fn first_error(&self) -> Option<Error> {
        self.works().find_map(|(_, work)| work.error.clone())
    }

    /// Whether nothing more can be done without the caller.
    pub(super) fn is_over(&self) -> bool {
        let training_failed = self.training.as_ref().is_some_and(|work| work.error.is_some());
        let settled = |portrait: &PortraitRecord| portrait.work.error.is_some() || self.is_saved(portrait);
        training_failed || (self.is_trained() && self.portraits.iter().all(settled))
    }

    /// Whether all that a portrait has is where it should be.
    pub(super) fn is_saved(&self, portrait: &PortraitRecord) -> bool {
        portrait.work.has_result() && (self.save_to.is_none() || portrait.saved)
    }

    /// Looks which portraits are on disk, in the folder that is asked for now.
    pub(super) fn look_for_files(&mut self) {
        let Some(folder) = self.save_to.as_deref() else { return };
        let here = |file: &PathBuf| file.parent() == Some(folder) && file.metadata().is_ok_and(|about| about.len() > 0);
        for portrait in &mut self.portraits {
            let all = portrait.files.len() == portrait.urls.len() && portrait.files.iter().all(here);
            portrait.saved = portrait.work.has_result() && all;
        }
    }

    /// Why a client of `host` can't go on with this job, if it can't.
    pub(super) fn problem_at(&self, host: &str) -> Option<String> {
        let bound = self.host.as_deref().filter(|bound| *bound != host)?;
        Some(format!("this job belongs to {bound}, and this client speaks to {host}"))
    }

    /// Brings `stage` up to date with everything else.
    pub(super) fn restage(&mut self) {
        let uploaded = self.photos.iter().all(|photo| photo.uploaded.is_some());
        let started = self.training.as_ref().is_none_or(|work| work.task_id.is_some() || work.intent);
        self.stage = if self.is_over() {
            if self.first_error().is_some() { Stage::Failed } else { Stage::Done }
        } else if !self.is_trained() {
            if uploaded && !self.photos.is_empty() || started { Stage::Training } else { Stage::Uploading }
        } else if self.portraits.iter().all(|portrait| portrait.work.error.is_some() || portrait.work.has_result()) {
            Stage::Saving
        } else {
            Stage::Generating
        };
    }

    /// Prepares a job for being taken up again: by a caller who comes back, or while its other work goes on.
    pub(super) fn reopen(&mut self, recreate: bool, comes_back: bool) {
        let comes_back = comes_back || self.is_over();
        if let Some(work) = &mut self.training {
            work.reopen(recreate, comes_back, "the training");
        }
        for portrait in &mut self.portraits {
            let what = format!("the generation of {:?}", portrait.style);
            portrait.work.reopen(recreate, comes_back, &what);
        }
        if self.training.as_ref().is_some_and(Work::is_fresh) {
            self.user_id = None;
        }
        self.restage();
    }

    /// Attaches a task that exists at the service to the first create whose outcome is unknown.
    pub(super) fn adopt(&mut self, task_id: &str, user_id: Option<&str>) -> Result<()> {
        let Some(slot) = self.works().find(|(_, work)| work.is_unknown()).map(|(slot, _)| slot) else {
            return refuse("nothing of this job has an unknown outcome: there is nothing to adopt a task for");
        };
        match (slot, user_id) {
            (Slot::Training, None) => return refuse("a training is adopted with its user_id: pass both"),
            (Slot::Training, Some(user_id)) => self.user_id = Some(user_id.to_owned()),
            (Slot::Portrait(_), _) => {}
        }
        self.attach(slot, task_id);
        Ok(())
    }

    /// Attaches a generation that exists at the service to the portrait of `style`.
    pub(super) fn adopt_portrait(&mut self, task_id: &str, style: &str) -> Result<()> {
        let Some(index) = self.portraits.iter().position(|portrait| portrait.style == style) else {
            let styles: Vec<_> = self.portraits.iter().map(|portrait| &portrait.style).collect();
            return refuse(format!("style {style:?} is not one of this job's: {styles:?}"));
        };
        if !self.portraits.get(index).is_some_and(|portrait| portrait.work.is_unknown()) {
            return refuse(format!("the generation of {style:?} has no unknown outcome: there is nothing to adopt"));
        }
        self.attach(Slot::Portrait(index), task_id);
        Ok(())
    }

    fn attach(&mut self, slot: Slot, task_id: &str) {
        if let Some(work) = self.work(slot) {
            *work = Work { task_id: Some(task_id.to_owned()), ..Work::default() };
        }
        // Newer than any checkpoint of the run that lost the answer.
        self.revision = self.revision.saturating_add(1);
        self.restage();
    }

    /// What makes it this job and no other: photos, styles, and the model if one was given.
    pub(super) fn same_wish(&self, other: &Self) -> Result<(), &'static str> {
        let digests = |record: &Self| {
            let mut digests: Vec<_> = record.photos.iter().map(|photo| photo.sha256.clone()).collect();
            digests.sort();
            digests
        };
        let styles = |record: &Self| -> HashSet<String> {
            record.portraits.iter().map(|portrait| portrait.style.clone()).collect()
        };
        let model = |record: &Self| if record.training.is_none() { record.user_id.clone() } else { None };
        if model(self) != model(other) {
            Err("another user model")
        } else if self.training.is_some() && digests(self) != digests(other) {
            Err("other photos")
        } else if styles(self) != styles(other) {
            Err("other styles")
        } else {
            Ok(())
        }
    }

    pub(super) fn portraits(&self) -> Vec<Portrait> {
        let shown = |portrait: &PortraitRecord| Portrait {
            style: portrait.style.clone(),
            style_id: portrait.style_id.clone(),
            task_id: portrait.work.task_id.clone(),
            state: portrait.work.state,
            urls: portrait.urls.clone(),
            files: portrait.files.clone(),
            error: portrait.work.error.clone(),
        };
        self.portraits.iter().map(shown).collect()
    }
}
