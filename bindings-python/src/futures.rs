//! `Futures`: the calls of a client as `asyncio` futures, which `xiezhen.AsyncClient` awaits.

use std::path::PathBuf;

use pyo3::{IntoPyObjectExt, prelude::*};
use xiezhen::Client as Core;

use crate::{
    arguments::{Many, Photo, Seconds},
    callbacks::Callbacks,
    calls,
    client::Client,
    job::Job,
    mailbox::{future, wait},
    values::{Created, Style, Task, outcomes},
};

/// The calls of a client, each as a future of the running loop. For `xiezhen.AsyncClient` only.
#[pyclass(frozen, module = "xiezhen._xiezhen")]
pub(crate) struct Futures(Core);

#[pymethods]
impl Futures {
    #[new]
    fn new(client: &Bound<'_, Client>) -> Self {
        Self(client.get().0.clone())
    }

    #[pyo3(signature = (photo) -> "collections.abc.Awaitable[str]")]
    fn upload_file(&self, py: Python<'_>, photo: Photo) -> PyResult<Py<PyAny>> {
        let client = self.0.clone();
        let upload = |_| async move { client.upload_file(photo.0).await };
        future(py, Callbacks::none(), upload, |py, path| path.into_py_any(py))
    }

    #[pyo3(signature = (img_set, callback_url) -> "collections.abc.Awaitable[Created]")]
    fn create_user_model(
        &self,
        py: Python<'_>,
        img_set: Many<String>,
        callback_url: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.0.clone();
        let create = |_| async move { client.create_user_model(&img_set.0, callback_url.as_deref()).await };
        future(py, Callbacks::none(), create, |py, created| Created::from(created).into_py_any(py))
    }

    #[pyo3(signature = () -> "collections.abc.Awaitable[list[Style]]")]
    fn list_styles(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let client = self.0.clone();
        let list = |_| async move { client.list_styles().await };
        future(py, Callbacks::none(), list, |py, styles| {
            styles.into_iter().map(Style::from).collect::<Vec<_>>().into_py_any(py)
        })
    }

    #[pyo3(signature = (user_id, style, callback_url) -> "collections.abc.Awaitable[Created]")]
    fn create_task(
        &self,
        py: Python<'_>,
        user_id: String,
        style: String,
        callback_url: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.0.clone();
        let create = |_| async move { client.create_task(&user_id, &style, callback_url.as_deref()).await };
        future(py, Callbacks::none(), create, |py, created| Created::from(created).into_py_any(py))
    }

    #[pyo3(signature = (task_id) -> "collections.abc.Awaitable[Task]")]
    fn query_task(&self, py: Python<'_>, task_id: String) -> PyResult<Py<PyAny>> {
        let client = self.0.clone();
        let query = |_| async move { client.query_task(&task_id).await };
        future(py, Callbacks::none(), query, |py, task| Task::from(task).into_py_any(py))
    }

    #[pyo3(signature = (task_id, timeout) -> "collections.abc.Awaitable[Task]")]
    fn wait_task(&self, py: Python<'_>, task_id: &str, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        wait(py, |on_end| self.0.begin_wait(task_id, timeout.map(|timeout| timeout.0), on_end))
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
        let work = calls::wait_many(self.0.clone(), task_ids.0, timeout);
        future(py, Callbacks::on_end(py, on_end)?, work, |py, ended| outcomes(py, ended)?.into_py_any(py))
    }

    #[pyo3(signature = (task, save_to, style) -> "collections.abc.Awaitable[list[pathlib.Path]]")]
    fn save_results(
        &self,
        py: Python<'_>,
        task: &Bound<'_, Task>,
        save_to: PathBuf,
        style: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let (client, task) = (self.0.clone(), xiezhen::Task::from(task.get()));
        let save = |_| async move { client.save_results(&task, save_to, style.as_deref()).await };
        future(py, Callbacks::none(), save, |py, files| files.into_py_any(py))
    }

    #[pyo3(signature = (job, save: "collections.abc.Callable[[Job], object]", save_to,
        on_event: "collections.abc.Callable[[Event], object] | None", recreate)
        -> "collections.abc.Awaitable[float | None]")]
    fn advance(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save: Py<PyAny>,
        save_to: Option<PathBuf>,
        on_event: Option<Py<PyAny>>,
        recreate: bool,
    ) -> PyResult<Py<PyAny>> {
        let core = job.get().0.clone();
        let callbacks = Callbacks::on_event(py, on_event)?.saving(py, job, save, true)?;
        let work = calls::advance(self.0.clone(), core, save_to, recreate, &callbacks);
        future(py, callbacks, work, |py, delay| delay.into_py_any(py))
    }

    #[pyo3(signature = (job, save_to, checkpoint, on_event: "collections.abc.Callable[[Event], object] | None",
        timeout, recreate, progress) -> "collections.abc.Awaitable[Job]")]
    #[allow(clippy::too_many_arguments)]
    fn run(
        &self,
        py: Python<'_>,
        job: Py<Job>,
        save_to: Option<PathBuf>,
        checkpoint: Option<PathBuf>,
        on_event: Option<Py<PyAny>>,
        timeout: Option<Seconds>,
        recreate: bool,
        progress: bool,
    ) -> PyResult<Py<PyAny>> {
        let callbacks = Callbacks::on_event(py, on_event)?;
        let run = calls::Run { save_to, checkpoint, timeout, recreate, progress };
        let work = calls::run(self.0.clone(), job.get().0.clone(), run, &callbacks);
        future(py, callbacks, work, move |_, ()| Ok(job.into_any()))
    }
}
