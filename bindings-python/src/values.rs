//! What calls take and return: immutable values that compare, hash, pickle and match by what they hold.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::{
    prelude::*,
    types::{PyFloat, PyTuple, PyType},
};
use xiezhen::{Error, Result};

use crate::{
    arguments::{Given, LocalPath, Seconds},
    errors, gate,
    words::{KindWord, StateWord},
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
            let _inside = gate::inside(py);
            self.0.bind(py).eq(other.0.bind(py)).unwrap_or(false)
        })
    }
}

impl<'py> IntoPyObject<'py> for Failure {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = std::convert::Infallible;
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("xiezhen.errors", "XiezhenError");

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(self.0.into_bound(py))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Failure {
    type Error = PyErr;
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("xiezhen.errors", "XiezhenError");

    fn extract(error: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let class = error.py().import("xiezhen.errors")?.getattr("XiezhenError")?;
        if error.is_instance(&class)? {
            return Ok(Self(error.to_owned().unbind()));
        }
        Err(pyo3::exceptions::PyTypeError::new_err("the error must be a XiezhenError"))
    }
}

/// `Name(field=value, …)`.
pub(crate) fn show(py: Python<'_>, name: &str, fields: &[(&str, Bound<'_, PyAny>)]) -> PyResult<String> {
    let _inside = gate::inside(py);
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?))).collect::<PyResult<_>>()?;
    Ok(format!("{name}({})", fields.join(", ")))
}

/// How a value pickles: its class, called with its fields.
pub(crate) fn reduced<'py>(
    class: Bound<'py, PyType>,
    fields: Vec<(&str, Bound<'py, PyAny>)>,
) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
    let fields = PyTuple::new(class.py(), fields.into_iter().map(|(_, value)| value))?;
    Ok((class, fields))
}

/// Equal values read the same, but for the sign of a zero, so that is what is hashed.
pub(crate) fn hashed<'py>(py: Python<'py>, name: &str, mut fields: Vec<(&str, Bound<'py, PyAny>)>) -> PyResult<u64> {
    for (_, value) in &mut fields {
        if let Ok(number) = value.cast::<PyFloat>() {
            *value = PyFloat::new(py, number.value() + 0.0).into_any();
        }
    }
    let mut hasher = DefaultHasher::new();
    show(py, name, &fields)?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// One class each; its fields are its constructor's arguments, in order.
macro_rules! values {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $about:literal])+ $field:ident: $type:ty,)+ })+) => {
        $($(#[doc = $doc])+
        #[pyo3::pyclass(frozen, eq, module = "xiezhen")]
        #[derive(Clone, PartialEq)]
        #[allow(clippy::struct_field_names)]
        pub(crate) struct $name {
            $($(#[doc = $about])+ #[pyo3(get)] pub(crate) $field: $type,)+
        }

        impl $name {
            fn fields<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
                use pyo3::IntoPyObjectExt;
                Ok(vec![$((stringify!($field), self.$field.clone().into_bound_py_any(py)?)),+])
            }
        }

        #[pyo3::pymethods]
        impl $name {
            #[new]
            fn new($($field: Given<$type>),+) -> Self {
                Self { $($field: $field.0),+ }
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($field)),+])
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                show(py, stringify!($name), &self.fields(py)?)
            }

            fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
                hashed(py, stringify!($name), self.fields(py)?)
            }

            #[pyo3(signature = () -> "tuple[builtins.type, tuple[object, ...]]")]
            fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
                reduced(py.get_type::<Self>(), self.fields(py)?)
            }
        })+
    };
}

