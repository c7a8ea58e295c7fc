//! The runtime and who drives it.
//!
//! A thread that waits for a call drives the runtime itself: it reads the answer that it wants, and nobody has to be
//! woken. While no thread waits, one of the host's own attends to what goes on unseen: idle connections, creates whose
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

/// The attendant waits so long for the next caller before it takes over: a program that makes call after call is not
/// to fight for the runtime at each.
const GRACE: Duration = Duration::from_millis(10);
const PULSE: Duration = Duration::from_secs(1);

pub(super) struct Host {
    pub(super) runtime: Runtime,
    /// How many threads drive the runtime, or wait for their turn.
    callers: AtomicUsize,
    /// How often a thread came to drive, to tell a pause from a rest.
    visits: AtomicUsize,
    /// How many calls there were, of whatever kind.
    calls: AtomicUsize,
    attendant: OnceLock<Thread>,
    /// Whether the attendant drives, or is about to.
    attended: AtomicBool,
    /// Asks the attendant to make room.
    called: Notify,
    /// Whether the attendant sleeps until the last caller leaves.
    dismissed: AtomicBool,
    pulsing: AtomicBool,
}

impl Host {
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().on_thread_start(signals::leave_to_others).build();
        Ok(Self {
            runtime: runtime.map_err(|error| failure("runtime", error))?,
            callers: AtomicUsize::new(0),
            visits: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            attendant: OnceLock::new(),
            attended: AtomicBool::new(false),
            called: Notify::new(),
            dismissed: AtomicBool::new(false),
            pulsing: AtomicBool::new(false),
        })
    }

    /// Has a thread of its own attend to it from now on.
    pub(super) fn attend(&'static self) -> Result<()> {
        let keep = || {
            signals::leave_to_others();
            self.keep();
        };
        let attendant = thread::Builder::new().name("xiezhen".to_owned()).spawn(keep);
        attendant.map(drop).map_err(|error| failure("thread", error))
    }

    /// Drives the runtime on this thread until `future` is ready.
    pub(super) fn drive<F: Future>(&'static self, future: F) -> F::Output {
        let _visit = Visit::begin(self);
        self.expect_timers();
        self.runtime.block_on(future)
    }

    /// Keeps a timer going that is earlier than any call's time limit, for as long as calls are made: setting the
    /// earliest timer of all costs tokio two system calls, even on the thread that would be woken by it.
    pub(super) fn expect_timers(&'static self) {
        self.calls.fetch_add(1, Relaxed);
        if !self.pulsing.swap(true, Relaxed) {
            self.runtime.spawn(self.pulse());
        }
    }

    async fn pulse(&self) {
        let mut calls = 0;
        while calls != self.calls.load(Relaxed) {
            calls = self.calls.load(Relaxed);
            time::sleep(PULSE).await;
        }
        self.pulsing.store(false, Relaxed);
    }

    fn keep(&self) {
        // Before anybody can find it asleep.
        let _ = self.attendant.set(thread::current());
        loop {
            // A caller looks here after it has counted itself: one of the two sees the other.
            self.attended.store(true, SeqCst);
            if self.callers.load(SeqCst) == 0 {
                self.runtime.block_on(self.called.notified());
            }
            self.attended.store(false, SeqCst);
            self.rest();
        }
    }

    /// Returns when nobody has called for a while.
    fn rest(&self) {
        loop {
            let visits = self.visits.load(SeqCst);
            thread::sleep(GRACE);
            if self.callers.load(SeqCst) > 0 {
                self.dismissed.store(true, SeqCst);
                while self.callers.load(SeqCst) > 0 && self.dismissed.load(SeqCst) {
                    thread::park();
                }
                self.dismissed.store(false, SeqCst);
            } else if self.visits.load(SeqCst) == visits {
                return;
            }
        }
    }
}

/// A caller's time with the runtime.
struct Visit<'a>(&'a Host);

impl<'a> Visit<'a> {
    fn begin(host: &'a Host) -> Self {
        host.callers.fetch_add(1, SeqCst);
        host.visits.fetch_add(1, SeqCst);
        if host.attended.load(SeqCst) {
            host.called.notify_one();
        }
        Self(host)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let last = self.0.callers.fetch_sub(1, SeqCst) == 1;
        if last
            && self.0.dismissed.swap(false, SeqCst)
            && let Some(attendant) = self.0.attendant.get()
        {
            attendant.unpark();
        }
    }
}

fn failure(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("no {what} can be started: {error}")).with_source(error)
}
