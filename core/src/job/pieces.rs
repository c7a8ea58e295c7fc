//! What goes on at the same time: each piece of a job ends by itself and holds up no other.

use std::{path::Path, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{
    advance::Advance,
    record::{Record, Slot},
};
use crate::{call::Call, error::Result, event::Event, results::Results, task::Task, wait::ends_a_wait};

/// How long nothing may be due: times of a clock that was ahead let nothing stand still.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Something that may go on beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// Starting a generation that was not started; the next one is a piece of its own.
    Generate,
    /// A look at a task, and the pictures of one that has ended.
    Attend(Slot),
}

/// The pieces of one caller's turn.
pub(super) struct UnderWay<'a> {
    advance: &'a Advance,
    pieces: FuturesUnordered<BoxFuture<'a, (Piece, Result<()>)>>,
    busy: Vec<Piece>,
    /// Tasks that were notified while they were attended to: looked at once more.
    noticed: Vec<String>,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(advance: &'a Advance) -> Self {
        Self { advance, pieces: FuturesUnordered::new(), busy: Vec::new(), noticed: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.busy.is_empty()
    }

    /// Begins all that is due at `now` and not under way.
    pub(super) fn begin_due(&mut self, now: u64) {
        let advance = self.advance;
        for piece in advance.job.known(|record| due(record, now)) {
            if !self.busy.contains(&piece) {
                self.busy.push(piece);
                self.pieces.push(async move { (piece, advance.carry_out(piece).await) }.boxed());
            }
        }
    }

    /// Waits until a piece has ended; `None` if none is under way. Only a store that fails is an error.
    pub(super) async fn one_ends(&mut self) -> Option<Result<()>> {
        let (piece, outcome) = self.pieces.next().await?;
        self.busy.retain(|busy| *busy != piece);
        for task_id in std::mem::take(&mut self.noticed) {
            self.notice(&task_id);
        }
        Some(outcome)
    }

    /// Somebody says that this task is worth a look.
    pub(super) fn notice(&mut self, task_id: &str) {
        let slots = self.advance.job.known(Record::pending);
        for (slot, _) in slots.into_iter().filter(|(_, pending)| pending == task_id) {
            if self.busy.contains(&Piece::Attend(slot)) {
                if !self.noticed.iter().any(|noticed| noticed == task_id) {
                    self.noticed.push(task_id.to_owned());
                }
            } else {
                let now = self.advance.session.now_ms();
                self.advance.work(slot, |work| work.look_soon(now));
            }
        }
    }

    /// Until something is due that is not under way, or has taken too long.
    pub(super) fn pause(&self) -> Duration {
        let now = self.advance.session.now_ms();
        let next = self.advance.job.known(|record| {
            let pending = record.works().filter(|(_, work)| work.is_pending());
            let times = pending.flat_map(|(slot, work)| {
                let look = (!self.busy.contains(&Piece::Attend(slot))).then(|| work.next_look());
                look.into_iter().chain(self.advance.deadline(slot, work))
            });
            times.min()
        });
        next.map_or(LONGEST_PAUSE, |next| Duration::from_millis(next.saturating_sub(now)).min(LONGEST_PAUSE))
    }
}

/// What is due of a job that is trained, or being trained.
fn due(record: &Record, now: u64) -> Vec<Piece> {
    if record.is_over() {
        return Vec::new();
    }
    let listen_for = |slot, look: bool| (look || record.lacks_pictures(slot)).then_some(Piece::Attend(slot));
    let works = record.works();
    let mut due: Vec<Piece> =
        works.filter_map(|(slot, work)| listen_for(slot, work.is_pending() && work.next_look() <= now)).collect();
    if record.is_trained() && !record.unstarted().is_empty() {
        due.push(Piece::Generate);
    }
    due
}

impl Advance {
    async fn carry_out(&self, piece: Piece) -> Result<()> {
        match piece {
            Piece::Generate => self.generate().await,
            Piece::Attend(slot) => {
                self.look(slot).await?;
                self.fetch(slot).await
            }
        }
    }

    /// Looks once at a task that has not ended.
    async fn look(&self, slot: Slot) -> Result<()> {
        let pending = self.job.known(Record::pending).into_iter().find(|(pending, _)| *pending == slot);
        let Some((_, task_id)) = pending else { return Ok(()) };
        let outcome = self.session.scheduler.poll(&task_id).await;
        // Its time may have run out meanwhile.
        if self.job.known(Record::pending).contains(&(slot, task_id.clone())) {
            self.sighted(slot, &task_id, outcome);
        }
        self.save().await
    }

    /// Takes in what a look saw.
    fn sighted(&self, slot: Slot, task_id: &str, outcome: Result<Task>) {
        let schedule = self.schedule(slot);
        let now = self.session.now_ms();
        match outcome {
            Ok(task) => {
                if self.job.edit(|record| record.sighted(slot, &task, &schedule, now)) {
                    self.tell_state(slot, &task);
                }
                if task.state.is_terminal() {
                    self.tell_end(slot, &task);
                }
            }
            Err(error) if ends_a_wait(error.kind()) => {
                self.work(slot, |work| work.error = Some(error.with_task_id(task_id)));
            }
            Err(error) => {
                let mut delay = Duration::ZERO;
                self.work(slot, |work| delay = work.missed(&error, &schedule, now));
                self.tell(Event::Retrying { call: Call::QueryTask.name().into(), error, delay });
            }
        }
    }

    /// Fetches the pictures of a style that has some: their addresses do not live for ever.
    async fn fetch(&self, slot: Slot) -> Result<()> {
        let Slot::Portrait(index) = slot else { return Ok(()) };
        let wanted = self.job.known(|record| {
            let portrait = record.portraits.get(index).filter(|_| record.lacks_pictures(slot))?;
            Some((record.save_to.clone()?, portrait.work.task_id.clone()?, portrait.urls.clone()))
        });
        match wanted {
            Some((folder, task_id, urls)) => self.save_pictures(index, &folder, &task_id, &urls).await,
            None => Ok(()),
        }
    }

    async fn save_pictures(&self, index: usize, folder: &Path, task_id: &str, urls: &[String]) -> Result<()> {
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
}
