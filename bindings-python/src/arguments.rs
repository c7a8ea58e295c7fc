//! Arguments as Python users write them: seconds, counts, paths, photos, many strings.

use std::{path::PathBuf, time::Duration};

use pyo3::{
    exceptions::{PyOverflowError, PyTypeError},
    inspect::PyStaticExpr,
    intern,
    prelude::*,
    type_hint_identifier, type_hint_subscript, type_hint_union,
    types::{PyByteArray, PyBytes, PyMemoryView, PyString},
};

use crate::{errors, gate};

/// A number of seconds, which may turn out not to be a time.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) f64);

impl<'a, 'py> FromPyObject<'a, 'py> for Seconds {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "float");

    fn extract(seconds: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = gate::inside(seconds.py());
        Ok(Self(in_range(seconds)?.unwrap_or(f64::INFINITY)))
    }
}

impl Seconds {
    /// The time, or what is wrong with the argument `name`.
    pub(crate) fn time(self, name: &str) -> Result<Duration, String> {
        let problem = |_| format!("{name} must be a number of seconds, 0 or more, not {:?}", self.0);
        Duration::try_from_secs_f64(self.0).map_err(problem)
    }
}

/// The argument `timeout` of one call or wait.
pub(crate) fn timeout(py: Python<'_>, seconds: Option<Seconds>) -> PyResult<Option<Duration>> {
    let time = seconds.map(|seconds| seconds.time("timeout")).transpose();
    time.map_err(|problem| errors::refusal(py, vec![problem]))
}

/// A number of things in a second, or what was given in its place if it is out of all range.
pub(crate) struct Rate(Result<f64, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Rate {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "float");

    fn extract(number: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = gate::inside(number.py());
        in_range(number).map(Self)
    }
}

impl Rate {
    /// The number, or what is wrong with the argument `name`.
    pub(crate) fn number(self, name: &str) -> Result<f64, String> {
        self.0.map_err(|given| format!("{name} is out of range: {given}"))
    }
}

/// A number, or how it reads if it is too large for its type.
fn in_range<'a, 'py, T>(number: Borrowed<'a, 'py, PyAny>) -> PyResult<Result<T, String>>
where
    T: FromPyObject<'a, 'py, Error = PyErr>,
{
    match number.extract::<T>() {
        Err(error) if error.is_instance_of::<PyOverflowError>(number.py()) => {
            // Of the largest numbers, Python refuses to write the digits.
            Ok(Err(number.str().map_or_else(|_| "a huge number".to_owned(), |digits| digits.to_string())))
        }
        value => value.map(Ok),
    }
}

/// An argument of another type, which may run Python code when it is converted: `__index__`, `__float__`, `__iter__`.
pub(crate) struct Given<T>(pub(crate) T);

impl<'a, 'py, T: FromPyObject<'a, 'py>> FromPyObject<'a, 'py> for Given<T> {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = T::INPUT_TYPE;

    fn extract(argument: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = gate::inside(argument.py());
        argument.extract().map(Self).map_err(Into::into)
    }
}

/// A number that counts something, or what was given in its place if it is out of all range.
pub(crate) struct Count(Result<i64, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Count {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = i64::INPUT_TYPE;

    fn extract(number: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = gate::inside(number.py());
        in_range(number).map(Self)
    }
}

impl Count {
    /// The number, or what is wrong with the argument `name`.
    pub(crate) fn number<T: TryFrom<i64>>(self, name: &str) -> Result<T, String> {
        let given = match &self.0 {
            Ok(value) => value.to_string(),
            Err(given) => given.clone(),
        };
        self.0.ok().and_then(|value| T::try_from(value).ok()).ok_or_else(|| format!("{name} is out of range: {given}"))
    }
}

/// A path, which is a `str` or anything with `__fspath__`, and a `pathlib.Path` on its way back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LocalPath(pub(crate) PathBuf);

impl<'a, 'py> FromPyObject<'a, 'py> for LocalPath {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = PathBuf::INPUT_TYPE;

    fn extract(path: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = gate::inside(path.py());
        path.extract().map(Self)
    }
}

impl<'py> IntoPyObject<'py> for LocalPath {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr = PathBuf::OUTPUT_TYPE;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let _inside = gate::inside(py);
        self.0.into_pyobject(py)
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
        let _inside = gate::inside(py);
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

/// What bytes hold, or what can be taken for bytes.
fn bytes(thing: Borrowed<'_, '_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    if let Ok(bytes) = thing.cast::<PyBytes>() {
        return Ok(Some(bytes.as_bytes().to_vec()));
    }
    if !is_buffer(thing) {
        return Ok(None);
    }
    let bytes = thing.py().get_type::<PyBytes>().call1((thing,))?;
    Ok(Some(bytes.cast::<PyBytes>()?.as_bytes().to_vec()))
}

fn is_buffer(thing: Borrowed<'_, '_, PyAny>) -> bool {
    thing.is_instance_of::<PyByteArray>() || thing.is_instance_of::<PyMemoryView>()
}

fn is_path(thing: Borrowed<'_, '_, PyAny>) -> PyResult<bool> {
    Ok(thing.is_instance_of::<PyString>() || thing.hasattr(intern!(thing.py(), "__fspath__"))?)
}

fn is_file(thing: Borrowed<'_, '_, PyAny>) -> PyResult<bool> {
    thing.hasattr(intern!(thing.py(), "read"))
}

/// Any number of things, in order; but no single one, which would be taken for its letters, bytes or lines.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<'a, 'py, T> FromPyObject<'a, 'py> for Many<T>
where
    T: for<'b> FromPyObject<'b, 'py>,
{
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterable"), T::INPUT_TYPE);

    fn extract(many: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = gate::inside(many.py());
        if many.is_instance_of::<PyBytes>() || is_buffer(many) || is_path(many)? || is_file(many)? {
            return Err(PyTypeError::new_err("expected a list, not a single value: put it in brackets"));
        }
        let one = |item: PyResult<Bound<'py, PyAny>>| -> PyResult<T> { item?.extract().map_err(Into::into) };
        many.try_iter()?.map(one).collect::<PyResult<_>>().map(Self)
    }
}
