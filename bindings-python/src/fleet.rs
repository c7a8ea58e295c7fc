//! What `xiezhen.stores` and the integrations with task queues need of the core.

use std::{collections::HashMap, sync::Arc, time::Duration};

use pyo3::prelude::*;
use tokio::task::spawn_blocking;
use xiezhen::{Error, ErrorKind, ReservedPermits, Result, store};

use crate::{call::call, client::Client, finalize};

/// The scripts of Redis and the statements of PostgreSQL, by operation.
#[pyfunction]
#[pyo3(signature = () -> "tuple[dict[str, str], dict[str, str]]")]
pub(crate) fn _store_texts() -> (HashMap<&'static str, &'static str>, HashMap<&'static str, &'static str>) {
    (store::REDIS.into_iter().collect(), store::POSTGRES.into_iter().collect())
}

/// Refuses what can't be a job's key.
#[pyfunction]
pub(crate) fn _check_key(py: Python<'_>, key: &str) -> PyResult<()> {
    call(py, || store::check_key(key))
}

/// Of a job's JSON: whether an intent waits for its answer, and whether the outcome of a create is unknown.
#[pyfunction]
pub(crate) fn _intents(py: Python<'_>, json: &str) -> PyResult<(bool, bool)> {
    let intents = call(py, || Ok(store::Intents::read(json)))?;
    Ok((intents.open, intents.unknown))
}

/// Has the client take its permits from `reserve`, which is called with how many it needs, on a thread of the runtime;
/// it returns the microseconds until the first, and between two.
#[pyfunction]
#[pyo3(signature = (client, reserve: "collections.abc.Callable[[int], tuple[int, int]]"))]
pub(crate) fn _share_rate(client: &Bound<'_, Client>, reserve: Py<PyAny>) {
    let reserve = Arc::new(reserve);
    client.get().core.share_rate(Arc::new(move |count| {
        let reserve = reserve.clone();
        Box::pin(async move {
            // Taking the GIL may block, so never on the thread that drives the runtime.
            let reserved = spawn_blocking(move || ask(&reserve, count)).await;
            reserved.unwrap_or_else(|_| Err(Error::cancelled("reserving permits")))
        })
    }));
}

fn ask(reserve: &Py<PyAny>, count: usize) -> Result<ReservedPermits> {
    let asked = finalize::attach(|py| {
        let (after, spacing) = reserve.bind(py).call1((count,))?.extract::<(u64, u64)>()?;
        Ok(ReservedPermits { after: Duration::from_micros(after), spacing: Duration::from_micros(spacing) })
    });
    let failed = |error: PyErr| Error::new(ErrorKind::Io, format!("no permits can be reserved: {error}"));
    asked.map_or_else(|| Err(Error::cancelled("reserving permits")), |asked: PyResult<_>| asked.map_err(failed))
}
