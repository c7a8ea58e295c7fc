//! Values: immutable objects that compare, hash, pickle and match by what they hold.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    time::Duration,
};

use pyo3::{
    IntoPyObjectExt, intern,
    prelude::*,
    types::{PyDict, PyFloat, PyList, PyString, PyTuple, PyType},
};

use crate::{finalize, paths::LocalPath};

/// The names and contents of a value's fields, in the order of its constructor's arguments.
pub(crate) type Fields<'py> = Vec<(&'static str, Bound<'py, PyAny>)>;

/// `Name(field=value, …)`.
pub(crate) fn show(py: Python<'_>, name: &str, fields: &[(&str, Bound<'_, PyAny>)]) -> PyResult<String> {
    let _inside = finalize::inside(py);
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?))).collect::<PyResult<_>>()?;
    Ok(format!("{name}({})", fields.join(", ")))
}

/// How a value pickles: its class, called with its fields.
pub(crate) fn reduced<'py>(
    class: Bound<'py, PyType>,
    fields: Fields<'py>,
) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
    let fields = PyTuple::new(class.py(), fields.into_iter().map(|(_, value)| value))?;
    Ok((class, fields))
}

/// Equal values read the same, but for the sign of a zero, so that is what is hashed.
pub(crate) fn hashed<'py>(py: Python<'py>, name: &str, mut fields: Fields<'py>) -> PyResult<u64> {
    for (_, value) in &mut fields {
        if let Ok(number) = value.cast::<PyFloat>() {
            *value = PyFloat::new(py, number.value() + 0.0).into_any();
        }
    }
    let mut hasher = DefaultHasher::new();
    show(py, name, &fields)?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// The same value with some of its fields changed.
pub(crate) fn replaced<'py>(
    class: &Bound<'py, PyType>,
    fields: Fields<'py>,
    changes: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let all = PyDict::new(class.py());
    for (name, value) in fields {
        all.set_item(name, value)?;
    }
    if let Some(changes) = changes {
        all.update(changes.as_mapping())?;
    }
    class.call((), Some(&all))
}

/// A value as a `dict` that `json.dumps` takes.
pub(crate) fn to_dict<'py>(
    py: Python<'py>,
    event: Option<&'static str>,
    fields: Fields<'py>,
) -> PyResult<Bound<'py, PyDict>> {
    let _inside = finalize::inside(py);
    let dict = PyDict::new(py);
    if let Some(event) = event {
        dict.set_item("type", event)?;
    }
    for (name, value) in fields {
        dict.set_item(name, plain(value)?)?;
    }
    Ok(dict)
}

/// What JSON has in place of a value, an enumeration's member or a path.
fn plain(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = value.py();
    if let Ok(list) = value.cast::<PyList>() {
        let items: Vec<_> = list.iter().map(plain).collect::<PyResult<_>>()?;
        return Ok(PyList::new(py, items)?.into_any());
    }
    if value.is_instance_of::<PyString>() {
        return Ok(value.str()?.into_any());
    }
    for convert in [intern!(py, "to_dict"), intern!(py, "__fspath__")] {
        if let Some(convert) = value.getattr_opt(convert)? {
            return convert.call0();
        }
    }
    Ok(value)
}

/// What `dataclasses`, and whoever asks it, finds at a value's class.
pub(crate) fn as_dataclass<'py>(py: Python<'py>, what: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("xiezhen._dataclass")?.getattr(what)?.call0()
}

