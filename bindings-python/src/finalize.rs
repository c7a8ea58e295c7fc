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
use xiezhen::process;

pub(crate) use interpreter::is_main;

static CLOSED: AtomicBool = AtomicBool::new(false);
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Python's name for each thread that is inside; 0 is a free slot. Who finds none goes in all the same.
static SLOTS: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];
/// The thread that ends the interpreter: the only one that may still come and go. Written once, with the GIL held.
static ENDING: Mutex<Option<ThreadId>> = Mutex::new(None);

thread_local! {
    /// How many frames of ours on this thread may run Python. It counts as inside for all of them once.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// How many frames of Python code wait until this thread is back.
    static CALLERS: Cell<usize> = const { Cell::new(0) };
    static SLOT: Cell<Option<&'static AtomicUsize>> = const { Cell::new(None) };
}

/// How long the end of the interpreter waits for callbacks on daemon threads.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it then goes on asking them to leave, and how often.
const INSISTENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(50);

/// Counts this thread. False if it must stay out.
fn enter() -> bool {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if !CLOSED.load(Ordering::SeqCst) {
        let name = interpreter::thread_name();
        let free = |slot: &&AtomicUsize| slot.compare_exchange(0, name, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        SLOT.set(SLOTS.iter().find(free));
        return true;
    }
    // Nobody waits for the thread that ends the interpreter.
    leave();
    *ENDING.lock().unwrap_or_else(PoisonError::into_inner) == Some(thread::current().id())
}

fn leave() {
    if let Some(slot) = SLOT.take() {
        slot.store(0, Ordering::SeqCst);
    }
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

/// Whether the interpreter is going away.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::SeqCst)
}

/// Before the interpreter goes away: waits until billed calls that were sent have their answers stored, at most as long as
/// they may take. Ctrl-C gives them up.
pub(crate) fn wait_for_creates(py: Python<'_>) -> PyResult<()> {
    const MOMENT: Duration = Duration::from_secs(2);
    let _away = Away::begin();
    let (began, mut said) = (Instant::now(), false);
    while let Some(longest) = process::billed_calls() {
        if began.elapsed() > longest.saturating_add(PATIENCE) {
            break;
        }
        if began.elapsed() > MOMENT && !said {
            said = true;
            let logger = py.import("logging")?.call_method1("getLogger", ("xiezhen",))?;
            logger.call_method1(
                "warning",
                ("waiting for the answer of a billed call that was sent; Ctrl-C gives it up",),
            )?;
        }
        py.detach(|| thread::sleep(Duration::from_millis(5)));
        py.check_signals()?;
    }
    Ok(())
}

/// Registered with `atexit`: waits until those inside have left, and keeps everybody else out.
pub(crate) fn close(py: Python<'_>) {
    let _away = Away::begin();
    *ENDING.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
    CLOSED.store(true, Ordering::SeqCst);
    if py.detach(|| is_left_within(PATIENCE)) {
        return;
    }
    // Killed at its next step, Python code would take our frames along; an exception brings it back to them.
    let end = Instant::now() + INSISTENCE;
    while Instant::now() < end {
        let names = SLOTS.iter().map(|slot| slot.load(Ordering::SeqCst)).filter(|name| *name != 0);
        names.for_each(|name| interpreter::ask_to_leave(py, name));
        if py.detach(|| is_left_within(PAUSE)) {
            return;
        }
    }
}

fn is_left_within(patience: Duration) -> bool {
    let end = Instant::now() + patience;
    while INSIDE.load(Ordering::SeqCst) > 0 {
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Registered for forked children: others who were inside are the parent's.
pub(crate) fn reopen() {
    let inside = DEPTH.get() > 0;
    INSIDE.store(usize::from(inside), Ordering::SeqCst);
    let own = SLOT.get();
    for slot in &SLOTS {
        if !own.is_some_and(|own| std::ptr::eq(own, slot)) {
            slot.store(0, Ordering::SeqCst);
        }
    }
}

/// What only the C interface of Python has.
mod interpreter {
    #![allow(unsafe_code)]

    use pyo3::{exceptions::PySystemExit, ffi, prelude::*};

    /// What Python calls this thread.
    pub(super) fn thread_name() -> usize {
        // SAFETY: needs no GIL, and works on every thread.
        unsafe { ffi::PyThread_get_thread_ident() as usize }
    }

    /// Raises `SystemExit` in a thread, as soon as it runs Python code.
    ///
    /// `thread` must have been read from `SLOTS` since the GIL was last taken. Python gives an identity to another thread
    /// only after the first one has ended: a name stands in `SLOTS` while frames of ours are on its thread's stack, and
    /// what follows their end in Python, like the start of another thread, needs the GIL, which we hold until we are done.
    #[allow(clippy::cast_possible_wrap)]
    pub(super) fn ask_to_leave(py: Python<'_>, thread: usize) {
        let exit = py.get_type::<PySystemExit>();
        // SAFETY: the GIL is held; a thread that is gone is not found, and Python takes its own reference.
        unsafe { ffi::PyThreadState_SetAsyncExc(thread as _, exit.as_ptr()) };
    }

    /// Whether this is the interpreter that the process began with.
    pub(crate) fn is_main(_py: Python<'_>) -> bool {
        // SAFETY: the GIL is held, so there is a current interpreter.
        unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) == 0 }
    }
}
