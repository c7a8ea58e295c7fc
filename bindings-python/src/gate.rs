//! Keeps threads out of Python once the interpreter is going away.
//!
//! A thread that attaches during finalisation is killed by CPython before 3.14, in the middle of our frames: a crash.
//! So whoever enters from outside is counted, `atexit` waits for those inside, and later ones stay out. A fork can
//! happen while other threads are inside; the child forgets them. Hence atomics: a lock could be inherited locked.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

static CLOSED: AtomicBool = AtomicBool::new(false);
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The thread that ends the interpreter: the only one that may still come and go. Written once, with the GIL held.
static ENDING: Mutex<Option<ThreadId>> = Mutex::new(None);

/// How long the end of the interpreter waits for callbacks on daemon threads.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts a thread that is about to attach. False if it must not.
fn enter() -> bool {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if CLOSED.load(Ordering::SeqCst)
        && *ENDING.lock().unwrap_or_else(PoisonError::into_inner) != Some(thread::current().id())
    {
        leave();
        return false;
    }
    true
}

fn leave() {
    // A count that a fork has reset is not ours to lower.
    let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |inside| inside.checked_sub(1));
}

/// Runs `work` attached to Python, from a thread of the runtime. Does nothing if the interpreter is going away.
pub(crate) fn attach(work: impl for<'py> FnOnce(Python<'py>)) {
    if enter() {
        Python::try_attach(work);
        leave();
    }
}

/// Runs `work` with the GIL released. If the interpreter ends meanwhile, this thread never comes back.
pub(crate) fn detach<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> T) -> T {
    let result = py.detach(|| {
        let result = work();
        while !enter() {
            thread::park();
        }
        result
    });
    leave();
    result
}

/// Registered with `atexit`: waits until those inside have left, and keeps everybody else out.
pub(crate) fn close(py: Python<'_>) {
    *ENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
    CLOSED.store(true, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + PATIENCE;
        while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// Registered for forked children: those who were inside are the parent's.
pub(crate) fn reopen() {
    INSIDE.store(0, Ordering::SeqCst);
}
