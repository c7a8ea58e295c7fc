//! Who waits for which task, and which task is to be looked at next. No input or output, no clock of its own.
//!
//! A look costs a few steps in two heaps however many wait: nothing here walks over all tasks.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use slab::Slab;
use tokio::{sync::oneshot, time::Instant};

use super::{
    ending::{ended, ends_a_wait, out_of_time},
    pace::{Pace, Schedules},
    sink::Sink,
    watch::{Until, Waiter, Waiters, Watch},
};
use crate::{
    error::{Error, Result},
    task::{Task, TaskKind, TaskState},
};

/// What a look may be late before somebody is told that the budget is too small.
const LATE: Duration = Duration::from_secs(5);
const WARN_AGAIN: Duration = Duration::from_secs(60);
/// How many tasks that nobody waits for yet are remembered as created here.
const REMEMBERED: usize = 10_000;

/// A waiter's place, for leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    watch: usize,
    waiter: usize,
    id: u64,
}

/// A look that is due.
pub(super) struct DueLook {
    pub(super) watch: usize,
    pub(super) task: Arc<str>,
    /// Resolves when nobody wants the look any more.
    pub(super) abandoned: oneshot::Receiver<()>,
}

/// What the driver has in mind while it sleeps.
#[derive(Default)]
struct Plan {
    /// When it wakes by itself.
    wakes: Option<Instant>,
    /// From when on it begins further looks; `None` while it can't: it is woken when it can.
    looks_from: Option<Instant>,
}

pub(super) struct Board {
    schedules: Schedules,
    watches: Slab<Watch>,
    by_task: HashMap<Arc<str>, usize>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    expiries: BinaryHeap<Reverse<(Instant, Place)>>,
    created: HashMap<Arc<str>, (TaskKind, Instant)>,
    next_waiter: u64,
    /// Without those that wait for notices only.
    waiters: usize,
    warned: Option<Instant>,
    /// Whether a driver runs.
    pub(super) driven: bool,
    plan: Plan,
}

impl Board {
    pub(super) fn new(schedules: Schedules) -> Self {
        Self {
            schedules,
            watches: Slab::new(),
            by_task: HashMap::new(),
            due: BinaryHeap::new(),
            expiries: BinaryHeap::new(),
            created: HashMap::new(),
            next_waiter: 0,
            waiters: 0,
            warned: None,
            driven: false,
            plan: Plan::default(),
        }
    }

    /// Remembers a task that this client created: its first look can wait.
    pub(super) fn remember(&mut self, task: &str, kind: TaskKind, now: Instant) {
        if self.created.len() >= REMEMBERED {
            let longest = Schedules::deadline(TaskKind::Training);
            self.created.retain(|_, (_, at)| now - *at < longest);
        }
        if self.created.len() < REMEMBERED {
            self.created.insert(task.into(), (kind, now));
        }
    }

    pub(super) fn join(
        &mut self,
        task: &str,
        until: Until,
        timeout: Option<Duration>,
        sink: Sink,
        now: Instant,
    ) -> Place {
        let key = match self.by_task.get(task) {
            Some(key) => *key,
            None => self.open(task, now),
        };
        self.next_waiter += 1;
        let id = self.next_waiter;
        let Some(watch) = self.watches.get_mut(key) else { return Place { watch: key, waiter: 0, id } };

        self.waiters += usize::from(until != Until::Noticed);
        let waits = until == Until::Ended;
        let planned = watch.due.is_some() || watch.looking.is_some();
        let patience = timeout.unwrap_or_else(|| Schedules::deadline(watch.kind));
        // A deadline beyond the clock's range is none.
        let deadline = if waits { now.checked_add(patience) } else { None };
        let waiter = Waiter { id, since: now, deadline, own_deadline: timeout.is_some(), until, sink };
        let place = Place { watch: key, waiter: watch.waiters.add(waiter), id };
        if let Some(deadline) = deadline {
            self.expiries.push(Reverse((deadline, place)));
        }
        let at = match until {
            Until::Ended if planned => None,
            Until::Ended => Some(watch.pace.first_look(now)),
            Until::Seen => Some(watch.not_before.map_or(now, |at| now.max(at))),
            Until::Noticed => None,
        };
        if let Some(at) = at {
            self.schedule(key, at);
        }
        place
    }

    fn open(&mut self, task: &str, now: Instant) -> usize {
        let task: Arc<str> = task.into();
        let known = self.created.remove(&task);
        let (kind, created) = known.map_or((TaskKind::Unknown, None), |(kind, at)| (kind, Some(at)));
        let key = self.watches.insert(Watch {
            task: task.clone(),
            kind,
            state: None,
            pace: Pace::new(&self.schedules.of(kind), created, now),
            due: None,
            looked: None,
            looking: None,
            again: false,
            not_before: None,
            waiters: Waiters::with_room_for_one(),
        });
        self.by_task.insert(task, key);
        key
    }

