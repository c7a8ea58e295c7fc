//! The core's errors as the classes of `xiezhen.errors`.

use std::{error::Error as StdError, io};

use pyo3::{
    exceptions::{PyException, PyOSError},
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyType},
};
use xiezhen::{Error, ErrorKind};

use crate::{finalize, paths::LocalPath, task::Task, values::object};

/// The exception that says what `error` says.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let _inside = finalize::inside(py);
    let class = classes(py)?.getattr(error.kind().class_name())?;
    let facts = PyDict::new(py);
    // Most errors know little: the rest is None by itself.
    macro_rules! known {
        ($($name:literal: $fact:expr,)+) => {
            $(if let Some(fact) = $fact {
                facts.set_item(intern!(py, $name), fact)?;
            })+
        };
    }
    known! {
        "http_status": error.http_status(),
        "ret": error.ret(),
        "request_id": error.request_id(),
        "gateway_code": error.gateway_code(),
        "task_id": error.task_id(),
        "user_id": error.user_id(),
        "retry_after": error.retry_after().map(|delay| delay.as_secs_f64()),
        "retryable": error.is_retryable().then_some(true),
        "problems": Some(error.problems()).filter(|problems| !problems.is_empty()),
        "body_start": error.body_start(),
        "sent": error.sent(),
        "task": error.task().map(|task| object::<Task>(py, task.clone())).transpose()?,
        "path": error.path().map(|path| LocalPath(path.to_owned())),
        "errno": error.source().and_then(errno),
    }
    let exception = class.call((error.message(),), Some(&facts))?;
    if let Some(source) = error.source() {
        PyErr::from_value(exception.clone()).set_cause(py, Some(cause(py, source)));
    }
    Ok(exception)
}

/// The same, to be raised.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|trouble| trouble, PyErr::from_value)
}

/// The core's refusal of arguments, for those that can't even be passed to it.
pub(crate) fn refusal(py: Python<'_>, problems: Vec<String>) -> PyErr {
    let _inside = finalize::inside(py);
    let refuse = || {
        let facts = PyDict::new(py);
        let message = problems.join("; ");
        facts.set_item(intern!(py, "problems"), problems)?;
        classes(py)?.getattr(ErrorKind::InvalidArgument.class_name())?.call((message,), Some(&facts))
    };
    refuse().map_or_else(|trouble| trouble, PyErr::from_value)
}

fn classes(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASSES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let classes = CLASSES.get_or_try_init(py, || Ok::<_, PyErr>(py.import("xiezhen.errors")?.into_any().unbind()))?;
    Ok(classes.bind(py))
}

/// Whether this is what a call ends with when the client is closed.
pub(crate) fn is_cancelled(py: Python<'_>, error: &PyErr) -> bool {
    static CANCELLED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CANCELLED.import(py, "xiezhen.errors", "CancelledError").is_ok_and(|class| error.is_instance(py, class))
}

fn errno(source: &(dyn StdError + 'static)) -> Option<i32> {
    source.downcast_ref::<io::Error>()?.raw_os_error()
}

/// What an error came from, and that in turn: our own errors, the system's, and others by their message.
fn cause(py: Python<'_>, source: &(dyn StdError + 'static)) -> PyErr {
    if let Some(error) = source.downcast_ref::<Error>() {
        return raised(py, error);
    }
    let cause_error = match errno(source) {
        Some(errno) => PyOSError::new_err((errno, source.to_string())),
        None => PyException::new_err(source.to_string()),
    };
    if let Some(deeper) = source.source() {
        cause_error.set_cause(py, Some(cause(py, deeper)));
    }
    cause_error
}
