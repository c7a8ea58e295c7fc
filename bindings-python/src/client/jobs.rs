//! Jobs: to their end, a turn at a time, and many side by side.

use pyo3::{IntoPyObjectExt, prelude::*};
use xiezhen::{AdvanceOptions, RunManyOptions, RunOptions};

use super::Client;
use crate::{
    arguments::{Count, Many, Seconds},
    call::timeout,
    callbacks::Callbacks,
    calls,
    errors::refusal,
    job::Job,
    jobs::Jobs,
    notebook,
    paths::LocalPath,
    receiver::{CallbackAddresses, Hint},
    run_events::RunEvents,
    saving::refuse_own_job,
};

#[pymethods]
impl Client {
    /// Does all that is due of a job, without waiting for the service's work. Returns the seconds until it should be
    /// called again, or None when the job is over.
    ///
    /// save: called with the job before each create and after each answer, to store it. If it raises, nothing is
    ///     sent and the call ends with that exception. An AsyncClient takes a coroutine function as well. A create that
    ///     was sent when the call is interrupted runs on, and its answer is stored by one more `save`, which may come
    ///     on another thread.
    /// save_to: the folder for pictures; the job remembers it.
    /// on_event: called with each event. If it raises, that ends the call.
    /// timeout: seconds for the whole call; without one, the client's bounds each call that it makes.
    /// recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    /// callback: a Callbacks; creates tell the service to report to an address of it.
    /// callback_key: what these addresses call the job; by default its id.
    /// woken: hints that came for this job, to this process or another: their tasks are polled at once.
    #[pyo3(signature = (job, save: "collections.abc.Callable[[Job], object]", *, save_to=None,
        on_event: "collections.abc.Callable[[xiezhen.events.Event], object] | None"=None, timeout=None,
        recreate=false, callback=None, callback_key=None, woken: "collections.abc.Iterable[Hint] | None"=None)
        -> "float | None")]
    #[allow(clippy::too_many_arguments)]
    fn advance(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save: Py<PyAny>,
        save_to: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
        recreate: bool,
        callback: Option<Py<CallbackAddresses>>,
        callback_key: Option<String>,
        woken: Option<Many<Hint>>,
    ) -> PyResult<Py<PyAny>> {
        refuse_own_job(py, &job)?;
        let core = job.get().0.clone();
        let callbacks = Callbacks::on_event(py, on_event.as_ref(), &job)?.saving(py, job, save, self.awaited)?;
        let mut options = AdvanceOptions::default().recreate(recreate).callback_key(callback_key);
        options.callback = callback.map(|callback| callback.get().0.clone());
        options.timeout = self::timeout(py, timeout)?;
        options.woken = woken.into_iter().flat_map(|woken| woken.0).map(|hint| hint.0).collect();
        options.save_to = save_to.map(|path| path.0);
        let work = calls::advance(self.core.begun(), core, options, &callbacks);
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
        let callbacks = Callbacks::on_event(py, on_event.as_ref(), &job)?.saving(py, job, save, self.awaited)?;
        let mut options = calls::stored_options(&core, key, save_to.map(|path| path.0), recreate, &woken);
        options.callback = callback.map(|callback| callback.get().0.clone());
        let work = calls::advance(self.core.begun(), core, options, &callbacks);
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
    /// progress: draws progress bars on standard error; in a notebook, by `tqdm` if it is installed.
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
        let mut callbacks = Callbacks::on_event(py, on_event.as_ref(), &job)?;
        let mut bars = progress;
        if progress && let Some(drawing) = notebook::progress(py, job.clone_ref(py).into_any(), on_event)? {
            (callbacks, bars) = (Callbacks::on_event(py, Some(&drawing), &job)?, false);
        }
        let mut options = run_options(py, save_to, checkpoint, timeout, recreate)?.callback_key(callback_key);
        options.callback = callback.map(|callback| callback.get().0.clone());
        let work = calls::run(self.core.begun(), job.get().0.clone(), options, bars, callbacks.listens());
        self.make(py, callbacks, work, move |_, ()| Ok(job.into_any()))
    }

    /// Takes over a task that the vendor's side shows for the create of a job whose outcome is unknown, if it is of
    /// the right kind: the service is asked.
    ///
    /// user_id: the model of a training, which is adopted with it.
    /// style: which of several generations it is, as the job was given it.
    ///
    /// Raises InvalidArgumentError if nothing of the job has an unknown outcome (see `Job.adoptable`), if the task is
    /// of another kind, or if another part of the job has it.
    #[pyo3(signature = (job, task_id, user_id=None, *, style=None) -> "None")]
    fn adopt(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        task_id: String,
        user_id: Option<String>,
        style: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let (client, job) = (self.core.begun(), job.get().0.clone());
        let adopt = |_| async move { client.adopt(&job, &task_id, user_id.as_deref(), style.as_deref()).await };
        self.make(py, Callbacks::none(), adopt, |py, ()| Ok(py.None()))
    }

    /// `run` for many jobs side by side. Returns a Job or a XiezhenError each: a list in their order, or for a
    /// mapping from keys of yours (order numbers, say) to jobs, a dict.
    ///
    /// save_to: the folder for pictures; those of a job with a key are in a folder of its key below it.
    /// checkpoints: a folder; each job has its checkpoint there, called after its key or after its photos and styles,
    ///     so that the same jobs resume where they left off.
    /// on_event: called with the job's index or key, and the event. If it raises, that ends the call.
    /// on_end: called as each ends, with its index or key and its Job or XiezhenError. If it raises, that ends the
    ///     call.
    /// concurrency: how many jobs run at a time; by default, as many as the rate limit can feed.
    /// timeout: seconds for each job.
    /// recreate: starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    /// callback: a Callbacks; creates tell the service to report to an address of it. What comes is acted on at once.
    ///
    /// One that fails stops no other. Raises InvalidArgumentError before anything is sent if two jobs are the same.
    #[pyo3(signature = (jobs: "collections.abc.Iterable[Job]", *, save_to=None, checkpoints=None,
        on_event: "collections.abc.Callable[[typing.Any, xiezhen.events.Event], object] | None"=None,
        on_end: "collections.abc.Callable[[typing.Any, Job | xiezhen.errors.XiezhenError], object] | None"=None,
        concurrency=None, timeout=None, recreate=false, callback=None) -> "list[Job | xiezhen.errors.XiezhenError]")]
    #[allow(clippy::too_many_arguments)]
    fn run_many(
        &self,
        py: Python<'_>,
        jobs: Jobs,
        save_to: Option<LocalPath>,
        checkpoints: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        on_end: Option<Py<PyAny>>,
        concurrency: Option<Count>,
        timeout: Option<Seconds>,
        recreate: bool,
        callback: Option<Py<CallbackAddresses>>,
    ) -> PyResult<Py<PyAny>> {
        let mut options = RunManyOptions::default().recreate(recreate);
        options.save_to = save_to.map(|path| path.0);
        options.checkpoints = checkpoints.map(|path| path.0);
        options.timeout = self::timeout(py, timeout)?;
        options.callback = callback.map(|callback| callback.get().0.clone());
        let concurrency = concurrency.map(|count| count.number::<usize>("concurrency")).transpose();
        options.concurrency = concurrency.map_err(|problem| refusal(py, vec![problem]))?;
        let callbacks = Callbacks::on_jobs(py, on_event, on_end, jobs.named(py)?)?;
        let work = calls::run_many(self.core.begun(), jobs.to_core(), options, &callbacks);
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
}

/// What a run takes beside the job and whoever follows it.
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
