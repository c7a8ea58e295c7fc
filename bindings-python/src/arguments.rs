//! Arguments as Python users write them: seconds, counts, many strings.

use std::{fmt::Debug, time::Duration};

use pyo3::{
    exceptions::{PyOverflowError, PyTypeError},
    intern,
    prelude::*,
    types::{PyByteArray, PyBytes, PyMapping, PyMemoryView, PyString},
};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier, type_hint_subscript};

use crate::finalize;

/// A number of seconds, or what was given in its place if it is out of all range.
pub(crate) struct Seconds(Result<f64, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Seconds {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "float");

    fn extract(seconds: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(seconds.py());
        in_range(seconds).map(Self)
    }
}

impl From<f64> for Seconds {
    fn from(seconds: f64) -> Self {
        Self(Ok(seconds))
    }
}

impl Seconds {
    /// The time, or what is wrong with the argument `name`.
    pub(crate) fn time(self, name: &str) -> Result<Duration, String> {
        let problem = |given: &dyn Debug| format!("{name} must be a number of seconds, 0 or more, not {given:?}");
        let seconds = self.0.map_err(|given| problem(&format_args!("{given}")))?;
        Duration::try_from_secs_f64(seconds).map_err(|_| problem(&seconds))
    }
}

/// The argument `timeout` of one call, wait or run, or what is wrong with it. Infinity is none.
pub(crate) fn timeout(seconds: Option<Seconds>) -> Result<Option<Duration>, String> {
    let bounded = seconds.filter(|seconds| seconds.0 != Ok(f64::INFINITY));
    bounded.map(|seconds| seconds.time("timeout")).transpose()
}

/// A number of things in a second, or what was given in its place if it is out of all range.
pub(crate) struct Rate(Result<f64, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Rate {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("builtins", "float");

    fn extract(number: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(number.py());
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
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = T::INPUT_TYPE;

    fn extract(argument: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(argument.py());
        argument.extract().map(Self).map_err(Into::into)
    }
}

/// A number that counts something, or what was given in its place if it is out of all range.
pub(crate) struct Count(Result<i64, String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Count {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = i64::INPUT_TYPE;

    fn extract(number: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(number.py());
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

/// What bytes hold, or what can be taken for bytes.
pub(crate) fn bytes(thing: Borrowed<'_, '_, PyAny>) -> PyResult<Option<Vec<u8>>> {
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

pub(crate) fn is_path(thing: Borrowed<'_, '_, PyAny>) -> PyResult<bool> {
    Ok(thing.is_instance_of::<PyString>() || thing.hasattr(intern!(thing.py(), "__fspath__"))?)
}

pub(crate) fn is_file(thing: Borrowed<'_, '_, PyAny>) -> PyResult<bool> {
    thing.hasattr(intern!(thing.py(), "read"))
}

/// Any number of things, in order; but no single one, which would be taken for its letters, bytes or lines.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<'a, 'py, T> FromPyObject<'a, 'py> for Many<T>
where
    T: for<'b> FromPyObject<'b, 'py>,
{
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterable"), T::INPUT_TYPE);

    fn extract(many: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(many.py());
        if many.is_instance_of::<PyBytes>() || is_buffer(many) || is_path(many)? || is_file(many)? {
            return Err(PyTypeError::new_err("expected a list, not a single value: put it in brackets"));
        }
        let one = |item: PyResult<Bound<'py, PyAny>>| -> PyResult<T> { item?.extract().map_err(Into::into) };
        many.try_iter()?.map(one).collect::<PyResult<_>>().map(Self)
    }
}

/// Names and values.
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl<'a, 'py> FromPyObject<'a, 'py> for Pairs {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Mapping"),
        type_hint_identifier!("builtins", "str"),
        type_hint_identifier!("builtins", "str")
    );

    fn extract(mapping: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(mapping.py());
        mapping.cast::<PyMapping>()?.items()?.extract().map(Self)
    }
}
