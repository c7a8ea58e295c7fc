//! The core's log, delivered to the callback of a client's options while a call of that client is in flight.

use std::{
    ffi::{CString, c_char, c_void},
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::ffi::c_text;

/// How important a log message is. Where it is set, it is a plain `int32_t`.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum xiezhen_log_level {
    /// A level that this header does not name.
    Unknown = 0,
    /// Something failed.
    Error = 1,
    /// Something that a person should know.
    Warn = 2,
    /// What is created, and what is repeated.
    Info = 3,
    /// What becomes of each request: a few lines.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl From<Level> for xiezhen_log_level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

/// Called for what the library logs: never a credential, never a body. `target` is where in the library it comes from.
pub type xiezhen_on_log = Option<
    unsafe extern "C" fn(
        level: xiezhen_log_level,
        target: *const c_char,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

/// Where a client's log goes.
#[derive(Clone, Copy)]
pub(crate) struct LogCallback {
    pub(crate) level: LevelFilter,
    pub(crate) tell: unsafe extern "C" fn(xiezhen_log_level, *const c_char, *const c_char, *mut c_void),
    pub(crate) user_data: *mut c_void,
}

impl LogCallback {
    /// Tells the caller, on this thread.
    pub(crate) fn tell(&self, line: &Line) {
        // SAFETY: the callback and its data live as long as the client, and the texts for the call.
        unsafe { (self.tell)(line.level, line.target.as_ptr(), line.message.as_ptr(), self.user_data) }
    }
}

impl LogCallback {
    /// Tells the caller of something that a person should know.
    pub(crate) fn warn(&self, message: &str) {
        if self.level >= LevelFilter::Warn {
            self.tell(&Line { level: Level::Warn.into(), target: c_text("xiezhen"), message: c_text(message) });
        }
    }
}

/// What was logged, on its way to the caller's thread.
#[derive(Clone)]
pub(crate) struct Line {
    level: xiezhen_log_level,
    target: CString,
    message: CString,
}

/// A call in flight whose client has a log callback.
struct Sink {
    client: u64,
    level: LevelFilter,
    send: Box<dyn Fn(Line) + Send + Sync>,
}

static SINKS: Mutex<Vec<Arc<Sink>>> = Mutex::new(Vec::new());

tokio::task_local! {
    /// Where the call goes that is being polled; `None` for a client without a callback.
    static CALL: Option<Arc<Sink>>;
}

fn sinks() -> MutexGuard<'static, Vec<Arc<Sink>>> {
    SINKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a call off the list when it has ended.
struct Listed(Option<Arc<Sink>>);

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(sink) = &self.0 {
            sinks().retain(|other| !Arc::ptr_eq(other, sink));
        }
    }
}

/// A number for each client: what nobody can attribute to a call is told to each client once.
pub(crate) fn next_client() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Lets the process's log flow from now on, up to `level` at least.
pub(crate) fn open(level: LevelFilter) {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        // It is there already only where a Rust program links this library and has a logger of its own: it keeps it.
        let _ = log::set_logger(&Logger);
    });
    if log::max_level() < level {
        log::set_max_level(level);
    }
}

/// Runs a call of `client`, with its log going to `send`.
pub(crate) fn scope<T>(
    client: u64,
    callback: Option<LevelFilter>,
    send: impl Fn(Line) + Send + Sync + 'static,
    call: impl Future<Output = T>,
) -> impl Future<Output = T> {
    let sink = callback.map(|level| Arc::new(Sink { client, level, send: Box::new(send) }));
    sinks().extend(sink.clone());
    let listed = Listed(sink.clone());
    CALL.scope(sink, async move {
        let _listed = listed;
        call.await
    })
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target().starts_with("xiezhen")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = Line {
            level: record.level().into(),
            target: c_text(record.target()),
            message: c_text(&record.args().to_string()),
        };
        if let Ok(call) = CALL.try_with(Clone::clone) {
            return deliver(call.as_deref(), record.level(), &line);
        }
        // The scheduler, and creates that outlive their call, belong to no call: each client hears of them once.
        let mut told = Vec::new();
        for sink in sinks().iter() {
            if !told.contains(&sink.client) {
                told.push(sink.client);
                deliver(Some(sink), record.level(), &line);
            }
        }
    }

    fn flush(&self) {}
}

fn deliver(sink: Option<&Sink>, level: Level, line: &Line) {
    if let Some(sink) = sink.filter(|sink| level <= sink.level) {
        (sink.send)(line.clone());
    }
}
