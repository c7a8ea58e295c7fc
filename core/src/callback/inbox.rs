//! Where the hints of a job wait until it takes them, and who has such a place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use super::hint::Hint;

/// More creates than a job has.
const MOST: usize = 256;

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

    /// Returns once one was put in since this was last awaited.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// Who wants the hints of which key, for as long as they hold their inbox.
#[derive(Debug, Default)]
pub(crate) struct Inboxes(Mutex<HashMap<String, Vec<Weak<Inbox>>>>);

impl Inboxes {
    /// From now on, hints for `key` are put into this inbox.
    pub(crate) fn open(&self, key: &str, inbox: &Arc<Inbox>) {
        let mut all = lock(&self.0);
        all.retain(|_, inboxes| inboxes.iter().any(|inbox| inbox.strong_count() > 0));
        all.entry(key.to_owned()).or_default().push(Arc::downgrade(inbox));
    }

    /// Puts a hint into every inbox of its key.
    pub(crate) fn deliver(&self, hint: &Hint) {
        let mut all = lock(&self.0);
        if let Some(inboxes) = all.get_mut(&hint.key) {
            inboxes.retain(|inbox| inbox.upgrade().inspect(|inbox| inbox.put(hint.clone())).is_some());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
