//! A space as a test holds it.

use crate::armed::Progress;
use crate::call::Call;
use crate::fault::Fault;
use crate::journal::{Entry, Moment};
use crate::server::Shared;
use crate::settings::Settings;
use crate::task::Task;
use crate::world::World;
use std::sync::Arc;

/// A world of its own under a path prefix: tasks, faults, journal and settings. Cheap to clone.
#[derive(Clone)]
pub struct Space {
    shared: Arc<Shared>,
    world: Arc<World>,
}

impl Space {
    pub(crate) fn new(shared: Arc<Shared>, prefix: &str) -> Self {
        let world = shared.world(prefix);
        Self { shared, world }
    }

    /// The base URL of a client that is to live here.
    pub fn url(&self) -> String {
        format!("{}{}", self.shared.url, self.world.prefix)
    }

    /// Every request kept in the journal, oldest first.
    pub fn journal(&self) -> Vec<Entry> {
        self.world.inner().journal.entries()
    }

    /// Forgets the journal and its counts.
    pub fn clear_journal(&self) {
        self.world.inner().journal.clear();
    }

    /// How many requests of this kind arrived.
    pub fn count(&self, call: Call) -> u64 {
        self.world.count(call)
    }

    /// How many models and generation tasks were created.
    pub fn created(&self) -> usize {
        self.world.inner().tasks.len()
    }

    /// All tasks, in the order of their creation.
    pub fn tasks(&self) -> Vec<Task> {
        self.world.tasks()
    }

    /// One task.
    pub fn task(&self, id: &str) -> Option<Task> {
        let inner = self.world.inner();
        let now = inner.clock.now();
        inner.tasks.get(id).map(|task| task.shown(now))
    }

    /// Asks for a fault; its number is what the journal names it by.
    pub fn fault(&self, fault: Fault) -> u64 {
        self.world.inner().faults.add(fault)
    }

    /// The faults and what became of them.
    pub fn faults(&self) -> Vec<Progress> {
        self.world.inner().faults.progress()
    }

    /// No more faults.
    pub fn clear_faults(&self) {
        self.world.inner().faults.clear();
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.world.inner().settings.clone()
    }

    /// Changes settings.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        self.world.change(settings);
    }

    /// Gives a task this state, which no longer follows the time; whether there is such a task. With a state file it
    /// is saved at the next change.
    pub fn set_state(&self, task_id: &str, state: i64) -> bool {
        self.world.set_state(task_id, state)
    }

    /// Ends a task in this state (3, 4 or 5); whether there is such a task.
    pub fn finish(&self, task_id: &str, state: i64) -> bool {
        self.set_state(task_id, state)
    }

    /// Begins anew: no tasks, users, uploads, faults, journal or hook; the settings of the start.
    pub fn reset(&self) {
        self.world.reset(self.shared.settings.clone());
    }

    /// Calls this at each [`Moment`] of each request, on the thread that serves it: the request goes on when it
    /// returns.
    pub fn on_request(&self, hook: impl Fn(&Entry, Moment) + Send + Sync + 'static) {
        self.world.set_hook(Some(Arc::new(hook)));
    }

    /// Returns when so many requests of this kind have arrived.
    pub async fn wait_for(&self, call: Call, count: u64) {
        let mut arrivals = self.world.arrivals.subscribe();
        while self.count(call) < count {
            // The world, which sends, is held here.
            let _ = arrivals.changed().await;
        }
    }
}
