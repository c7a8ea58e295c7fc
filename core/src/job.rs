//! A job: the whole order of one customer, from photos and styles to pictures on disk (docs/design.md §4).

mod adoption;
mod called_back;
mod checkpoint;
#[cfg(feature = "cli")]
pub(crate) mod dry_run;
mod emit;
mod hints;
mod identity;
mod options;
mod photos;
mod record;
mod run;
mod run_lock;
mod runner;
mod steps;
mod stored;
mod style_name;
mod styles;
mod uploads;
mod work;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    thread::ThreadId,
};

use futures_util::future::BoxFuture;

pub use self::options::{AdvanceOptions, RunOptions};
use self::record::Record;
pub(crate) use self::run::{advance, run};
use crate::{
    arguments::{check_id, id_problem, refuse},
    error::{Error, ErrorKind, Result},
    photo::{Photo, Preparation, Source},
    session::Session,
    table::{Bytes, LocalPath, define_enums, define_values},
    task::TaskState,
};

/// The words for jobs.
#[doc(hidden)]
#[macro_export]
macro_rules! job_enums {
    ($with:ident) => {
        $with! {
            /// What a job is busy with.
            Stage {
                /// Photos are checked and uploaded.
                Uploading "uploading",
                /// The user model is being trained.
                Training "training",
                /// Pictures are being generated.
                Generating "generating",
                /// Pictures are being fetched.
                Saving "saving",
                /// All that was ordered is there.
                Done "done",
                /// Something went wrong; see the error that was raised, and each portrait's.
                Failed "failed",
            }
        }
    };
}
job_enums!(define_enums);

/// What a job is made of.
#[doc(hidden)]
#[macro_export]
macro_rules! job_values {
    ($with:ident) => {
        $with! {
            /// One style of a job, and what has become of it.
            Portrait {
                /// The style, as the job asked for it: a name or an id.
                style: String,
                /// The style's id, once it is known.
                style_id: Option<String>,
                /// The generation's task, once it was created.
                task_id: Option<String>,
                /// The task's state, as it was last seen.
                state: Option<TaskState>,
                /// The addresses of the pictures; they may expire.
                urls: Vec<String>,
                /// The pictures on disk.
                files: Vec<LocalPath>,
                /// What went wrong with this style.
                error: Option<Failure>,
            }
            /// A photo as a job knows it; never its bytes.
            JobPhoto {
                /// The file, unless the photo was given as bytes.
                #[serde(deserialize_with = "Option::deserialize")]
                path: Option<LocalPath>,
                /// SHA-256 of the content in hex, once it was read.
                #[serde(deserialize_with = "Option::deserialize")]
                sha256: Option<String>,
                /// The size, once it was read.
                #[serde(deserialize_with = "Option::deserialize")]
                bytes: Option<Bytes>,
                /// The service's path of it, once it was uploaded.
                #[serde(deserialize_with = "Option::deserialize")]
                uploaded: Option<String>,
                ;
                /// How it is made into what is sent, once that was decided.
                #[serde(deserialize_with = "Option::deserialize")]
                pub preparation: Option<Preparation>,
            }
        }
    };
}
use Error as Failure;
job_values!(define_values);

impl Eq for JobPhoto {}

/// The whole order of one customer. A handle: clones are the same job, which changes in place as it advances.
#[derive(Clone)]
pub struct Job(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// One run at a time; a create under way keeps it until its answer is known.
    run_lock: Arc<tokio::sync::Mutex<()>>,
    /// The thread that waits for that run, if it waits in a call that blocks.
    runner: Mutex<Option<ThreadId>>,
    /// One save at a time, so that an older state never overwrites a newer one; how many of those asked for it has served.
    saving: tokio::sync::Mutex<u64>,
    saves_asked_for: AtomicU64,
}

struct State {
    record: Record,
    /// Where each photo of the record can be read; `None` if nobody has given it to this process.
    sources: Vec<Option<Source>>,
}

impl Job {
    /// Photos of one person and the styles to generate, as names or ids. Without styles, the job trains only.
    ///
    /// Nothing is read or checked until the job runs.
    pub fn new<P: Into<Photo>, S: Into<String>>(
        photos: impl IntoIterator<Item = P>,
        styles: impl IntoIterator<Item = S>,
    ) -> Self {
        let sources: Vec<Source> = photos.into_iter().map(|photo| photo.into().0).collect();
        let photos = sources.iter().map(unread).collect();
        let record = Record::new(photos, styles.into_iter().map(Into::into).collect(), None);
        Self::from_state(State { record, sources: sources.into_iter().map(Some).collect() })
    }

