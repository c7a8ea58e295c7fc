//! What goes on at the same time: each step of a job ends by itself and holds up no other.

use std::{path::Path, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{
    record::{PortraitRecord, Record, WorkId},
    runner::JobRunner,
};
use crate::{
    call::Call,
    error::Result,
    event::Event,
    results::{Progress, Results},
    task::Task,
};

/// How long nothing may be due: times of a clock that was ahead let nothing stand still.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Something that may go on beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Starting a generation that was not started; the next one is a step of its own.
    Generate,
    /// A poll of a task, and the pictures of one that has ended.
    Poll(WorkId),
    /// Asking for the task that a callback names for a create whose answer was lost.
    Settle(WorkId),
}

/// The steps of one caller's run.
pub(super) struct InFlight<'a> {
    runner: &'a JobRunner,
    steps: FuturesUnordered<BoxFuture<'a, (Step, Result<()>)>>,
    busy: Vec<Step>,
    /// Tasks that were notified while they were polled: polled once more.
    notified: Vec<String>,
}

impl<'a> InFlight<'a> {
    pub(super) fn new(runner: &'a JobRunner) -> Self {
        Self { runner, steps: FuturesUnordered::new(), busy: Vec::new(), notified: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.busy.is_empty()
    }

    /// Begins all that is due at `now` and not under way.
    pub(super) fn start_due(&mut self, now: u64) {
        let runner = self.runner;
        runner.review_trust();
        for task_id in runner.take_hints() {
            self.notified(&task_id, now);
        }
        let claims = runner.hints.claimed().into_iter().map(Step::Settle);
        for step in runner.job.known(|record| due(record, now)).into_iter().chain(claims) {
            if !self.busy.contains(&step) {
                self.busy.push(step);
                self.steps.push(async move { (step, runner.run_step(step).await) }.boxed());
            }
        }
    }

    /// Waits until a step has ended; `None` if none is under way. Only a store that fails is an error.
    pub(super) async fn one_ends(&mut self) -> Option<Result<()>> {
        let (step, outcome) = self.steps.next().await?;
        self.busy.retain(|busy| *busy != step);
        for task_id in std::mem::take(&mut self.notified) {
            self.notified(&task_id, self.runner.session.now_ms());
        }
        Some(outcome)
    }

    /// Somebody says that this task is worth a poll. What is due `now` is then polled: a later moment would be the next time's.
    pub(super) fn notified(&mut self, task_id: &str, now: u64) {
        let ids = self.runner.job.known(Record::pending);
        for (id, _) in ids.into_iter().filter(|(_, pending)| pending == task_id) {
            if self.busy.contains(&Step::Poll(id)) {
                if !self.notified.iter().any(|notified| notified == task_id) {
                    self.notified.push(task_id.to_owned());
                }
            } else {
                self.runner.work(id, |work| work.poll_soon(now));
            }
        }
    }

    /// Until something is due that is not under way, or has taken too long.
    pub(super) fn pause(&self) -> Duration {
        let now = self.runner.session.now_ms();
        let next = self.runner.job.known(|record| {
            let pending = record.works().filter(|(_, work)| work.is_pending());
            let times = pending.flat_map(|(id, work)| {
                let poll = (!self.busy.contains(&Step::Poll(id))).then(|| work.next_poll());
                poll.into_iter().chain(self.runner.deadline(id, work))
            });
            times.min()
        });
        let next = next.into_iter().chain(self.runner.hints.awaited_until()).min();
        let next =
            next.map_or(LONGEST_PAUSE, |next| Duration::from_millis(next.saturating_sub(now)).min(LONGEST_PAUSE));
        let is_any_rare = self.runner.job.known(|record| record.works().any(|(_, work)| work.is_polled_rarely()));
        self.runner.hints.trust_until().filter(|_| is_any_rare).map_or(next, |trusted| trusted.min(next))
    }
}

/// What is due of a job that is trained, or being trained.
fn due(record: &Record, now: u64) -> Vec<Step> {
    if record.is_over() {
        return Vec::new();
    }
    let poll_step = |id, poll: bool| (poll || record.lacks_pictures(id)).then_some(Step::Poll(id));
    let works = record.works();
    let mut due: Vec<Step> =
        works.filter_map(|(id, work)| poll_step(id, work.is_pending() && work.next_poll() <= now)).collect();
    if record.is_trained() && !record.unstarted().is_empty() {
        due.push(Step::Generate);
    }
    due
}

impl JobRunner {
    async fn run_step(&self, step: Step) -> Result<()> {
        match step {
            Step::Generate => self.generate().await,
            Step::Poll(id) => {
                self.poll(id).await?;
                self.fetch(id).await
            }
            Step::Settle(id) => self.settle_claim(id).await,
        }
    }

