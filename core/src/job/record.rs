//! What a job knows, as it is written down, and the rules for changing it. No input or output.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    JobPhoto, Portrait, Stage,
    work::{Reopen, Work},
};
use crate::{
    call::Call,
    error::{Error, ErrorKind, Result},
    options::PollSchedule,
    results::SavedFile,
    task::{Created, Task, TaskKind, TaskState},
};

/// The layout that is written, and the newest that is read: see `stored.rs`.
pub(super) const VERSION: u32 = 2;

/// A job, whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) version: u32,
    /// A UUID that the job was made with.
    pub(super) id: String,
    /// Grows with every save: of two records of one job, the larger knows more.
    pub(super) revision: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) host: Option<String>,
    pub(super) stage: Stage,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) user_id: Option<String>,
    pub(super) photos: Vec<JobPhoto>,
    /// `None` where a trained model is used again.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) training: Option<Work>,
    pub(super) portraits: Vec<PortraitRecord>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) save_to: Option<PathBuf>,
}

/// A style and its generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PortraitRecord {
    pub(super) style: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) style_id: Option<String>,
    #[serde(flatten)]
    pub(super) work: Work,
    pub(super) urls: Vec<String>,
    pub(super) files: Vec<SavedFile>,
    /// Whether the files are all there; looked up when the job is taken up.
    #[serde(skip)]
    pub(super) saved: bool,
}

/// Which work of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkId {
    Training,
    Portrait(usize),
}

impl WorkId {
    /// What callback addresses call it.
    pub(super) fn slot(self) -> String {
        match self {
            Self::Training => "t".to_owned(),
            Self::Portrait(index) => index.to_string(),
        }
    }

    pub(super) fn from_slot(slot: Option<&str>) -> Option<Self> {
        match slot? {
            "t" => Some(Self::Training),
            index => index.parse().ok().map(Self::Portrait),
        }
    }
}