values! {
    /// Something that the service does for minutes.
    Task {
        /// The task's id.
        id: String,
        /// How far it is. succeeded, partly_succeeded and failed are terminal.
        state: StateWord,
        /// The state as the service wrote it.
        raw_state: i64,
        /// What it is for: training or generation.
        kind: KindWord,
        /// The addresses of the pictures, once there are any.
        result_paths: Vec<String>,
    }
    /// A style that pictures can be generated in.
    Style {
        /// What people call it.
        name: String,
        /// Its id, as `create_task` takes it.
        style: String,
        /// The address of a sample picture.
        template: String,
        /// Whom it is for, in the vendor's words (女, 男).
        sex: String,
    }
    /// What a create answered.
    Created {
        /// The task that was started.
        task_id: String,
        /// The user model that it belongs to.
        user_id: String,
    }
    /// One style of a job, and what has become of it.
    Portrait {
        /// The style, as the job asked for it: a name or an id.
        style: String,
        /// The style's id, once it is known.
        style_id: Option<String>,
        /// The generation's task, once it was created.
        task_id: Option<String>,
        /// The task's state, as it was last seen.
        state: Option<StateWord>,
        /// The addresses of the pictures; they may expire.
        urls: Vec<String>,
        /// The pictures on disk.
        files: Vec<LocalPath>,
        /// What went wrong with this style.
        error: Option<Failure>,
    }
    /// A photo as a job knows it; never its bytes.
    JobPhoto {
        /// The file; `None` if the photo was given as bytes.
        path: Option<LocalPath>,
        /// SHA-256 of the content in hex, once it was read.
        sha256: Option<String>,
        /// The size, once it was read.
        bytes: Option<u64>,
        /// The service's path of it, once it was uploaded.
        uploaded: Option<String>,
    }
    /// When a task is looked at: first `initial` seconds after its creation (at once, if this client didn't create it), then
    /// after pauses that grow by `factor` up to `max`; all ±20 % by chance, and a `Retry-After` comes instead.
    PollSchedule {
        /// Seconds from the task's creation to the first look; more than 0.
        initial: f64,
        /// By how much each pause is longer than the one before; at least 1.
        factor: f64,
        /// The longest pause in seconds; at least `initial`.
        max: f64,
    }
}

impl From<xiezhen::Task> for Task {
    fn from(task: xiezhen::Task) -> Self {
        let xiezhen::Task { id, state, raw_state, kind, result_paths, .. } = task;
        Self { id, state: StateWord(state), raw_state, kind: KindWord(kind), result_paths }
    }
}

impl From<&Task> for xiezhen::Task {
    fn from(task: &Task) -> Self {
        let Task { id, state, raw_state, kind, result_paths } = task.clone();
        Self { id, state: state.0, raw_state, kind: kind.0, result_paths, reason: None }
    }
}

impl From<xiezhen::Style> for Style {
    fn from(style: xiezhen::Style) -> Self {
        let xiezhen::Style { name, style, template, sex } = style;
        Self { name, style, template, sex }
    }
}

impl From<xiezhen::Created> for Created {
    fn from(created: xiezhen::Created) -> Self {
        let xiezhen::Created { task_id, user_id } = created;
        Self { task_id, user_id }
    }
}

impl From<xiezhen::JobPhoto> for JobPhoto {
    fn from(photo: xiezhen::JobPhoto) -> Self {
        let xiezhen::JobPhoto { path, sha256, bytes, uploaded } = photo;
        Self { path: path.map(LocalPath), sha256, bytes, uploaded }
    }
}

impl Portrait {
    pub(crate) fn from_core(py: Python<'_>, portrait: xiezhen::Portrait) -> PyResult<Self> {
        let xiezhen::Portrait { style, style_id, task_id, state, urls, files, error } = portrait;
        let error = error.map(|error| failure(py, &error)).transpose()?;
        let files = files.into_iter().map(LocalPath).collect();
        Ok(Self { style, style_id, task_id, state: state.map(StateWord), urls, files, error })
    }
}

impl PollSchedule {
    /// What the core takes, or what is wrong with the option `name`.
    pub(crate) fn to_core(&self, name: &str) -> Result<xiezhen::PollSchedule, String> {
        let initial = Seconds(self.initial).time(&format!("initial of {name}"))?;
        let max = Seconds(self.max).time(&format!("max of {name}"))?;
        Ok(xiezhen::PollSchedule { initial, factor: self.factor, max })
    }
}

pub(crate) fn failure(py: Python<'_>, error: &Error) -> PyResult<Failure> {
    Ok(Failure(errors::exception(py, error)?.unbind()))
}

/// One of many waits: its task, or its error.
pub(crate) fn outcome(py: Python<'_>, outcome: Result<xiezhen::Task>) -> PyResult<Py<PyAny>> {
    match outcome {
        Ok(task) => Ok(Py::new(py, Task::from(task))?.into_any()),
        Err(error) => Ok(errors::exception(py, &error)?.unbind()),
    }
}
