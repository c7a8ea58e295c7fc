//! Where the hints of a job wait until it takes them, and who has such a place.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use super::hint::Hint;

/// More creates than a job has.
const MOST: usize = 256;
/// Hints for keys that nobody has an inbox for; the oldest make room.
const KEPT: usize = 1024;

/// The hints for one key, one a create, until somebody takes them.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    hints: Mutex<Vec<Hint>>,
    arrived: Notify,
}

impl Inbox {
    /// Puts a hint in. A repetition joins the one that is there.
    pub(crate) fn put(&self, hint: Hint) {
        let mut hints = lock(&self.hints);
        let is_same = |known: &&mut Hint| known.slot == hint.slot && known.attempt == hint.attempt;
        match hints.iter_mut().find(is_same) {
            Some(known) => known.merge(hint),
            None => hints.push(hint),
        }
        // The oldest make room.
        let surplus = hints.len().saturating_sub(MOST);
        hints.drain(..surplus);
        self.arrived.notify_one();
    }

    /// Takes all that are there.
    pub(crate) fn take(&self) -> Vec<Hint> {
        std::mem::take(&mut lock(&self.hints))
    }

    /// Returns once one was put in, or everybody was woken, since this was last awaited.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// The inboxes that are open for each key.
#[derive(Debug, Default)]
pub(crate) struct Inboxes(Mutex<Keys>);

#[derive(Debug, Default)]
struct Keys {
    open: HashMap<String, Vec<Weak<Inbox>>>,
    /// Hints that nobody wants yet: a run may end by a lost answer before its callback comes, and be begun again.
    kept: VecDeque<Hint>,
}

impl Inboxes {
    /// From now on, hints for `key` are put into this inbox, and those that came before.
    pub(crate) fn open(&self, key: &str, inbox: &Arc<Inbox>) {
        let mut keys = lock(&self.0);
        keys.open.retain(|_, inboxes| inboxes.iter().any(|inbox| inbox.strong_count() > 0));
        keys.open.entry(key.to_owned()).or_default().push(Arc::downgrade(inbox));
        let (ours, others) = std::mem::take(&mut keys.kept).into_iter().partition::<Vec<_>, _>(|hint| hint.key == key);
        keys.kept = others.into();
        for hint in ours {
            inbox.put(hint);
        }
    }

    /// Wakes everybody who waits at an inbox: something has changed for all.
    pub(crate) fn wake_all(&self) {
        let open = &lock(&self.0).open;
        open.values().flatten().filter_map(Weak::upgrade).for_each(|inbox| inbox.arrived.notify_one());
    }

    /// Puts a hint into every inbox of its key.
    pub(crate) fn deliver(&self, hint: &Hint) {
        let mut keys = lock(&self.0);
        let inboxes = keys.open.entry(hint.key.clone()).or_default();
        inboxes.retain(|inbox| inbox.upgrade().inspect(|inbox| inbox.put(hint.clone())).is_some());
        if !inboxes.is_empty() {
            return;
        }
        keys.open.remove(&hint.key);
        let is_same = |kept: &&mut Hint| (&kept.key, &kept.slot, kept.attempt) == (&hint.key, &hint.slot, hint.attempt);
        match keys.kept.iter_mut().find(is_same) {
            Some(kept) => kept.merge(hint.clone()),
            None => keys.kept.push_back(hint.clone()),
        }
        if keys.kept.len() > KEPT {
            keys.kept.pop_front();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
