//! Who waits for which task, and which task is to be polled next. No input or output, no clock of its own.
//!
//! A poll costs a few steps in two heaps however many wait: nothing here walks over all tasks.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use slab::Slab;
use tokio::{sync::oneshot, time::Instant};

use super::{
    completion::Completion,
    outcome::{ended, out_of_time},
    poll_state::PollState,
    polled_task::{Interest, PolledTask, Waiter, Waiters},
    schedule::Schedules,
};
use crate::{
    error::{Error, Result},
    task::{Task, TaskKind, TaskState},
};

/// What a poll may be late before somebody is told that the rate limiter is too small.
const LATE: Duration = Duration::from_secs(5);
const WARN_AGAIN: Duration = Duration::from_secs(60);
/// How many tasks that nobody waits for yet are remembered as created here.
const REMEMBERED: usize = 10_000;

/// A waiter's key, for leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaiterKey {
    task: usize,
    waiter: usize,
    id: u64,
}

/// A poll that is due.
pub(super) struct DuePoll {
    pub(super) key: usize,
    pub(super) task: Arc<str>,
    /// Resolves when nobody wants the poll any more.
    pub(super) abandoned: oneshot::Receiver<()>,
}

/// What the driver has in mind while it sleeps.
#[derive(Default)]
struct Plan {
    /// When it wakes by itself.
    wakes: Option<Instant>,
    /// From when on it begins further polls; `None` while it can't: it is woken when it can.
    polls_from: Option<Instant>,
}

pub(super) struct PollQueue {
    schedules: Schedules,
    tasks: Slab<PolledTask>,
    /// What times in milliseconds count from.
    epoch: Instant,
    by_task: HashMap<Arc<str>, usize>,
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    expiries: BinaryHeap<Reverse<(Instant, WaiterKey)>>,
    created: HashMap<Arc<str>, (TaskKind, Instant)>,
    next_waiter: u64,
    /// Without those that wait for notifications only.
    waiters: usize,
    warned: Option<Instant>,
    /// Whether a driver runs.
    pub(super) driven: bool,
    plan: Plan,
}

