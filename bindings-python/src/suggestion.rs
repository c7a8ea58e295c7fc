//! "Did you mean": what is said of an option that a call does not have. CPython says it of functions in Python only, from
//! 3.13 on.

use pyo3::{
    exceptions::PyTypeError,
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyString, PyTuple, PyType},
};

use crate::finalize;

static METHOD_TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

// Stands in a class for one of its methods, which it calls; it adds no frame to a traceback. (No documentation of the class:
// Python would take that for the method's.)
#[pyclass(frozen, module = "xiezhen._xiezhen")]
pub(crate) struct Method(Py<PyAny>);

#[pymethods]
impl Method {
    fn __get__(slf: Py<Self>, py: Python<'_>, instance: Option<Py<PyAny>>, _owner: Py<PyAny>) -> PyResult<Py<PyAny>> {
        let Some(instance) = instance else { return Ok(slf.into_any()) };
        let _inside = finalize::inside(py);
        Ok(METHOD_TYPE.import(py, "types", "MethodType")?.call1((slf, instance))?.unbind())
    }

    #[pyo3(signature = (*arguments, **options))]
    fn __call__(
        &self,
        py: Python<'_>,
        arguments: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let method = self.0.bind(py);
        let _inside = finalize::inside(py);
        method.call(arguments, options).map(Bound::unbind).map_err(|error| match options {
            Some(options) if error.is_instance_of::<PyTypeError>(py) => suggested(method, options, error),
            _ => error,
        })
    }

    #[getter]
    fn __doc__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let _inside = finalize::inside(py);
        self.0.getattr(py, intern!(py, "__doc__"))
    }

    fn __getattr__(&self, py: Python<'_>, name: &Bound<'_, PyString>) -> PyResult<Py<PyAny>> {
        let _inside = finalize::inside(py);
        self.0.getattr(py, name)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let _inside = finalize::inside(py);
        Ok(self.0.bind(py).repr()?.to_string())
    }
}

/// Puts itself in the place of each method that users call.
pub(crate) fn install(class: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = class.py();
    // An interpreter that is going away imports nothing more.
    METHOD_TYPE.import(py, "types", "MethodType")?;
    let members = py.import("builtins")?.call_method1("vars", (class,))?.call_method0("items")?;
    let members: Vec<(String, Bound<'_, PyAny>)> =
        members.try_iter()?.map(|one| one?.extract()).collect::<PyResult<_>>()?;
    for (name, method) in members {
        if !name.starts_with('_') && method.get_type().name()? == "method_descriptor" {
            class.setattr(name.as_str(), Method(method.unbind()))?;
        }
    }
    Ok(())
}

/// The error with the name that was meant, if it says that `callable` has no argument of a name that was given.
fn suggested(callable: &Bound<'_, PyAny>, options: &Bound<'_, PyDict>, error: PyErr) -> PyErr {
    let py = callable.py();
    let told = error.value(py).to_string();
    let unknown = options.keys().iter().map(|name| name.to_string());
    let Some(unknown) =
        unknown.into_iter().find(|name| told.ends_with(&format!("unexpected keyword argument '{name}'")))
    else {
        return error;
    };
    match nearest(callable, &unknown) {
        Ok(near @ Some(_)) => refused(&told, near),
        _ => error,
    }
}

/// What is said of the first of the `unknown` arguments of a class, if there are any.
pub(crate) fn refuse_unknown(class: &Bound<'_, PyAny>, unknown: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
    let Some(first) = unknown.and_then(|unknown| unknown.keys().iter().next()) else { return Ok(()) };
    let _inside = finalize::inside(class.py());
    let told = format!("{}() got an unexpected keyword argument '{first}'", class.getattr("__name__")?);
    Err(refused(&told, nearest(class, &first.to_string())?))
}

/// What is told, and the argument that was meant.
fn refused(told: &str, near: Option<String>) -> PyErr {
    let meant = near.map_or_else(String::new, |near| format!(". Did you mean '{near}'?"));
    PyTypeError::new_err(format!("{told}{meant}"))
}

fn nearest(callable: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<String>> {
    let py = callable.py();
    let parameters = py.import("inspect")?.call_method1("signature", (callable,))?.getattr("parameters")?;
    let names: Vec<String> = parameters.try_iter()?.map(|one| one?.extract()).collect::<PyResult<_>>()?;
    let names: Vec<String> = names.into_iter().filter(|one| one != "self" && one != "unknown").collect();
    let near: Vec<String> = py.import("difflib")?.call_method1("get_close_matches", (name, names, 1))?.extract()?;
    Ok(near.into_iter().next())
}
