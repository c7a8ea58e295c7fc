//! What is due of a job, done: each step is safe to be cut off anywhere, and to be taken again.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

use super::{
    Job, SaveError, SaveJob,
    hints::Hints,
    photos::Due,
    record::{Record, WorkId, kind_of},
    styles,
    work::Work,
};
use crate::{
    call::Call,
    caller::Caller,
    error::{Error, ErrorKind, Result},
    event::{Event, OnEvent},
    options::PollSchedule,
    process::BilledCall,
    results::SavedFile,
    session::{Session, schedules},
    task::{Created, Style, TaskState},
    transport::{Payload, Request},
    wait::{Schedules, out_of_time},
};

/// One caller's run of a job, or one `advance`.
#[derive(Clone)]
pub(crate) struct JobRunner {
    pub(super) session: Arc<Session>,
    pub(super) job: Job,
    pub(super) save: SaveJob,
    pub(super) on_event: Option<OnEvent>,
    /// Whether the caller bounds the whole run.
    pub(super) has_timeout: bool,
    /// Whether another process may go on from here, for which it has to be stored when a task was polled last.
    pub(super) stores_times: bool,
    /// What callbacks tell of this job.
    pub(super) hints: Arc<Hints>,
    /// Held by creates under way too: nobody else touches the job before their answer is noted.
    pub(super) _lock: Arc<OwnedMutexGuard<()>>,
}

