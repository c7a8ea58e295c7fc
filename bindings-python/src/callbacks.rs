//! What a call emits on its way, and the Python functions that receive it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::{
    exceptions::PyTypeError,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyList, PyTuple, PyType},
};
use tokio::sync::oneshot;
use xiezhen::{Error, ErrorKind, Event, Result, SaveError};

use crate::{errors, events, finalize, job::Job, saving::Saving, task::Task, values::object};

/// Something for the caller's thread or loop.
pub(crate) enum Message {
    /// Progress of a job.
    Event(Event),
    /// Progress of the n-th of many jobs.
    JobEvent(usize, Event),
    /// The n-th of many waits has ended.
    Ended(usize, Result<xiezhen::Task>),
    /// The n-th of many jobs has ended.
    JobEnded(usize, Option<Error>),
    /// The job has to be stored before it goes on.
    Save(oneshot::Sender<Result<(), SaveError>>),
}

/// Sends messages to the caller; never blocks.
pub(crate) type Emit = Arc<dyn Fn(Message) + Send + Sync>;

/// How a job is stored.
pub(crate) struct Store {
    save: Py<PyAny>,
    job: Py<Job>,
    /// Whether `save` may be a coroutine function.
    may_await: bool,
}

impl Store {
    /// Stores the job on behalf of a caller who has left, on a thread of the runtime: the answer to a create is kept.
    pub(crate) fn save_unattended(&self) -> Result<(), SaveError> {
        let saved = finalize::attach(|py| {
            let save = self.save.bind(py);
            let saved = save.call1((self.job.clone_ref(py),));
            saved.and_then(|saved| refuse_unfinished("save", &saved)).map_err(|error| {
                let refusal = not_saved(py, &error);
                if matches!(refusal, SaveError::Failed(_)) {
                    error.write_unraisable(py, Some(save));
                }
                refusal
            })
        });
        saved.unwrap_or_else(|| Err(Error::cancelled("saving the job").into()))
    }
}

/// Who hears how each of many waits has ended, and where all the outcomes are gathered.
struct Outcomes {
    list: Py<PyList>,
    on_end: Option<Py<PyAny>>,
}

/// Who hears of a job's events.
struct Listener {
    on_event: Py<PyAny>,
    job: Py<Job>,
}

/// Who hears of many jobs: what each job is called in the call.
struct ManyListener {
    on_event: Option<Py<PyAny>>,
    on_end: Option<Py<PyAny>>,
    jobs: Vec<(Py<PyAny>, Py<Job>)>,
}

/// The functions of one call. They run on the caller's thread or loop only, but for a `save` whose caller has left.
#[derive(Default)]
pub(crate) struct Callbacks {
    listener: Option<Listener>,
    many: Option<ManyListener>,
    outcomes: Option<Outcomes>,
    store: Option<Arc<Store>>,
    /// The context that they are called in, if it isn't the caller's anyway.
    context: Option<Py<PyAny>>,
    /// What `save` raised: the call ends with it once the core has taken note.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Callbacks {
    /// Nobody listens.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Listens to the events of a job.
    pub(crate) fn on_event(py: Python<'_>, on_event: Option<&Py<PyAny>>, job: &Py<Job>) -> PyResult<Self> {
        check(py, "on_event", on_event)?;
        let listener = on_event.map(|on_event| Listener { on_event: on_event.clone_ref(py), job: job.clone_ref(py) });
        Ok(Self { listener, ..Self::none() })
    }

    /// Listens to many jobs: their events and their ends.
    pub(crate) fn on_jobs(
        py: Python<'_>,
        on_event: Option<Py<PyAny>>,
        on_end: Option<Py<PyAny>>,
        jobs: Vec<(Py<PyAny>, Py<Job>)>,
    ) -> PyResult<Self> {
        check(py, "on_event", on_event.as_ref())?;
        check(py, "on_end", on_end.as_ref())?;
        Ok(Self { many: Some(ManyListener { on_event, on_end, jobs }), ..Self::none() })
    }

    /// Gathers the ends of so many waits. The list is what the call returns.
    pub(crate) fn on_end(py: Python<'_>, on_end: Option<Py<PyAny>>, waits: usize) -> PyResult<(Self, Py<PyList>)> {
        check(py, "on_end", on_end.as_ref())?;
        let list = PyList::new(py, (0..waits).map(|_| py.None()))?.unbind();
        let outcomes = Outcomes { list: list.clone_ref(py), on_end };
        Ok((Self { outcomes: Some(outcomes), ..Self::none() }, list))
    }