    /// Polls a task once that has not ended.
    async fn poll(&self, id: WorkId) -> Result<()> {
        let pending = self.job.known(Record::pending).into_iter().find(|(pending, _)| *pending == id);
        let Some((_, task_id)) = pending else { return Ok(()) };
        let outcome = self.session.scheduler.poll(&task_id).await;
        let mut is_news = self.stores_times;
        // Adopted while the job runs.
        if self.job.known(|record| record.unverified().contains(&(id, task_id.clone()))) {
            is_news = true;
            let verified = self.job.edit(|record| record.verify_adopted(id, &outcome));
            if self.job.known(|record| record.unverified().is_empty()) {
                verified?;
            }
        }
        // Its time may have run out meanwhile.
        if self.job.known(Record::pending).contains(&(id, task_id.clone())) {
            is_news |= self.on_polled(id, &task_id, outcome);
        }
        if is_news { self.save().await } else { Ok(()) }
    }

    /// Takes in what a poll saw; whether it is anything new.
    fn on_polled(&self, id: WorkId, task_id: &str, outcome: Result<Task>) -> bool {
        if let Ok(task) = &outcome {
            self.judge_callbacks(id, task);
        }
        let schedule = self.schedule(id);
        let now = self.session.now_ms();
        match outcome {
            Ok(task) => {
                let is_news = self.job.edit(|record| record.on_polled(id, &task, &schedule, now));
                self.rely_on_callback(id, now);
                if is_news {
                    self.emit_state(id, &task);
                }
                if task.state.is_terminal() {
                    self.emit_end(id, &task);
                }
                is_news || task.state.is_terminal()
            }
            Err(error) => {
                let mut again = None;
                self.work(id, |work| again = work.on_poll_failed(&error, &schedule, now));
                let Some(delay) = again else {
                    self.work(id, |work| work.error = Some(error.with_task_id(task_id)));
                    return true;
                };
                self.emit(Event::Retrying { call: Call::QueryTask.name().into(), error, delay });
                false
            }
        }
    }

    /// Fetches the pictures of a style that has some: their addresses do not live for ever.
    async fn fetch(&self, id: WorkId) -> Result<()> {
        let WorkId::Portrait(index) = id else { return Ok(()) };
        let wanted = self.job.known(|record| {
            let portrait = record.portraits.get(index).filter(|_| record.lacks_pictures(id))?;
            Some((record.save_to.clone()?, portrait.work.task_id.clone()?, portrait.clone()))
        });
        match wanted {
            Some((folder, task_id, portrait)) => self.save_pictures(index, &folder, &task_id, &portrait).await,
            None => Ok(()),
        }
    }

    async fn save_pictures(&self, index: usize, folder: &Path, task_id: &str, portrait: &PortraitRecord) -> Result<()> {
        let style = &portrait.style;
        let on_progress = |progress: Progress<'_>| {
            self.emit(match progress {
                Progress::Saved(path) => Event::Saved { style: style.clone(), path: path.to_owned() },
                Progress::Notice(message) => Event::Notice { message },
                Progress::Retrying(error, delay) => {
                    Event::Retrying { call: "save_results".to_owned(), error: error.clone(), delay }
                }
            });
        };
        let results = Results {
            transport: &self.session.transport,
            folder,
            style,
            task_id,
            known: &portrait.files,
            on_progress: &on_progress,
        };
        let saved = results.save(&portrait.urls, self.session.query(task_id)).await;
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
}
