//! The core's log records, in `logging` under the logger `xiezhen`.
//!
//! The level is looked up when a call starts and while it waits, and kept where the core asks for it without the GIL:
//! records that nobody wants cost one atomic load.

use std::cell::Cell;

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::{exceptions::PyException, intern, prelude::*, sync::PyOnceLock, types::PyDict};

use crate::finalize;

struct Bridge;

static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

thread_local! {
    /// What was raised while a record was handed over, in the midst of the core: the call on this thread ends with it.
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// Takes the core's records, unless something else in this library does already.
pub(crate) fn install() {
    // Fails only if this ran before, in another interpreter of the process.
    let _ = log::set_logger(&Bridge);
}

/// Looks up which records are wanted. A program that never imports `logging` wants none.
pub(crate) fn refresh(py: Python<'_>) -> PyResult<()> {
    let level = level(py).or_else(|error| report(py, error).map(|()| LevelFilter::Off))?;
    log::set_max_level(level);
    Ok(())
}

/// Raises what handing over records has raised since this was last asked: needed wherever the core has run.
pub(crate) fn raised(_py: Python<'_>) -> PyResult<()> {
    RAISED.take().map_or(Ok(()), Err)
}

/// An error of `logging` or a handler ends no call that may have been billed; Ctrl-C and `SystemExit` do.
fn report(py: Python<'_>, error: PyErr) -> PyResult<()> {
    if !error.is_instance_of::<PyException>(py) {
        return Err(error);
    }
    error.write_unraisable(py, LOGGER.get(py).map(|logger| logger.bind(py)));
    Ok(())
}

fn level(py: Python<'_>) -> PyResult<LevelFilter> {
    let logger = match LOGGER.get(py) {
        Some(logger) => logger,
        None => {
            let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
            let Some(logging) = modules.cast::<PyDict>()?.get_item(intern!(py, "logging"))? else {
                return Ok(LevelFilter::Off);
            };
            // Another thread may be about to import it.
            let Ok(get_logger) = logging.getattr(intern!(py, "getLogger")) else { return Ok(LevelFilter::Off) };
            LOGGER.get_or_try_init(py, || get_logger.call1(("xiezhen",)).map(Bound::unbind))?
        }
    };
    let logger = logger.bind(py);
    if logger.getattr(intern!(py, "disabled"))?.is_truthy()? {
        return Ok(LevelFilter::Off);
    }
    let level: i64 = logger.call_method0(intern!(py, "getEffectiveLevel"))?.extract()?;
    // `logging.disable` is for this level and all below.
    let disabled: i64 = logger.getattr(intern!(py, "manager"))?.getattr(intern!(py, "disable"))?.extract()?;
    Ok(match level.max(disabled.saturating_add(1)) {
        ..=5 => LevelFilter::Trace,
        6..=10 => LevelFilter::Debug,
        11..=20 => LevelFilter::Info,
        21..=30 => LevelFilter::Warn,
        31..=40 => LevelFilter::Error,
        _ => LevelFilter::Off,
    })
}

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level() && metadata.target().split("::").next() == Some("xiezhen")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            finalize::attach(|py| {
                // Python answers signals wherever it runs, here too: what the signal's handler raises is the caller's.
                let heard = py.check_signals();
                if let Err(error) = heard.and_then(|()| hand_over(py, record).or_else(|error| report(py, error))) {
                    keep(py, error);
                }
            });
        }
    }

    fn flush(&self) {}
}

fn keep(py: Python<'_>, error: PyErr) {
    if finalize::is_called() {
        RAISED.set(Some(RAISED.take().unwrap_or(error)));
    } else {
        error.write_unraisable(py, None);
    }
}

fn hand_over(py: Python<'_>, record: &Record<'_>) -> PyResult<()> {
    let Some(logger) = LOGGER.get(py) else { return Ok(()) };
    let level = match record.level() {
        log::Level::Error => 40,
        log::Level::Warn => 30,
        log::Level::Info => 20,
        log::Level::Debug => 10,
        log::Level::Trace => 5,
    };
    let logger = logger.bind(py);
    if !logger.call_method1(intern!(py, "isEnabledFor"), (level,))?.is_truthy()? {
        return Ok(());
    }
    let place = (record.file().unwrap_or_default(), record.line().unwrap_or_default());
    let message = record.args().to_string();
    let arguments = ("xiezhen", level, place.0, place.1, message, py.None(), py.None());
    let record = logger.call_method1(intern!(py, "makeRecord"), arguments)?;
    logger.call_method1(intern!(py, "handle"), (record,))?;
    Ok(())
}
