//! What the runtime has to tell the event loop of another language.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Messages to one event loop, which is woken once for all that have gathered: ten thousand outcomes are not ten
/// thousand wake-ups. It reads them in slices, other work in between.
pub struct Mailbox<L> {
    messages: Mutex<VecDeque<L>>,
    /// Whether the loop was woken, and has not yet found the mailbox empty.
    woken: AtomicBool,
}

impl<L> Default for Mailbox<L> {
    fn default() -> Self {
        Self { messages: Mutex::default(), woken: AtomicBool::new(false) }
    }
}

impl<L> Mailbox<L> {
    fn messages(&self) -> MutexGuard<'_, VecDeque<L>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a message, from any thread. True if the loop has to be told.
    #[must_use]
    pub fn push(&self, message: L) -> bool {
        self.messages().push_back(message);
        !self.woken.swap(true, Ordering::AcqRel)
    }

    /// The next message, on the loop's thread. After `None`, the loop is told of the next one.
    fn next(&self) -> Option<L> {
        loop {
            let message = self.messages().pop_front();
            if message.is_some() {
                return message;
            }
            self.woken.store(false, Ordering::Release);
            // Whoever posted in between saw that the loop was woken already.
            if self.messages().is_empty() || self.woken.swap(true, Ordering::AcqRel) {
                return None;
            }
        }
    }

    /// Reads messages for as long as `slice`. True if there may be more: read on in another turn of the loop.
    pub fn read<E>(&self, slice: Duration, mut handle: impl FnMut(L) -> Result<(), E>) -> Result<bool, E> {
        let until = Instant::now() + slice;
        while let Some(message) = self.next() {
            handle(message)?;
            if Instant::now() >= until {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Throws away what nobody will read: the loop is closed.
    pub fn empty(&self) {
        // Not under the lock: a message may post another as it goes.
        let unread = std::mem::take(&mut *self.messages());
        drop(unread);
        self.woken.store(false, Ordering::Release);
    }
}
