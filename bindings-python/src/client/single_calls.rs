//! The five calls, and the pictures of a task.

use pyo3::{IntoPyObjectExt, prelude::*};

use super::Client;
use crate::{
    arguments::{Count, Many, Seconds},
    callbacks::Callbacks,
    job::StyleName,
    notebook::List,
    paths::LocalPath,
    photo::Photo,
    task::{Created, Style, Task},
    values::{ToPython, object},
};

#[pymethods]
impl Client {
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
        self.make(py, Callbacks::none(), create, object::<Created>)
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
            let styles: Vec<Style> = styles.to_python(py)?;
            List::from_iter(styles).into_py_any(py)
        })
    }

    /// Starts generating pictures of a trained model in one style. This call is billed.
    ///
    /// style: its id, or what `list_styles` returned.
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
        style: StyleName,
        callback_url: Option<String>,
        timeout: Option<Seconds>,
        max_retries: Option<Count>,
    ) -> PyResult<Py<PyAny>> {
        let client = self.within(py, timeout, max_retries)?;
        let create = |_| async move { client.create_task(&user_id, &style.0, callback_url.as_deref()).await };
        self.make(py, Callbacks::none(), create, object::<Created>)
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
        self.make(py, Callbacks::none(), query, object::<Task>)
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
}
