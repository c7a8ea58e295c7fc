//! What the runtime has to tell the event loop of another language.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Letters to one event loop, which is woken once for all that have gathered: ten thousand outcomes are not ten
/// thousand wake-ups. It reads them in slices, other work in between.
pub struct Mailbox<L> {
    letters: Mutex<VecDeque<L>>,
    /// Whether the loop was told, and has not yet found the mailbox empty.
    rung: AtomicBool,
}

impl<L> Default for Mailbox<L> {
    fn default() -> Self {
        Self { letters: Mutex::default(), rung: AtomicBool::new(false) }
    }
}

impl<L> Mailbox<L> {
    fn letters(&self) -> MutexGuard<'_, VecDeque<L>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a letter, from any thread. True if the loop has to be told.
    #[must_use]
    pub fn post(&self, letter: L) -> bool {
        self.letters().push_back(letter);
        !self.rung.swap(true, Ordering::AcqRel)
    }

    /// The next letter, on the loop's thread. After `None`, the loop is told of the next one.
    fn next(&self) -> Option<L> {
        loop {
            let letter = self.letters().pop_front();
            if letter.is_some() {
                return letter;
            }
            self.rung.store(false, Ordering::Release);
            // Whoever posted in between saw that the loop was told already.
            if self.letters().is_empty() || self.rung.swap(true, Ordering::AcqRel) {
                return None;
            }
        }
    }

    /// Reads letters for as long as `slice`. True if there may be more: read on in another turn of the loop.
    pub fn read<E>(&self, slice: Duration, mut hear: impl FnMut(L) -> Result<(), E>) -> Result<bool, E> {
        let until = Instant::now() + slice;
        while let Some(letter) = self.next() {
            hear(letter)?;
            if Instant::now() >= until {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Throws away what nobody will read: the loop is closed.
    pub fn empty(&self) {
        // Not under the lock: a letter may post another as it goes.
        let unread = std::mem::take(&mut *self.letters());
        drop(unread);
        self.rung.store(false, Ordering::Release);
    }
}