/// What kind of task does it.
pub(super) const fn kind_of(id: WorkId) -> TaskKind {
    match id {
        WorkId::Training => TaskKind::Training,
        WorkId::Portrait(_) => TaskKind::Generation,
    }
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
            id: uuid::Uuid::new_v4().to_string(),
            revision: 0,
            host: None,
            stage: Stage::Uploading,
            training: user_id.is_none().then(Work::default),
            user_id,
            photos,
            portraits: styles.into_iter().map(portrait).collect(),
            save_to: None,
        };
        record.update_stage();
        record
    }

    pub(super) fn work(&mut self, id: WorkId) -> Option<&mut Work> {
        match id {
            WorkId::Training => self.training.as_mut(),
            WorkId::Portrait(index) => self.portraits.get_mut(index).map(|portrait| &mut portrait.work),
        }
    }

    pub(super) fn works(&self) -> impl Iterator<Item = (WorkId, &Work)> {
        let portraits =
            self.portraits.iter().enumerate().map(|(index, portrait)| (WorkId::Portrait(index), &portrait.work));
        self.training.iter().map(|work| (WorkId::Training, work)).chain(portraits)
    }

    /// Tasks that may still change.
    pub(super) fn pending(&self) -> Vec<(WorkId, String)> {
        let pending = self.works().filter(|(_, work)| work.is_pending());
        pending.filter_map(|(id, work)| Some((id, work.task_id.clone()?))).collect()
    }

    /// Whether anything billed was started.
    pub(super) fn has_begun(&self) -> bool {
        self.works().any(|(_, work)| !work.is_fresh())
    }

    pub(super) fn is_trained(&self) -> bool {
        self.training.as_ref().is_none_or(Work::has_result)
    }

    /// What the job fails of: a create that may have been paid before all else, because who answers another error by
    /// `recreate` would pay for it twice; then the first, in the order in which things are done.
    pub(super) fn first_error(&self) -> Option<Error> {
        let errors = || self.works().filter_map(|(_, work)| work.error.as_ref());
        let unknown = errors().find(|error| error.kind() == ErrorKind::OutcomeUnknown);
        unknown.or_else(|| errors().next()).cloned()
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

    /// Whether there are pictures of it at the service that should be on disk.
    pub(super) fn lacks_pictures(&self, id: WorkId) -> bool {
        let WorkId::Portrait(index) = id else { return false };
        let lacks = |one: &PortraitRecord| one.work.has_result() && one.work.error.is_none() && !self.is_saved(one);
        self.portraits.get(index).is_some_and(lacks)
    }

    /// Generations that can be started.
    pub(super) fn unstarted(&self) -> Vec<WorkId> {
        let portraits = self.portraits.iter().enumerate().filter(|(_, portrait)| portrait.work.is_fresh());
        portraits.map(|(index, _)| WorkId::Portrait(index)).filter(|id| self.create_request(*id).is_some()).collect()
    }

    /// What a create asks for.
    pub(super) fn create_request(&self, id: WorkId) -> Option<(Call, serde_json::Value)> {
        match id {
            WorkId::Training => {
                let paths: Vec<_> = self.photos.iter().filter_map(|photo| photo.uploaded.as_ref()).collect();
                Some((Call::CreateUserModel, serde_json::json!({ "img_set": paths })))
            }
            WorkId::Portrait(index) => {
                let portrait = self.portraits.get(index)?;
                let (user_id, style) = (self.user_id.as_ref()?, portrait.style_id.as_ref()?);
                Some((Call::CreateTask, serde_json::json!({ "user_id": user_id, "style": style })))
            }
        }
    }

    /// Takes in what a create answered, whole: whoever stores the job meanwhile finds a training with its model.
    pub(super) fn on_created(&mut self, id: WorkId, outcome: &Result<Created>, schedule: &PollSchedule, now: u64) {
        if let (WorkId::Training, Ok(created)) = (id, outcome)
            && !created.user_id.is_empty()
        {
            self.user_id = Some(created.user_id.clone());
        }
        if let Some(work) = self.work(id) {
            work.on_created(outcome, schedule, now);
        }
    }

    /// Takes in what a poll saw, whole: a state and what belongs to it. True if the state is a new one.
    pub(super) fn on_polled(&mut self, id: WorkId, task: &Task, schedule: &PollSchedule, now: u64) -> bool {
        let changed = self.work(id).is_some_and(|work| work.on_polled(task, schedule, now));
        if let (WorkId::Portrait(_), Some(work)) = (id, self.work(id))
            && matches!(task.state, TaskState::Succeeded | TaskState::PartlySucceeded)
            && task.result_paths.is_empty()
        {
            work.on_empty(schedule, now);
        }
        self.miss_model();
        if let WorkId::Portrait(index) = id
            && let Some(portrait) = self.portraits.get_mut(index).filter(|portrait| portrait.work.has_result())
        {
            portrait.urls.clone_from(&task.result_paths);
        }
        changed
    }

    /// A training whose model the service never named can't be used, but that alone never starts a second one.
    fn miss_model(&mut self) {
        let Some(training) = self.training.as_mut().filter(|work| work.has_result() && self.user_id.is_none()) else {
            return;
        };
        let task_id = training.task_id.clone().unwrap_or_default();
        let message = format!(
            "the service never named the user model of training {task_id}: ask the vendor, and adopt that task with its ‹user_id›"
        );
        training.error = Some(Error::new(ErrorKind::Protocol, message).with_task_id(&task_id));
    }

    /// A clock that was ahead when times were written down would let everything stand still until then.
    pub(super) fn drop_future_times(&mut self, now: u64) {
        self.training.iter_mut().for_each(|work| work.drop_future_times(now));
        self.portraits.iter_mut().for_each(|portrait| portrait.work.drop_future_times(now));
    }

    /// The portraits that are on disk as their records say, in the folder that is asked for now: whose files are whole is
    /// for the caller to find out.
    pub(super) fn claimed(&self) -> Vec<(usize, Vec<SavedFile>)> {
        let Some(folder) = self.save_to.as_deref() else { return Vec::new() };
        let here = |file: &SavedFile| file.path.parent() == Some(folder);
        let claims = |portrait: &PortraitRecord| {
            let complete = portrait.files.len() == portrait.urls.len() && portrait.files.iter().all(here);
            portrait.work.has_result() && complete
        };
        let claimed = self.portraits.iter().enumerate().filter(|(_, portrait)| claims(portrait));
        claimed.map(|(index, portrait)| (index, portrait.files.clone())).collect()
    }

    /// Notes which portraits are on disk.
    pub(super) fn note_saved(&mut self, saved: &[usize]) {
        for (index, portrait) in self.portraits.iter_mut().enumerate() {
            portrait.saved = saved.contains(&index);
        }
    }

    /// Why a client of `host` can't go on with this job, if it can't.
    pub(super) fn problem_at(&self, host: &str) -> Option<String> {
        let bound = self.host.as_deref().filter(|bound| *bound != host)?;
        Some(format!(
            "this job belongs to {bound}, and this client speaks to {host}: use that ‹base_url›, or another job"
        ))
    }

    /// Brings `stage` up to date with everything else.
    pub(super) fn update_stage(&mut self) {
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

    /// A run polls at once, and waits as long as any other, however long its tasks have been going on.
    pub(super) fn restart_wait(&mut self) {
        for (id, _) in self.pending() {
            if let Some(work) = self.work(id) {
                work.restart_wait();
            }
        }
    }

    /// What a message calls it.
    pub(super) fn name_of(&self, id: WorkId) -> String {
        match id {
            WorkId::Training => "the training".to_owned(),
            WorkId::Portrait(index) => {
                let style = self.portraits.get(index).map(|portrait| portrait.style.as_str());
                format!("the generation of {:?}", style.unwrap_or_default())
            }
        }
    }

    /// The number of the create that was asked for last.
    pub(super) fn attempt(&mut self, id: WorkId) -> u32 {
        self.work(id).map_or(0, |work| work.attempt)
    }

    /// [`on_created`](Self::on_created), if the answer to this attempt is what the record still lacks. False if it is not.
    pub(super) fn on_answer(
        &mut self,
        id: WorkId,
        attempt: u32,
        outcome: &Result<Created>,
        schedule: &PollSchedule,
        now: u64,
    ) -> bool {
        let awaits = self.work(id).is_some_and(|work| work.awaits(attempt));
        if awaits {
            self.on_created(id, outcome, schedule, now);
        }
        awaits
    }

    /// Ends what was never started, and can't be.
    pub(super) fn give_up(&mut self, error: &Error) {
        for id in self.works().map(|(id, _)| id).collect::<Vec<_>>() {
            if let Some(work) = self.work(id).filter(|work| work.is_fresh()) {
                work.error = Some(error.clone());
            }
        }
    }

    /// Prepares a job for being taken up again: by a caller who comes back, or while its other work goes on.
    pub(super) fn reopen(&mut self, how: Reopen) {
        let how = Reopen { comes_back: how.comes_back || self.is_over(), ..how };
        for id in self.works().map(|(id, _)| id).collect::<Vec<_>>() {
            let what = self.name_of(id);
            let sent = self.create_request(id).map(|(_, body)| body.to_string());
            if let Some(work) = self.work(id) {
                work.reopen(how, &what, sent);
            }
        }
        if self.training.as_ref().is_some_and(Work::is_fresh) {
            self.user_id = None;
        }
        self.miss_model();
        self.update_stage();
    }

    pub(super) fn portraits(&self) -> Vec<Portrait> {
        let shown = |portrait: &PortraitRecord| Portrait {
            style: portrait.style.clone(),
            style_id: portrait.style_id.clone(),
            task_id: portrait.work.task_id.clone(),
            state: portrait.work.state,
            urls: portrait.urls.clone(),
            files: portrait.files.iter().map(|file| file.path.clone()).collect(),
            error: portrait.work.error.clone(),
        };
        self.portraits.iter().map(shown).collect()
    }
}
