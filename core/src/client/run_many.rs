//! Many jobs side by side, on one rate limit.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream};

use super::Client;
#[cfg(feature = "cli")]
use crate::job::dry_run::{DryRun, Wanted, dry_run};
use crate::{
    callback::Callbacks,
    error::{Error, Result},
    event::Event,
    job::{Job, RunOptions},
    store::check_key,
};

/// So many jobs a request per second: one that waits is polled every few seconds.
const JOBS_PER_REQUEST: f64 = 10.0;
const FEWEST_AT_ONCE: usize = 4;
const MOST_AT_ONCE: usize = 1000;
/// Jobs whose photos are read at a time, to find out which jobs they are.
const READ_AT_ONCE: usize = 4;

/// A checkpoint beside pictures.
const CHECKPOINT: &str = "job.json";

/// A job, and what its caller calls it: an order number, say.
#[derive(Clone, Debug)]
pub struct KeyedJob {
    key: Option<String>,
    job: Job,
}

impl From<Job> for KeyedJob {
    fn from(job: Job) -> Self {
        Self { key: None, job }
    }
}

impl<K: Into<String>> From<(K, Job)> for KeyedJob {
    fn from((key, job): (K, Job)) -> Self {
        Self { key: Some(key.into()), job }
    }
}

/// Is told of a job's event, by the job's index.
pub type OnJobEvent = Arc<dyn Fn(usize, Event) + Send + Sync>;
/// Is told how a job has ended, by its index.
pub type OnJobEnd = Arc<dyn Fn(usize, &Result<Job>) + Send + Sync>;

/// How [`Client::run_many`] goes about it.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RunManyOptions {
    /// The folder for pictures; those of a job with a key are in a folder of its key below it.
    pub save_to: Option<PathBuf>,
    /// The folder of the jobs' checkpoints: `<key>.json`, or the job's identity in place of the key.
    pub checkpoints: Option<PathBuf>,
    /// Is told of progress.
    pub on_event: Option<OnJobEvent>,
    /// Is told of each job as it ends.
    pub on_end: Option<OnJobEnd>,
    /// How many jobs run at a time; without it, as many as the rate limit can feed.
    pub concurrency: Option<usize>,
    /// Bounds each run.
    pub timeout: Option<Duration>,
    /// Starts (and pays) again what was found failed, or with an unknown outcome.
    pub recreate: bool,
    /// Creates tell the service to report to an address of these, and what comes back is acted on at once. Addresses call a
    /// job by its key; one without, by its id.
    pub callback: Option<Callbacks>,
    /// A job with a key keeps its checkpoint as `job.json` beside its pictures.
    pub(crate) beside_pictures: bool,
}

impl RunManyOptions {
    /// The folder for pictures.
    #[must_use]
    pub fn save_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.save_to = Some(folder.into());
        self
    }

    /// The folder of the jobs' checkpoints.
    #[must_use]
    pub fn checkpoints(mut self, folder: impl Into<PathBuf>) -> Self {
        self.checkpoints = Some(folder.into());
        self
    }

    /// Is told of progress, on whatever thread it is made; must not block.
    #[must_use]
    pub fn on_event(mut self, emit: impl Fn(usize, Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(emit));
        self
    }

    /// Is told of each job as it ends.
    #[must_use]
    pub fn on_end(mut self, tell: impl Fn(usize, &Result<Job>) + Send + Sync + 'static) -> Self {
        self.on_end = Some(Arc::new(tell));
        self
    }

    /// How many jobs run at a time.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = Some(jobs);
        self
    }

    /// Bounds each run.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Starts again, and is billed for, what is found failed or of unknown outcome.
    #[must_use]
    pub fn recreate(mut self, recreate: bool) -> Self {
        self.recreate = recreate;
        self
    }

    /// Creates tell the service to report to an address of these.
    #[must_use]
    pub fn callback(mut self, callbacks: impl Into<Option<Callbacks>>) -> Self {
        self.callback = callbacks.into();
        self
    }
}

impl Client {
    /// Brings many jobs to their end, side by side on this client's rate limit. Returns a job or an error each, in the
    /// order given; one that fails stops no other.
    ///
    /// Each job has a checkpoint of its own: the same jobs run again go on where they stood. A job without a key is
    /// known by its photos and styles; the same job twice is refused before anything is sent.
    /// Dropping the future leaves every job resumable.
    pub async fn run_many<J: Into<KeyedJob>>(
        &self,
        jobs: impl IntoIterator<Item = J>,
        options: RunManyOptions,
    ) -> Result<Vec<Result<Job>>> {
        let jobs: Vec<KeyedJob> = jobs.into_iter().map(Into::into).collect();
        let at_once = self.jobs_at_once(options.concurrency)?;
        check_keys(&jobs, options.save_to.is_some() || options.checkpoints.is_some())?;
        let identities = self.identities(&jobs).await?;
        let (jobs, identities, options) = (&jobs, &identities, &options);
        let one = |index: usize| async move {
            let (Some(job), Some(identity)) = (jobs.get(index), identities.get(index)) else { return None };
            let ended = self.run_one(index, job, identity, options).await;
            if let Some(tell) = &options.on_end {
                tell(index, &ended);
            }
            Some((index, ended))
        };
        let ended = stream::iter(0..jobs.len()).map(one).buffer_unordered(at_once);
        let mut ended: Vec<_> = ended.filter_map(std::future::ready).collect().await;
        ended.sort_by_key(|(index, _)| *index);
        Ok(ended.into_iter().map(|(_, ended)| ended).collect())
    }

