//! One class for each event. `xiezhen.events.Event` is the union of them all.

use pyo3::{IntoPyObjectExt, prelude::*, types::PyString};
#[cfg(feature = "inspect")]
use pyo3::{
    inspect::{PyStaticConstant, PyStaticExpr},
    type_hint_identifier, type_hint_subscript, type_hint_union,
};

use crate::{
    enums::TaskState,
    finalize,
    job::Job,
    paths::LocalPath,
    portrait::Failure,
    values::{Bytes, Count, Delay, Index, ToPython, values},
};

/// The name of a call that can be made again.
#[derive(Clone, PartialEq)]
pub(crate) struct Call(String);

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

impl<'py> IntoPyObject<'py> for Call {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = std::convert::Infallible;
    #[cfg(feature = "inspect")]
    const OUTPUT_TYPE: PyStaticExpr = CALL_NAMES;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.0.into_pyobject(py)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Call {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = CALL_NAMES;

    fn extract(name: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        name.extract().map(Self)
    }
}

impl ToPython<Call> for String {
    fn to_python(self, _py: Python<'_>) -> PyResult<Call> {
        Ok(Call(self))
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

/// A class for each event of the core's table, and what makes the object of an event.
macro_rules! classes {
    ($($(#[doc = $doc:tt])+ $name:ident $kind:literal { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])? $field:ident: $type:ident,
    )+ })+ ; $(#[doc = $last_doc:tt])+ $last:ident $last_kind:literal) => {
        values! {
            "xiezhen.events",
            $($(#[doc = $doc])+ $name $kind { $($(#[doc = $about])+ $field: $type,)+ })+
            $(#[doc = $last_doc])+ $last $last_kind {
                /// The job.
                job: JobHandle,
            }
        }

        /// The Python object of an event of `job`; `None` for one that this version has no class for.
        pub(crate) fn object(py: Python<'_>, event: xiezhen::Event, job: &Py<Job>) -> PyResult<Option<Py<PyAny>>> {
            match event {
                $(xiezhen::Event::$name { $($field),+ } => {
                    $name { $($field: $field.to_python(py)?),+ }.into_py_any(py).map(Some)
                })+
                xiezhen::Event::$last => $last { job: JobHandle(job.clone_ref(py)) }.into_py_any(py).map(Some),
                _ => Ok(None),
            }
        }
    };
}
xiezhen::events!(classes);
