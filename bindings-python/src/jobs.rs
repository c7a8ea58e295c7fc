//! Many jobs: a list of them, or a mapping from a caller's keys.

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList, PyMapping},
};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier, type_hint_subscript};
use xiezhen::{KeyedJob, Result};

use crate::{arguments::Many, errors, finalize, job::Job};

/// The jobs of one call.
pub(crate) struct Jobs {
    jobs: Vec<Py<Job>>,
    keys: Option<Vec<String>>,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Jobs {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Iterable"),
        type_hint_identifier!("xiezhen._xiezhen", "Job")
    );

    fn extract(jobs: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let _inside = finalize::inside(jobs.py());
        if let Ok(mapping) = jobs.cast::<PyMapping>() {
            let items: Vec<(String, Py<Job>)> = mapping.items()?.extract()?;
            let (keys, jobs) = items.into_iter().unzip();
            return Ok(Self { jobs, keys: Some(keys) });
        }
        Ok(Self { jobs: jobs.extract::<Many<Py<Job>>>()?.0, keys: None })
    }
}

impl Jobs {
    /// Each job with what it is called in this call: its key or its index.
    pub(crate) fn named(&self, py: Python<'_>) -> PyResult<Vec<(Py<PyAny>, Py<Job>)>> {
        let name = |index: usize| match self.keys.as_ref().and_then(|keys| keys.get(index)) {
            Some(key) => key.into_py_any(py),
            None => index.into_py_any(py),
        };
        self.jobs.iter().enumerate().map(|(index, job)| Ok((name(index)?, job.clone_ref(py)))).collect()
    }

    pub(crate) fn to_core(&self) -> Vec<KeyedJob> {
        let jobs = self.jobs.iter().map(|job| job.get().0.clone());
        match &self.keys {
            Some(keys) => keys.iter().cloned().zip(jobs).map(KeyedJob::from).collect(),
            None => jobs.map(KeyedJob::from).collect(),
        }
    }

    /// A job or an error each, in the form that the jobs came in.
    pub(crate) fn outcomes(&self, py: Python<'_>, outcomes: Vec<Result<xiezhen::Job>>) -> PyResult<Py<PyAny>> {
        let outcome = |(job, outcome): (&Py<Job>, Result<xiezhen::Job>)| match outcome {
            Ok(_) => Ok(job.clone_ref(py).into_any()),
            Err(error) => errors::exception(py, &error).map(Bound::unbind),
        };
        let outcomes = self.jobs.iter().zip(outcomes).map(outcome).collect::<PyResult<Vec<_>>>()?;
        let Some(keys) = &self.keys else { return Ok(PyList::new(py, outcomes)?.into_any().unbind()) };
        let by_key = PyDict::new(py);
        keys.iter().zip(outcomes).try_for_each(|(key, outcome)| by_key.set_item(key, outcome))?;
        Ok(by_key.into_any().unbind())
    }
}
