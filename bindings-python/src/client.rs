//! `Client`: every call, and the options of a client. `xiezhen.AsyncClient` awaits the same calls.

mod jobs;
mod single_calls;
mod waits;

use std::future::Future;

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use xiezhen::{Client as Core, Error, OptionChanges, Result, process::runtime};

use crate::{
    arguments::{self, Count, Pairs, Rate, Seconds},
    call::call,
    callbacks::{Callbacks, Emit},
    errors::refusal,
    finalize,
    mailbox::future,
    paths::LocalPath,
    schedule::PollSchedule,
    suggestion::refuse_unknown,
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
            (Ok(timeout), Ok(max_retries)) => Ok(self.core.with_timeout(timeout).with_max_retries(max_retries).begun()),
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
        require_https_results=false, **unknown))]
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
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        refuse_unknown(py.get_type::<Self>().as_any(), unknown)?;
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

    /// Waits until every create in flight has its answer, those whose callers have gone included.
    #[pyo3(signature = () -> "None")]
    fn wait_for_creates(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let client = self.core.clone();
        let wait = |_| async move {
            client.wait_for_creates().await;
            Ok(())
        };
        self.make(py, Callbacks::none(), wait, |py, ()| Ok(py.None()))
    }

    /// Cancels all calls in flight, in all threads, and frees the connections. Later calls raise InvalidArgumentError.
    ///
    /// A create that was sent is not cancelled: this waits until its answer is stored, at most its own timeout.
    #[pyo3(signature = () -> "None")]
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let client = self.core.clone();
        // Begun at once, so that nobody can cancel it; not on the loop, which thousands of waits would block.
        let closing = call(py, move || Ok(runtime()?.spawn_blocking(move || client.close())))?;
        let client = self.core.clone();
        let close = |_| async move {
            closing.await.map_err(|_| xiezhen::Error::defect())?;
            client.wait_for_creates().await;
            Ok(())
        };
        // A loop of an interpreter that is going away hears no more.
        if !self.awaited || finalize::is_closed() {
            return wait(py, &Callbacks::none(), close).map(|()| py.None());
        }
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
