//! Arguments as Python users write them: seconds, photos, many strings.

use std::{path::PathBuf, time::Duration};

use pyo3::{
    exceptions::PyTypeError,
    inspect::PyStaticExpr,
    intern,
    prelude::*,
    type_hint_identifier, type_hint_subscript, type_hint_union,
    types::{PyByteArray, PyBytes, PyMemoryView, PyString},
};
use xiezhen::{Error, ErrorKind};

use crate::errors;

/// What the core says of arguments that it can't even be given.
pub(crate) fn invalid(py: Python<'_>, message: String) -> PyErr {
    errors::raised(py, &Error::new(ErrorKind::InvalidArgument, message))
}

/// A number of seconds.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

impl<'a, 'py> FromPyObject<'a, 'py> for Seconds {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "float");

    fn extract(seconds: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let value: f64 = seconds.extract()?;
        Duration::try_from_secs_f64(value)
            .map(Self)
            .map_err(|_| invalid(seconds.py(), format!("a time must be a number of seconds, 0 or more, not {value:?}")))
    }
}

/// A number that counts something.
pub(crate) fn count<T: TryFrom<i64>>(py: Python<'_>, name: &str, value: Option<i64>) -> PyResult<Option<T>> {
    let convert = |value| T::try_from(value).map_err(|_| invalid(py, format!("{name} is out of range: {value}")));
    value.map(convert).transpose()
}

/// A photo: a path, bytes, or a binary file that is read to its end.
pub(crate) struct Photo(pub(crate) xiezhen::Photo);

impl<'a, 'py> FromPyObject<'a, 'py> for Photo {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        PathBuf::INPUT_TYPE,
        type_hint_identifier!("builtins", "bytes"),
        type_hint_identifier!("typing", "BinaryIO")
    );

    fn extract(photo: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = photo.py();
        if let Ok(bytes) = photo.cast::<PyBytes>() {
            return Ok(Self(bytes.as_bytes().to_vec().into()));
        }
        if photo.is_instance_of::<PyByteArray>() || photo.is_instance_of::<PyMemoryView>() {
            let bytes = py.get_type::<PyBytes>().call1((photo,))?.extract::<Vec<u8>>()?;
            return Ok(Self(bytes.into()));
        }
        if photo.is_instance_of::<PyString>() || photo.hasattr(intern!(py, "__fspath__"))? {
            return Ok(Self(photo.extract::<PathBuf>()?.into()));
        }
        if !photo.hasattr(intern!(py, "read"))? {
            let class = photo.get_type().name()?;
            let message = format!("a photo is a path, bytes or a binary file, not {class}");
            return Err(PyTypeError::new_err(message));
        }
        let content = photo.call_method0(intern!(py, "read"))?;
        let Ok(bytes) = content.cast::<PyBytes>() else {
            return Err(PyTypeError::new_err("a photo's file must be opened in binary mode, \"rb\""));
        };
        Ok(Self(bytes.as_bytes().to_vec().into()))
    }
}

/// Any number of things, in order; but no string, which would be taken for its letters.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<'a, 'py, T> FromPyObject<'a, 'py> for Many<T>
where
    T: for<'b> FromPyObject<'b, 'py>,
{
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterable"), T::INPUT_TYPE);

    fn extract(many: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if many.is_instance_of::<PyString>() || many.is_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("expected a list, not a single value: put it in brackets"));
        }
        let one = |item: PyResult<Bound<'py, PyAny>>| -> PyResult<T> { item?.extract().map_err(Into::into) };
        many.try_iter()?.map(one).collect::<PyResult<_>>().map(Self)
    }
}
