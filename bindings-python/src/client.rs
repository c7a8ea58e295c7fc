//! `Client`: the sync calls, and the options that both kinds of client take.

use pyo3::{prelude::*, types::PyList};
use xiezhen::{Client as Core, Error};

use crate::{
    arguments::{self, Count, LocalPath, Many, Photo, Rate, Seconds},
    callbacks::Callbacks,
    calls,
    errors::refusal,
    job::Job,
    values::{Created, PollSchedule, Style, Task},
    wait::{call, wait},
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
/// max_photo_bytes: photos above this are refused before they are sent; 5 MiB.
/// training_schedule: when trainings are looked at; PollSchedule(15, 1.5, 60).
/// generation_schedule: when generations are looked at; PollSchedule(3, 1.5, 15).
/// ca_file: a PEM file of authorities that are trusted beside the system's.
/// proxy: a proxy for all but loopback, in place of the environment's; empty for none.
/// allow_http: allows `http://` to other hosts than this one: whoever listens reads the credential.
///
/// Raises InvalidArgument, which names everything that does not fit. Connects to nobody yet.
#[pyclass(frozen, subclass, weakref, module = "xiezhen")]
pub(crate) struct Client(pub(crate) Core);

impl Client {
    /// The core's client, for one call that may have a time limit of its own.
    pub(crate) fn within(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Core> {
        Ok(self.0.with_timeout(arguments::timeout(py, timeout)?))
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (base_url=None, *, app_code=None, app_key=None, app_secret=None, timeout=None,
        connect_timeout=None, max_retries=None, requests_per_second=None, upload_concurrency=None,
        max_photo_bytes=None, training_schedule=None, generation_schedule=None, ca_file=None, proxy=None,
        allow_http=false))]
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
        training_schedule: Option<&Bound<'_, PollSchedule>>,
        generation_schedule: Option<&Bound<'_, PollSchedule>>,
        ca_file: Option<LocalPath>,
        proxy: Option<String>,
        allow_http: bool,
    ) -> PyResult<Self> {
        let mut builder = Core::builder().allow_http(allow_http);
        let mut problems = Vec::new();
        // An option that can't be converted is one problem of many.
        macro_rules! set {
            ($($option:ident $(: $convert:expr)?,)+) => {
                $(if let Some(value) = $option {
                    $(let value = $convert(value, stringify!($option));)?
                    match set!(@converted value $(, $convert)?) {
                        Ok(value) => builder = builder.$option(value),
                        Err(problem) => problems.push(problem),
                    }
                })+
            };
            (@converted $value:ident, $convert:expr) => { $value };
            (@converted $value:ident) => { Ok::<_, String>($value) };
        }
        let schedule = |given: &Bound<'_, PollSchedule>, name| given.get().to_core(name);
        let ca_file = ca_file.map(|path| path.0);
        set! {
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
            training_schedule: schedule,
            generation_schedule: schedule,
            ca_file,
            proxy,
        }
        if problems.is_empty() {
            return call(py, || builder.build()).map(Self);
        }
        let others = call(py, || Ok(builder.build()))?;
        problems.extend(others.err().iter().flat_map(Error::problems).cloned());
        Err(refusal(py, problems))
    }

    /// Uploads one photo and returns the service's path of it.
    ///
    /// photo: a path, bytes or a binary file; JPEG, PNG, WebP or BMP by content.
    /// timeout: seconds for this call; without one, it may take as long as bytes move: 60 s without any end the attempt.
    ///
    /// Raises InvalidArgument for a photo that is refused before it is sent: a file that is missing, unreadable or
    /// empty, one that is too large, or no such picture.
    #[pyo3(signature = (photo, *, timeout=None))]
    fn upload_file(&self, py: Python<'_>, photo: Photo, timeout: Option<Seconds>) -> PyResult<String> {
        let client = self.within(py, timeout)?;
        wait(py, &Callbacks::none(), |_| async move { client.upload_file(photo.0).await })
    }

    /// Starts training a user model from 8 to 20 uploaded photos. This is paid for.
    ///
    /// img_set: what `upload_file` returned for each photo.
    /// callback_url: an address that the service calls when the task ends.
    /// timeout: seconds for this call, in place of the client's.
    ///
    /// Raises OutcomeUnknown if it was sent and the answer was lost: it may have been carried out.
    #[pyo3(signature = (img_set, *, callback_url=None, timeout=None))]
    fn create_user_model(
        &self,
        py: Python<'_>,
        img_set: Many<String>,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
    ) -> PyResult<Created> {
        let client = self.within(py, timeout)?;
        let create = |_| async move { client.create_user_model(&img_set.0, callback_url.as_deref()).await };
        wait(py, &Callbacks::none(), create).map(Created::from)
    }

    /// The styles that pictures can be generated in.
    ///
    /// timeout: seconds for this call, in place of the client's.
    #[pyo3(signature = (*, timeout=None))]
    fn list_styles(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Vec<Style>> {
        let client = self.within(py, timeout)?;
        let styles = wait(py, &Callbacks::none(), |_| async move { client.list_styles().await })?;
        Ok(styles.into_iter().map(Style::from).collect())
    }

    /// Starts generating pictures of a trained model in one style, given by its id. This is paid for.
    ///
    /// callback_url: an address that the service calls when the task ends.
    /// timeout: seconds for this call, in place of the client's.
    ///
    /// Raises OutcomeUnknown if it was sent and the answer was lost: it may have been carried out.
    #[pyo3(signature = (user_id, style, *, callback_url=None, timeout=None))]
    fn create_task(
        &self,
        py: Python<'_>,
        user_id: String,
        style: String,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
    ) -> PyResult<Created> {
        let client = self.within(py, timeout)?;
        let create = |_| async move { client.create_task(&user_id, &style, callback_url.as_deref()).await };
        wait(py, &Callbacks::none(), create).map(Created::from)
    }

    /// One look at a task. A failed task is a value here, not an error.
    ///
    /// timeout: seconds for this call, in place of the client's.
    #[pyo3(signature = (task_id, *, timeout=None))]
    fn query_task(&self, py: Python<'_>, task_id: String, timeout: Option<Seconds>) -> PyResult<Task> {
        let client = self.within(py, timeout)?;
        wait(py, &Callbacks::none(), |_| async move { client.query_task(&task_id).await }).map(Task::from)
    }

    /// Looks at a task until it has ended, as often as its schedule says.
    ///
    /// timeout: seconds; by default 2 h for a training, 30 min for a generation.
    ///
    /// Outages are waited out. Raises TaskFailed when the service gave the task up, Timeout at the deadline. Every
    /// error has the `task_id`: wait again to go on.
    #[pyo3(signature = (task_id, *, timeout=None))]
    fn wait_task(&self, py: Python<'_>, task_id: String, timeout: Option<Seconds>) -> PyResult<Task> {
        let (client, timeout) = (self.0.clone(), arguments::timeout(py, timeout)?);
        let look = |_| async move { client.wait_task(&task_id, timeout).await };
        wait(py, &Callbacks::none(), look).map(Task::from)
    }

    /// `wait_task` for thousands at once, on this one thread. Returns a Task or a XiezhenError each, in order.
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
    ) -> PyResult<Py<PyList>> {
        let timeout = arguments::timeout(py, timeout)?;
        let (callbacks, outcomes) = Callbacks::on_end(py, on_end, task_ids.0.len())?;
        wait(py, &callbacks, calls::wait_many(self.0.clone(), task_ids.0, timeout))?;
        Ok(outcomes)
    }

    /// "Look at this task now", because a callback came. Does nothing if nobody waits for the task.
    fn notify(&self, py: Python<'_>, task_id: &str) -> PyResult<()> {
        call(py, || {
            let _runtime = xiezhen::process::runtime()?.enter();
            self.0.notify(task_id)
        })
    }

    /// Fetches the pictures of a task that has ended into the folder `save_to`, and returns the files.
    ///
    /// style: what the files are called after; "portrait" by default.
    /// timeout: seconds for the whole call; without one, it may take as long as bytes move.
    ///
    /// Files appear whole or not at all, and one that is there is kept. Raises FileError for what can't be written.
    #[pyo3(signature = (task, save_to, *, style=None, timeout=None))]
    fn save_results(
        &self,
        py: Python<'_>,
        task: &Bound<'_, Task>,
        save_to: LocalPath,
        style: Option<String>,
        timeout: Option<Seconds>,
    ) -> PyResult<Vec<LocalPath>> {
        let (client, task) = (self.within(py, timeout)?, xiezhen::Task::from(task.get()));
        let save = |_| async move { client.save_results(&task, save_to.0, style.as_deref()).await };
        Ok(wait(py, &Callbacks::none(), save)?.into_iter().map(LocalPath).collect())
    }

    /// Does all that is due of a job, without waiting for the service's work. Returns the seconds until it should be
    /// called again, or None when the job is over.
    ///
    /// save: called with the job before each create and after each answer, to store it; if it raises, nothing is
    ///     sent and the call ends with that exception. A create that was sent when the call is interrupted runs on:
    ///     its answer is stored by one more `save`, on another thread.
    /// save_to: the folder for pictures; the job remembers it.
    /// on_event: called with each Event. If it raises, that ends the call.
    /// recreate: starts (and pays) again what is found failed, or with an unknown outcome, when the call begins.
    #[pyo3(signature = (job, save: "collections.abc.Callable[[Job], object]", *, save_to=None,
        on_event: "collections.abc.Callable[[Event], object] | None"=None, recreate=false) -> "float | None")]
    fn advance(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save: Py<PyAny>,
        save_to: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        recreate: bool,
    ) -> PyResult<Option<f64>> {
        let core = job.get().0.clone();
        let callbacks = Callbacks::on_event(py, on_event)?.saving(py, job, save, false)?;
        wait(py, &callbacks, calls::advance(self.0.clone(), core, save_to.map(|path| path.0), recreate, &callbacks))
    }

    /// Brings a job to its end: uploads, trains, generates, waits, saves. Returns the same job.
    ///
    /// save_to: the folder for pictures; without one, none are fetched. The job remembers it.
    /// checkpoint: a file that keeps the job, loaded if it is there: a run that was cut off at any instant goes on
    ///     where it stood, and nothing is uploaded or paid for twice. One process at a time, on a local file system.
    /// on_event: called with each Event, on this thread. If it raises, that ends the run.
    /// timeout: seconds for the whole run; by default each task's own deadline (training 2 h, generation 30 min).
    /// recreate: starts (and pays) again what is found failed, or with an unknown outcome, when the call begins.
    /// progress: draws progress bars on standard error.
    ///
    /// Raises what went wrong first, after the other styles are finished; the job then holds all that is known.
    /// OutcomeUnknown if a create was sent and its answer lost; TaskFailed, Timeout, InvalidArgument and others.
    #[pyo3(signature = (job, *, save_to=None, checkpoint=None,
        on_event: "collections.abc.Callable[[Event], object] | None"=None, timeout=None, recreate=false,
        progress=false) -> "Job")]
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
        progress: bool,
    ) -> PyResult<Py<Job>> {
        let callbacks = Callbacks::on_event(py, on_event)?;
        let options = calls::run_options(py, save_to, checkpoint, timeout, recreate)?;
        wait(py, &callbacks, calls::run(self.0.clone(), job.get().0.clone(), options, progress, &callbacks))?;
        Ok(job)
    }

    /// Cancels what is under way, in all threads, and frees the connections. Later calls raise InvalidArgument.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        call(py, || {
            let _runtime = xiezhen::process::runtime()?.enter();
            self.0.close();
            Ok(())
        })
    }

    #[pyo3(signature = () -> "typing_extensions.Self")]
    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception: "object") -> "None")]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("<xiezhen.Client {}>", self.0.base_url())
    }
}
