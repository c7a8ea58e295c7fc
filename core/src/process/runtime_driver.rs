//! The runtime and who drives it.
//!
//! A thread that waits for a call drives the runtime itself: it reads the answer that it wants, and nobody has to be
//! woken. While no thread waits, one of the driver's own attends to what goes on unseen: idle connections, creates whose
//! caller has gone, the calls of `asyncio`.

use std::{
    future::Future,
    sync::{
        OnceLock,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, Thread},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
    time,
};

use super::signals;
use crate::error::{Error, ErrorKind, Result};

/// The background thread waits so long for the next caller before it takes over: a program that makes call after call is not
/// to fight for the runtime at each.
const GRACE: Duration = Duration::from_millis(10);
const TIMER_PERIOD: Duration = Duration::from_secs(1);

pub(super) struct RuntimeDriver {
    pub(super) runtime: Runtime,
    /// How many threads drive the runtime, or wait for their turn.
    callers: AtomicUsize,
    /// How often a thread came to drive, to tell a pause from a rest.
    drives: AtomicUsize,
    /// How many calls there were, of whatever kind.
    calls: AtomicUsize,
    background: OnceLock<Thread>,
    /// Whether the background thread drives, or is about to.
    background_drives: AtomicBool,
    /// Asks the background thread to make room.
    make_room: Notify,
    /// Whether the background thread sleeps until the last caller leaves.
    background_sleeps: AtomicBool,
    timer_alive: AtomicBool,
}

impl RuntimeDriver {
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().on_thread_start(signals::leave_to_others).build();
        Ok(Self {
            runtime: runtime.map_err(|error| failure("runtime", error))?,
            callers: AtomicUsize::new(0),
            drives: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            background: OnceLock::new(),
            background_drives: AtomicBool::new(false),
            make_room: Notify::new(),
            background_sleeps: AtomicBool::new(false),
            timer_alive: AtomicBool::new(false),
        })
    }

    /// Has a thread of its own attend to it from now on.
    pub(super) fn start_background_thread(&'static self) -> Result<()> {
        let run_background_thread = || {
            signals::leave_to_others();
            self.run_background_thread();
        };
        let background = thread::Builder::new().name("xiezhen".to_owned()).spawn(run_background_thread);
        background.map(drop).map_err(|error| failure("thread", error))
    }

    /// Drives the runtime on this thread until `future` is ready.
    pub(super) fn drive<F: Future>(&'static self, future: F) -> F::Output {
        let _guard = DriveGuard::begin(self);
        self.expect_timers();
        self.runtime.block_on(future)
    }

    /// Keeps a timer going that is earlier than any call's time limit, for as long as calls are made: setting the
    /// earliest timer of all costs tokio two system calls, even on the thread that would be woken by it.
    pub(super) fn expect_timers(&'static self) {
        self.calls.fetch_add(1, Relaxed);
        if !self.timer_alive.swap(true, Relaxed) {
            self.runtime.spawn(self.keep_timer_alive());
        }
    }

    async fn keep_timer_alive(&self) {
        let mut calls = 0;
        while calls != self.calls.load(Relaxed) {
            calls = self.calls.load(Relaxed);
            time::sleep(TIMER_PERIOD).await;
        }
        self.timer_alive.store(false, Relaxed);
    }

    fn run_background_thread(&self) {
        // Before anybody can find it asleep.
        let _ = self.background.set(thread::current());
        loop {
            // A caller looks here after it has counted itself: one of the two sees the other.
            self.background_drives.store(true, SeqCst);
            if self.callers.load(SeqCst) == 0 {
                self.runtime.block_on(self.make_room.notified());
            }
            self.background_drives.store(false, SeqCst);
            self.rest();
        }
    }

    /// Returns when nobody has called for a while.
    fn rest(&self) {
        loop {
            let drives = self.drives.load(SeqCst);
            thread::sleep(GRACE);
            if self.callers.load(SeqCst) > 0 {
                self.background_sleeps.store(true, SeqCst);
                while self.callers.load(SeqCst) > 0 && self.background_sleeps.load(SeqCst) {
                    thread::park();
                }
                self.background_sleeps.store(false, SeqCst);
            } else if self.drives.load(SeqCst) == drives {
                return;
            }
        }
    }
}

/// A caller's time with the runtime.
struct DriveGuard<'a>(&'a RuntimeDriver);

impl<'a> DriveGuard<'a> {
    fn begin(driver: &'a RuntimeDriver) -> Self {
        driver.callers.fetch_add(1, SeqCst);
        driver.drives.fetch_add(1, SeqCst);
        if driver.background_drives.load(SeqCst) {
            driver.make_room.notify_one();
        }
        Self(driver)
    }
}

impl Drop for DriveGuard<'_> {
    fn drop(&mut self) {
        let last = self.0.callers.fetch_sub(1, SeqCst) == 1;
        if last
            && self.0.background_sleeps.swap(false, SeqCst)
            && let Some(background) = self.0.background.get()
        {
            background.unpark();
        }
    }
}

fn failure(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("no {what} can be started: {error}")).with_source(error)
}
