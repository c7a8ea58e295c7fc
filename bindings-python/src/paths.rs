//! Paths: a `str` or anything with `__fspath__` on their way in, a `pathlib.Path` on their way out.

use std::path::PathBuf;

#[cfg(feature = "inspect")]
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;

use crate::finalize;

/// A local file or folder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocalPath(pub(crate) PathBuf);

impl<'a, 'py> FromPyObject<'a, 'py> for LocalPath {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = PathBuf::INPUT_TYPE;

    fn extract(path: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(path.py());
        path.extract().map(Self)
    }
}

impl<'py> IntoPyObject<'py> for LocalPath {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const OUTPUT_TYPE: PyStaticExpr = PathBuf::OUTPUT_TYPE;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let _inside = finalize::inside(py);
        self.0.into_pyobject(py)
    }
}
