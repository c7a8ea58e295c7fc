//! What notebooks show: lists that have a page of their own, and progress.

#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier, type_hint_subscript};
use pyo3::{
    prelude::*,
    types::{PyList, PyType},
};

/// A list that shows itself in a notebook.
pub(crate) struct List<T>(Vec<T>);

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

/// What such lists are made of.
pub(crate) trait Listed {
    /// Their class in `xiezhen._lists`.
    fn list_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>>;
}

impl<'py, T: Listed + IntoPyObject<'py>> IntoPyObject<'py> for List<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const OUTPUT_TYPE: PyStaticExpr = type_hint_subscript!(type_hint_identifier!("builtins", "list"), T::OUTPUT_TYPE);

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let list = PyList::new(py, self.0)?.into_any();
        // An interpreter that is going away imports nothing more.
        T::list_class(py).map_or_else(|_| Ok(list.clone()), |class| class.call1((&list,)))
    }
}

/// What draws a run's progress in a notebook and hands events on; `None` where the command's own bars serve.
pub(crate) fn progress(py: Python<'_>, job: Py<PyAny>, on_event: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
    let listener = py.import("xiezhen._progress")?.call_method1("listener", (job, on_event))?;
    Ok((!listener.is_none()).then(|| listener.unbind()))
}