    /// Takes a waiter away; the last one takes the watch and its look with it.
    pub(super) fn leave(&mut self, place: Place) {
        let Some(watch) = self.watches.get_mut(place.watch) else { return };
        let Some(waiter) = watch.waiters.remove(place.waiter, place.id) else { return };
        self.waiters -= usize::from(waiter.until != Until::Noticed);
        self.close_if_left(place.watch);
    }

    fn close_if_left(&mut self, key: usize) {
        let Some(watch) = self.watches.get_mut(key) else { return };
        if !watch.waiters.want_looks() {
            // Nobody wants the look that may be under way, and nobody will take its outcome in.
            (watch.looking, watch.due, watch.again) = (None, None, false);
        }
        if watch.waiters.is_empty() {
            let watch = self.watches.remove(key);
            self.by_task.remove(&watch.task);
        }
        self.forget_outdated();
    }

    /// Heaps can't remove from their middle: once most of one is outdated, it is made anew.
    fn forget_outdated(&mut self) {
        if self.due.len() > 64 + 2 * self.watches.len() {
            let watches = &self.watches;
            self.due.retain(|Reverse((at, key))| watches.get(*key).is_some_and(|watch| watch.due == Some(*at)));
        }
        if self.expiries.len() > 64 + 2 * self.waiters {
            let watches = &self.watches;
            self.expiries.retain(|Reverse((at, place))| {
                let waiter = watches.get(place.watch).and_then(|watch| watch.waiters.get(place.waiter, place.id));
                waiter.is_some_and(|waiter| waiter.deadline == Some(*at))
            });
        }
    }

    /// Brings the next look of a task forward to `at`; never puts it off.
    fn schedule(&mut self, key: usize, at: Instant) {
        let Some(watch) = self.watches.get_mut(key) else { return };
        if watch.looking.is_none() && watch.due.is_none_or(|due| at < due) {
            watch.due = Some(at);
            self.due.push(Reverse((at, key)));
        }
    }

    /// "Look at this task now": for whoever waits for it, at most once a second beyond the schedule.
    pub(super) fn notify(&mut self, task: &str, now: Instant) {
        let Some(&key) = self.by_task.get(task) else { return };
        let Some(watch) = self.watches.get_mut(key) else { return };
        watch.waiters.hear_notice(&watch.task);
        if watch.waiters.want_the_end() {
            watch.again = watch.looking.is_some();
            let at = watch.soonest(now);
            self.schedule(key, at);
        }
    }

