//! `Client`: every call, and the options of a client. `xiezhen.AsyncClient` awaits the same calls.

use std::future::Future;

use pyo3::{IntoPyObjectExt, prelude::*, types::PyTuple};
use xiezhen::{
    AdvanceOptions, Client as Core, Error, ErrorKind, OptionChanges, Result, RunManyOptions, RunOptions,
    process::runtime,
};

use crate::{
    arguments::{self, Count, Many, Pairs, Rate, Seconds},
    call::{call, timeout},
    callbacks::{Callbacks, Emit},
    calls,
    errors::{self, refusal},
    finalize,
    job::Job,
    jobs::Jobs,
    mailbox::{self, future},
    paths::LocalPath,
    photo::Photo,
    receiver::{CallbackAddresses, Hint},
    run_events::RunEvents,
    saving::refuse_own_job,
    schedule::PollSchedule,
    task::{Created, Style, Task},
    wait::wait,
};

/// A connection to the service: where, who, limits. Safe to share between threads, and usable after a fork.
///
/// base_url: where the API is, `https://…`; by default the environment's `XIEZHEN_BASE_URL`. There is no other default.
/// app_code: the AppCode of the purchase; or app_key and app_secret, which sign. By default `XIEZHEN_APP_CODE`, or
///     `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`; a credential given here switches the environment's off.
/// timeout: seconds for a whole call, its repetitions included; 60. Uploads and downloads have a stall limit instead.
/// connect_timeout: seconds for one connection; 10.
/// max_retries: how often a call that may be repeated is sent again; 4.
/// requests_per_second: at most so many calls in any one second; 10.
/// upload_concurrency: how many photos of a job are uploaded at a time; 4.
/// max_photo_bytes: no more than so many bytes are sent of a photo; 5 MiB.
/// max_pictures: a task with more pictures than this is refused when they are to be saved; 1000.
/// prepare_photos: cleans photos of their metadata, location included, and converts, turns and scales those that the
///     service would not take as they are; on. Off, every photo is sent as it is, or refused.
/// training_schedule: when trainings are polled; PollSchedule(15, 1.5, 60).
/// generation_schedule: when generations are polled; PollSchedule(3, 1.5, 15).
/// ca_file: a PEM file of authorities that are trusted beside the system's.
/// proxy: a proxy for all but loopback, in place of the environment's; empty for none.
/// stage: which deployment of the API answers: "RELEASE" (as by default), "PRE" or "TEST"; the gateway's X-Ca-Stage.
/// headers: headers of your own for every call of the gateway; never sent to other hosts.
/// allow_http: allows `http://` to other hosts than this one: whoever listens reads the credential.
/// allow_private_results: fetches results from this machine, its network and metadata services too.
/// require_https_results: refuses results whose address is `http://`; a notice otherwise.
///
/// Raises InvalidArgumentError, which names everything that does not fit. Connects to nobody yet.
#[pyclass(frozen, subclass, weakref, module = "xiezhen")]
pub(crate) struct Client {
    pub(crate) core: Core,
    /// Whether its calls are `asyncio` futures.
    awaited: bool,
}

/// Sets options of a builder; one that can't be converted is one problem of many.
macro_rules! set_options {
    ($builder:ident, $problems:ident, $($option:ident $(: $convert:expr)?,)+) => {
        $(if let Some(value) = $option {
            $(let value = $convert(value, stringify!($option));)?
            match set_options!(@converted value $(, $convert)?) {
                Ok(value) => $builder = $builder.$option(value),
                Err(problem) => $problems.push(problem),
            }
        })+
    };
    (@converted $value:ident, $convert:expr) => { $value };
    (@converted $value:ident) => { Ok::<_, String>($value) };
}

fn schedule(given: &Bound<'_, PollSchedule>, name: &str) -> Result<xiezhen::PollSchedule, String> {
    given.get().to_core(name)
}

/// What the core makes of the options, unless some can't even be given to it: then all problems are raised together.
fn refused_together<T: Send>(
    py: Python<'_>,
    mut problems: Vec<String>,
    make: impl Send + FnOnce() -> Result<T>,
) -> PyResult<T> {
    if problems.is_empty() {
        return call(py, make);
    }
    let made = call(py, || Ok(make()))?;
    problems.extend(made.err().iter().flat_map(Error::problems).cloned());
    Err(refusal(py, problems))
}