    /// What a run of each job would come to, its checkpoint beside its pictures, found out without uploading or paying.
    #[cfg(feature = "cli")]
    pub(crate) async fn try_many(&self, jobs: &[(String, Job)], out: &Path, recreate: bool) -> Result<Vec<DryRun>> {
        let keyed: Vec<KeyedJob> = jobs.iter().cloned().map(Into::into).collect();
        check_keys(&keyed, true)?;
        self.identities(&keyed).await?;
        let mut tried = Vec::new();
        for (key, job) in jobs {
            let folder = out.join(key);
            let wanted = Wanted { checkpoint: folder.join(CHECKPOINT), save_to: folder, recreate };
            tried.push(dry_run(self.session()?, job, wanted).await);
        }
        Ok(tried)
    }

    /// How many gateway calls this client has made.
    #[cfg(feature = "cli")]
    pub(crate) fn calls(&self) -> u64 {
        self.session().map_or(0, |session| session.transport.calls())
    }

    fn jobs_at_once(&self, concurrency: Option<usize>) -> Result<usize> {
        let fed = self.shared.options.limits.requests_per_second * JOBS_PER_REQUEST;
        match concurrency {
            Some(0) => Err(Error::invalid(vec!["concurrency is 0; at least one job has to run".into()])),
            Some(jobs) => Ok(jobs),
            None => Ok((fed.min(MOST_AT_ONCE as f64) as usize).max(FEWEST_AT_ONCE)),
        }
    }

    /// Finds out which job each is. One whose photos can't be read has no identity, and an error instead.
    async fn identities(&self, jobs: &[KeyedJob]) -> Result<Vec<Result<String>>> {
        let files = &self.session()?.transport.files;
        let identity = |one: Job| async move { one.identity(files).await };
        // In order: the first of several problems is the first job's.
        // Collected first: the future has to be one that can be spawned.
        let handles: Vec<Job> = jobs.iter().map(|one| one.job.clone()).collect();
        let all: Vec<Result<String>> = stream::iter(handles).map(identity).buffered(READ_AT_ONCE).collect().await;
        let mut first = HashMap::new();
        let mut problems = Vec::new();
        for (index, identity) in all.iter().enumerate() {
            if let Ok(identity) = identity
                && let Some(other) = first.insert(identity, index)
            {
                let names = [other, index].map(|index| name(jobs, index));
                problems.push(format!("{} and {} are the same job, which would be billed twice", names[0], names[1]));
            }
        }
        if problems.is_empty() { Ok(all) } else { Err(Error::invalid(problems)) }
    }

    async fn run_one(
        &self,
        index: usize,
        KeyedJob { key, job }: &KeyedJob,
        identity: &Result<String>,
        options: &RunManyOptions,
    ) -> Result<Job> {
        // With a key, its checkpoint may know the job although its photos are gone.
        let file = match (key, identity) {
            (Some(key), _) => key,
            (None, Ok(identity)) => identity,
            (None, Err(error)) => return Err(error.clone()),
        };
        let mut run = RunOptions::default().recreate(options.recreate).callback(options.callback.clone());
        run.callback_key.clone_from(key);
        run.timeout = options.timeout;
        run.checkpoint = options.checkpoints.as_ref().map(|folder| folder.join(format!("{file}.json")));
        let pictures =
            options.save_to.as_ref().map(|folder| key.as_ref().map_or_else(|| folder.clone(), |key| folder.join(key)));
        if options.beside_pictures {
            run.checkpoint = pictures.as_ref().map(|folder| folder.join(CHECKPOINT));
        }
        run.save_to = pictures;
        if let Some(emit) = options.on_event.clone() {
            run = run.on_event(move |event| emit(index, event));
        }
        self.run(job, run).await.map(|()| job.clone())
    }
}

fn name(jobs: &[KeyedJob], index: usize) -> String {
    let key = jobs.get(index).and_then(|job| job.key.as_ref());
    key.map_or_else(|| format!("job {}", index + 1), |key| format!("{key:?}"))
}

/// Refuses keys that are none, those that can't be files where they have to be, and those that are there twice.
fn check_keys(jobs: &[KeyedJob], are_files: bool) -> Result<()> {
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for key in jobs.iter().filter_map(|job| job.key.as_deref()) {
        if let Err(error) = check_key(key) {
            problems.extend(error.into_problems());
        } else if are_files && !is_file_name(key) {
            problems.push(format!("key {key:?} can't be the name of a file"));
        }
        if !seen.insert(key) {
            problems.push(format!("key {key:?} was given twice"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
}

fn is_file_name(key: &str) -> bool {
    !key.starts_with('.') && !key.contains(['/', '\\']) && Path::new(key).file_name().is_some_and(|name| name == key)
}