    /// Ends the waits whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&Reverse((at, place))) = self.expiries.peek() {
            if at > now {
                return;
            }
            self.expiries.pop();
            let Some(watch) = self.watches.get_mut(place.watch) else { continue };
            let waiter = watch.waiters.get(place.waiter, place.id);
            // A deadline may have been brought forward, and this entry be of the old one.
            if waiter.is_none_or(|waiter| waiter.deadline.is_none_or(|deadline| deadline > now)) {
                continue;
            }
            let Some(waiter) = watch.waiters.remove(place.waiter, place.id) else { continue };
            self.waiters -= 1;
            let error = out_of_time(&watch.task, watch.state, now - waiter.since);
            waiter.sink.tell(Err(error));
            self.close_if_left(place.watch);
        }
    }

    /// When the next look is due.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        while let Some(&Reverse((at, key))) = self.due.peek() {
            if self.watches.get(key).is_some_and(|watch| watch.due == Some(at)) {
                return Some(at);
            }
            self.due.pop();
        }
        None
    }

    /// When something is to be done, if looks are made from a time on.
    fn next_event(&mut self, looks_from: Option<Instant>) -> Option<Instant> {
        let look = looks_from.and_then(|from| Some(self.next_due()?.max(from)));
        let expiry = self.expiries.peek().map(|Reverse((at, _))| *at);
        look.into_iter().chain(expiry).min()
    }

    /// Says how long the driver may sleep, and remembers it.
    pub(super) fn sleep(&mut self, looks_from: Option<Instant>) -> Option<Instant> {
        let wakes = self.next_event(looks_from);
        self.plan = Plan { wakes, looks_from };
        wakes
    }

    /// Whether something has come up that the driver would sleep through. Says so once.
    pub(super) fn wakes_too_late(&mut self) -> bool {
        let next = self.next_event(self.plan.looks_from);
        let late = next.is_some_and(|at| self.plan.wakes.is_none_or(|wakes| at < wakes));
        if late {
            self.plan.wakes = next;
        }
        late
    }

    /// The task that has been due for longest, if one is due now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<DueLook> {
        let at = self.next_due().filter(|at| *at <= now)?;
        let Reverse((_, key)) = self.due.pop()?;
        self.warn_if_late(now - at, now);
        let watch = self.watches.get_mut(key)?;
        let (looking, abandoned) = oneshot::channel();
        watch.due = None;
        watch.looked = Some(now);
        watch.looking = Some(looking);
        Some(DueLook { watch: key, task: watch.task.clone(), abandoned })
    }

    fn warn_if_late(&mut self, late: Duration, now: Instant) {
        if late < LATE || self.warned.is_some_and(|at| now - at < WARN_AGAIN) {
            return;
        }
        self.warned = Some(now);
        tracing::warn!(
            late_s = late.as_secs(),
            waits = self.waiters,
            "looks at tasks come late: requests_per_second is too small for so many waits"
        );
    }

    /// Takes in what a look saw, tells those who waited for it, and plans the next look.
    pub(super) fn seen(&mut self, key: usize, looked_at: &Arc<str>, outcome: Result<Task>, now: Instant) {
        // Keys are used again: the look may have outlived its watch.
        let Some(watch) = self.watches.get_mut(key).filter(|watch| Arc::ptr_eq(&watch.task, looked_at)) else { return };
        watch.looking = None;
        match outcome {
            Ok(task) if task.state.is_terminal() => self.end(key, &Ok(task)),
            Err(error) if ends_a_wait(error.kind()) => self.end(key, &Err(error)),
            Ok(task) => {
                if task.state == TaskState::Unknown {
                    tracing::warn!(task_id = task.id, raw_state = task.raw_state, "unknown task state: waiting on");
                }
                watch.state = Some(task.state);
                let learned = watch.kind == TaskKind::Unknown && task.kind != TaskKind::Unknown;
                if learned {
                    watch.kind = task.kind;
                }
                let pause = watch.pace.after_sight(&self.schedules.of(watch.kind));
                self.go_on(key, &Ok(task), now + pause, now);
                if learned {
                    self.shorten_deadlines(key);
                }
            }
            Err(error) => {
                tracing::info!(task_id = %watch.task, %error, "a look at a task failed: waiting on");
                let pause = watch.pace.after_failure(&self.schedules.of(watch.kind), error.retry_after());
                watch.not_before = error.retry_after().map(|_| now + pause);
                let error = error.with_task_id(&watch.task);
                self.go_on(key, &Err(error), now + pause, now);
            }
        }
    }

    /// Everybody who looked gets it; those who wait go on waiting.
    fn go_on(&mut self, key: usize, outcome: &Result<Task>, next: Instant, now: Instant) {
        let Some(watch) = self.watches.get_mut(key) else { return };
        for waiter in watch.waiters.take_lookers() {
            self.waiters -= 1;
            waiter.sink.tell(outcome.clone());
        }
        if watch.waiters.want_the_end() {
            let again = std::mem::take(&mut watch.again);
            let at = if again { next.min(watch.soonest(now)) } else { next };
            self.schedule(key, at);
        }
        self.close_if_left(key);
    }

    /// The task has ended, or can't be looked at: everybody is told but those who wait for notices.
    fn end(&mut self, key: usize, outcome: &Result<Task>) {
        let Some(watch) = self.watches.get_mut(key) else { return };
        for waiter in watch.waiters.take_all_but_listeners() {
            self.waiters -= 1;
            let outcome = match outcome {
                Ok(task) if waiter.until == Until::Ended => ended(task.clone()),
                Ok(task) => Ok(task.clone()),
                Err(error) => Err(error.clone().with_task_id(&watch.task)),
            };
            waiter.sink.tell(outcome);
        }
        self.close_if_left(key);
    }

    /// The kind is known now, and with it how long is long enough.
    fn shorten_deadlines(&mut self, key: usize) {
        let Some(watch) = self.watches.get_mut(key) else { return };
        let patience = Schedules::deadline(watch.kind);
        for (place, waiter) in watch.waiters.patient() {
            let deadline = waiter.since + patience;
            // A second entry of the same deadline could never be told from the first.
            if waiter.deadline.replace(deadline) != Some(deadline) {
                self.expiries.push(Reverse((deadline, Place { watch: key, waiter: place, id: waiter.id })));
            }
        }
    }

    /// Ends every wait: nobody is left who looks.
    pub(super) fn abandon(&mut self, why: &Error) {
        self.by_task.clear();
        self.due.clear();
        self.expiries.clear();
        self.waiters = 0;
        for watch in self.watches.drain() {
            watch.waiters.tell(|| Err(why.clone().with_task_id(&watch.task)));
        }
    }

    /// How many tasks are watched, and how many entries the heaps have.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.watches.len(), self.due.len() + self.expiries.len())
    }

    /// Whether nothing is to be looked at for anybody.
    pub(super) fn is_idle(&self) -> bool {
        self.waiters == 0
    }
}