    /// Styles to generate with a model that was trained before: no photos, no training.
    pub fn with_user_id<S: Into<String>>(user_id: impl Into<String>, styles: impl IntoIterator<Item = S>) -> Self {
        let record = Record::new(Vec::new(), styles.into_iter().map(Into::into).collect(), Some(user_id.into()));
        Self::from_state(State { record, sources: Vec::new() })
    }

    /// Photos that the service has already, by the paths that [`upload_file`](crate::Client::upload_file) returned, and the
    /// styles to generate.
    pub fn with_uploaded<P: Into<String>, S: Into<String>>(
        uploaded: impl IntoIterator<Item = P>,
        styles: impl IntoIterator<Item = S>,
    ) -> Self {
        let uploaded = uploaded.into_iter().map(Into::into).collect();
        Self::from_parts(Vec::new(), uploaded, styles.into_iter().map(Into::into).collect(), None)
    }

    /// Photos, paths of photos that are uploaded, or a trained model; what doesn't fit is said when the job runs.
    #[doc(hidden)]
    pub fn from_parts(photos: Vec<Photo>, uploaded: Vec<String>, styles: Vec<String>, user_id: Option<String>) -> Self {
        let sources: Vec<Source> = photos.into_iter().map(|photo| photo.0).collect();
        let there = |path| JobPhoto { path: None, sha256: None, bytes: None, uploaded: Some(path), preparation: None };
        let photos: Vec<_> = sources.iter().map(unread).chain(uploaded.into_iter().map(there)).collect();
        let mut sources: Vec<_> = sources.into_iter().map(Some).collect();
        sources.resize_with(photos.len(), || None);
        Self::from_state(State { record: Record::new(photos, styles, user_id), sources })
    }

