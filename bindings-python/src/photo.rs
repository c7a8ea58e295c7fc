//! Photos, in the forms that Python users have them.

use std::path::PathBuf;

use pyo3::{
    exceptions::PyTypeError, inspect::PyStaticExpr, intern, prelude::*, type_hint_identifier, type_hint_subscript,
    type_hint_union,
};

use crate::{
    arguments::{bytes, is_file, is_path},
    finalize,
};

/// A photo: a path, bytes, or a binary file that is read to its end.
pub(crate) struct Photo(pub(crate) xiezhen::Photo);

impl<'a, 'py> FromPyObject<'a, 'py> for Photo {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        PathBuf::INPUT_TYPE,
        type_hint_identifier!("builtins", "bytes"),
        type_hint_identifier!("builtins", "bytearray"),
        type_hint_identifier!("builtins", "memoryview"),
        type_hint_subscript!(type_hint_identifier!("typing", "IO"), type_hint_identifier!("builtins", "bytes"))
    );

    fn extract(photo: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = photo.py();
        let _inside = finalize::inside(py);
        if let Some(bytes) = bytes(photo)? {
            return Ok(Self(bytes.into()));
        }
        if is_path(photo)? {
            return Ok(Self(photo.extract::<PathBuf>()?.into()));
        }
        if !is_file(photo)? {
            let class = photo.get_type().name()?;
            let message = format!("a photo is a path, bytes or a binary file, not {class}");
            return Err(PyTypeError::new_err(message));
        }
        let content = photo.call_method0(intern!(py, "read"))?;
        let Some(bytes) = bytes(content.as_borrowed())? else {
            return Err(PyTypeError::new_err("a photo's file must be opened in binary mode, \"rb\""));
        };
        Ok(Self(bytes.into()))
    }
}
