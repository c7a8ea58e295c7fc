//! Photos, in the forms that Python users have them.

use std::path::PathBuf;

use pyo3::{
    exceptions::{PyTypeError, PyUnicodeDecodeError},
    intern,
    prelude::*,
};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier, type_hint_subscript, type_hint_union};

use crate::{
    arguments::{bytes, is_file, is_path},
    errors::refusal,
    finalize,
    paths::LocalPath,
    values::{Bytes, PhotoPlan, Size, core_values},
};

xiezhen::photo_values!(core_values);

const NOT_BINARY: &str = "a photo's file must be opened in binary mode: open(path, \"rb\")";

/// A photo: a path, bytes, or a binary file that is read to its end.
pub(crate) struct Photo(pub(crate) xiezhen::Photo);

impl<'a, 'py> FromPyObject<'a, 'py> for Photo {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
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
            return Err(PyTypeError::new_err(not_a_photo(photo)?));
        }
        let content = photo.call_method0(intern!(py, "read")).map_err(|error| {
            // A picture is no text in UTF-8.
            if error.is_instance_of::<PyUnicodeDecodeError>(py) { PyTypeError::new_err(NOT_BINARY) } else { error }
        })?;
        if content.hasattr(intern!(py, "__await__"))? {
            // One that is not closed would warn that it was never awaited.
            content.call_method0(intern!(py, "close")).ok();
            let message = "this file is read by awaiting it: pass its .file, or the bytes of `await f.read()`";
            return Err(PyTypeError::new_err(message));
        }
        let Some(bytes) = bytes(content.as_borrowed())? else {
            return Err(PyTypeError::new_err(NOT_BINARY));
        };
        if bytes.is_empty() && is_read(photo) {
            let problem = "a photo's file is at its end: call seek(0) before it is given";
            return Err(refusal(py, vec![problem.to_owned()]));
        }
        Ok(Self(bytes.into()))
    }
}

/// What is said of something that is no photo, but may hold one.
fn not_a_photo(thing: Borrowed<'_, '_, PyAny>) -> PyResult<String> {
    let class = thing.get_type();
    let (name, module) = (class.name()?, class.module()?);
    let hint = match module.to_str()?.split('.').next() {
        Some("PIL") => {
            ": save it into an io.BytesIO (image.save(buffer, \"JPEG\", quality=95)) and pass buffer.getvalue()"
        }
        Some("numpy") => {
            ": an array has pixels, a photo is a picture file; encode it (PIL.Image.fromarray, cv2.imencode)"
        }
        _ => "",
    };
    Ok(format!("a photo is a path, bytes or a binary file, not {name}{hint}"))
}

/// Whether somebody has read, or written, a file that has nothing left to read.
fn is_read(file: Borrowed<'_, '_, PyAny>) -> bool {
    file.call_method0(intern!(file.py(), "tell")).and_then(|place| place.extract::<u64>()).is_ok_and(|place| place > 0)
}
