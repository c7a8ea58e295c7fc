//! The core's log records, handed to the `onLog` of every client of this process.

use std::sync::{Arc, Once, PoisonError, RwLock, Weak};

use log::{LevelFilter, Log, Metadata, Record};
use napi::{
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunctionCallMode, UnknownReturnValue},
};
use napi_derive::napi;

use crate::mailbox::{Callback, callback};

/// One thing that the library has to say to whoever looks after it. Never a credential, never a body.
#[napi(object, object_from_js = false)]
pub struct LogRecord {
    /// How much it matters.
    #[napi(ts_type = "'error' | 'warn' | 'info' | 'debug' | 'trace'")]
    pub level: String,
    /// The part of the library that says it.
    pub target: String,
    /// What.
    pub message: String,
}

/// A client's `onLog`, heard for as long as the client lives.
pub(crate) type Listener = Arc<Callback<LogRecord, UnknownReturnValue>>;

/// There is one log a process, and worker threads share it.
static LISTENERS: RwLock<Vec<Weak<Callback<LogRecord, UnknownReturnValue>>>> = RwLock::new(Vec::new());

/// Starts to tell `function` of every record.
pub(crate) fn listen(function: &Function<'_, LogRecord, UnknownReturnValue>) -> napi::Result<Listener> {
    static INSTALLED: Once = Once::new();
    // Fails only if this image has another logger, and it has none.
    INSTALLED.call_once(|| drop(log::set_logger(&Spread)));

    let listener = Arc::new(callback(function)?);
    let mut listeners = LISTENERS.write().unwrap_or_else(PoisonError::into_inner);
    listeners.retain(|listener| listener.strong_count() > 0);
    listeners.push(Arc::downgrade(&listener));
    log::set_max_level(LevelFilter::Debug);
    Ok(listener)
}

struct Spread;

impl Log for Spread {
    /// The libraries below log every byte; only this one's records are handed on.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("xiezhen")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let listeners = LISTENERS.read().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            let record = LogRecord {
                level: record.level().as_str().to_lowercase(),
                target: record.target().to_owned(),
                message: record.args().to_string(),
            };
            listener.call(record, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn flush(&self) {}
}