    /// Stores a job too.
    pub(crate) fn saving(self, py: Python<'_>, job: Py<Job>, save: Py<PyAny>, may_await: bool) -> PyResult<Self> {
        if !may_await || !save.bind(py).is_callable() {
            check(py, "save", Some(&save))?;
        }
        Ok(Self { store: Some(Arc::new(Store { save, job, may_await })), ..self })
    }

    /// Calls them in the context of whoever makes the call, from whatever place of the loop.
    pub(crate) fn in_context(self, py: Python<'_>) -> PyResult<Self> {
        static COPY_CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let on_end = self.outcomes.as_ref().is_some_and(|outcomes| outcomes.on_end.is_some());
        if self.listener.is_none() && self.many.is_none() && self.store.is_none() && !on_end {
            return Ok(self);
        }
        let context = COPY_CONTEXT.import(py, "contextvars", "copy_context")?.call0()?;
        Ok(Self { context: Some(context.unbind()), ..self })
    }

    /// Whether events are wanted.
    pub(crate) fn listens(&self) -> bool {
        self.listener.is_some() || self.many.as_ref().is_some_and(|many| many.on_event.is_some())
    }

    /// Whether the ends of jobs are wanted.
    pub(crate) fn hears_ends(&self) -> bool {
        self.many.as_ref().is_some_and(|many| many.on_end.is_some())
    }

