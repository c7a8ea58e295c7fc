//! `Futures`: the calls of a client as `asyncio` futures, which `xiezhen.AsyncClient` awaits.

use crate::{
    arguments::{self, LocalPath, Many, Photo, Seconds},
    callbacks::Callbacks,
    calls,
    client::Client,
    errors, gate,
    job::Job,
    mailbox::{future, wait},
    values::{Created, Style, Task},
};
use pyo3::{IntoPyObjectExt, prelude::*};
use xiezhen::{Error, ErrorKind, process::runtime};

/// The calls of a client, each as a future of the running loop. For `xiezhen.AsyncClient` only.
#[pyclass(frozen, module = "xiezhen._xiezhen")]
pub(crate) struct Futures(Py<Client>);

#[pymethods]
impl Futures {
    #[new]
    fn new(client: Py<Client>) -> Self {
        Self(client)
    }

    #[pyo3(signature = (photo, timeout) -> "collections.abc.Awaitable[str]")]
    fn upload_file(&self, py: Python<'_>, photo: Photo, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        let client = self.0.get().within(py, timeout)?;
        let upload = |_| async move { client.upload_file(photo.0).await };
        future(py, Callbacks::none(), upload, |py, path| path.into_py_any(py))
    }

    #[pyo3(signature = (img_set, callback_url, timeout) -> "collections.abc.Awaitable[Created]")]
    fn create_user_model(
        &self,
        py: Python<'_>,
        img_set: Many<String>,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.0.get().within(py, timeout)?;
        let create = |_| async move { client.create_user_model(&img_set.0, callback_url.as_deref()).await };
        future(py, Callbacks::none(), create, |py, created| Created::from(created).into_py_any(py))
    }

    #[pyo3(signature = (timeout) -> "collections.abc.Awaitable[list[Style]]")]
    fn list_styles(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        let client = self.0.get().within(py, timeout)?;
        let list = |_| async move { client.list_styles().await };
        future(py, Callbacks::none(), list, |py, styles| {
            styles.into_iter().map(Style::from).collect::<Vec<_>>().into_py_any(py)
        })
    }

    #[pyo3(signature = (user_id, style, callback_url, timeout) -> "collections.abc.Awaitable[Created]")]
    fn create_task(
        &self,
        py: Python<'_>,
        user_id: String,
        style: String,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.0.get().within(py, timeout)?;
        let create = |_| async move { client.create_task(&user_id, &style, callback_url.as_deref()).await };
        future(py, Callbacks::none(), create, |py, created| Created::from(created).into_py_any(py))
    }

    #[pyo3(signature = (task_id, timeout) -> "collections.abc.Awaitable[Task]")]
    fn query_task(&self, py: Python<'_>, task_id: String, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        let client = self.0.get().within(py, timeout)?;
        let query = |_| async move { client.query_task(&task_id).await };
        future(py, Callbacks::none(), query, |py, task| Task::from(task).into_py_any(py))
    }

    #[pyo3(signature = (task_id, timeout) -> "collections.abc.Awaitable[Task]")]
    fn wait_task(&self, py: Python<'_>, task_id: &str, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        let timeout = arguments::timeout(py, timeout)?;
        wait(py, |on_end| self.0.get().0.begin_wait(task_id, timeout, on_end))
    }

    #[pyo3(signature = (task_ids, on_end: "collections.abc.Callable[[int, Task | xiezhen.errors.XiezhenError], object] | None", timeout)
        -> "collections.abc.Awaitable[list[Task | xiezhen.errors.XiezhenError]]")]
    fn wait_many(
        &self,
        py: Python<'_>,
        task_ids: Many<String>,
        on_end: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
    ) -> PyResult<Py<PyAny>> {
        let timeout = arguments::timeout(py, timeout)?;
        let (callbacks, outcomes) = Callbacks::on_end(py, on_end, task_ids.0.len())?;
        let work = calls::wait_many(self.0.get().0.clone(), task_ids.0, timeout);
        future(py, callbacks, work, move |_, ()| Ok(outcomes.into_any()))
    }

    #[pyo3(signature = (task, save_to, style, timeout) -> "collections.abc.Awaitable[list[pathlib.Path]]")]
    fn save_results(
        &self,
        py: Python<'_>,
        task: &Bound<'_, Task>,
        save_to: LocalPath,
        style: Option<String>,
        timeout: Option<Seconds>,
    ) -> PyResult<Py<PyAny>> {
        let (client, task) = (self.0.get().within(py, timeout)?, xiezhen::Task::from(task.get()));
        let save = |_| async move { client.save_results(&task, save_to.0, style.as_deref()).await };
        future(py, Callbacks::none(), save, |py, files| {
            files.into_iter().map(LocalPath).collect::<Vec<_>>().into_py_any(py)
        })
    }

    #[pyo3(signature = (job, save: "collections.abc.Callable[[Job], object]", save_to,
        on_event: "collections.abc.Callable[[Event], object] | None", recreate)
        -> "collections.abc.Awaitable[float | None]")]
    fn advance(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save: Py<PyAny>,
        save_to: Option<LocalPath>,
        on_event: Option<Py<PyAny>>,
        recreate: bool,
    ) -> PyResult<Py<PyAny>> {
        let core = job.get().0.clone();
        let callbacks = Callbacks::on_event(py, on_event)?.saving(py, job, save, true)?;
        let work = calls::advance(self.0.get().0.clone(), core, save_to.map(|path| path.0), recreate, &callbacks);
        future(py, callbacks, work, |py, delay| delay.into_py_any(py))
    }

    /// None if that is done: a loop of an interpreter that is going away hears no more.
    #[pyo3(signature = () -> "collections.abc.Awaitable[None] | None")]
    fn close(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if gate::is_closed() {
            return self.0.get().close(py).map(|()| None);
        }
        let client = self.0.get().0.clone();
        // Begun at once, so that nobody can cancel it; not on the loop, which thousands of waits would block.
        let close = |_| {
            let closing = runtime().map(|runtime| runtime.spawn_blocking(move || client.close()));
            async move { closing?.await.map_err(|_| Error::new(ErrorKind::Internal, errors::DEFECT)) }
        };
        future(py, Callbacks::none(), close, |py, ()| Ok(py.None())).map(Some)
    }

    #[pyo3(signature = (job, save_to, checkpoint, on_event: "collections.abc.Callable[[Event], object] | None",
        timeout, recreate, progress) -> "collections.abc.Awaitable[Job]")]
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
    ) -> PyResult<Py<PyAny>> {
        let callbacks = Callbacks::on_event(py, on_event)?;
        let options = calls::run_options(py, save_to, checkpoint, timeout, recreate)?;
        let work = calls::run(self.0.get().0.clone(), job.get().0.clone(), options, progress, &callbacks);
        future(py, callbacks, work, move |_, ()| Ok(job.into_any()))
    }
}