    fn from_state(state: State) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            run_lock: Arc::default(),
            runner: Mutex::default(),
            saving: tokio::sync::Mutex::default(),
            saves_asked_for: AtomicU64::default(),
        }))
    }

    /// A job as [`to_json`](Self::to_json) wrote it. Photos given as bytes have to be given again.
    ///
    /// What contradicts itself is refused: a job that lost a field might be billed again.
    pub fn from_json(json: &str) -> Result<Self> {
        let record = stored::read(json)?;
        // Whoever wrote it may have named any file of this machine: a photo is the content that its digest says.
        let known = |photo: &JobPhoto| photo.path.clone().filter(|_| photo.sha256.is_some()).map(Source::Path);
        let sources = record.photos.iter().map(known).collect();
        Ok(Self::from_state(State { record, sources }))
    }

    /// The job as JSON, without photos' bytes and without any credential. Paths are absolute: whoever reads it may stand
    /// in another folder. Photos that were never read are, for their digests: without one, a path in a stored job is
    /// nobody's photo.
    pub fn to_json(&self) -> Result<String> {
        self.note_digests();
        let mut record = self.known(Clone::clone);
        for path in record.photos.iter_mut().filter_map(|photo| photo.path.as_mut()) {
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        }
        serde_json::to_string_pretty(&record).map_err(|error| {
            let message = format!("the job can't be written as JSON: {error}; a path that is not UTF-8 can't be kept");
            Error::new(ErrorKind::InvalidArgument, message).with_source(error)
        })
    }

    /// The job that a checkpoint holds, without taking the checkpoint.
    pub fn read_checkpoint(path: impl AsRef<Path>) -> Result<Self> {
        checkpoint::read(path.as_ref())
    }

    /// What the job is called by itself: a UUID that it was made with, and that its JSON keeps.
    pub fn id(&self) -> String {
        self.state().record.id.clone()
    }

    /// How often the job was saved: of two states of one job, that with the larger number knows more.
    pub fn revision(&self) -> u64 {
        self.state().record.revision
    }

    /// What the job is busy with.
    pub fn stage(&self) -> Stage {
        self.state().record.stage
    }

    /// The user model, once the service has named it.
    pub fn user_id(&self) -> Option<String> {
        self.state().record.user_id.clone()
    }

    /// The photos, in the order given.
    pub fn photos(&self) -> Vec<JobPhoto> {
        self.state().record.photos.clone()
    }

    /// One portrait a style, in the order given.
    pub fn portraits(&self) -> Vec<Portrait> {
        self.state().record.portraits()
    }

    /// Where pictures are saved, once a run has said so.
    pub fn save_to(&self) -> Option<PathBuf> {
        self.state().record.save_to.clone()
    }

    /// The training's task, once it was created.
    pub fn training_task_id(&self) -> Option<String> {
        self.state().record.training.as_ref()?.task_id.clone()
    }

    /// What the job fails of, or has failed of: an unknown outcome before all else, then what went wrong first.
    pub fn error(&self) -> Option<Error> {
        self.known(Record::first_error)
    }

    /// What [`adopt`](Self::adopt) can take a task over for, because the outcome of its create is unknown: the training
    /// (`None`), and styles as the job was given them.
    pub fn adoptable(&self) -> Vec<Option<String>> {
        self.known(|record| {
            let training = record.training.iter().filter(|work| work.is_unknown()).map(|_| None);
            let unknown = record.portraits.iter().filter(|portrait| portrait.work.is_unknown());
            training.chain(unknown.map(|portrait| Some(portrait.style.clone()))).collect()
        })
    }

    /// The first task that has not ended: what an error of the whole job is about.
    pub fn pending_task_id(&self) -> Option<String> {
        self.state().record.pending().into_iter().next().map(|(_, task_id)| task_id)
    }

    /// Names the first task that has not ended in an error that ended the wait for the whole job.
    #[doc(hidden)]
    pub fn name_pending(&self, error: Error) -> Error {
        let ended_the_wait = matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Timeout);
        match self.pending_task_id().filter(|_| ended_the_wait) {
            Some(task_id) => error.with_task_id(&task_id),
            None => error,
        }
    }

    /// Whether one of its tasks is this.
    #[cfg(feature = "cli")]
    pub(crate) fn has_task(&self, task_id: &str) -> bool {
        self.known(|record| record.works().any(|(_, work)| work.task_id.as_deref() == Some(task_id)))
    }

    /// Takes over a task that the vendor's side shows, for the create whose outcome is unknown.
    /// A training is adopted with its `user_id`. Where several generations are unknown, this is the first of them:
    /// [`adopt_portrait`](Self::adopt_portrait) says which.
    ///
    /// Whether the task is of the right kind is asked when the job runs next, and refused then;
    /// [`Client::adopt`](crate::Client::adopt) asks at once.
    pub fn adopt(&self, task_id: &str, user_id: Option<&str>) -> Result<()> {
        let user_id_problem = user_id.and_then(|user_id| id_problem("user_id", user_id));
        refuse(id_problem("task_id", task_id).into_iter().chain(user_id_problem))?;
        self.state().record.adopt(task_id, user_id)
    }

    /// Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it).
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if that portrait's outcome is not unknown.
    pub fn adopt_portrait(&self, task_id: &str, style: &str) -> Result<()> {
        check_id("task_id", task_id)?;
        self.state().record.adopt_portrait(task_id, style)
    }

    /// Asks the service about tasks that were adopted.
    pub(crate) async fn verify_adopted(&self, session: &Session) -> Result<()> {
        for (id, task_id) in self.known(Record::unverified) {
            let seen = session.query(&task_id).await;
            self.edit(|record| record.verify_adopted(id, &seen))?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what a store has of the job; where its photos can be read stays as it is.
    fn take_newest(&self, newest: &str) -> Result<()> {
        let record = stored::read(newest)?;
        let mut state = self.state();
        if record.id != state.record.id {
            return Err(Error::invalid(vec!["the newest state that was given is another job's".into()]));
        }
        state.record = record;
        Ok(())
    }

    /// Changes the record, and its stage with it.
    fn edit<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state.record);
        state.record.update_stage();
        result
    }

    /// Looks something up in the record.
    fn known<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.state().record)
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_struct("Job")
            .field("stage", &state.record.stage)
            .field("photos", &state.record.photos.len())
            .field("styles", &state.record.portraits.iter().map(|portrait| &portrait.style).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn unread(source: &Source) -> JobPhoto {
    let path = match source {
        Source::Path(path) => Some(path.clone()),
        Source::Bytes(_) => None,
    };
    JobPhoto { path, sha256: None, bytes: None, uploaded: None, preparation: None }
}

/// Why a job was not stored.
#[derive(Clone, Debug)]
pub enum SaveError {
    /// Somebody else has stored the job since it was read.
    Conflict {
        /// The job as it is stored now, as JSON. The job takes it over; an answer to a create is put into it and stored
        /// again, so whoever stores has to compare with this state from now on.
        newest: String,
    },
    /// It could not be stored.
    Failed(Error),
}

impl From<Error> for SaveError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Stores a job, as the runner calls it.
pub(crate) type SaveJob = Arc<dyn Fn(Job) -> BoxFuture<'static, Result<(), SaveError>> + Send + Sync>;
