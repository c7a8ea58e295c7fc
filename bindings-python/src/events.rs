//! One class for each event. `xiezhen.events.Event` is the union of them all.

use pyo3::{IntoPyObjectExt, prelude::*, types::PyString};
#[cfg(feature = "inspect")]
use pyo3::{
    inspect::{PyStaticConstant, PyStaticExpr},
    type_hint_identifier, type_hint_subscript, type_hint_union,
};

use crate::{
    enums::State,
    finalize,
    job::Job,
    paths::LocalPath,
    portrait::{Failure, failure},
    values::values,
};

/// The name of a call that can be made again.
#[derive(Clone, PartialEq)]
pub(crate) struct CallName(String);

#[cfg(feature = "inspect")]
const fn literal(name: &'static str) -> PyStaticExpr {
    PyStaticExpr::Constant { value: PyStaticConstant::Str(name) }
}

#[cfg(feature = "inspect")]
const CALL_NAMES: PyStaticExpr = type_hint_union!(
    type_hint_subscript!(type_hint_identifier!("typing", "Literal"), literal("upload_file")),
    type_hint_subscript!(type_hint_identifier!("typing", "Literal"), literal("create_user_model")),
    type_hint_subscript!(type_hint_identifier!("typing", "Literal"), literal("list_styles")),
    type_hint_subscript!(type_hint_identifier!("typing", "Literal"), literal("create_task")),
    type_hint_subscript!(type_hint_identifier!("typing", "Literal"), literal("query_task")),
    type_hint_subscript!(type_hint_identifier!("typing", "Literal"), literal("save_results"))
);

impl<'py> IntoPyObject<'py> for CallName {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = std::convert::Infallible;
    #[cfg(feature = "inspect")]
    const OUTPUT_TYPE: PyStaticExpr = CALL_NAMES;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.0.into_pyobject(py)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for CallName {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = CALL_NAMES;

    fn extract(name: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        name.extract().map(Self)
    }
}

/// The job of a run: equal to itself only.
pub(crate) struct JobHandle(Py<Job>);

impl Clone for JobHandle {
    fn clone(&self) -> Self {
        Python::attach(|py| Self(self.0.clone_ref(py)))
    }
}

impl PartialEq for JobHandle {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(&other.0)
    }
}

impl<'py> IntoPyObject<'py> for JobHandle {
    type Target = Job;
    type Output = Bound<'py, Job>;
    type Error = std::convert::Infallible;
    #[cfg(feature = "inspect")]
    const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("xiezhen._xiezhen", "Job");

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(self.0.into_bound(py))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for JobHandle {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("xiezhen._xiezhen", "Job");

    fn extract(job: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(job.py());
        Ok(Self(job.cast::<Job>()?.to_owned().unbind()))
    }
}

values! {
    "xiezhen.events",

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
        state: State,
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
        state: State,
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
        call: CallName,
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
    /// The job is done. Nothing comes after this.
    Finished "finished" {
        /// The job.
        job: JobHandle,
    }
}

/// The Python object of an event of `job`; `None` for one that this version has no class for.
pub(crate) fn object(py: Python<'_>, event: xiezhen::Event, job: &Py<Job>) -> PyResult<Option<Py<PyAny>>> {
    use xiezhen::Event as E;
    let object = match event {
        E::PhotoUploading { index, bytes_sent, bytes } => PhotoUploading { index, bytes_sent, bytes }.into_py_any(py),
        E::PhotoUploaded { index, path } => PhotoUploaded { index, path }.into_py_any(py),
        E::Training { task_id, state } => Training { task_id, state: State(state) }.into_py_any(py),
        E::Trained { user_id } => Trained { user_id }.into_py_any(py),
        E::Generating { style, task_id, state } => Generating { style, task_id, state: State(state) }.into_py_any(py),
        E::Generated { style, count } => Generated { style, count }.into_py_any(py),
        E::Saved { style, path } => Saved { style, path: LocalPath(path) }.into_py_any(py),
        E::Retrying { call, error, delay } => {
            let error = failure(py, &error)?;
            Retrying { call: CallName(call), error, delay: delay.as_secs_f64() }.into_py_any(py)
        }
        E::UnknownState { task_id, raw_state } => UnknownState { task_id, raw_state }.into_py_any(py),
        E::Notice { message } => Notice { message }.into_py_any(py),
        E::Finished => Finished { job: JobHandle(job.clone_ref(py)) }.into_py_any(py),
        _ => return Ok(None),
    };
    object.map(Some)
}
