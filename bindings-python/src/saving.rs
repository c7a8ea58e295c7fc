//! Which jobs are being saved in whose context: a `save` that awaits a run of its own job would wait for ever.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::{intern, prelude::*, sync::PyOnceLock};

use crate::{errors, job::Job};

/// A `save` that has begun. Tasks that it starts inherit this with their context, and may outlive it.
#[pyclass(frozen)]
pub(crate) struct Saving {
    job: Py<Job>,
    /// The `save` that made this call, and so on.
    outer: Option<Py<Saving>>,
    in_flight: AtomicBool,
}

fn variable(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VARIABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let variable = VARIABLE.get_or_try_init(py, || {
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        class.call1(("xiezhen.saving",)).map(Bound::unbind)
    });
    variable.map(|variable| variable.bind(py))
}

fn current(py: Python<'_>) -> PyResult<Option<Py<Saving>>> {
    Ok(variable(py)?.call_method1(intern!(py, "get"), (py.None(),))?.extract()?)
}

impl Saving {
    /// Notes in `context` that the job is being saved.
    pub(crate) fn begin(py: Python<'_>, context: &Py<PyAny>, job: &Py<Job>) -> PyResult<Py<Self>> {
        let saving = Self { job: job.clone_ref(py), outer: current(py)?, in_flight: AtomicBool::new(true) };
        let saving = Py::new(py, saving)?;
        let set = variable(py)?.getattr(intern!(py, "set"))?;
        context.call_method1(py, intern!(py, "run"), (set, &saving))?;
        Ok(saving)
    }

    pub(crate) fn end(&self) {
        self.in_flight.store(false, Ordering::Release);
    }
}

/// Refuses a job whose `save` this is called from.
pub(crate) fn refuse_own_job(py: Python<'_>, job: &Py<Job>) -> PyResult<()> {
    let mut saving = current(py)?;
    while let Some(one) = saving {
        if one.get().job.is(job) && one.get().in_flight.load(Ordering::Acquire) {
            let problem = "this job waits until its save has ended: what save awaits can't run or advance the same job";
            return Err(errors::refusal(py, vec![problem.to_owned()]));
        }
        saving = one.get().outer.as_ref().map(|outer| outer.clone_ref(py));
    }
    Ok(())
}
