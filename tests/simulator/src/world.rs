//! One space's world: its tasks, faults, journal and settings.

use crate::armed::Faults;
use crate::call::Call;
use crate::clock::{Clock, wall_ms};
use crate::gateway::Nonces;
use crate::identity::Identity;
use crate::journal::{Entry, Journal, Moment};
use crate::settings::Settings;
use crate::store::KeptSpace;
use crate::task::{Record, SUCCEEDED, Task, User};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Called at each moment of each request.
pub(crate) type Hook = Arc<dyn Fn(&Entry, Moment) + Send + Sync>;

/// A world of its own.
pub(crate) struct World {
    pub(crate) prefix: String,
    pub(crate) identity: Identity,
    inner: Mutex<Inner>,
    hook: Mutex<Option<Hook>>,
    /// Changes with every request that arrives.
    pub(crate) arrivals: watch::Sender<u64>,
    /// A state or a clock was changed by hand.
    pub(crate) changed: Notify,
}

/// What changes.
pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) uploads: HashMap<String, String>,
    pub(crate) users: HashMap<String, User>,
    pub(crate) tasks: HashMap<String, Record>,
    /// Task ids as they were created.
    pub(crate) order: Vec<String>,
    pub(crate) nonces: Nonces,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl Inner {
    fn new(settings: Settings) -> Self {
        Self {
            clock: Clock::new(0.0, settings.clock_scale),
            settings,
            uploads: HashMap::new(),
            users: HashMap::new(),
            tasks: HashMap::new(),
            order: Vec::new(),
            nonces: Nonces::default(),
            faults: Faults::default(),
            journal: Journal::default(),
        }
    }

    pub(crate) fn change(&mut self, settings: Settings) {
        self.clock.set_scale(settings.clock_scale);
        self.settings = settings;
    }

    pub(crate) fn add_task(&mut self, record: Record) {
        self.order.push(record.id.clone());
        self.tasks.insert(record.id.clone(), record);
    }

    /// Whether the user's model is ready.
    pub(crate) fn is_trained(&self, user: &User) -> bool {
        let now = self.clock.now();
        self.tasks.get(&user.task_id).is_some_and(|task| task.state(now) == SUCCEEDED)
    }
}

impl World {
    pub(crate) fn new(prefix: &str, seed: u64, settings: Settings) -> Self {
        Self {
            prefix: prefix.to_owned(),
            identity: Identity::new(seed, prefix),
            inner: Mutex::new(Inner::new(settings)),
            hook: Mutex::default(),
            arrivals: watch::Sender::new(0),
            changed: Notify::new(),
        }
    }

    /// The world as it was saved; time went on meanwhile.
    pub(crate) fn restored(kept: KeptSpace, seed: u64, settings: Settings) -> Self {
        let world = Self::new(&kept.prefix, seed, settings);
        {
            let mut inner = world.inner();
            let away = (wall_ms() - kept.wall_ms).max(0) as f64 / 1000.0;
            let scale = inner.settings.clock_scale;
            inner.clock = Clock::new(kept.virtual_now + away * scale, scale);
            inner.uploads = kept.uploads;
            inner.users = kept.users;
            kept.tasks.into_iter().for_each(|record| inner.add_task(record));
        }
        world
    }

    /// The world as it is to be saved.
    pub(crate) fn kept(&self) -> KeptSpace {
        let inner = self.inner();
        KeptSpace {
            prefix: self.prefix.clone(),
            virtual_now: inner.clock.now(),
            wall_ms: wall_ms(),
            uploads: inner.uploads.clone(),
            users: inner.users.clone(),
            tasks: inner.order.iter().filter_map(|id| inner.tasks.get(id)).cloned().collect(),
        }
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_hook(&self, hook: Option<Hook>) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = hook;
    }

    /// Journals a request that has arrived.
    pub(crate) fn record(&self, entry: &mut Entry) {
        {
            let mut inner = self.inner();
            let limit = inner.settings.journal_limit;
            inner.journal.push(entry, limit);
        }
        self.arrivals.send_modify(|seen| *seen += 1);
        self.tell(entry, Moment::Arrived);
    }

    pub(crate) fn update(&self, entry: &Entry) {
        self.inner().journal.update(entry);
    }

    /// Calls the hook, outside the lock: it may ask the space anything.
    pub(crate) fn tell(&self, entry: &Entry, moment: Moment) {
        let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hook) = hook {
            hook(entry, moment);
        }
    }

    pub(crate) fn tasks(&self) -> Vec<Task> {
        let inner = self.inner();
        let now = inner.clock.now();
        inner.order.iter().filter_map(|id| inner.tasks.get(id)).map(|task| task.shown(now)).collect()
    }

    /// Gives a task a state by hand; whether there is such a task.
    pub(crate) fn set_state(&self, task_id: &str, state: i64) -> bool {
        let found = match self.inner().tasks.get_mut(task_id) {
            Some(task) => {
                task.forced = Some(state);
                true
            }
            None => false,
        };
        self.changed.notify_waiters();
        found
    }

    pub(crate) fn change(&self, settings: Settings) {
        self.inner().change(settings);
        self.changed.notify_waiters();
    }

    /// Begins anew, with these settings.
    pub(crate) fn reset(&self, settings: Settings) {
        *self.inner() = Inner::new(settings);
        self.set_hook(None);
        self.changed.notify_waiters();
    }

    pub(crate) fn count(&self, call: Call) -> u64 {
        self.inner().journal.count(call)
    }
}