impl PollQueue {
    pub(super) fn new(schedules: Schedules) -> Self {
        Self {
            schedules,
            epoch: Instant::now(),
            tasks: Slab::new(),
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

    /// The time in milliseconds, which are never 0.
    fn ms(&self, at: Instant) -> u64 {
        (at - self.epoch).as_millis() as u64 + 1
    }

    fn instant(&self, ms: u64) -> Instant {
        self.epoch + Duration::from_millis(ms.saturating_sub(1))
    }

    /// Remembers a task that this client created: its first poll can wait.
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
        interest: Interest,
        timeout: Option<Duration>,
        completion: Completion,
        now: Instant,
    ) -> WaiterKey {
        let key = match self.by_task.get(task) {
            Some(key) => *key,
            None => self.open(task),
        };
        let now_ms = self.ms(now);
        self.next_waiter += 1;
        let id = self.next_waiter;
        let Some(polled) = self.tasks.get_mut(key) else { return WaiterKey { task: key, waiter: 0, id } };

        self.waiters += usize::from(interest != Interest::Notify);
        let waits = interest == Interest::End;
        let planned = polled.due.is_some() || polled.in_flight.is_some();
        let patience = timeout.unwrap_or_else(|| Schedules::deadline(polled.kind));
        // A deadline beyond the clock's range is none.
        let deadline = if waits { now.checked_add(patience) } else { None };
        let waiter = Waiter { id, since: now, deadline, own_deadline: timeout.is_some(), interest, completion };
        let waiter_key = WaiterKey { task: key, waiter: polled.waiters.add(waiter), id };
        if let Some(deadline) = deadline {
            self.expiries.push(Reverse((deadline, waiter_key)));
        }
        let at = match interest {
            Interest::End if planned => None,
            // Its first poll may have to wait; after that, who is new does not.
            Interest::End if !polled.polls.is_polled() => Some(polled.polls.next_poll().max(now_ms)),
            Interest::End | Interest::NextPoll => Some(polled.polls.not_before().max(now_ms)),
            Interest::Notify => None,
        };
        if let Some(at) = at {
            self.schedule(key, self.instant(at));
        }
        waiter_key
    }

    fn open(&mut self, task: &str) -> usize {
        let task: Arc<str> = task.into();
        let known = self.created.remove(&task);
        let (kind, created) = known.map_or((TaskKind::Unknown, None), |(kind, at)| (kind, Some(self.ms(at))));
        let schedule = self.schedules.of(kind);
        let key = self.tasks.insert(PolledTask {
            task: task.clone(),
            kind,
            state: None,
            polls: created.map_or_else(PollState::default, |at| PollState::created(&schedule, at)),
            created,
            due: None,
            in_flight: None,
            again: false,
            waiters: Waiters::with_room_for_one(),
        });
        self.by_task.insert(task, key);
        key
    }

    /// Takes a waiter away; the last one takes the task and its poll with it.
    pub(super) fn leave(&mut self, waiter_key: WaiterKey) {
        let Some(polled) = self.tasks.get_mut(waiter_key.task) else { return };
        let Some(waiter) = polled.waiters.remove(waiter_key.waiter, waiter_key.id) else { return };
        self.waiters -= usize::from(waiter.interest != Interest::Notify);
        self.close_if_left(waiter_key.task);
    }

    fn close_if_left(&mut self, key: usize) {
        let Some(polled) = self.tasks.get_mut(key) else { return };
        if !polled.waiters.want_polls() {
            // Nobody wants the poll that may be under way, and nobody will take its outcome in.
            (polled.in_flight, polled.due, polled.again) = (None, None, false);
        }
        if polled.waiters.is_empty() {
            let polled = self.tasks.remove(key);
            self.by_task.remove(&polled.task);
        }
        self.forget_outdated();
    }

    /// Heaps can't remove from their middle: once most of one is outdated, it is made anew.
    fn forget_outdated(&mut self) {
        if self.due.len() > 64 + 2 * self.tasks.len() {
            let tasks = &self.tasks;
            self.due.retain(|Reverse((at, key))| tasks.get(*key).is_some_and(|polled| polled.due == Some(*at)));
        }
        if self.expiries.len() > 64 + 2 * self.waiters {
            let tasks = &self.tasks;
            self.expiries.retain(|Reverse((at, waiter_key))| {
                let waiter =
                    tasks.get(waiter_key.task).and_then(|polled| polled.waiters.get(waiter_key.waiter, waiter_key.id));
                waiter.is_some_and(|waiter| waiter.deadline == Some(*at))
            });
        }
    }

    /// Brings the next poll of a task forward to `at`; never puts it off.
    fn schedule(&mut self, key: usize, at: Instant) {
        let Some(polled) = self.tasks.get_mut(key) else { return };
        if polled.in_flight.is_none() && polled.due.is_none_or(|due| at < due) {
            polled.due = Some(at);
            self.due.push(Reverse((at, key)));
        }
    }

    /// "Poll this task now": for whoever waits for it, at most once a second beyond the schedule.
    pub(super) fn notify(&mut self, task: &str, now: Instant) {
        let Some(&key) = self.by_task.get(task) else { return };
        let now = self.ms(now);
        let Some(polled) = self.tasks.get_mut(key) else { return };
        polled.waiters.on_notify(&polled.task);
        if polled.waiters.want_the_end() {
            polled.again = polled.in_flight.is_some();
            let at = polled.polls.soonest(now);
            self.schedule(key, self.instant(at));
        }
    }

    /// Ends the waits whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&Reverse((at, waiter_key))) = self.expiries.peek() {
            if at > now {
                return;
            }
            self.expiries.pop();
            let Some(polled) = self.tasks.get_mut(waiter_key.task) else { continue };
            let waiter = polled.waiters.get(waiter_key.waiter, waiter_key.id);
            // A deadline may have been brought forward, and this entry be of the old one.
            if waiter.is_none_or(|waiter| waiter.deadline.is_none_or(|deadline| deadline > now)) {
                continue;
            }
            let Some(waiter) = polled.waiters.remove(waiter_key.waiter, waiter_key.id) else { continue };
            self.waiters -= 1;
            let error = out_of_time(&polled.task, polled.state, now - waiter.since);
            waiter.completion.tell(Err(error));
            self.close_if_left(waiter_key.task);
        }
    }

    /// When the next poll is due.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        while let Some(&Reverse((at, key))) = self.due.peek() {
            if self.tasks.get(key).is_some_and(|polled| polled.due == Some(at)) {
                return Some(at);
            }
            self.due.pop();
        }
        None
    }

    /// When something is to be done, if polls are made from a time on.
    fn next_event(&mut self, polls_from: Option<Instant>) -> Option<Instant> {
        let poll = polls_from.and_then(|from| Some(self.next_due()?.max(from)));
        let expiry = self.expiries.peek().map(|Reverse((at, _))| *at);
        poll.into_iter().chain(expiry).min()
    }

    /// Says how long the driver may sleep, and remembers it.
    pub(super) fn sleep(&mut self, polls_from: Option<Instant>) -> Option<Instant> {
        let wakes = self.next_event(polls_from);
        self.plan = Plan { wakes, polls_from };
        wakes
    }

    /// Whether something has come up that the driver would sleep through. Says so once.
    pub(super) fn wakes_too_late(&mut self) -> bool {
        let next = self.next_event(self.plan.polls_from);
        let late = next.is_some_and(|at| self.plan.wakes.is_none_or(|wakes| at < wakes));
        if late {
            self.plan.wakes = next;
        }
        late
    }

    /// The task that has been due for longest, if one is due now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<DuePoll> {
        let at = self.next_due().filter(|at| *at <= now)?;
        let Reverse((_, key)) = self.due.pop()?;
        self.warn_if_late(now - at, now);
        let polled = self.tasks.get_mut(key)?;
        let (in_flight, abandoned) = oneshot::channel();
        polled.due = None;
        polled.in_flight = Some(in_flight);
        Some(DuePoll { key, task: polled.task.clone(), abandoned })
    }

    fn warn_if_late(&mut self, late: Duration, now: Instant) {
        if late < LATE || self.warned.is_some_and(|at| now - at < WARN_AGAIN) {
            return;
        }
        self.warned = Some(now);
        tracing::warn!(
            late_s = late.as_secs(),
            waits = self.waiters,
            "polls come late: requests_per_second is too small for so many waits"
        );
    }

    /// Takes in what a poll saw, tells those who waited for it, and plans the next poll.
    pub(super) fn on_polled(&mut self, key: usize, polled_id: &Arc<str>, outcome: Result<Task>, now: Instant) {
        let now = self.ms(now);
        // Keys are used again: the poll may have outlived its task.
        let Some(polled) = self.tasks.get_mut(key).filter(|polled| Arc::ptr_eq(&polled.task, polled_id)) else {
            return;
        };
        polled.in_flight = None;
        match outcome {
            Ok(task) if task.state.is_terminal() => self.end(key, &Ok(task)),
            Ok(task) => {
                if task.state == TaskState::Unknown {
                    tracing::warn!(task_id = task.id, raw_state = task.raw_state, "unknown task state: waiting on");
                }
                polled.state = Some(task.state);
                let learned = polled.kind == TaskKind::Unknown && task.kind != TaskKind::Unknown;
                if learned {
                    polled.kind = task.kind;
                }
                polled.polls.on_polled(&self.schedules.of(polled.kind), now);
                self.keep_waiting(key, &Ok(task), now);
                if learned {
                    self.shorten_deadlines(key);
                }
            }
            Err(error) => {
                let age = polled.created.map(|at| Duration::from_millis(now.saturating_sub(at)));
                let schedule = self.schedules.of(polled.kind);
                if polled.polls.on_poll_failed(&error, &schedule, age, now).is_none() {
                    return self.end(key, &Err(error));
                }
                tracing::info!(task_id = %polled.task, %error, "polling a task failed: waiting on");
                let error = error.with_task_id(&polled.task);
                self.keep_waiting(key, &Err(error), now);
            }
        }
    }

    /// Everybody who wanted this poll gets it; those who wait go on waiting.
    fn keep_waiting(&mut self, key: usize, outcome: &Result<Task>, now: u64) {
        let Some(polled) = self.tasks.get_mut(key) else { return };
        for waiter in polled.waiters.take_next_poll_only() {
            self.waiters -= 1;
            waiter.completion.tell(outcome.clone());
        }
        if polled.waiters.want_the_end() {
            if std::mem::take(&mut polled.again) {
                polled.polls.poll_soon(now);
            }
            let at = polled.polls.next_poll();
            self.schedule(key, self.instant(at));
        }
        self.close_if_left(key);
    }

    /// The task has ended, or can't be polled: everybody is told but those who wait for notifications.
    fn end(&mut self, key: usize, outcome: &Result<Task>) {
        let Some(polled) = self.tasks.get_mut(key) else { return };
        for waiter in polled.waiters.take_all_but_listeners() {
            self.waiters -= 1;
            let outcome = match outcome {
                Ok(task) if waiter.interest == Interest::End => ended(task.clone()),
                Ok(task) => Ok(task.clone()),
                Err(error) => Err(error.clone().with_task_id(&polled.task)),
            };
            waiter.completion.tell(outcome);
        }
        self.close_if_left(key);
    }

    /// The kind is known now, and with it how long is long enough.
    fn shorten_deadlines(&mut self, key: usize) {
        let Some(polled) = self.tasks.get_mut(key) else { return };
        let patience = Schedules::deadline(polled.kind);
        for (waiter_key, waiter) in polled.waiters.patient() {
            let deadline = waiter.since + patience;
            // A second entry of the same deadline could never be told from the first.
            if waiter.deadline.replace(deadline) != Some(deadline) {
                self.expiries.push(Reverse((deadline, WaiterKey { task: key, waiter: waiter_key, id: waiter.id })));
            }
        }
    }

    /// Ends every wait: nobody is left who polls.
    pub(super) fn abandon(&mut self, why: &Error) {
        self.by_task.clear();
        self.due.clear();
        self.expiries.clear();
        self.waiters = 0;
        for polled in self.tasks.drain() {
            polled.waiters.tell(|| Err(why.clone().with_task_id(&polled.task)));
        }
    }

    /// How many tasks are polled, and how many entries the heaps have.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.tasks.len(), self.due.len() + self.expiries.len())
    }

    /// Whether nothing is to be polled for anybody.
    pub(super) fn is_idle(&self) -> bool {
        self.waiters == 0
    }
}
