//! A run as an iterator of its events.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use pyo3::{exceptions::PyValueError, prelude::*};
use xiezhen::process::{BlockingCall, Step, start};

use crate::{
    call::{call, caught},
    callbacks::Message,
    calls::Work,
    errors, events, finalize,
    job::Job,
    logging,
    wait::{FAREWELL, SLICE, emit_to},
};

enum State {
    /// Nobody has asked for an event yet.
    Ready(Work<()>),
    Running(BlockingCall<(), Message>),
    /// A thread waits for the next event.
    Asked,
    Over,
}

/// Runs a job while its events are asked for. Leaving it, or `close`, cancels the run.
#[pyclass(frozen, module = "xiezhen._xiezhen")]
pub(crate) struct RunEvents {
    state: Mutex<State>,
    job: Py<Job>,
}

impl RunEvents {
    pub(crate) fn new(job: Py<Job>, work: Work<()>) -> Self {
        Self { state: Mutex::new(State::Ready(work)), job }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event and the run that goes on, or nothing once it has ended.
    fn advance(
        &self,
        py: Python<'_>,
        mut running: BlockingCall<(), Message>,
    ) -> PyResult<Option<(Py<PyAny>, BlockingCall<(), Message>)>> {
        loop {
            let step;
            (running, step) = caught(py, move || {
                let step = running.next(Some(SLICE));
                Ok((running, step))
            })?;
            let event = match step {
                Step::Done(Ok(())) => return logging::raised(py).map(|()| None),
                Step::Done(Err(error)) => return Err(errors::raised(py, &error)),
                Step::Message(Message::Event(event)) => events::object(py, event, &self.job),
                Step::Message(_) | Step::Idle => Ok(None),
            };
            let checked = logging::raised(py).and(event).and_then(|event| {
                py.check_signals()?;
                logging::refresh(py)?;
                Ok(event)
            });
            match checked {
                Ok(Some(event)) => return Ok(Some((event, running))),
                Ok(None) => {}
                Err(error) => {
                    // What failed first is what the call ends with.
                    drop(stop(py, running));
                    return Err(error);
                }
            }
        }
    }
}

fn stop(py: Python<'_>, running: BlockingCall<(), Message>) -> PyResult<()> {
    call(py, move || {
        running.stop(FAREWELL);
        Ok(())
    })
}

#[pymethods]
impl RunEvents {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let _inside = finalize::inside(py);
        let state = mem::replace(&mut *self.state(), State::Asked);
        let running = match state {
            State::Ready(work) => {
                logging::refresh(py)?;
                call(py, || start(|sender| work(emit_to(sender))))
            }
            State::Running(running) => Ok(running),
            State::Asked => return Err(PyValueError::new_err("another thread waits for the next event of this run")),
            State::Over => {
                *self.state() = State::Over;
                return Ok(None);
            }
        };
        let next = running.and_then(|running| self.advance(py, running));
        let (next, state) = match next {
            Ok(Some((event, running))) => (Ok(Some(event)), State::Running(running)),
            Ok(None) => (Ok(None), State::Over),
            Err(error) => (Err(error), State::Over),
        };
        *self.state() = state;
        next
    }

    /// Cancels the run, and waits until it has let go of the job.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = finalize::inside(py);
        let state = mem::replace(&mut *self.state(), State::Over);
        match state {
            State::Running(running) => stop(py, running),
            State::Asked => {
                *self.state() = State::Asked;
                Err(PyValueError::new_err("another thread waits for the next event of this run"))
            }
            State::Ready(_) | State::Over => Ok(()),
        }
    }
}

impl Drop for RunEvents {
    fn drop(&mut self) {
        if let State::Running(running) = mem::replace(&mut *self.state(), State::Over) {
            Python::attach(|py| stop(py, running).unwrap_or_else(|error| error.write_unraisable(py, None)));
        }
    }
}
