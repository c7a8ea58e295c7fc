//! The runtime and who drives it.
//!
//! A thread that waits for a call drives the runtime itself: it reads the answer that it wants, and nobody has to be
//! woken. While no thread waits, one of the driver's own attends to what goes on unseen: idle connections, creates whose
//! caller has gone, the calls of `asyncio`.

use std::{
    future::Future,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    time,
};

use super::{handover::Handover, signals};
use crate::error::{Error, ErrorKind, Result};

/// The background thread waits so long for the next caller before it takes over: a program that makes call after call is not
/// to fight for the runtime at each.
const GRACE: Duration = Duration::from_millis(10);
const TIMER_PERIOD: Duration = Duration::from_secs(1);

pub(super) struct RuntimeDriver {
    pub(super) runtime: Runtime,
    handover: Handover,
    /// How many calls there were, of whatever kind.
    calls: AtomicUsize,
    timer_alive: AtomicBool,
}

impl RuntimeDriver {
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().on_thread_start(signals::leave_to_others).build();
        Ok(Self {
            runtime: runtime.map_err(|error| failure("runtime", error))?,
            handover: Handover::default(),
            calls: AtomicUsize::new(0),
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
        let _entered = self.handover.enter();
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
        self.handover.take_up();
        loop {
            self.handover.drive_unattended(|make_room| self.runtime.block_on(make_room.notified()));
            self.handover.rest(|| thread::sleep(GRACE));
        }
    }
}

fn failure(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("no {what} can be started: {error}")).with_source(error)
}
