//! Waiting for tasks.

use pyo3::prelude::*;
use xiezhen::process::runtime;

use super::Client;
use crate::{
    arguments::{Many, Seconds},
    call::{call, timeout},
    callbacks::Callbacks,
    calls, mailbox,
    receiver::Hint,
    task::Task,
    values::object,
};

/// What is to be polled.
#[derive(FromPyObject)]
enum Notified {
    Task(String),
    Hint(Hint),
}

#[pymethods]
impl Client {
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
        let client = self.core.begun();
        let poll = |_| async move { client.wait_task(&task_id, timeout).await };
        self.make(py, Callbacks::none(), poll, object::<Task>)
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
        let work = calls::wait_many(self.core.begun(), task_ids.0, timeout);
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
}
