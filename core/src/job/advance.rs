//! What is due of a job, done: each step is safe to be cut off anywhere, and to be taken again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, future::join_all, stream};
use tokio::sync::OwnedMutexGuard;

use super::{
    Job, SaveJob,
    photos::Due,
    record::{Record, Slot, Work},
    styles,
};
use crate::{
    call::Call,
    client::{Session, schedules},
    error::{Error, ErrorKind, Result},
    event::{Event, OnEvent},
    options::PollSchedule,
    photo::CheckedPhoto,
    results::Results,
    task::{Style, Task, TaskKind, TaskState},
    transport::{Payload, Request},
    wait::{Schedules, ends_a_wait, out_of_time, task_failed},
};

/// One caller's turn at a job.
#[derive(Clone)]
pub(crate) struct Advance {
    pub(super) session: Arc<Session>,
    pub(super) job: Job,
    pub(super) save: SaveJob,
    pub(super) on_event: Option<OnEvent>,
    /// Held by creates under way too: nobody else touches the job before their answer is noted.
    pub(super) _turn: Arc<OwnedMutexGuard<()>>,
}

impl Advance {
    /// Takes the job up: what was cut off or failed before is due again, as far as that costs nothing.
    pub(super) fn enter(&self, recreate: bool, comes_back: bool, save_to: Option<PathBuf>) -> Result<()> {
        let save_to = save_to.map(std::path::absolute).transpose().map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("save_to is no usable path: {error}")).with_source(error)
        })?;
        let host = self.session.options.host();
        self.job.known(|record| {
            let mut problems = styles::problems(record);
            problems.extend(record.problem_at(&host));
            if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
        })?;
        self.job.edit(|record| {
            record.host = Some(host);
            if save_to.is_some() {
                record.save_to = save_to;
            }
            record.look_for_files();
            record.reopen(recreate, comes_back);
        });
        Ok(())
    }

    /// Does all that is due now. Returns when to come back, or `None` when the job is done.
    pub(super) async fn step(&self) -> Result<Option<Duration>> {
        let unstarted = self.job.known(|record| record.training.as_ref().is_some_and(Work::is_fresh));
        if !self.job.known(Record::is_over) {
            if unstarted {
                let (due, warnings) = self.job.check_photos(self.session.options.limits.max_photo_bytes).await?;
                for message in warnings {
                    self.tell(Event::Warning { message });
                }
                self.resolve_styles().await?;
                self.save().await?;
                self.upload(due).await?;
                self.start(Slot::Training).await?;
            } else {
                self.resolve_styles().await?;
            }
            self.look_at_due().await?;
            if self.job.known(Record::is_trained) {
                self.generate().await?;
                self.save_pictures().await?;
            }
        }
        self.conclude().await
    }

    /// When to come back, if the job is not over.
    async fn conclude(&self) -> Result<Option<Duration>> {
        if !self.job.known(Record::is_over) {
            return Ok(Some(self.pause()));
        }
        self.save().await?;
        match self.job.known(Record::first_error) {
            Some(error) => Err(error),
            None => {
                self.tell(Event::Finished);
                Ok(None)
            }
        }
    }

    /// Until the next look or the next deadline.
    fn pause(&self) -> Duration {
        let now = self.session.now_ms();
        let next = self.job.known(|record| {
            let pending = record.works().filter(|(_, work)| work.is_pending());
            pending.map(|(slot, work)| work.next_look().min(deadline(slot, work).unwrap_or(u64::MAX))).min()
        });
        Duration::from_millis(next.unwrap_or(now).saturating_sub(now))
    }

    async fn resolve_styles(&self) -> Result<()> {
        if !self.job.edit(styles::take_ids) {
            return Ok(());
        }
        let request = Request::new(Call::ListStyles, "", Payload::Nothing).on_retry(self.on_retry());
        let offered: Vec<Style> = self.session.transport.call(request).await?;
        self.job.edit(|record| styles::resolve(record, &offered))
    }

    async fn upload(&self, due: Due) -> Result<()> {
        // Who shows progress knows the whole from the beginning.
        for (index, photo) in &due {
            self.tell(Event::PhotoUploading { index: *index, bytes_sent: 0, bytes: photo.bytes });
        }
        let at_once = self.session.options.limits.upload_concurrency;
        let one = |(index, photo)| self.upload_one(index, photo);
        let uploaded = stream::iter(due.into_iter().map(one)).buffer_unordered(at_once).try_collect().await;
        if uploaded.is_err() {
            // Others may have been confirmed, and cut off before they were saved. The first error is the one to tell.
            let _ = self.save().await;
        }
        uploaded
    }

    async fn upload_one(&self, index: usize, photo: CheckedPhoto) -> Result<()> {
        let payload = Payload::Photo { photo, on_bytes: self.on_bytes(index) };
        let subject = format!("of photo {}", index + 1);
        let request = Request::new(Call::UploadFile, subject, payload).on_retry(self.on_retry());
        let path: String = self.session.transport.call(request).await?;
        self.job.edit(|record| {
            if let Some(photo) = record.photos.get_mut(index) {
                photo.uploaded = Some(path.clone());
            }
        });
        self.save().await?;
        self.tell(Event::PhotoUploaded { index, path });
        Ok(())
    }

    /// Starts every generation that was not started, one after the other: of one at most is the outcome unknown.
    async fn generate(&self) -> Result<()> {
        let fresh: Vec<usize> = self.job.known(|record| {
            let portraits = record.portraits.iter().enumerate();
            portraits.filter(|(_, portrait)| portrait.work.is_fresh()).map(|(index, _)| index).collect()
        });
        for index in fresh {
            self.start(Slot::Portrait(index)).await?;
        }
        Ok(())
    }

    /// Creates what the service is paid for. It runs on when the caller goes away, and notes its answer.
    /// What the service answered is in the job afterwards; only a store that fails is an error here.
    async fn start(&self, slot: Slot) -> Result<()> {
        let this = self.clone();
        let caller = Arc::new(());
        let caller_is_there = Arc::downgrade(&caller);
        self.session.detached(async move { this.create(slot, caller_is_there).await }).await
    }

    async fn create(&self, slot: Slot, caller: Weak<()>) -> Result<()> {
        let Some((call, body)) = self.wish(slot) else { return Ok(()) };
        self.work(slot, |work| work.intent = true);
        let noted = self.save().await;
        if noted.is_err() || caller.strong_count() == 0 {
            // Nothing was sent: take the intent back, on disk too if it got there.
            self.work(slot, |work| work.intent = false);
            return if noted.is_err() { noted } else { self.save().await };
        }
        let request = Request::new(call, "", Payload::json(&body)?).on_retry(self.on_retry());
        let outcome = self.session.create(request).await;
        let schedule = self.schedule(slot);
        let now = self.session.now_ms();
        self.work(slot, |work| work.settle(&outcome, &schedule, now));
        let created = outcome.ok();
        if let Some(created) = created.as_ref().filter(|_| slot == Slot::Training) {
            self.job.edit(|record| record.user_id = Some(created.user_id.clone()));
        }
        self.save().await?;
        // Nobody is told after the call has returned.
        if let Some(created) = created.filter(|_| caller.strong_count() > 0) {
            self.tell_work(slot, created.task_id, TaskState::Waiting);
        }
        Ok(())
    }

    /// What a create asks for.
    fn wish(&self, slot: Slot) -> Option<(Call, serde_json::Value)> {
        self.job.known(|record| match slot {
            Slot::Training => {
                let paths: Vec<_> = record.photos.iter().filter_map(|photo| photo.uploaded.clone()).collect();
                Some((Call::CreateUserModel, serde_json::json!({ "img_set": paths })))
            }
            Slot::Portrait(index) => {
                let portrait = record.portraits.get(index)?;
                let (user_id, style) = (record.user_id.as_ref()?, portrait.style_id.as_ref()?);
                Some((Call::CreateTask, serde_json::json!({ "user_id": user_id, "style": style })))
            }
        })
    }

    /// Looks once at every task whose time has come, all at once.
    async fn look_at_due(&self) -> Result<()> {
        let now = self.session.now_ms();
        let due: Vec<(Slot, String)> = self.job.edit(|record| {
            let mut due = record.pending();
            due.retain(|(slot, _)| record.work(*slot).is_some_and(|work| work.next_look() <= now));
            due
        });
        let look = |(slot, task_id): (Slot, String)| async move {
            let outcome = self.session.scheduler.look(&task_id).await;
            self.sighted(slot, &task_id, outcome)
        };
        let changed = join_all(due.into_iter().map(look)).await.contains(&true);
        if changed | self.end_overdue() { self.save().await } else { Ok(()) }
    }

    /// Takes in what a look saw. True if the store should know.
    fn sighted(&self, slot: Slot, task_id: &str, outcome: Result<Task>) -> bool {
        let schedule = self.schedule(slot);
        let now = self.session.now_ms();
        match outcome {
            Ok(task) => {
                let mut changed = false;
                self.work(slot, |work| changed = work.sighted(&task, &schedule, now));
                if changed {
                    self.tell_state(slot, &task);
                }
                if task.state.is_terminal() {
                    self.ended(slot, task);
                }
                changed
            }
            Err(error) if ends_a_wait(error.kind()) => {
                self.work(slot, |work| work.error = Some(error.with_task_id(task_id)));
                true
            }
            Err(error) => {
                let mut delay = Duration::ZERO;
                self.work(slot, |work| delay = work.missed(&error, &schedule, now));
                self.tell(Event::Retrying { call: Call::QueryTask.name().into(), error, delay });
                false
            }
        }
    }

    fn ended(&self, slot: Slot, task: Task) {
        if task.state == TaskState::Failed {
            return self.work(slot, |work| work.error = Some(task_failed(task)));
        }
        match slot {
            Slot::Training => {
                if let Some(user_id) = self.job.user_id() {
                    self.tell(Event::Trained { user_id });
                }
            }
            Slot::Portrait(index) => {
                let (style, count) = (self.style(index), task.result_paths.len());
                if count == 0 {
                    let message = format!("the generation of {style:?} succeeded without a picture");
                    self.tell(Event::Warning { message });
                }
                self.job.edit(|record| {
                    if let Some(portrait) = record.portraits.get_mut(index) {
                        portrait.urls = task.result_paths;
                    }
                });
                self.tell(Event::Generated { style, count });
            }
        }
    }

    /// Gives up waiting (not the task) where it has taken longer than its kind may. True if something was.
    fn end_overdue(&self) -> bool {
        let now = self.session.now_ms();
        self.job.edit(|record| {
            let mut ended = false;
            for (slot, task_id) in record.pending() {
                let Some(work) = record.work(slot) else { continue };
                let since = *work.waiting_since.get_or_insert(now);
                if deadline(slot, work).is_some_and(|deadline| deadline <= now) {
                    let waited = Duration::from_millis(now.saturating_sub(since));
                    work.error = Some(out_of_time(&task_id, work.state, waited));
                    ended = true;
                }
            }
            ended
        })
    }

    /// Fetches the pictures of every style that has some: their addresses do not live for ever.
    async fn save_pictures(&self) -> Result<()> {
        let Some(folder) = self.job.save_to() else { return Ok(()) };
        let ready: Vec<(usize, String, Vec<String>)> = self.job.known(|record| {
            let portraits = record.portraits.iter().enumerate();
            let ready = portraits.filter(|(_, one)| one.work.has_result() && one.work.error.is_none());
            let missing = ready.filter(|(_, one)| !record.is_saved(one));
            missing.filter_map(|(index, one)| Some((index, one.work.task_id.clone()?, one.urls.clone()))).collect()
        });
        for (index, task_id, urls) in ready {
            self.save_one(index, &folder, &task_id, &urls).await?;
        }
        Ok(())
    }

    async fn save_one(&self, index: usize, folder: &Path, task_id: &str, urls: &[String]) -> Result<()> {
        let style = self.style(index);
        let results = Results {
            transport: &self.session.transport,
            max_retries: self.session.options.limits.max_retries,
            folder,
            style: &style,
            task_id,
            on_retry: &|error, delay| {
                let (call, error) = ("save_results".to_owned(), error.clone());
                self.tell(Event::Retrying { call, error, delay });
            },
        };
        let ask_again = self.session.query(task_id);
        let on_saved = |path: &Path| self.tell(Event::Saved { style: style.clone(), path: path.to_owned() });
        let saved = results.save(urls, ask_again, &on_saved).await;
        self.job.edit(|record| {
            if let Some(portrait) = record.portraits.get_mut(index) {
                portrait.urls = saved.urls;
                portrait.files = saved.files;
                portrait.saved = saved.error.is_none();
                portrait.work.error = saved.error;
            }
        });
        self.save().await
    }

    /// Hands the job to its store, one state after the other.
    pub(super) async fn save(&self) -> Result<()> {
        let _one_at_a_time = self.job.0.saving.lock().await;
        self.job.edit(|record| record.revision = record.revision.saturating_add(1));
        (self.save)(self.job.clone()).await
    }

    fn schedule(&self, slot: Slot) -> PollSchedule {
        schedules(&self.session.options).of(kind(slot))
    }

    fn work(&self, slot: Slot, change: impl FnOnce(&mut Work)) {
        self.job.edit(|record| record.work(slot).map(change));
    }

    pub(super) fn style(&self, index: usize) -> String {
        self.job.known(|record| record.portraits.get(index).map(|portrait| portrait.style.clone())).unwrap_or_default()
    }
}

const fn kind(slot: Slot) -> TaskKind {
    match slot {
        Slot::Training => TaskKind::Training,
        Slot::Portrait(_) => TaskKind::Generation,
    }
}

/// When waiting for this work has taken as long as it may.
fn deadline(slot: Slot, work: &Work) -> Option<u64> {
    Some(work.waiting_since?.saturating_add(Schedules::deadline(kind(slot)).as_millis() as u64))
}
