//! Keeps threads out of Python once the interpreter is going away.
//!
//! A thread that wants the GIL during finalisation is killed by CPython before 3.14, in the middle of our frames: a
//! crash. So whoever runs Python from a frame of ours is counted, `atexit` waits for those inside, and later ones stay
//! out. A fork can happen while other threads are inside; the child forgets them. Hence atomics: a lock could be
//! inherited locked.

use std::{
    cell::Cell,
    marker::PhantomData,
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

thread_local! {
    /// How many frames of ours on this thread may run Python. It counts as inside for all of them once.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// How many frames of Python code wait until this thread is back.
    static CALLERS: Cell<usize> = const { Cell::new(0) };
}

/// How long the end of the interpreter waits for callbacks on daemon threads.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts this thread. False if it must stay out.
fn enter() -> bool {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if !CLOSED.load(Ordering::SeqCst) {
        return true;
    }
    // Nobody waits for the thread that ends the interpreter.
    leave();
    *ENDING.lock().unwrap_or_else(PoisonError::into_inner) == Some(thread::current().id())
}

fn leave() {
    // A count that a fork has reset is not ours to lower.
    let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |inside| inside.checked_sub(1));
}

fn enter_or_park() {
    while !enter() {
        thread::park();
    }
}

/// A frame that may run Python.
pub(crate) struct Inside(PhantomData<*const ()>);

impl Inside {
    fn counted() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(PhantomData)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
        if DEPTH.get() == 0 {
            leave();
        }
    }
}

/// A time without Python: the thread gives up its count, however deep it is.
struct Away(usize);

impl Away {
    fn begin() -> Self {
        let depth = DEPTH.replace(0);
        if depth > 0 {
            leave();
        }
        CALLERS.set(CALLERS.get() + 1);
        Self(depth)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        if self.0 > 0 {
            enter_or_park();
        }
        CALLERS.set(CALLERS.get().saturating_sub(1));
        DEPTH.set(self.0);
    }
}

/// Counts this thread for as long as the result lives: needed wherever a frame of ours runs Python code, its own or a
/// user's. If the interpreter is going away, this thread never comes back.
pub(crate) fn inside(py: Python<'_>) -> Inside {
    if DEPTH.get() == 0 && !enter() {
        py.detach(enter_or_park);
    }
    Inside::counted()
}

/// Runs `work` attached to Python, from a thread of the runtime. Does nothing if the interpreter is going away.
pub(crate) fn attach<T>(work: impl for<'py> FnOnce(Python<'py>) -> T) -> Option<T> {
    if DEPTH.get() == 0 && !enter() {
        return None;
    }
    let _inside = Inside::counted();
    Python::try_attach(work)
}

/// Runs `work` with the GIL released. If the interpreter ends meanwhile, this thread never comes back.
pub(crate) fn detach<T: Send>(py: Python<'_>, work: impl Send + FnOnce() -> T) -> T {
    let _inside = inside(py);
    py.detach(|| {
        let _away = Away::begin();
        work()
    })
}

/// Whether this thread is away on behalf of Python code that can be told how it went.
pub(crate) fn is_called() -> bool {
    CALLERS.get() > 0
}

/// Registered with `atexit`: waits until those inside have left, and keeps everybody else out.
pub(crate) fn close(py: Python<'_>) {
    let _away = Away::begin();
    *ENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
    CLOSED.store(true, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + PATIENCE;
        while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// Registered for forked children: others who were inside are the parent's.
pub(crate) fn reopen() {
    INSIDE.store(usize::from(DEPTH.get() > 0), Ordering::SeqCst);
}
