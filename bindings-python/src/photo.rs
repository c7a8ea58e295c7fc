//! Photos, in the forms that Python users have them.

use std::path::PathBuf;

use pyo3::{
    exceptions::PyTypeError, inspect::PyStaticExpr, intern, prelude::*, type_hint_identifier, type_hint_subscript,
    type_hint_union,
};

use crate::{
    arguments::{bytes, is_file, is_path},
    finalize,
    paths::LocalPath,
    values::values,
};

values! {
    "xiezhen",

    /// What is known of a photo before it is sent.
    PhotoReport {
        /// The file; `None` if the photo was given as bytes.
        path: Option<LocalPath>,
        /// The type by its content, such as "jpeg"; `None` if it is not a picture.
        format: Option<String>,
        /// Width and height when upright, if they are known.
        size: Option<(u32, u32)>,
        /// The size of the file; `None` if it can't be read.
        bytes: Option<u64>,
        /// What is done to it before it is sent: "as_is", "cleaned" or "prepared"; `None` if it is refused.
        plan: Option<String>,
        /// Why it is refused. Each follows the photo's name: "is empty".
        problems: Vec<String>,
        /// What makes it train badly. Nothing of this stops it.
        remarks: Vec<String>,
    }
}

impl From<xiezhen::PhotoReport> for PhotoReport {
    fn from(report: xiezhen::PhotoReport) -> Self {
        let xiezhen::PhotoReport { path, format, size, bytes, plan, problems, remarks } = report;
        let plan = plan.map(|plan| plan.name().to_owned());
        Self { path: path.map(LocalPath), format, size, bytes, plan, problems, remarks }
    }
}

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
