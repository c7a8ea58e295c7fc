//! What a call has to tell on its way, and the Python functions that are told.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{exceptions::PyTypeError, intern, prelude::*, sync::PyOnceLock};
use tokio::sync::oneshot;
use xiezhen::{Error, ErrorKind, Event, Result, Task};

use crate::{errors, events, job::Job, values};

/// Something for the caller's thread or loop.
pub(crate) enum Message {
    /// Progress of a job.
    Event(Event),
    /// The n-th of many waits has ended.
    Ended(usize, Result<Task>),
    /// The job has to be stored before it goes on.
    Save(oneshot::Sender<Result<()>>),
}

/// Sends messages to the caller; never blocks.
pub(crate) type Tell = Arc<dyn Fn(Message) + Send + Sync>;

/// How a job is stored.
struct Store {
    save: Py<PyAny>,
    job: Py<Job>,
    /// Whether `save` may be a coroutine function.
    may_await: bool,
}

/// The functions of one call. They run on the caller's thread or loop only.
pub(crate) struct Callbacks {
    on_event: Option<Py<PyAny>>,
    on_end: Option<Py<PyAny>>,
    store: Option<Store>,
    /// What `save` raised: the call ends with it once the core has taken note.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Callbacks {
    /// Nobody listens.
    pub(crate) fn none() -> Self {
        Self { on_event: None, on_end: None, store: None, raised: Arc::default() }
    }

    /// Listens to the events of a job.
    pub(crate) fn on_event(py: Python<'_>, on_event: Option<Py<PyAny>>) -> PyResult<Self> {
        check(py, "on_event", on_event.as_ref())?;
        Ok(Self { on_event, ..Self::none() })
    }

    /// Listens to the ends of many waits.
    pub(crate) fn on_end(py: Python<'_>, on_end: Option<Py<PyAny>>) -> PyResult<Self> {
        check(py, "on_end", on_end.as_ref())?;
        Ok(Self { on_end, ..Self::none() })
    }

    /// Stores a job too.
    pub(crate) fn saving(self, py: Python<'_>, job: Py<Job>, save: Py<PyAny>, may_await: bool) -> PyResult<Self> {
        if !may_await || !save.bind(py).is_callable() {
            check(py, "save", Some(&save))?;
        }
        Ok(Self { store: Some(Store { save, job, may_await }), ..self })
    }

    /// Whether events are wanted.
    pub(crate) fn listens(&self) -> bool {
        self.on_event.is_some()
    }

    /// Calls the function that the message is for.
    pub(crate) fn hear(&self, py: Python<'_>, message: Message) -> PyResult<()> {
        match (message, &self.on_event, &self.on_end, &self.store) {
            (Message::Event(event), Some(on_event), _, _) => {
                if let Some(event) = events::object(py, event)? {
                    on_event.call1(py, (event,))?;
                }
            }
            (Message::Ended(index, outcome), _, Some(on_end), _) => {
                on_end.call1(py, (index, values::outcome(py, outcome)?))?;
            }
            (Message::Save(reply), _, _, Some(store)) => self.save(py, store, reply),
            _ => {}
        }
        Ok(())
    }

    fn save(&self, py: Python<'_>, store: &Store, reply: oneshot::Sender<Result<()>>) {
        let reply = Reply { reply: Mutex::new(Some(reply)), raised: self.raised.clone() };
        let saved = store.save.bind(py).call1((store.job.clone_ref(py),)).and_then(|saved| {
            if !saved.hasattr(intern!(py, "__await__"))? {
                return Ok(None);
            }
            if !store.may_await {
                saved.call_method0(intern!(py, "close")).ok();
                return Err(PyTypeError::new_err("save must be a plain function, not a coroutine function"));
            }
            py.import(intern!(py, "asyncio"))?.call_method1(intern!(py, "ensure_future"), (saved,)).map(Some)
        });
        match saved {
            Ok(None) => reply.send(Ok(())),
            Err(error) => reply.send(Err(error)),
            // A future that has no done callbacks is none of asyncio's; the call then ends as interrupted.
            Ok(Some(future)) => drop(future.call_method1(intern!(py, "add_done_callback"), (reply,))),
        }
    }

    /// What the call raises or returns: its own outcome, or what `save` raised.
    pub(crate) fn outcome<T>(&self, py: Python<'_>, outcome: Result<T>) -> PyResult<T> {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (outcome, raised) {
            (Err(_), Some(raised)) => Err(raised),
            (outcome, _) => outcome.map_err(|error| errors::raised(py, &error)),
        }
    }
}

/// Tells the core how storing the job went.
#[pyclass(frozen)]
struct Reply {
    reply: Mutex<Option<oneshot::Sender<Result<()>>>>,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Reply {
    fn send(&self, saved: PyResult<()>) {
        let saved = saved.map_err(|error| {
            let refusal = Error::new(ErrorKind::Io, format!("the job could not be saved: {error}"));
            *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            refusal
        });
        if let Some(reply) = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Nobody waits for it if the call was given up meanwhile.
            let _ = reply.send(saved);
        }
    }
}

#[pymethods]
impl Reply {
    /// The coroutine that stores the job has ended.
    fn __call__(&self, future: &Bound<'_, PyAny>) {
        self.send(future.call_method0("result").map(drop));
    }
}

/// Refuses what can't be called, and what would have to be awaited.
fn check(py: Python<'_>, name: &str, function: Option<&Py<PyAny>>) -> PyResult<()> {
    static IS_COROUTINE_FUNCTION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let Some(function) = function else { return Ok(()) };
    let function = function.bind(py);
    if !function.is_callable() {
        return Err(PyTypeError::new_err(format!("{name} must be a function, not {}", function.get_type().name()?)));
    }
    let is_coroutine_function = IS_COROUTINE_FUNCTION.import(py, "inspect", "iscoroutinefunction")?;
    let call = function.getattr(intern!(py, "__call__"))?;
    if is_coroutine_function.call1((function,))?.is_truthy()? || is_coroutine_function.call1((call,))?.is_truthy()? {
        return Err(PyTypeError::new_err(format!("{name} must be a plain function, not a coroutine function")));
    }
    Ok(())
}