    /// How the job is stored.
    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        self.store.clone()
    }

    /// Calls the function that the message is for.
    pub(crate) fn deliver(&self, py: Python<'_>, message: Message) -> PyResult<()> {
        match message {
            Message::Event(event) => self.deliver_event(py, event),
            Message::JobEvent(index, event) => self.deliver_job_event(py, index, event),
            Message::Ended(index, outcome) => self.deliver_end(py, index, outcome),
            Message::JobEnded(index, error) => self.deliver_job_end(py, index, error),
            Message::Save(reply) => {
                let Some(store) = &self.store else { return Ok(()) };
                self.save(py, store, reply)
            }
        }
    }

    fn deliver_event(&self, py: Python<'_>, event: Event) -> PyResult<()> {
        let Some(Listener { on_event, job }) = &self.listener else { return Ok(()) };
        let Some(event) = events::object(py, event, job)? else { return Ok(()) };
        refuse_unrun("on_event", &self.call(on_event.bind(py), (event,))?)
    }

    fn deliver_job_event(&self, py: Python<'_>, index: usize, event: Event) -> PyResult<()> {
        let Some(ManyListener { on_event: Some(on_event), jobs, .. }) = &self.many else { return Ok(()) };
        let Some((name, job)) = jobs.get(index) else { return Ok(()) };
        let Some(event) = events::object(py, event, job)? else { return Ok(()) };
        refuse_unrun("on_event", &self.call(on_event.bind(py), (name, event))?)
    }

    fn deliver_job_end(&self, py: Python<'_>, index: usize, error: Option<Error>) -> PyResult<()> {
        let Some(ManyListener { on_end: Some(on_end), jobs, .. }) = &self.many else { return Ok(()) };
        let Some((name, job)) = jobs.get(index) else { return Ok(()) };
        let outcome = match error {
            Some(error) => errors::exception(py, &error)?.unbind(),
            None => job.clone_ref(py).into_any(),
        };
        refuse_unrun("on_end", &self.call(on_end.bind(py), (name, outcome))?)
    }

    fn deliver_end(&self, py: Python<'_>, index: usize, outcome: Result<xiezhen::Task>) -> PyResult<()> {
        let Some(outcomes) = &self.outcomes else { return Ok(()) };
        let outcome = match outcome {
            Ok(task) => object::<Task>(py, task)?,
            Err(error) => errors::exception(py, &error)?.unbind(),
        };
        outcomes.list.bind(py).set_item(index, &outcome)?;
        let Some(on_end) = &outcomes.on_end else { return Ok(()) };
        refuse_unrun("on_end", &self.call(on_end.bind(py), (index, outcome))?)
    }

    fn call<'py>(
        &self,
        function: &Bound<'py, PyAny>,
        arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = function.py();
        let arguments = arguments.into_pyobject(py)?;
        let Some(context) = &self.context else { return function.call1(arguments) };
        let within = PyTuple::new(py, [function.clone()])?.add(arguments)?.cast_into::<PyTuple>()?;
        context.bind(py).getattr(intern!(py, "run"))?.call1(within)
    }

    fn save(&self, py: Python<'_>, store: &Store, reply: oneshot::Sender<Result<(), SaveError>>) -> PyResult<()> {
        let saving = self.context.as_ref().map(|context| Saving::begin(py, context, &store.job)).transpose()?;
        let reply =
            Reply { sender: Mutex::new(Some(reply)), raised: self.raised.clone(), future: Mutex::default(), saving };
        match self.begin_saving(py, store) {
            Ok(None) => reply.send(py, Ok(())),
            Err(error) => reply.send(py, Err(error)),
            Ok(Some(future)) => {
                *lock(&reply.future) = Some(future.clone().unbind());
                future.call_method1(intern!(py, "add_done_callback"), (reply,))?;
            }
        }
        Ok(())
    }

    /// Calls `save`. If it is a coroutine function, it goes on in a task.
    fn begin_saving<'py>(&self, py: Python<'py>, store: &Store) -> PyResult<Option<Bound<'py, PyAny>>> {
        static ENSURE_FUTURE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let saved = self.call(store.save.bind(py), (store.job.clone_ref(py),))?;
        if !store.may_await {
            return refuse_unfinished("save", &saved).map(|()| None);
        }
        if !is_awaitable(&saved)? {
            return refuse_unrun("save", &saved).map(|()| None);
        }
        self.call(ENSURE_FUTURE.import(py, "asyncio", "ensure_future")?, (saved,)).map(Some)
    }

    /// What the call raises or returns: its own outcome, or what `save` raised.
    pub(crate) fn outcome<T>(&self, py: Python<'_>, outcome: Result<T>) -> PyResult<T> {
        let raised = lock(&self.raised).take();
        match (outcome, raised) {
            (Err(_), Some(raised)) => Err(raised),
            (outcome, _) => outcome.map_err(|error| errors::raised(py, &error)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells the core how storing the job went.
#[pyclass(frozen)]
struct Reply {
    sender: Mutex<Option<oneshot::Sender<Result<(), SaveError>>>>,
    raised: Arc<Mutex<Option<PyErr>>>,
    /// The task that stores the job. The loop itself holds tasks by weak references only.
    future: Mutex<Option<Py<PyAny>>>,
    /// In the context that it is stored in.
    saving: Option<Py<Saving>>,
}

impl Reply {
    fn send(&self, py: Python<'_>, saved: PyResult<()>) {
        self.saving.iter().for_each(|saving| saving.get().end());
        let saved = saved.map_err(|error| {
            let refusal = not_saved(py, &error);
            *lock(&self.raised) = Some(error);
            refusal
        });
        if let Some(sender) = lock(&self.sender).take() {
            // Nobody waits for it if the call was given up meanwhile.
            let _ = sender.send(saved);
        }
    }
}

#[pymethods]
impl Reply {
    /// The coroutine that stores the job has ended.
    fn __call__(&self, py: Python<'_>, future: &Bound<'_, PyAny>) {
        let _inside = finalize::inside(py);
        drop(lock(&self.future).take());
        self.send(py, future.call_method0("result").map(drop));
    }
}

/// Why a job was not stored. A store's `ConflictError` has the newest state: a claim, or JSON.
fn not_saved(py: Python<'_>, error: &PyErr) -> SaveError {
    let newest = error.value(py).getattr(intern!(py, "newest")).ok();
    let json = newest.and_then(|newest| newest.getattr(intern!(py, "json")).unwrap_or(newest).extract().ok());
    json.map_or_else(
        || Error::new(ErrorKind::Io, format!("the job could not be saved: {error}")).into(),
        |newest| SaveError::Conflict { newest },
    )
}

fn is_awaitable(returned: &Bound<'_, PyAny>) -> PyResult<bool> {
    static IS_AWAITABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = returned.py();
    Ok(!returned.is_none() && IS_AWAITABLE.import(py, "inspect", "isawaitable")?.call1((returned,))?.is_truthy()?)
}

/// Refuses what has not run yet and never would: coroutines and generators.
fn refuse_unrun(name: &str, returned: &Bound<'_, PyAny>) -> PyResult<()> {
    static COROUTINE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static ASYNC_GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if returned.is_none() {
        return Ok(());
    }
    let py = returned.py();
    let what = if returned.is_instance(COROUTINE.import(py, "collections.abc", "Coroutine")?)? {
        // One that is not closed would warn that it was never awaited.
        returned.call_method0(intern!(py, "close")).ok();
        "coroutine"
    } else if returned.is_instance(GENERATOR.import(py, "collections.abc", "Generator")?)?
        || returned.is_instance(ASYNC_GENERATOR.import(py, "collections.abc", "AsyncGenerator")?)?
    {
        "generator"
    } else {
        return Ok(());
    };
    Err(PyTypeError::new_err(format!("{name} must be a plain function, not a {what} function")))
}

/// Refuses what would have to be awaited before the thing is done, too.
fn refuse_unfinished(name: &str, returned: &Bound<'_, PyAny>) -> PyResult<()> {
    refuse_unrun(name, returned)?;
    if is_awaitable(returned)? {
        return Err(PyTypeError::new_err(format!("{name} must be done when it returns, not return an awaitable")));
    }
    Ok(())
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
