//! The error type that every call returns.

mod facts;
mod kind;

use std::{
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize, Serializer};

pub use self::kind::ErrorKind;
use crate::{
    call::Call,
    disk,
    spelling::{Spelling, spell},
    task::Task,
    text,
};

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed: a kind to branch on, a message to read, and what is known beside.
///
/// One pointer to move; a clone copies all that is known.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Error(Box<Facts>);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Facts {
    code: ErrorKind,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ret: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gateway_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<f64>,
    retryable: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "shown")]
    path: Option<PathBuf>,
    #[serde(skip)]
    source: Cause,
    #[serde(skip)]
    written: Written,
}

/// JSON is text: a path that is not UTF-8 is shown there as well as it can be.
#[allow(clippy::ref_option, reason = "this is how serde gives it")]
fn shown<S: Serializer>(path: &Option<PathBuf>, to: S) -> std::result::Result<S::Ok, S::Error> {
    path.as_deref().map(Path::to_string_lossy).serialize(to)
}

/// For reading only: it makes no two errors different.
#[derive(Clone, Default)]
struct Cause(Option<Arc<dyn StdError + Send + Sync>>);

impl PartialEq for Cause {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// Message and problems as they are written, before the names in them are spelled. Kept only where there are such names,
/// and like the cause it makes no two errors different.
#[derive(Clone, Default)]
struct Written(Option<Box<(String, Vec<String>)>>);

impl PartialEq for Written {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Error {
    /// An error of `kind` with a `message` that says what happened, to what, and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut error = Self(Box::new(Facts {
            code: kind,
            message: String::new(),
            http_status: None,
            ret: None,
            request_id: None,
            gateway_code: None,
            task_id: None,
            user_id: None,
            retry_after: None,
            retryable: kind.is_retryable(),
            problems: Vec::new(),
            body_start: None,
            sent: None,
            task: None,
            path: None,
            source: Cause::default(),
            written: Written::default(),
        }));
        error.write(text::readable(message.into()), Vec::new());
        error
    }

    /// Refused arguments: one message that names every problem.
    pub fn invalid(problems: Vec<String>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidArgument, problems.join("; "));
        let problems = problems.into_iter().map(text::readable).collect();
        error.write(error.written().to_owned(), problems);
        error
    }

    /// Takes a message and problems, in which names may be marked (`spelling`).
    fn write(&mut self, message: String, problems: Vec<String>) {
        self.0.written = Written(Some(Box::new((message, problems))));
        self.spell(Spelling::Snake);
        if let Written(Some(written)) = &self.0.written
            && (&written.0, &written.1) == (&self.0.message, &self.0.problems)
        {
            self.0.written = Written(None);
        }
    }

    fn written(&self) -> &str {
        self.0.written.0.as_ref().map_or(&self.0.message, |written| &written.0)
    }

    fn spell(&mut self, spelling: Spelling) {
        if let Written(Some(written)) = &self.0.written {
            self.0.message = spell(&written.0, spelling);
            self.0.problems = written.1.iter().map(|problem| spell(problem, spelling)).collect();
        }
    }

    /// The same error, whose message and problems name arguments as another language does.
    #[doc(hidden)]
    #[must_use]
    pub fn spelled(mut self, spelling: Spelling) -> Self {
        self.spell(spelling);
        self
    }

    /// The problems, to be reported together with others: the names in them are not spelled yet.
    #[doc(hidden)]
    pub fn into_problems(self) -> Vec<String> {
        match self.0.written.0 {
            Some(written) => written.1,
            None => self.0.problems,
        }
    }

    /// A local file that could not be read or written.
    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let message = format!("{doing} {}: {source}", text::shown(path));
        let mut error = Self::new(ErrorKind::Io, message).with_path(path);
        // Others may close theirs.
        error.0.retryable = disk::is_out_of_files(&source);
        error.with_source(source)
    }

    /// The caller stopped `what`, by its name.
    pub fn cancelled(what: &str) -> Self {
        Self::new(ErrorKind::Cancelled, format!("{what} was cancelled by the caller"))
    }

    /// The caller stopped a call of the service.
    pub(crate) fn cancelled_call(call: Call) -> Self {
        let error = Self::cancelled(call.name());
        if call.is_create() { error.of_create() } else { error }
    }

    /// Has the error of a create say that a stopped one runs on: whoever repeats it may pay twice.
    #[doc(hidden)]
    #[must_use]
    pub fn of_create(mut self) -> Self {
        if self.kind() == ErrorKind::Cancelled {
            self.0.retryable = false;
        }
        self
    }

    /// A call that panicked, and so has no outcome.
    #[doc(hidden)]
    pub fn defect() -> Self {
        Self::new(ErrorKind::Internal, "the call ended without an outcome: a defect of xiezhen; please report it")
    }

    /// The kind to branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.code
    }

    /// The kind's code, the same in every language.
    pub fn code(&self) -> &'static str {
        self.0.code.code()
    }

    /// What happened, to what, and what to do.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status, where there was an answer.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The service's own `ret`, where it was not 0.
    pub fn ret(&self) -> Option<i64> {
        self.0.ret
    }

    /// The id that the vendor's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The gateway's own code, such as `B403MQ`.
    pub fn gateway_code(&self) -> Option<&str> {
        self.0.gateway_code.as_deref()
    }

    /// The task that this is about: a wait can be taken up again with it.
    pub fn task_id(&self) -> Option<&str> {
        self.0.task_id.as_deref()
    }

    /// The user model of a create whose answer could not be stored: with [`task_id`](Self::task_id), what was billed.
    pub fn user_id(&self) -> Option<&str> {
        self.0.user_id.as_deref()
    }

    /// How long the gateway asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    /// Whether the same call may succeed later, at no risk, with nothing changed.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Each thing that was wrong, where arguments were refused.
    pub fn problems(&self) -> &[String] {
        &self.0.problems
    }

    /// How the answer began that could not be read.
    pub fn body_start(&self) -> Option<&str> {
        self.0.body_start.as_deref()
    }

    /// What a create with an unknown outcome had sent, as JSON.
    pub fn sent(&self) -> Option<&str> {
        self.0.sent.as_deref()
    }

    /// The task as it was last seen, where it failed.
    pub fn task(&self) -> Option<&Task> {
        self.0.task.as_ref()
    }

    /// The local file that this is about.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// A create whose answer was lost for the reason in `self`; `sent` is what it asked for.
    pub(crate) fn into_outcome_unknown(self, call: &str, sent: &str) -> Self {
        let message = format!(
            "{call} was sent, but its outcome is unknown: {}. It may have been carried out and paid; \
             ask the vendor before you send it again",
            self.written()
        );
        let mut unknown = Self::new(ErrorKind::OutcomeUnknown, message);
        unknown.0.http_status = self.0.http_status;
        unknown.0.request_id.clone_from(&self.0.request_id);
        unknown.0.gateway_code.clone_from(&self.0.gateway_code);
        unknown.0.body_start.clone_from(&self.0.body_start);
        unknown.0.sent = Some(sent.to_owned());
        unknown.with_source(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Error");
        shown.field("code", &self.code()).field("message", &self.message());
        if let Some(status) = self.0.http_status {
            shown.field("http_status", &status);
        }
        if let Some(id) = &self.0.request_id {
            shown.field("request_id", id);
        }
        if let Some(source) = &self.0.source.0 {
            shown.field("source", source);
        }
        shown.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.0.as_deref().map(|source| source as _)
    }
}
