//! Callbacks: their addresses, what comes to them, and the receiver.

use std::sync::Arc;

use pyo3::{IntoPyObjectExt, prelude::*, pybacked::PyBackedBytes, types::PyTuple};
use xiezhen::Callbacks as Core;

use crate::{
    arguments::{Given, Many, Seconds},
    call::{call, timeout},
    callbacks::Callbacks as UserCalls,
    mailbox,
    values::{Fields, hashed, show},
    wait::wait,
};

/// A callback that came: a reason to poll now, and never more than that.
#[pyclass(frozen, eq, from_py_object, module = "xiezhen")]
#[derive(Clone, PartialEq)]
pub(crate) struct Hint(pub(crate) xiezhen::Hint);

impl Hint {
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Fields<'py>> {
        let hint = self.0.clone();
        Ok(vec![
            ("key", hint.key.into_bound_py_any(py)?),
            ("slot", hint.slot.into_bound_py_any(py)?),
            ("attempt", hint.attempt.into_bound_py_any(py)?),
            ("task_ids", hint.task_ids.into_bound_py_any(py)?),
            ("user_id", hint.user_id.into_bound_py_any(py)?),
            ("verified", hint.verified.into_bound_py_any(py)?),
        ])
    }
}

#[pymethods]
impl Hint {
    /// A hint as `to_json` wrote it, in another process. Only take it from where nobody else can write.
    #[staticmethod]
    fn from_json(py: Python<'_>, json: &str) -> PyResult<Self> {
        call(py, || xiezhen::Hint::from_json(json)).map(Self)
    }

    /// The hint as JSON, for another process.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The job's id, the store's key, or what `Callbacks.url` was given.
    #[getter]
    fn key(&self) -> &str {
        &self.0.key
    }

    /// "t" for the training, a style's index for its generation; None for a single call.
    #[getter]
    fn slot(&self) -> Option<&str> {
        self.0.slot.as_deref()
    }

    /// Which create of that slot it belongs to; 0 for a single call.
    #[getter]
    fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Whatever looked like a task's id.
    #[getter]
    fn task_ids(&self) -> Vec<String> {
        self.0.task_ids.clone()
    }

    /// What looked like the user's id, if there was only one.
    #[getter]
    fn user_id(&self) -> Option<&str> {
        self.0.user_id.as_deref()
    }

    /// Whether the address was made with one of our secrets. The content is a stranger's all the same.
    #[getter]
    fn verified(&self) -> bool {
        self.0.verified
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        show(py, "Hint", &self.fields(py)?)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        hashed(py, "Hint", self.fields(py)?)
    }

    #[pyo3(signature = () -> "tuple[object, tuple[object, ...]]")]
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let class = py.get_type::<Self>();
        Ok((class.getattr("from_json")?, PyTuple::new(py, [self.to_json()])?))
    }
}

/// What a receiver is to answer, and what it was told.
#[pyclass(frozen, module = "xiezhen")]
pub(crate) struct Received(xiezhen::Received);

#[pymethods]
impl Received {
    /// 204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too long.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    /// The hint, where there is one.
    #[getter]
    fn hint(&self) -> Option<Hint> {
        self.0.hint.clone().map(Hint)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (status, hint) = (self.status().into_bound_py_any(py)?, self.hint().into_bound_py_any(py)?);
        show(py, "Received", &[("status", status), ("hint", hint)])
    }
}

/// One secret, or several.
#[derive(FromPyObject)]
enum Secrets {
    One(String),
    Many(Many<String>),
}

/// The compiled half of `xiezhen.Callbacks`.
#[pyclass(frozen, subclass, weakref, module = "xiezhen", name = "CallbackAddresses")]
pub(crate) struct CallbackAddresses(pub(crate) Core);

#[pymethods]
impl CallbackAddresses {
    #[new]
    #[pyo3(signature = (public_url: "str | None"=None, secret: "str | collections.abc.Iterable[str] | None"=None))]
    fn new(py: Python<'_>, public_url: Option<String>, secret: Option<Secrets>) -> PyResult<Self> {
        let secrets = secret.map(|secret| match secret {
            Secrets::One(secret) => vec![secret.into()],
            Secrets::Many(secrets) => secrets.0.into_iter().map(Into::into).collect(),
        });
        call(py, || Core::from_parts(public_url.as_deref(), secrets, &|name| std::env::var(name).ok())).map(Self)
    }

    /// Where addresses begin, without a trailing slash.
    #[getter]
    fn public_url(&self) -> &str {
        self.0.public_url()
    }

    /// The address for a single call, such as `create_task`. What is sent to it comes back as a Hint with this `key`.
    fn url(&self, py: Python<'_>, key: &str) -> PyResult<String> {
        call(py, || self.0.url(key))
    }

    /// Reads one request that came to a receiver of your own. Nobody is told: see `deliver`.
    ///
    /// target: the path with its query, or the whole URL; only the path's last part and the query count.
    /// headers: pairs of names and values.
    /// body: at most 64 KiB and one byte of it.
    #[pyo3(signature = (method, target, headers: "collections.abc.Iterable[tuple[str, str]]", body))]
    fn receive(
        &self,
        method: &str,
        target: &str,
        headers: Many<(String, String)>,
        body: Given<PyBackedBytes>,
    ) -> Received {
        Received(self.0.receive(method, target, &headers.0, &body.0))
    }

    /// Hands a hint to the jobs of this process that run with these callbacks. What `listen` and the adapters do.
    fn deliver(&self, py: Python<'_>, hint: &Hint) -> PyResult<()> {
        call(py, || {
            self.0.deliver(&hint.0);
            Ok(())
        })
    }

    fn _listen(&self, py: Python<'_>, address: String) -> PyResult<CallbackReceiver> {
        let callbacks = self.0.clone();
        let listen = |_| async move { callbacks.listen(&address).await };
        wait(py, &UserCalls::none(), listen).map(|receiver| CallbackReceiver(Arc::new(receiver)))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        show(py, "Callbacks", &[("public_url", self.public_url().into_bound_py_any(py)?)])
    }
}

/// The compiled half of `xiezhen.Receiver`.
#[pyclass(frozen, weakref, module = "xiezhen", name = "CallbackReceiver")]
pub(crate) struct CallbackReceiver(Arc<xiezhen::Receiver>);

#[pymethods]
impl CallbackReceiver {
    #[getter]
    fn address(&self) -> String {
        self.0.address().to_string()
    }

    /// The next hint; None once the receiver is closed, or nothing came in time.
    #[pyo3(signature = (timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Option<Hint>> {
        let (receiver, timeout) = (self.0.clone(), self::timeout(py, timeout)?);
        Ok(wait(py, &UserCalls::none(), |_| async move { Ok(receiver.next_within(timeout).await) })?.map(Hint))
    }

    #[pyo3(signature = (timeout=None) -> "collections.abc.Awaitable[Hint | None]")]
    fn next_awaited(&self, py: Python<'_>, timeout: Option<Seconds>) -> PyResult<Py<PyAny>> {
        let (receiver, timeout) = (self.0.clone(), self::timeout(py, timeout)?);
        let next = |_| async move { Ok(receiver.next_within(timeout).await) };
        mailbox::future(py, UserCalls::none(), next, |py, hint| hint.map(Hint).into_py_any(py))
    }

    /// Returns when the address is free.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let receiver = self.0.clone();
        wait(py, &UserCalls::none(), |_| async move {
            receiver.shut_down().await;
            Ok(())
        })
    }
}
