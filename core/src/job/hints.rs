//! What callbacks change in a job: addresses for its creates, polls that happen now, rarer polling while callbacks can be
//! relied on, and creates whose answer was lost.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::record::{WorkId, kind_of};
use crate::{
    callback::{Callbacks, Hint, Inbox, Subject},
    session::Session,
    task::TaskKind,
    wait::Schedules,
};

/// How long a run waits for the callback of a create whose answer was lost, while no callback has ever proved right:
/// longer than most tasks take.
const UNPROVEN: [Duration; 2] = [Duration::from_secs(10 * 60), Duration::from_secs(2 * 60)];

/// The callbacks of one run.
pub(crate) struct Hints {
    pub(super) callbacks: Option<Callbacks>,
    key: String,
    pub(super) inbox: Arc<Inbox>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Those that nobody can act on yet: the answer of their create is on its way.
    pub(super) early: Vec<Hint>,
    /// Works whose next poll a callback has asked for.
    pub(super) told: Vec<WorkId>,
    /// Creates whose answer was lost, and what a callback says of them.
    pub(super) claims: Vec<(WorkId, Hint)>,
    /// Creates whose answer was lost in this run, and until when their callback is waited for.
    pub(super) awaited: Vec<(WorkId, u32, u64)>,
}

impl State {
    /// Keeps the first verified hint about a create whose answer was lost.
    pub(super) fn claim(&mut self, id: WorkId, hint: Hint) {
        if hint.verified && !self.claims.iter().any(|(claimed, _)| *claimed == id) {
            self.claims.push((id, hint));
        }
    }
}

impl Hints {
    /// From now on, hints for this job are kept for it.
    pub(super) fn new(session: &Session, callbacks: Option<Callbacks>, key: String, woken: Vec<Hint>) -> Self {
        let inbox = Arc::<Inbox>::default();
        session.inboxes.open(&key, &inbox);
        if let Some(callbacks) = &callbacks {
            callbacks.open_inbox(&key, &inbox);
        }
        woken.into_iter().filter(|hint| hint.key == key).for_each(|hint| inbox.put(hint));
        Self { callbacks, key, inbox, state: Mutex::default() }
    }

    /// Returns when a hint has come.
    pub(super) async fn arrived(&self) {
        self.inbox.arrived().await;
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn subject(&self, id: WorkId, attempt: u32) -> Subject {
        Subject { key: self.key.clone(), slot: Some(id.slot()), attempt }
    }

    /// Where the service is to report on this create.
    pub(super) fn address(&self, id: WorkId, attempt: u32) -> Option<String> {
        Some(self.callbacks.as_ref()?.address(&self.subject(id, attempt)))
    }

    pub(super) fn are_used(&self) -> bool {
        self.callbacks.is_some()
    }

    /// Whether callbacks can be relied on.
    pub(super) fn are_trusted(&self) -> bool {
        self.callbacks.as_ref().is_some_and(|callbacks| callbacks.trust().holds(Instant::now()))
    }

    /// When they may be found wanting, as far as is known now.
    pub(super) fn trust_until(&self) -> Option<Duration> {
        let (callbacks, now) = (self.callbacks.as_ref()?, Instant::now());
        Some(callbacks.trust().holds_until(now)?.saturating_duration_since(now))
    }

    /// The answer of a create was lost: its callback may still tell of the task.
    pub(super) fn await_callback(&self, id: WorkId, attempt: u32, now: u64) -> Option<Duration> {
        self.callbacks.as_ref()?;
        let [training, generation] = UNPROVEN;
        let patience = match kind_of(id) {
            kind if self.are_trusted() => Schedules::deadline(kind),
            TaskKind::Generation => generation,
            _ => training,
        };
        self.state().awaited.push((id, attempt, now.saturating_add(patience.as_millis() as u64)));
        Some(patience)
    }

    /// When the last wait for such a callback ends.
    pub(super) fn awaited_until(&self) -> Option<u64> {
        self.state().awaited.iter().map(|(_, _, until)| *until).max()
    }

    /// Creates that a callback claims to know the task of.
    pub(super) fn claimed(&self) -> Vec<WorkId> {
        self.state().claims.iter().map(|(id, _)| *id).collect()
    }
}
