//! One class for each event, all with the base `Event`.

use pyo3::{
    prelude::*,
    types::{PyTuple, PyType},
};

use crate::{
    arguments::{Given, LocalPath},
    values::{Failure, failure, hashed, reduced, show},
    words::StateWord,
};

/// Something that happened to a job: the base of one class for each kind of event.
#[pyclass(frozen, subclass, module = "xiezhen.events")]
pub(crate) struct Event;

#[pymethods]
impl Event {
    /// The event's name, the same in every language: `"photo_uploaded"`.
    #[classattr]
    #[pyo3(name = "type")]
    fn kind() -> &'static str {
        "event"
    }
}

/// One class each; its fields are its constructor's arguments, in order.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident $kind:literal { $($(#[doc = $about:literal])+ $field:ident: $type:ty,)* })+) => {
        $($(#[doc = $doc])+
        #[pyo3::pyclass(frozen, eq, extends = Event, module = "xiezhen.events")]
        #[derive(Clone, PartialEq)]
        pub(crate) struct $name {
            $($(#[doc = $about])+ #[pyo3(get)] $field: $type,)*
        }

        impl $name {
            #[allow(clippy::unused_self, unused_variables, clippy::unnecessary_wraps)]
            fn fields<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&'static str, Bound<'py, PyAny>)>> {
                #[allow(unused_imports)]
                use pyo3::IntoPyObjectExt;
                Ok(vec![$((stringify!($field), self.$field.clone().into_bound_py_any(py)?)),*])
            }

            fn object(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                Ok(Py::new(py, self.initializer())?.into_any())
            }

            fn initializer(self) -> PyClassInitializer<Self> {
                PyClassInitializer::from(Event).add_subclass(self)
            }
        }

        #[pyo3::pymethods]
        impl $name {
            #[new]
            fn new($($field: Given<$type>),*) -> PyClassInitializer<Self> {
                Self { $($field: $field.0),* }.initializer()
            }

            #[classattr]
            #[pyo3(name = "type")]
            fn kind() -> &'static str {
                $kind
            }

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                let names: &[&str] = &[$(stringify!($field)),*];
                PyTuple::new(py, names)
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

events! {
    /// So much of a photo has gone out.
    PhotoUploading "photo_uploading" {
        /// Which photo, from 0.
        index: usize,
        /// Bytes sent so far.
        bytes_sent: u64,
        /// Bytes in all.
        bytes: u64,
    }
    /// The service has a photo.
    PhotoUploaded "photo_uploaded" {
        /// Which photo, from 0.
        index: usize,
        /// The service's path of it.
        path: String,
    }
    /// The training was started, found under way by a run, or has reached another state.
    Training "training" {
        /// The training's task.
        task_id: String,
        /// Its state.
        state: StateWord,
    }
    /// The user model is there.
    Trained "trained" {
        /// Its id: a later job can use it again.
        user_id: String,
    }
    /// A style's generation was started, found under way by a run, or has reached another state.
    Generating "generating" {
        /// The style, as the job asked for it.
        style: String,
        /// The generation's task.
        task_id: String,
        /// Its state.
        state: StateWord,
    }
    /// A style's pictures are ready at the service.
    Generated "generated" {
        /// The style, as the job asked for it.
        style: String,
        /// How many pictures.
        count: usize,
    }
    /// A picture is on disk.
    Saved "saved" {
        /// The style, as the job asked for it.
        style: String,
        /// The file.
        path: LocalPath,
    }
    /// A call failed and is made again.
    Retrying "retrying" {
        /// The call's name.
        call: String,
        /// Why it failed.
        error: Failure,
        /// Seconds until it is made again.
        delay: f64,
    }
    /// The service gave a state that its document does not name; the job waits on.
    UnknownState "unknown_state" {
        /// The task.
        task_id: String,
        /// The number.
        raw_state: i64,
    }
    /// Something that a person should know and that stops nothing.
    Notice "notice" {
        /// What.
        message: String,
    }
    /// The job is done.
    Finished "finished" {}
}

/// The Python object of an event; `None` for one that this version has no class for.
pub(crate) fn object(py: Python<'_>, event: xiezhen::Event) -> PyResult<Option<Py<PyAny>>> {
    use xiezhen::Event as E;
    let object = match event {
        E::PhotoUploading { index, bytes_sent, bytes } => PhotoUploading { index, bytes_sent, bytes }.object(py),
        E::PhotoUploaded { index, path } => PhotoUploaded { index, path }.object(py),
        E::Training { task_id, state } => Training { task_id, state: StateWord(state) }.object(py),
        E::Trained { user_id } => Trained { user_id }.object(py),
        E::Generating { style, task_id, state } => Generating { style, task_id, state: StateWord(state) }.object(py),
        E::Generated { style, count } => Generated { style, count }.object(py),
        E::Saved { style, path } => Saved { style, path: LocalPath(path) }.object(py),
        E::Retrying { call, error, delay } => {
            Retrying { call, error: failure(py, &error)?, delay: delay.as_secs_f64() }.object(py)
        }
        E::UnknownState { task_id, raw_state } => UnknownState { task_id, raw_state }.object(py),
        E::Notice { message } => Notice { message }.object(py),
        E::Finished => Finished {}.object(py),
        _ => return Ok(None),
    };
    object.map(Some)
}
