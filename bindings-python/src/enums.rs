//! The words for states and kinds: members of the enumerations in `xiezhen._enums`, which are strings too.

use crate::{finalize, values::ToPython};
use pyo3::{exceptions::PyValueError, prelude::*, sync::PyOnceLock};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier};

/// The enumerations of a table: each with its Python class, whose members are looked up once.
macro_rules! enums {
    ($($(#[doc = $doc:tt])+ $name:ident { $($(#[doc = $about:tt])+ $member:ident $word:literal,)+ })+) => {
        $($(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(crate) struct $name(pub(crate) xiezhen::$name);

        impl ToPython<$name> for xiezhen::$name {
            fn to_python(self, _py: Python<'_>) -> PyResult<$name> {
                Ok($name(self))
            }
        }

        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = PyErr;
            #[cfg(feature = "inspect")]
            const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("xiezhen._enums", stringify!($name));

            fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
                let member = match self.0 {
                    $(xiezhen::$name::$member => {
                        static MEMBER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                        MEMBER.get_or_try_init(py, || member(py, stringify!($name), $word))
                    })+
                };
                Ok(member?.bind(py).clone())
            }
        }

        impl<'a, 'py> FromPyObject<'a, 'py> for $name {
            type Error = PyErr;
            #[cfg(feature = "inspect")]
            const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "str");

            fn extract(word: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
                let word: String = word.extract()?;
                match word.as_str() {
                    $($word => Ok(Self(xiezhen::$name::$member)),)+
                    _ => Err(PyValueError::new_err(format!("{word:?} is no {}", stringify!($name)))),
                }
            }
        })+
    };
}

xiezhen::task_enums!(enums);
xiezhen::job_enums!(enums);

fn member(py: Python<'_>, class: &str, word: &str) -> PyResult<Py<PyAny>> {
    let _inside = finalize::inside(py);
    Ok(py.import("xiezhen._enums")?.getattr(class)?.call1((word,))?.unbind())
}
