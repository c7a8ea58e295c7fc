//! Async calls: an `asyncio` future each, settled on its own loop's thread.
//!
//! What the runtime emits is put into the loop's mailbox: ten thousand answers do not take the GIL ten thousand
//! times. The loop empties it in slices of 250 µs: what the futures' own callbacks do then comes on top.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::FutureExt;
use pyo3::{exceptions::PyRuntimeError, intern, prelude::*, sync::PyOnceLock};
use tokio::task::AbortHandle;
use xiezhen::{
    Result, Wait,
    process::{self, runtime, spawn},
};

use crate::{
    call::call,
    callbacks::{Callbacks, Emit, Message},
    errors, finalize, logging,
    task::Task,
    values::object,
};

/// How long the loop is kept at a time.
const SLICE: Duration = Duration::from_micros(250);

type Action = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<()> + Send>;

/// What is to be done on one loop's thread, in order.
struct Mailbox {
    event_loop: Py<PyAny>,
    actions: process::Mailbox<Action>,
    process: u32,
}

/// The mailboxes of loops with calls under way: few, usually one. Only locked with the GIL held.
static MAILBOXES: Mutex<Vec<Weak<Mailbox>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    fn of(event_loop: &Bound<'_, PyAny>) -> Arc<Self> {
        let process = std::process::id();
        // Let go of outside the lock: the last handle of a loop may run Python code.
        let known: Vec<Arc<Self>> = lock(&MAILBOXES).iter().filter_map(Weak::upgrade).collect();
        if let Some(mailbox) = known.iter().find(|m| m.event_loop.is(event_loop) && m.process == process) {
            return mailbox.clone();
        }
        let actions = process::Mailbox::default();
        let mailbox = Arc::new(Self { event_loop: event_loop.clone().unbind(), actions, process });
        let mut mailboxes = lock(&MAILBOXES);
        mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
        mailboxes.push(Arc::downgrade(&mailbox));
        mailbox
    }

    /// Adds an action, from any thread of the runtime.
    fn post(self: &Arc<Self>, action: Action) {
        if !self.actions.push(action) {
            return;
        }
        let mailbox = self.clone();
        let wake = move || {
            finalize::attach(move |py| {
                let event_loop = mailbox.event_loop.clone_ref(py);
                // A closed loop has nobody left to tell.
                if event_loop.call_method1(py, intern!(py, "call_soon_threadsafe"), (Drain(mailbox.clone()),)).is_err()
                {
                    mailbox.actions.empty();
                }
            });
        };
        // Taking the GIL may block, so never on a worker thread.
        if let Ok(runtime) = runtime() {
            runtime.spawn_blocking(wake);
        }
    }
}

/// Empties a mailbox when the loop calls it.
#[pyclass(frozen)]
struct Drain(Arc<Mailbox>);

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = finalize::inside(py);
        let read = logging::refresh(py).and_then(|()| self.0.actions.read(SLICE, |action| action(py)));
        // After a Ctrl-C too: a loop may run again.
        if !matches!(read, Ok(false)) {
            let again = Self(self.0.clone());
            self.0.event_loop.call_method1(py, intern!(py, "call_soon"), (again,))?;
        }
        read.map(drop)
    }
}

/// What stops a call.
enum Stopper {
    Task(AbortHandle),
    /// Stops when it is dropped.
    Wait(Wait),
}

/// Stops a call when its future is done, however it came to be.
#[pyclass(frozen)]
struct Stop(Mutex<Option<Stopper>>);

#[pymethods]
impl Stop {
    fn __call__(&self, py: Python<'_>, _future: &Bound<'_, PyAny>) -> PyResult<()> {
        self.stop(py)
    }
}

impl Stop {
    /// Without the GIL: the core may be logging, for which it needs the GIL, under a lock that is needed here.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let Some(stopper) = lock(&self.0).take() else { return Ok(()) };
        match stopper {
            Stopper::Task(task) => {
                task.abort();
                Ok(())
            }
            Stopper::Wait(wait) => call(py, || {
                drop(wait);
                Ok(())
            }),
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        Python::attach(|py| self.stop(py).unwrap_or_else(|error| error.write_unraisable(py, None)));
    }
}

/// The future that somebody awaits, and what is to be told on the way.
struct Awaited {
    future: Py<PyAny>,
    callbacks: Callbacks,
}

impl Awaited {
    fn is_over(&self, py: Python<'_>) -> bool {
        let over = self.future.bind(py).call_method0(intern!(py, "done")).and_then(|done| done.is_truthy());
        over.unwrap_or(true)
    }

    /// Whoever has stopped awaiting hears no more, but a job is stored all the same: a create may have been answered.
    fn deliver(&self, py: Python<'_>, message: Message) -> PyResult<()> {
        if matches!(message, Message::Save(_)) || !self.is_over(py) {
            return self.callbacks.deliver(py, message).or_else(|error| self.fail(py, error));
        }
        Ok(())
    }

