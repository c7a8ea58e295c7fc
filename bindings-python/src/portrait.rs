//! What a job is made of: photos and portraits, with the errors that they hold.

use pyo3::{exceptions::PyTypeError, prelude::*, sync::PyOnceLock, types::PyType};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier};
use xiezhen::{
    Error,
    cli::notebook::{self, ShownPortrait},
};

use crate::{
    call::call,
    enums::TaskState,
    errors, finalize,
    notebook::Listed,
    paths::LocalPath,
    values::{Bytes, ToPython, core_values},
};

/// An error that a value holds: an instance of `xiezhen.XiezhenError`, equal by what it says.
pub(crate) struct Failure(pub(crate) Py<PyAny>);

impl Clone for Failure {
    fn clone(&self) -> Self {
        Python::attach(|py| Self(self.0.clone_ref(py)))
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        Python::attach(|py| {
            let _inside = finalize::inside(py);
            self.0.bind(py).eq(other.0.bind(py)).unwrap_or(false)
        })
    }
}

impl<'py> IntoPyObject<'py> for Failure {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = std::convert::Infallible;
    #[cfg(feature = "inspect")]
    const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("xiezhen.errors", "XiezhenError");

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(self.0.into_bound(py))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Failure {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("xiezhen.errors", "XiezhenError");

    fn extract(error: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let class = error.py().import("xiezhen.errors")?.getattr("XiezhenError")?;
        if error.is_instance(&class)? {
            return Ok(Self(error.to_owned().unbind()));
        }
        Err(PyTypeError::new_err("the error must be a XiezhenError"))
    }
}

impl ToPython<Failure> for Error {
    fn to_python(self, py: Python<'_>) -> PyResult<Failure> {
        Ok(Failure(errors::exception(py, &self)?.unbind()))
    }
}

xiezhen::job_values!(core_values);

impl Portrait {
    /// What a notebook shows of it.
    fn shown(self, py: Python<'_>) -> PyResult<ShownPortrait> {
        let error = self.error.map(|error| error.0.getattr(py, "message")?.extract(py)).transpose()?;
        let files = self.files.into_iter().map(|file| file.0).collect();
        Ok(ShownPortrait { style: self.style, state: self.state.map(|state| state.0), error, files })
    }
}

#[pymethods]
impl Portrait {
    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        portraits_html(py, vec![self.clone()])
    }
}

impl Listed for Portrait {
    fn list_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        CLASS.import(py, "xiezhen._lists", "Portraits")
    }
}

/// A part of a page that shows portraits.
pub(crate) fn portraits_html(py: Python<'_>, portraits: Vec<Portrait>) -> PyResult<String> {
    let shown: Vec<ShownPortrait> =
        portraits.into_iter().map(|portrait| portrait.shown(py)).collect::<PyResult<_>>()?;
    call(py, || Ok(notebook::portraits(&shown)))
}