/// What the core has, as Python has it.
pub(crate) trait ToPython<T> {
    fn to_python(self, py: Python<'_>) -> PyResult<T>;
}

/// A value of the core as an object of the class `T`.
pub(crate) fn object<T: for<'py> IntoPyObject<'py>>(py: Python<'_>, value: impl ToPython<T>) -> PyResult<Py<PyAny>> {
    value.to_python(py)?.into_py_any(py)
}

impl<T: ToPython<P>, P> ToPython<Option<P>> for Option<T> {
    fn to_python(self, py: Python<'_>) -> PyResult<Option<P>> {
        self.map(|value| value.to_python(py)).transpose()
    }
}

impl<T: ToPython<P>, P> ToPython<Vec<P>> for Vec<T> {
    fn to_python(self, py: Python<'_>) -> PyResult<Vec<P>> {
        self.into_iter().map(|value| value.to_python(py)).collect()
    }
}

/// What Python has under another type, and how it is made.
macro_rules! to_python {
    ($($from:ty => $to:ty: |$value:ident| $made:expr;)+) => {
        $(impl ToPython<$to> for $from {
            fn to_python(self, _py: Python<'_>) -> PyResult<$to> {
                let $value = self;
                Ok($made)
            }
        })+
    };
}
to_python! {
    String => String: |text| text;
    i64 => i64: |number| number;
    u64 => Bytes: |size| size;
    usize => Count: |count| count;
    (u32, u32) => Size: |size| size;
    Duration => Delay: |delay| delay.as_secs_f64();
    PathBuf => LocalPath: |path| LocalPath(path);
    xiezhen::PhotoPlan => PhotoPlan: |plan| plan.name().to_owned();
}

/// The core's names of types, where Python has one of its own under another name.
pub(crate) type Index = usize;
pub(crate) type Count = usize;
pub(crate) type Bytes = u64;
pub(crate) type Size = (u32, u32);
pub(crate) type Delay = f64;
pub(crate) type PhotoPlan = String;

/// The values of one of the core's tables, made of the core's.
macro_rules! core_values {
    ($($(#[doc = $doc:tt])+ $name:ident { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])?
        $field:ident: $outer:ident $(<$inner:ident>)? $(= $default:ident)?,
    )* $(; $($core:tt)*)? })+) => {
        $crate::values::values! {
            "xiezhen",
            $($(#[doc = $doc])+ $name { $($(#[doc = $about])+ $field: $outer $(<$inner>)? $(= $default)?,)* })+
        }

        $(impl $crate::values::ToPython<$name> for xiezhen::$name {
            fn to_python(self, py: pyo3::Python<'_>) -> pyo3::PyResult<$name> {
                let xiezhen::$name { $($field,)* .. } = self;
                Ok($name { $($field: $crate::values::ToPython::to_python($field, py)?),* })
            }
        })+
    };
}
pub(crate) use core_values;

/// One class each; its fields are its constructor's arguments, in order. An event has the name of its kind, too.
macro_rules! values {
    ($module:literal, $($(#[doc = $doc:tt])+ $name:ident $($kind:literal)?
        { $($(#[doc = $about:tt])+ $field:ident: $type:ty $(= $default:expr)?,)* })+) => {
        $($(#[doc = $doc])+
        #[pyo3::pyclass(frozen, eq, module = $module)]
        #[derive(Clone, PartialEq)]
        #[allow(clippy::struct_field_names)]
        pub(crate) struct $name {
            $($(#[doc = $about])+ #[pyo3(get)] pub(crate) $field: $type,)*
        }

        impl $name {
            #[allow(clippy::unused_self, unused_variables, clippy::unnecessary_wraps)]
            fn fields<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<$crate::values::Fields<'py>> {
                #[allow(unused_imports)]
                use pyo3::IntoPyObjectExt;
                Ok(vec![$((stringify!($field), self.$field.clone().into_bound_py_any(py)?)),*])
            }

            #[allow(unused_assignments, unused_mut)]
            const fn kind() -> Option<&'static str> {
                let mut kind = None;
                $(kind = Some($kind);)?
                kind
            }
        }

        #[pyo3::pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = ($($field $(= $crate::arguments::Given($default))?),*))]
            fn new($($field: $crate::arguments::Given<$type>),*) -> Self {
                Self { $($field: $field.0),* }
            }

            $(#[classattr]
            #[pyo3(name = "type")]
            const TYPE: &'static str = $kind;)?

            #[classattr]
            fn __match_args__(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::types::PyTuple>> {
                let names: &[&str] = &[$(stringify!($field)),*];
                pyo3::types::PyTuple::new(py, names)
            }

            #[classattr]
            fn __dataclass_fields__(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> {
                $crate::values::as_dataclass(py, "Fields")
            }

            #[classattr]
            fn __dataclass_params__(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> {
                $crate::values::as_dataclass(py, "Params")
            }

            /// All fields as a `dict` that `json.dumps` takes.
            #[pyo3(signature = () -> "dict[str, typing.Any]")]
            fn to_dict<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                $crate::values::to_dict(py, Self::kind(), self.fields(py)?)
            }

            fn __repr__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<String> {
                $crate::values::show(py, stringify!($name), &self.fields(py)?)
            }

            fn __hash__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<u64> {
                $crate::values::hashed(py, stringify!($name), self.fields(py)?)
            }

            #[pyo3(signature = (**changes: "typing.Any") -> "typing_extensions.Self")]
            fn __replace__<'py>(
                &self,
                py: pyo3::Python<'py>,
                changes: Option<&pyo3::Bound<'py, pyo3::types::PyDict>>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                $crate::values::replaced(&py.get_type::<Self>(), self.fields(py)?, changes)
            }

            #[pyo3(signature = () -> "tuple[builtins.type, tuple[object, ...]]")]
            fn __reduce__<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<(pyo3::Bound<'py, pyo3::types::PyType>, pyo3::Bound<'py, pyo3::types::PyTuple>)> {
                $crate::values::reduced(py.get_type::<Self>(), self.fields(py)?)
            }
        })+
    };
}
pub(crate) use values;