    /// Fails with what a signal's handler raises meanwhile: settling calls the loop, which is Python.
    fn settle(&self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<()> {
        match outcome {
            _ if self.is_over(py) => Ok(()),
            Ok(value) => self.future.call_method1(py, intern!(py, "set_result"), (value,)).map(drop),
            Err(error) if errors::is_cancelled(py, &error) => {
                self.future.call_method0(py, intern!(py, "cancel")).map(drop)
            }
            Err(error) => self.fail(py, error),
        }
    }

    fn fail(&self, py: Python<'_>, error: PyErr) -> PyResult<()> {
        let set = |error: PyErr| self.future.call_method1(py, intern!(py, "set_exception"), (error,)).map(drop);
        // Refused for StopIteration only, which nothing here raises but a callback may.
        set(error).or_else(|refusal| if self.is_over(py) { Err(refusal) } else { set(refusal) })
    }
}

/// A call that is to be settled: its future, and the mailbox of its loop.
pub(crate) struct Pending<C: Send + 'static> {
    mailbox: Arc<Mailbox>,
    awaited: Arc<Awaited>,
    convert: Option<C>,
}

/// A cancelled call is dropped by the runtime, which has no GIL: what of Python it held would stay until something else
/// takes the GIL, a job with all its photos.
impl<C: Send + 'static> Drop for Pending<C> {
    fn drop(&mut self) {
        if let Some(convert) = self.convert.take() {
            let held = (self.awaited.clone(), convert);
            self.mailbox.post(Box::new(move |_| {
                drop(held);
                Ok(())
            }));
        }
    }
}

impl<C: Send + 'static> Pending<C> {
    fn new(py: Python<'_>, callbacks: Callbacks, convert: C) -> PyResult<Self> {
        static RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        if finalize::is_closed() {
            let message = "the interpreter is going away: nothing can be awaited any more, but Client still works";
            return Err(PyRuntimeError::new_err(message));
        }
        let event_loop = RUNNING_LOOP.import(py, "asyncio", "get_running_loop")?.call0()?;
        logging::refresh(py)?;
        let future = event_loop.call_method0(intern!(py, "create_future"))?.unbind();
        let (mailbox, callbacks) = (Mailbox::of(&event_loop), callbacks.in_context(py)?);
        Ok(Self { mailbox, awaited: Arc::new(Awaited { future, callbacks }), convert: Some(convert) })
    }

    /// Delivers messages to the callbacks.
    fn emit(&self) -> Emit {
        let (mailbox, awaited) = (self.mailbox.clone(), self.awaited.clone());
        Arc::new(move |message| {
            let awaited = awaited.clone();
            mailbox.post(Box::new(move |py| awaited.deliver(py, message)));
        })
    }

    /// Settles the future, from any thread.
    fn settle<T: Send + 'static>(mut self, outcome: Result<T>)
    where
        C: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>>,
    {
        let Some(convert) = self.convert.take() else { return };
        let awaited = self.awaited.clone();
        self.mailbox.post(Box::new(move |py| {
            let outcome = awaited.callbacks.outcome(py, outcome).and_then(|value| convert(py, value));
            awaited.settle(py, outcome)
        }));
    }

    /// Begins the call and returns its `asyncio.Future`. Cancelling that stops the call.
    fn begin(self, py: Python<'_>, begin: impl FnOnce(Self) -> Result<Stopper> + Send) -> PyResult<Py<PyAny>> {
        let future = self.awaited.future.clone_ref(py);
        let stop = call(py, move || begin(self).map(|stopper| Stop(Mutex::new(Some(stopper)))))?;
        future.call_method1(py, intern!(py, "add_done_callback"), (stop,))?;
        Ok(future)
    }
}

/// Starts a call and returns the `asyncio.Future` of it. Cancelling that drops the call.
pub(crate) fn future<T, F>(
    py: Python<'_>,
    callbacks: Callbacks,
    work: impl FnOnce(Emit) -> F + Send,
    convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<Py<PyAny>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let _inside = finalize::inside(py);
    Pending::new(py, callbacks, convert)?.begin(py, |pending| {
        // Held once, not once for each layer that takes it by value.
        let work = Box::pin(work(pending.emit()));
        let task = spawn(async move {
            let ended = AssertUnwindSafe(work).catch_unwind().await;
            pending.settle(ended.unwrap_or_else(|_| Err(xiezhen::Error::defect())));
        })?;
        Ok(Stopper::Task(task.abort_handle()))
    })
}

/// Begins a wait, which needs no task of the runtime, and returns the `asyncio.Future` of it.
pub(crate) fn wait(
    py: Python<'_>,
    begin: impl FnOnce(Box<dyn FnOnce(Result<xiezhen::Task>) + Send>) -> Result<Wait> + Send,
) -> PyResult<Py<PyAny>> {
    let _inside = finalize::inside(py);
    Pending::new(py, Callbacks::none(), object::<Task>)?.begin(py, |pending| {
        let _within = runtime()?.enter();
        begin(Box::new(|outcome| pending.settle(outcome))).map(Stopper::Wait)
    })
}
