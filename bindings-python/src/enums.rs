//! The words for states and kinds: members of the enumerations in `xiezhen._enums`, which are strings too.

use pyo3::{exceptions::PyValueError, prelude::*, sync::PyOnceLock};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier};
use xiezhen::{Stage, TaskKind, TaskState};

use crate::finalize;

/// One of the core's enumerations and its Python class, whose members are looked up once.
macro_rules! enums {
    ($($name:ident($core:ident) { $($member:ident)+ })+) => {
        $(#[derive(Clone, Copy, Debug, PartialEq)]
        pub(crate) struct $name(pub(crate) $core);

        impl<'py> IntoPyObject<'py> for $name {
            type Target = PyAny;
            type Output = Bound<'py, PyAny>;
            type Error = PyErr;
            #[cfg(feature = "inspect")]
            const OUTPUT_TYPE: PyStaticExpr = type_hint_identifier!("xiezhen._enums", stringify!($core));

            fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
                let member = match self.0 {
                    $($core::$member => {
                        static MEMBER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                        MEMBER.get_or_try_init(py, || member(py, stringify!($core), self.0.name()))
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
                let known = [$($core::$member),+].into_iter().find(|known| known.name() == word);
                known.map(Self).ok_or_else(|| PyValueError::new_err(format!("{word:?} is no {}", stringify!($core))))
            }
        })+
    };
}

enums! {
    State(TaskState) { Waiting Running Succeeded PartlySucceeded Failed Unknown }
    Kind(TaskKind) { Training Generation Unknown }
    JobStage(Stage) { Uploading Training Generating Saving Done Failed }
}

fn member(py: Python<'_>, class: &str, word: &str) -> PyResult<Py<PyAny>> {
    let _inside = finalize::inside(py);
    Ok(py.import("xiezhen._enums")?.getattr(class)?.call1((word,))?.unbind())
}