impl Client {
    /// The same client, whose calls are `asyncio` futures: what `xiezhen.AsyncClient` holds.
    pub(crate) fn awaited(&self) -> Self {
        Self { core: self.core.clone(), awaited: true }
    }

    /// Makes a call: waits for it here, or returns a future of the running loop.
    fn make<T, F>(
        &self,
        py: Python<'_>,
        callbacks: Callbacks,
        work: impl FnOnce(Emit) -> F + Send,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if self.awaited {
            return future(py, callbacks, work, convert);
        }
        let answer = wait(py, &callbacks, work)?;
        convert(py, answer)
    }

    /// The core's client, for one call that may have limits of its own.
    fn within(&self, py: Python<'_>, timeout: Option<Seconds>, max_retries: Option<Count>) -> PyResult<Core> {
        let timeout = arguments::timeout(timeout);
        let max_retries = max_retries.map(|count| count.number::<u32>("max_retries")).transpose();
        match (timeout, max_retries) {
            (Ok(timeout), Ok(max_retries)) => Ok(self.core.with_timeout(timeout).with_max_retries(max_retries)),
            (timeout, max_retries) => {
                Err(refusal(py, [timeout.err(), max_retries.err()].into_iter().flatten().collect()))
            }
        }
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (base_url=None, *, app_code=None, app_key=None, app_secret=None, timeout=None,
        connect_timeout=None, max_retries=None, requests_per_second=None, upload_concurrency=None,
        max_photo_bytes=None, prepare_photos=None, training_schedule=None, generation_schedule=None, ca_file=None, proxy=None,
        stage=None, headers=None, allow_http=false, max_pictures=None, allow_private_results=false,
        require_https_results=false))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        base_url: Option<String>,
        app_code: Option<String>,
        app_key: Option<String>,
        app_secret: Option<String>,
        timeout: Option<Seconds>,
        connect_timeout: Option<Seconds>,
        max_retries: Option<Count>,
        requests_per_second: Option<Rate>,
        upload_concurrency: Option<Count>,
        max_photo_bytes: Option<Count>,
        prepare_photos: Option<bool>,
        training_schedule: Option<&Bound<'_, PollSchedule>>,
        generation_schedule: Option<&Bound<'_, PollSchedule>>,
        ca_file: Option<LocalPath>,
        proxy: Option<String>,
        stage: Option<String>,
        headers: Option<Pairs>,
        allow_http: bool,
        max_pictures: Option<Count>,
        allow_private_results: bool,
        require_https_results: bool,
    ) -> PyResult<Self> {
        let mut builder = Core::builder()
            .allow_http(allow_http)
            .allow_private_results(allow_private_results)
            .require_https_results(require_https_results);
        let mut problems = Vec::new();
        let ca_file = ca_file.map(|path| path.0);
        set_options! {
            builder, problems,
            base_url,
            app_code,
            app_key,
            app_secret,
            timeout: Seconds::time,
            connect_timeout: Seconds::time,
            max_retries: Count::number::<u32>,
            requests_per_second: Rate::number,
            upload_concurrency: Count::number::<usize>,
            max_photo_bytes: Count::number::<u64>,
            max_pictures: Count::number::<usize>,
            prepare_photos,
            training_schedule: schedule,
            generation_schedule: schedule,
            ca_file,
            proxy,
            stage,
        }
        for (name, value) in headers.into_iter().flat_map(|headers| headers.0) {
            builder = builder.header(name, value);
        }
        let core = refused_together(py, problems, || builder.build())?;
        Ok(Self { core, awaited: false })
    }

    /// Uploads one photo and returns the service's path of it.
    ///
    /// photo: a path, bytes or a binary file; JPEG, PNG, WebP or BMP by content.
    /// timeout: seconds for this call. Without one, an attempt ends after 60 s without progress.
    /// max_retries: how often this call may be sent again, in place of the client's.
    ///
    /// Raises InvalidArgumentError for a photo that is refused before it is sent: a file that is missing, unreadable
    /// or empty, one that is too large, or not such a picture.
    #[pyo3(signature = (photo, *, timeout=None, max_retries=None) -> "str")]
    fn upload_file(
        &self,
        py: Python<'_>,
        photo: Photo,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.within(py, timeout, max_retries)?;
        let upload = |_| async move { client.upload_file(photo.0).await };
        self.make(py, Callbacks::none(), upload, |py, path| path.into_py_any(py))
    }

    /// Starts training a user model from 8 to 20 uploaded photos. This call is billed.
    ///
    /// img_set: what `upload_file` returned for each photo.
    /// callback_url: a URL that the service calls when the task ends.
    /// timeout: seconds for this call, in place of the client's.
    /// max_retries: how often this call may be sent again, in place of the client's.
    ///
    /// Raises OutcomeUnknownError if it was sent and the answer was lost: it may have been carried out. Once sent, it
    /// runs on to its timeout, cancelled or not.
    #[pyo3(signature = (img_set, *, callback_url=None, timeout=None, max_retries=None) -> "Created")]
    fn create_user_model(
        &self,
        py: Python<'_>,
        img_set: Many<String>,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.within(py, timeout, max_retries)?;
        let create = |_| async move { client.create_user_model(&img_set.0, callback_url.as_deref()).await };
        self.make(py, Callbacks::none(), create, |py, created| Created::from(created).into_py_any(py))
    }

    /// The styles that pictures can be generated in.
    ///
    /// timeout: seconds for this call, in place of the client's.
    /// max_retries: how often this call may be sent again, in place of the client's.
    #[pyo3(signature = (*, timeout=None, max_retries=None) -> "list[Style]")]
    fn list_styles(&self, py: Python<'_>, timeout: Option<Seconds>, max_retries: Option<Count>) -> PyResult<Py<PyAny>> {
        let client = self.within(py, timeout, max_retries)?;
        let list = |_| async move { client.list_styles().await };
        self.make(py, Callbacks::none(), list, |py, styles| {
            styles.into_iter().map(Style::from).collect::<Vec<_>>().into_py_any(py)
        })
    }

    /// Starts generating pictures of a trained model in one style, given by its id. This call is billed.
    ///
    /// callback_url: a URL that the service calls when the task ends.
    /// timeout: seconds for this call, in place of the client's.
    /// max_retries: how often this call may be sent again, in place of the client's.
    ///
    /// Raises OutcomeUnknownError if it was sent and the answer was lost: it may have been carried out. Once sent, it
    /// runs on to its timeout, cancelled or not.
    #[pyo3(signature = (user_id, style, *, callback_url=None, timeout=None, max_retries=None) -> "Created")]
    fn create_task(
        &self,
        py: Python<'_>,
        user_id: String,
        style: String,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.within(py, timeout, max_retries)?;
        let create = |_| async move { client.create_task(&user_id, &style, callback_url.as_deref()).await };
        self.make(py, Callbacks::none(), create, |py, created| Created::from(created).into_py_any(py))
    }

    /// Polls a task once. A failed task is a value here, not an error.
    ///
    /// timeout: seconds for this call, in place of the client's.
    /// max_retries: how often this call may be sent again, in place of the client's.
    #[pyo3(signature = (task_id, *, timeout=None, max_retries=None) -> "Task")]
    fn query_task(
        &self,
        py: Python<'_>,
        task_id: String,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.within(py, timeout, max_retries)?;
        let query = |_| async move { client.query_task(&task_id).await };
        self.make(py, Callbacks::none(), query, |py, task| Task::from(task).into_py_any(py))
    }

    /// Polls a task until it has ended, as often as its schedule says.
    ///
    /// timeout: seconds; by default 2 h for a training, 30 min for a generation.
    ///
    /// Outages are waited out. Raises TaskFailedError when the service gave the task up, TimeoutError at the deadline.
    /// Every error has the `task_id`: wait again to go on.
    #[pyo3(signature = (task_id, *, timeout=None) -> "Task")]
    fn wait_task(&self, py: Python<'_>, task_id: String, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        let timeout = self::timeout(py, timeout)?;
        if self.awaited {
            return mailbox::wait(py, |on_end| self.core.begin_wait(&task_id, timeout, on_end));
        }
        let client = self.core.clone();
        let poll = |_| async move { client.wait_task(&task_id, timeout).await };
        self.make(py, Callbacks::none(), poll, |py, task| Task::from(task).into_py_any(py))
    }

    /// `wait_task` for thousands at once. Returns a Task or a XiezhenError each, in order.
    ///
    /// on_end: called as each ends, with its index and its Task or XiezhenError. If it raises, that ends the call.
    /// timeout: seconds for all; by default each task's own deadline.
    #[pyo3(signature = (task_ids, on_end: "collections.abc.Callable[[int, Task | xiezhen.errors.XiezhenError], object] | None"=None, *, timeout=None)
        -> "list[Task | xiezhen.errors.XiezhenError]")]
    fn wait_many(
        &self,
        py: Python<'_>,
        task_ids: Many<String>,
        on_end: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
    ) -> PyResult<Py<PyAny>> {
        let timeout = self::timeout(py, timeout)?;
        let (callbacks, outcomes) = Callbacks::on_end(py, on_end, task_ids.0.len())?;
        let work = calls::wait_many(self.core.clone(), task_ids.0, timeout);
        self.make(py, callbacks, work, move |_, ()| Ok(outcomes.into_any()))
    }

    /// "Poll this now", because a callback came.
    ///
    /// task: a task's id, or a Hint that another process or a receiver of your own has received. Does nothing if this
    ///     client neither waits for the task nor runs the job.
    fn notify(&self, py: Python<'_>, task: Notified) -> PyResult<()> {
        call(py, || {
            let _runtime = runtime()?.enter();
            match &task {
                Notified::Task(task_id) => self.core.notify(task_id),
                Notified::Hint(hint) => self.core.notify_hint(&hint.0),
            }
        })
    }

    /// Fetches the pictures of a task that has ended into the folder `save_to`, and returns the files.
    ///
    /// name: what the files are called after; "portrait" by default.
    /// timeout: seconds for the whole call. Without one, an attempt ends after 60 s without progress.
    /// max_retries: how often this call may be sent again, in place of the client's.
    ///
    /// Files appear whole or not at all, and one that is there is kept. Raises FileError for what can't be written.
    #[pyo3(signature = (task, save_to, *, name=None, timeout=None, max_retries=None) -> "list[pathlib.Path]")]
    fn save_results(
        &self,
        py: Python<'_>,
        task: &Bound<'_, Task>,
        save_to: LocalPath,
        name: Option<String>,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
    ) -> PyResult<Py<PyAny>> {
        let (client, task) = (self.within(py, timeout, max_retries)?, xiezhen::Task::from(task.get()));
        let save = |_| async move { client.save_results(&task, save_to.0, name.as_deref()).await };
        self.make(py, Callbacks::none(), save, |py, files| {
            files.into_iter().map(LocalPath).collect::<Vec<_>>().into_py_any(py)
        })
    }

    /// Does all that is due of a job, without waiting for the service's work. Returns the seconds until it should be
    /// called again, or None when the job is over.
    ///
    /// save: called with the job before each create and after each answer, to store it. If it raises, nothing is
    ///     sent and the call ends with that exception. An AsyncClient takes a coroutine function as well. A create that
    ///     was sent when the call is interrupted runs on, and its answer is stored by one more `save`, which may come
    ///     on another thread.
    /// save_to: the folder for pictures; the job remembers it.
    /// on_event: called with each event. If it raises, that ends the call.
    /// recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    /// callback: a Callbacks; creates tell the service to report to an address of it.
    /// callback_key: what these addresses call the job; by default its id.
    /// woken: hints that came for this job, to this process or another: their tasks are polled at once.
    #[pyo3(signature = (job, save: "collections.abc.Callable[[Job], object]", *, save_to=None,
        on_event: "collections.abc.Callable[[xiezhen.events.Event], object] | None"=None, recreate=false,
        callback=None, callback_key=None, woken: "collections.abc.Iterable[Hint] | None"=None)
        -> "float | None")]
    #[allow(clippy::too_many_arguments)]
    fn advance(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save: Py<PyAny>,
        save_to: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        recreate: bool,
        callback: Option<Py<CallbackAddresses>>,
        callback_key: Option<String>,
        woken: Option<Many<Hint>>,
    ) -> PyResult<Py<PyAny>> {
        refuse_own_job(py, &job)?;
        let core = job.get().0.clone();
        let callbacks = Callbacks::on_event(py, on_event, &job)?.saving(py, job, save, self.awaited)?;
        let mut options = AdvanceOptions::default().recreate(recreate).callback_key(callback_key);
        options.callback = callback.map(|callback| callback.get().0.clone());
        options.woken = woken.into_iter().flat_map(|woken| woken.0).map(|hint| hint.0).collect();
        options.save_to = save_to.map(|path| path.0);
        let work = calls::advance(self.core.clone(), core, options, &callbacks);
        self.make(py, callbacks, work, |py, delay| delay.into_py_any(py))
    }

    /// `advance` of a job that is in a store: it ends if its photos or styles are refused. `woken` are hints as JSON.
    #[pyo3(signature = (key, job, save: "collections.abc.Callable[[Job], object]", save_to,
        on_event: "collections.abc.Callable[[xiezhen.events.Event], object] | None", recreate, woken, callback=None)
        -> "typing.Any")]
    #[allow(clippy::too_many_arguments)]
    fn _advance_stored(
        &self,
        py: Python<'_>,
        key: &str,
        job: Py<Job>,
        save: Py<PyAny>,
        save_to: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        recreate: bool,
        woken: Vec<String>,
        callback: Option<Py<CallbackAddresses>>,
    ) -> PyResult<Py<PyAny>> {
        refuse_own_job(py, &job)?;
        let core = job.get().0.clone();
        let callbacks = Callbacks::on_event(py, on_event, &job)?.saving(py, job, save, self.awaited)?;
        let mut options = calls::stored_options(&core, key, save_to.map(|path| path.0), recreate, &woken);
        options.callback = callback.map(|callback| callback.get().0.clone());
        let work = calls::advance(self.core.clone(), core, options, &callbacks);
        self.make(py, callbacks, work, |py, delay| delay.into_py_any(py))
    }

    /// One turn at a job that a store of `xiezhen.stores` holds: claims it, does all that is due, gives it back.
    ///
    /// Returns the seconds until it is due again, None when it is over, or why there was no turn: Busy, Early, Over,
    /// Absent.
    ///
    /// store: one of `xiezhen.stores`; an AsyncClient takes those that begin with `Async`.
    /// save_to: the folder for pictures, or a function that returns it for a key.
    /// photos: returns the photos of a key's job, in their order or by their index; called where some can't be read.
    /// on_done: called with the key and the job before it is over, done or failed; again if the process dies meanwhile.
    /// on_unknown: called with the key and the job if nobody has learned the outcome of a create; otherwise on_done is.
    /// on_event: called with each event.
    /// callback: creates tell the service to report to its addresses, which call the job by its key; `store.wake(key,
    ///     hint)` hands on what comes back.
    /// recreate: takes up a job that is over, and starts again, and is billed for, what failed or is unknown.
    ///
    /// Many processes may call this with one key: one has a turn, and nothing is billed twice. An AsyncClient takes
    /// coroutine functions as well.
    #[pyo3(signature = (store: "typing.Any", key, *,
        save_to: "str | os.PathLike[str] | collections.abc.Callable[[str], str | os.PathLike[str]] | None"=None,
        photos: "collections.abc.Callable[[str], typing.Any] | None"=None,
        on_done: "collections.abc.Callable[[str, Job], object] | None"=None,
        on_unknown: "collections.abc.Callable[[str, Job], object] | None"=None,
        on_event: "collections.abc.Callable[[xiezhen.events.Event], object] | None"=None,
        callback: "CallbackAddresses | None"=None, recreate=false)
        -> "float | xiezhen.stores.Busy | xiezhen.stores.Early | xiezhen.stores.Over | xiezhen.stores.Absent | None")]
    #[allow(clippy::too_many_arguments)]
    fn step(
        slf: &Bound<'_, Self>,
        store: Py<PyAny>,
        key: &str,
        save_to: Option<Py<PyAny>>,
        photos: Option<Py<PyAny>>,
        on_done: Option<Py<PyAny>>,
        on_unknown: Option<Py<PyAny>>,
        on_event: Option<Py<PyAny>>,
        callback: Option<Py<PyAny>>,
        recreate: bool,
    ) -> PyResult<Py<PyAny>> {
        let name = if slf.get().awaited { "async_step" } else { "step" };
        let step = slf.py().import("xiezhen._step")?.getattr(name)?;
        let given = (slf, store, key, save_to, photos, on_done, on_unknown, on_event, callback, recreate);
        Ok(step.call1(given)?.unbind())
    }

    /// Brings a job to its end: uploads, trains, generates, waits, saves. Returns the same job.
    ///
    /// save_to: the folder for pictures; without one, none are fetched. The job remembers it.
    /// checkpoint: a file that keeps the job, loaded if it is there: a killed run resumes where it left off, and
    ///     nothing is uploaded or billed twice. One process at a time, on a local file system.
    /// on_event: called with each event. If it raises, that ends the run.
    /// timeout: seconds for the whole run; by default each task's own deadline (training 2 h, generation 30 min).
    /// recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    /// callback: a Callbacks; creates tell the service to report to an address of it. What comes is acted on at once.
    /// callback_key: what these addresses call the job; by default its id.
    /// progress: draws progress bars on standard error.
    ///
    /// Raises what went wrong first, after the other styles are finished; the job then holds all that is known.
    /// OutcomeUnknownError if a create was sent and its answer lost; TaskFailedError, TimeoutError,
    /// InvalidArgumentError and others.
    #[pyo3(signature = (job, *, save_to=None, checkpoint=None,
        on_event: "collections.abc.Callable[[xiezhen.events.Event], object] | None"=None, timeout=None, recreate=false,
        callback=None, callback_key=None, progress=false) -> "Job")]
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save_to: Option<LocalPath>,
        checkpoint: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
        recreate: bool,
        callback: Option<Py<CallbackAddresses>>,
        callback_key: Option<String>,
        progress: bool,
    ) -> PyResult<Py<PyAny>> {
        refuse_own_job(py, &job)?;
        let callbacks = Callbacks::on_event(py, on_event, &job)?;
        let mut options = run_options(py, save_to, checkpoint, timeout, recreate)?.callback_key(callback_key);
        options.callback = callback.map(|callback| callback.get().0.clone());
        let work = calls::run(self.core.clone(), job.get().0.clone(), options, progress, callbacks.listens());
        self.make(py, callbacks, work, move |_, ()| Ok(job.into_any()))
    }

    /// `run` for many jobs side by side. Returns a Job or a XiezhenError each: a list in their order, or for a mapping from
    /// keys of yours (order numbers, say) to jobs, a dict.
    ///
    /// save_to: the folder for pictures; those of a job with a key are in a folder of its key below it.
    /// checkpoints: a folder; each job has its checkpoint there, called after its key or after its photos and styles, so
    ///     that the same jobs resume where they left off.
    /// on_event: called with the job's index or key, and the event. If it raises, that ends the call.
    /// concurrency: how many jobs run at a time; by default, as many as the rate limit can feed.
    /// timeout: seconds for each job.
    /// recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    ///
    /// One that fails stops no other. Raises InvalidArgumentError before anything is sent if two jobs are the same.
    #[pyo3(signature = (jobs: "collections.abc.Iterable[Job]", *, save_to=None, checkpoints=None,
        on_event: "collections.abc.Callable[[typing.Any, xiezhen.events.Event], object] | None"=None, concurrency=None,
        timeout=None, recreate=false) -> "list[Job | xiezhen.errors.XiezhenError]")]
    #[allow(clippy::too_many_arguments)]
    fn run_many(
        &self,
        py: Python<'_>,
        jobs: Jobs,
        save_to: Option<LocalPath>,
        checkpoints: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        concurrency: Option<Count>,
        timeout: Option<Seconds>,
        recreate: bool,
    ) -> PyResult<Py<PyAny>> {
        let mut options = RunManyOptions::default().recreate(recreate);
        options.save_to = save_to.map(|path| path.0);
        options.checkpoints = checkpoints.map(|path| path.0);
        options.timeout = self::timeout(py, timeout)?;
        let concurrency = concurrency.map(|count| count.number::<usize>("concurrency")).transpose();
        options.concurrency = concurrency.map_err(|problem| refusal(py, vec![problem]))?;
        let callbacks = Callbacks::on_job_event(py, on_event, jobs.named(py)?)?;
        let work = calls::run_many(self.core.clone(), jobs.to_core(), options, callbacks.listens());
        self.make(py, callbacks, work, move |py, outcomes| jobs.outcomes(py, outcomes))
    }

    /// `run` as an iterator of events, the last of which is `Finished` with the job.
    ///
    /// The run, which is billed, starts when the first event is asked for. Leaving the iterator cancels it.
    #[pyo3(signature = (job, *, save_to=None, checkpoint=None, timeout=None, recreate=false, callback=None,
        callback_key=None) -> "RunEvents")]
    #[allow(clippy::too_many_arguments)]
    fn run_events(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save_to: Option<LocalPath>,
        checkpoint: Option<LocalPath>,
        timeout: Option<Seconds>,
        recreate: bool,
        callback: Option<Py<CallbackAddresses>>,
        callback_key: Option<String>,
    ) -> PyResult<RunEvents> {
        refuse_own_job(py, &job)?;
        let mut options = run_options(py, save_to, checkpoint, timeout, recreate)?.callback_key(callback_key);
        options.callback = callback.map(|callback| callback.get().0.clone());
        let work = calls::run(self.core.clone(), job.get().0.clone(), options, false, true);
        Ok(RunEvents::new(job, work))
    }

    /// A client of the same connections, rate limit and uploads at a time, under other options. They close together.
    ///
    /// What is not given is as it was; `headers` are in place of the client's.
    #[pyo3(signature = (*, timeout=None, max_retries=None, training_schedule=None, generation_schedule=None, stage=None,
        headers=None) -> "typing_extensions.Self")]
    #[allow(clippy::too_many_arguments)]
    fn with_options(
        &self,
        py: Python<'_>,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
        training_schedule: Option<&Bound<'_, PollSchedule>>,
        generation_schedule: Option<&Bound<'_, PollSchedule>>,
        stage: Option<String>,
        headers: Option<Pairs>,
    ) -> PyResult<Self> {
        let (mut changes, mut problems) = (OptionChanges::default(), Vec::new());
        set_options! {
            changes, problems,
            timeout: Seconds::time,
            max_retries: Count::number::<u32>,
            training_schedule: schedule,
            generation_schedule: schedule,
            stage,
        }
        if let Some(headers) = headers {
            changes = changes.headers(headers.0);
        }
        let core = refused_together(py, problems, || self.core.with_options(changes))?;
        Ok(Self { core, awaited: self.awaited })
    }

    /// Waits until every create under way has its answer, also those whose caller has gone away.
    #[pyo3(signature = () -> "None")]
    fn wait_for_creates(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let client = self.core.clone();
        let wait = |_| async move {
            client.wait_for_creates().await;
            Ok(())
        };
        self.make(py, Callbacks::none(), wait, |py, ()| Ok(py.None()))
    }

    /// Cancels what is under way, in all threads, and frees the connections. Later calls raise InvalidArgumentError.
    #[pyo3(signature = () -> "None")]
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let client = self.core.clone();
        // A loop of an interpreter that is going away hears no more.
        if !self.awaited || finalize::is_closed() {
            let close = move || {
                let _runtime = runtime()?.enter();
                client.close();
                Ok(())
            };
            return call(py, close).map(|()| py.None());
        }
        // Begun at once, so that nobody can cancel it; not on the loop, which thousands of waits would block.
        let close = |_| {
            let closing = runtime().map(|runtime| runtime.spawn_blocking(move || client.close()));
            async move { closing?.await.map_err(|_| Error::new(ErrorKind::Internal, errors::DEFECT)) }
        };
        future(py, Callbacks::none(), close, |py, ()| Ok(py.None()))
    }

    #[pyo3(signature = () -> "typing_extensions.Self")]
    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception: "object") -> "None")]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py).map(drop)
    }

    fn __repr__(&self) -> String {
        let class = if self.awaited { "AsyncClient" } else { "Client" };
        format!("<xiezhen.{class} {}>", self.core.base_url())
    }
}

/// What a run takes beside the job and whoever follows it.
/// What is to be polled.
#[derive(FromPyObject)]
enum Notified {
    Task(String),
    Hint(Hint),
}

fn run_options(
    py: Python<'_>,
    save_to: Option<LocalPath>,
    checkpoint: Option<LocalPath>,
    timeout: Option<Seconds>,
    recreate: bool,
) -> PyResult<RunOptions> {
    let mut options = RunOptions::default().recreate(recreate);
    options.save_to = save_to.map(|path| path.0);
    options.checkpoint = checkpoint.map(|path| path.0);
    options.timeout = self::timeout(py, timeout)?;
    Ok(options)
}
