//! The core's log records, in `logging` under the logger `xiezhen`.
//!
//! The level is looked up when a call starts and while it waits, and kept where the core asks for it without the GIL:
//! records that nobody wants cost one atomic load.

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::{intern, prelude::*, sync::PyOnceLock, types::PyDict};

use crate::gate;

struct Bridge;

static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Takes the core's records, unless something else in this library does already.
pub(crate) fn install() {
    // Fails only if this ran before, in another interpreter of the process.
    let _ = log::set_logger(&Bridge);
}

/// Looks up which records are wanted. A program that never imports `logging` wants none.
pub(crate) fn refresh(py: Python<'_>) {
    log::set_max_level(level(py).unwrap_or(LevelFilter::Off));
}

fn level(py: Python<'_>) -> PyResult<LevelFilter> {
    let logger = match LOGGER.get(py) {
        Some(logger) => logger,
        None => {
            let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
            let Some(logging) = modules.cast::<PyDict>()?.get_item(intern!(py, "logging"))? else {
                return Ok(LevelFilter::Off);
            };
            LOGGER.get_or_try_init(py, || logging.call_method1("getLogger", ("xiezhen",)).map(Bound::unbind))?
        }
    };
    let level: i64 = logger.bind(py).call_method0(intern!(py, "getEffectiveLevel"))?.extract()?;
    Ok(match level {
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
            gate::attach(|py| {
                // A handler's own errors are reported by `logging`; there is nobody else to tell.
                let _ = hand_over(py, record);
            });
        }
    }

    fn flush(&self) {}
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
