//! Who drives the runtime: callers who wait, or a thread of the driver's own while nobody does.
//!
//! Invariants, checked for every interleaving by `tests/loom`, which includes this file:
//! - The background thread never drives for longer than it takes a caller to ask for room: a caller counts itself and then
//!   looks whether the background drives; the background says that it drives and then looks whether there are callers.
//! - The background thread sleeps only while there are callers, and the last of them wakes it: it says that it sleeps and
//!   then looks whether there are callers; the last caller takes itself off and then looks whether the background sleeps.
//!
//! Each side changes the count of callers, the background by nothing: of two changes one comes first, and who comes second
//! sees all that the other did before. Plain loads and stores would promise no such thing.

use std::sync::OnceLock;

use super::sync::{
    AtomicBool, AtomicUsize, Notify,
    Ordering::{AcqRel, Acquire, Release},
    thread::{self, Thread},
};

#[derive(Default)]
pub(super) struct Handover {
    /// How many threads drive the runtime, or wait for their turn.
    callers: AtomicUsize,
    /// How often a thread came to drive, to tell a pause from a rest.
    drives: AtomicUsize,
    background: OnceLock<Thread>,
    /// Whether the background thread drives, or is about to.
    background_drives: AtomicBool,
    /// Asks the background thread to make room.
    make_room: Notify,
    /// Whether the background thread sleeps until the last caller leaves.
    background_sleeps: AtomicBool,
}

impl Handover {
    /// A caller comes to drive: the background thread makes room.
    pub(super) fn enter(&self) -> Entered<'_> {
        self.callers.fetch_add(1, AcqRel);
        self.drives.fetch_add(1, AcqRel);
        if self.background_drives.load(Acquire) {
            self.make_room();
        }
        Entered(self)
    }

    /// Has the background thread stop driving; if it does not drive, the next time that it does.
    pub(super) fn make_room(&self) {
        self.make_room.notify_one();
    }

    /// How many callers there are, in the order of their coming and going.
    fn callers(&self) -> usize {
        self.callers.fetch_add(0, AcqRel)
    }

    /// The background thread says who it is, before anybody can find it asleep.
    pub(super) fn take_up(&self) {
        let _ = self.background.set(thread::current());
    }

    /// Drives, on the background thread, until a caller comes: `drive_until` drives until it is notified.
    pub(super) fn drive_unattended(&self, drive_until: impl FnOnce(&Notify)) {
        self.background_drives.store(true, Release);
        if self.callers() == 0 {
            drive_until(&self.make_room);
        }
        self.background_drives.store(false, Release);
    }

    /// Returns, on the background thread, when nobody has called for as long as `pause` takes: a program that makes call
    /// after call is not to fight for the runtime at each.
    pub(super) fn rest(&self, pause: impl Fn()) {
        loop {
            let drives = self.drives.load(Acquire);
            pause();
            if self.callers() > 0 {
                self.background_sleeps.swap(true, AcqRel);
                while self.callers() > 0 && self.background_sleeps.load(Acquire) {
                    thread::park();
                }
                self.background_sleeps.swap(false, AcqRel);
            } else if self.drives.load(Acquire) == drives {
                return;
            }
        }
    }
}

/// A caller's time with the runtime.
pub(super) struct Entered<'a>(&'a Handover);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let last = self.0.callers.fetch_sub(1, AcqRel) == 1;
        if last
            && self.0.background_sleeps.swap(false, AcqRel)
            && let Some(background) = self.0.background.get()
        {
            background.unpark();
        }
    }
}