impl JobRunner {
    /// Takes the job up, with what its caller wants of it.
    pub(super) async fn enter(&self, save_to: Option<PathBuf>) -> Result<()> {
        let save_to = save_to.map(std::path::absolute).transpose().map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("‹save_to› is not a usable path: {error}"))
                .with_source(error)
        })?;
        let host = self.session.options.host();
        self.job.known(|record| {
            let mut problems = styles::problems(record);
            problems.extend(record.problem_at(&host));
            if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
        })?;
        let now = self.session.now_ms();
        self.job.edit(|record| {
            record.host = Some(host);
            record.drop_future_times(now);
            if save_to.is_some() {
                record.save_to = save_to;
            }
        });
        self.look_for_files().await
    }

    /// Finds out which portraits are on disk, off the async threads: a file system may hang.
    async fn look_for_files(&self) -> Result<()> {
        let claimed = self.job.known(Record::claimed);
        let look = move || {
            let whole = claimed.into_iter().filter(|(_, files)| files.iter().all(SavedFile::is_whole));
            whole.map(|(index, _)| index).collect::<Vec<_>>()
        };
        let saved = self.session.transport.files.run(look).await?;
        self.job.edit(|record| record.note_saved(&saved));
        Ok(())
    }

    /// Asks the service about tasks that were adopted: one that doesn't fit would be waited for or used for ever.
    pub(super) async fn verify_adopted(&self) -> Result<()> {
        let verified = self.job.verify_adopted(&self.session).await;
        if verified.is_err() && self.job.known(|record| record.unverified().is_empty()) {
            self.save().await?;
        }
        verified
    }

    /// Brings a job to where the service works on it: styles, photos, training.
    pub(super) async fn prepare(&self) -> Result<()> {
        let Some(due) = self.check_order().await? else { return Ok(()) };
        self.save().await?;
        self.upload(due).await?;
        self.start(WorkId::Training).await
    }

    /// Looks up the styles, and checks the photos that are to be uploaded: of a training that is to be started.
    pub(super) async fn check_order(&self) -> Result<Option<Due>> {
        if self.job.known(Record::is_over) {
            return Ok(None);
        }
        if !self.job.known(|record| record.training.as_ref().is_some_and(Work::is_fresh)) {
            return self.resolve_styles().await.map(|()| None);
        }
        let (due, notices) = self.job.check_photos(&self.session).await?;
        for message in notices {
            self.emit(Event::Notice { message });
        }
        self.resolve_styles().await?;
        Ok(Some(due))
    }

    /// Whether the job waits for photos that can't be read here, and has not done so for too long: then it is refused.
    pub(super) async fn awaits_photos(&self) -> Result<bool> {
        let job = self.job.clone();
        let missing = self.session.transport.files.run(move || job.missing_photos()).await?;
        let now = self.session.now_ms();
        Ok(self.job.edit(|record| {
            let training = record.training.as_mut().filter(|training| training.is_fresh());
            training.is_some_and(|training| training.awaits_photos(!missing.is_empty(), now))
        }))
    }

    /// Ends a stored job that nothing can be done for.
    pub(super) async fn end_refused(&self, error: &Error) -> Result<Option<Duration>> {
        let host = self.session.options.host();
        self.job.edit(|record| {
            record.host.get_or_insert(host);
            record.give_up(error);
        });
        self.conclude().await.map(|()| None)
    }

    /// Ends a job that is over: with an error, if anything went wrong.
    pub(super) async fn conclude(&self) -> Result<()> {
        self.save().await?;
        match self.job.known(Record::first_error) {
            Some(error) => Err(error),
            None => {
                self.emit(Event::Finished);
                Ok(())
            }
        }
    }

    async fn resolve_styles(&self) -> Result<()> {
        if !self.job.edit(styles::take_ids) {
            return Ok(());
        }
        let request = Request::new(Call::ListStyles, "", Payload::Nothing).on_retry(self.on_retry()).patient();
        let suffices = |offered: &[Style]| self.job.known(|record| styles::are_known(record, offered));
        let offered = self.session.styles(request, suffices).await?;
        self.job.edit(|record| styles::resolve(record, &offered))
    }

    /// Starts a generation that was not started: one after the other, so that a killed process leaves one unknown at most.
    pub(super) async fn generate(&self) -> Result<()> {
        let next = self.job.known(|record| record.unstarted().into_iter().next());
        match next {
            Some(id) => self.start(id).await,
            None => Ok(()),
        }
    }

    /// Makes a billed create. It runs on when the caller goes away, and notes its answer.
    /// What the service answered is in the job afterwards; only a store that fails is an error here.
    async fn start(&self, id: WorkId) -> Result<()> {
        let create = |caller: Caller| {
            let this = Self { on_event: self.events_while_present(&caller), ..self.clone() };
            async move { this.create(id, caller).await }
        };
        self.session.detached(create).await
    }

    /// Permit, intent, save, send: an intent that is stored was sent or is about to be, and never waits in a queue.
    async fn create(&self, id: WorkId, caller: Caller) -> Result<()> {
        let Some((call, body)) = self.job.known(|record| record.create_request(id)) else { return Ok(()) };
        let next = self.job.edit(|record| record.attempt(id).saturating_add(1));
        let address = self.hints.address(id, next);
        let request = Request::create(call, body, address)?.on_retry(self.on_retry()).on_behalf_of(caller.clone());
        let request = self.session.transport.permit(request).await?;
        // From here on, the end of a process waits: an intent that it saves is sent, or taken back.
        let _billed = BilledCall::begin(self.session.options.limits.timeout);
        let attempt = self.job.edit(|record| {
            record.work(id).map(Work::note_intent);
            record.attempt(id)
        });
        let noted = self.save_in_turn().await;
        if noted.is_err() || caller.is_gone() {
            // Nothing was sent: take the intent back, in the store too, which may have it although it failed (it can't say
            // that it is on disk, say). In somebody else's newer state, it isn't ours.
            self.work(id, |work| work.withdraw(attempt));
            return match noted {
                Ok(()) => self.save().await,
                Err(SaveError::Failed(error)) => {
                    let _ = self.save().await;
                    Err(error)
                }
                Err(SaveError::Conflict { newest }) => self.job.take_newest(&newest).and(Err(superseded())),
            };
        }
        let outcome = self.session.create(request).await;
        self.on_answer(id, attempt, outcome).await
    }

    /// Notes and stores what a create answered. Whoever follows the job hears of it first: that may be all that is left
    /// of something billed.
    async fn on_answer(&self, id: WorkId, attempt: u32, outcome: Result<Created>) -> Result<()> {
        let schedule = self.schedule(id);
        let now = self.session.now_ms();
        let take = || {
            self.job.edit(|record| {
                let taken = record.on_answer(id, attempt, &outcome, &schedule, now);
                if let (true, Some(work)) = (taken, record.work(id)) {
                    work.expects_callback = self.hints.are_used();
                }
                taken
            })
        };
        let take = || {
            let taken = take();
            self.rely_on_callback(id, now);
            taken
        };
        let taken = take();
        if taken && let Err(error) = &outcome {
            self.on_create_answered(id, attempt, error.kind() == ErrorKind::OutcomeUnknown);
        }
        if let Ok(created) = &outcome {
            self.emit_work_state(id, created.task_id.clone(), TaskState::Waiting);
        }
        let stored = if taken { self.save_answer(take).await } else { Err(AnswerNotStored::NotAwaited) };
        match (stored, outcome) {
            (Ok(()), _) => Ok(()),
            (Err(AnswerNotStored::Failed(error)), Err(_)) => Err(error),
            (Err(AnswerNotStored::NotAwaited), Err(_)) => Err(superseded()),
            (Err(why), Ok(created)) => Err(self.report_lost(id, &created, why)),
        }
    }

    /// Saves an answer. If somebody else has saved the job meanwhile, `take` puts the answer into their state and that is
    /// saved: then this run is over.
    async fn save_answer(&self, take: impl Fn() -> bool) -> Result<(), AnswerNotStored> {
        const MERGES: usize = 20;
        let _one_at_a_time = self.job.0.saving.lock().await;
        let mut is_merged = false;
        for _ in 0..MERGES {
            match self.save_once().await {
                Ok(()) if is_merged => break,
                Ok(()) => return Ok(()),
                Err(SaveError::Failed(error)) => return Err(AnswerNotStored::Failed(error)),
                Err(SaveError::Conflict { newest }) => {
                    is_merged = true;
                    self.job.take_newest(&newest).map_err(AnswerNotStored::Failed)?;
                    if !take() {
                        return Err(AnswerNotStored::NotAwaited);
                    }
                }
            }
        }
        Err(AnswerNotStored::Failed(superseded()))
    }

    /// Says what was billed and is in no store.
    fn report_lost(&self, id: WorkId, created: &Created, why: AnswerNotStored) -> Error {
        let Created { task_id, user_id } = created;
        let what = self.job.known(|record| record.name_of(id));
        let error = match why {
            AnswerNotStored::Failed(error) => error,
            AnswerNotStored::NotAwaited => {
                let message = format!("{what} was billed as task {task_id}, but the job has gone on without it");
                self.emit(Event::Notice { message });
                superseded()
            }
        };
        tracing::error!(task_id, user_id, %error, "{what} was billed, and its task could not be stored");
        error.with_task_id(task_id).with_user_id(user_id)
    }

    /// Gives up waiting (not the task) where it has taken longer than its kind may. True if something was.
    pub(super) fn end_overdue(&self) -> bool {
        let now = self.session.now_ms();
        self.job.edit(|record| {
            let mut ended = false;
            for (id, task_id) in record.pending() {
                let Some(work) = record.work(id) else { continue };
                let since = *work.waiting_since.get_or_insert(now);
                if self.deadline(id, work).is_some_and(|deadline| deadline <= now) {
                    let waited = Duration::from_millis(now.saturating_sub(since));
                    work.error = Some(out_of_time(&task_id, work.state, waited));
                    ended = true;
                }
            }
            ended
        })
    }

    /// Hands the job to its store.
    pub(super) async fn save(&self) -> Result<()> {
        match self.save_in_turn().await {
            Ok(()) => Ok(()),
            Err(SaveError::Failed(error)) => Err(error),
            Err(SaveError::Conflict { newest }) => {
                self.job.take_newest(&newest)?;
                Err(superseded())
            }
        }
    }

    /// One state after the other. Those who ask while one is stored are served together by the next.
    async fn save_in_turn(&self) -> Result<(), SaveError> {
        let turn = self.job.0.saves_asked_for.fetch_add(1, Ordering::SeqCst);
        let mut served = self.job.0.saving.lock().await;
        if turn < *served {
            return Ok(());
        }
        let all = self.job.0.saves_asked_for.load(Ordering::SeqCst);
        self.save_once().await?;
        *served = all;
        Ok(())
    }

    async fn save_once(&self) -> Result<(), SaveError> {
        self.job.edit(|record| record.revision = record.revision.saturating_add(1));
        (self.save)(self.job.clone()).await
    }

    /// When waiting for this work has taken as long as it may; a timeout of the caller's own comes instead.
    pub(super) fn deadline(&self, id: WorkId, work: &Work) -> Option<u64> {
        let since = work.waiting_since.filter(|_| !self.has_timeout)?;
        Some(since.saturating_add(Schedules::deadline(kind_of(id)).as_millis() as u64))
    }

    /// The usual schedule of this task.
    pub(super) fn schedule(&self, id: WorkId) -> PollSchedule {
        schedules(&self.session.options).of(kind_of(id))
    }

    pub(super) fn work(&self, id: WorkId, change: impl FnOnce(&mut Work)) {
        self.job.edit(|record| record.work(id).map(change));
    }

    pub(super) fn style(&self, index: usize) -> String {
        self.job.known(|record| record.portraits.get(index).map(|portrait| portrait.style.clone())).unwrap_or_default()
    }
}

/// Why an answer is not in the store.
enum AnswerNotStored {
    Failed(Error),
    /// The newest state does not lack it.
    NotAwaited,
}

fn superseded() -> Error {
    let message = "the job was stored by somebody else meanwhile: go on with its newest state";
    Error::new(ErrorKind::Io, message).retryable()
}
