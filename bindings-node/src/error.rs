//! Errors on their way to JavaScript, where each becomes a `XiezhenError`.

use std::error::Error as StdError;

use napi::{Env, JsValue};
use napi_derive::napi;
use xiezhen::{Error, ErrorKind, Spelling};

use crate::values::{IntoJs, Task};

/// What is known of an error.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// The kind to branch on.
    pub code: String,
    /// What happened, to what, and what to do.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// The service's own `ret`, where it was not 0.
    pub ret: Option<i64>,
    /// The id that the vendor's support asks for.
    pub request_id: Option<String>,
    /// The gateway's own code, such as `B403MQ`.
    pub gateway_code: Option<String>,
    /// The task that this is about: a wait can be taken up again with it.
    pub task_id: Option<String>,
    /// The user model that a create has answered with, where the answer could not be saved.
    pub user_id: Option<String>,
    /// How long the gateway asked to wait.
    pub retry_after_ms: Option<f64>,
    /// Whether the same call may succeed later, at no risk, with nothing changed.
    pub retryable: bool,
    /// Each thing that was wrong, where arguments were refused.
    pub problems: Option<Vec<String>>,
    /// The task as it was last seen, where it failed.
    pub task: Option<Task>,
    /// The local file that this is about.
    pub path: Option<String>,
    /// What a create with an unknown outcome had sent, as JSON.
    pub sent: Option<String>,
    /// How the answer began that could not be read.
    pub body_start: Option<String>,
    /// What this was caused by, the nearest first.
    pub causes: Vec<Cause>,
}

/// A link of a chain of causes.
#[napi(object, object_from_js = false)]
pub struct Cause {
    /// The kind, where the cause is an error of xiezhen.
    pub code: Option<String>,
    /// What it says.
    pub message: String,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let error = &error.clone().spelled(Spelling::Camel);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let problems = match (error.kind(), error.problems()) {
            (ErrorKind::InvalidArgument, []) => Some(vec![error.message().to_owned()]),
            (_, problems) => (!problems.is_empty()).then(|| problems.to_vec()),
        };
        Self {
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            http_status: error.http_status(),
            ret: error.ret(),
            request_id: owned(error.request_id()),
            gateway_code: owned(error.gateway_code()),
            task_id: owned(error.task_id()),
            user_id: owned(error.user_id()),
            retry_after_ms: error.retry_after().map(|delay| delay.as_secs_f64() * 1000.0),
            retryable: error.is_retryable(),
            problems,
            task: error.task().cloned().into_js(),
            path: error.path().map(ToOwned::to_owned).into_js(),
            sent: owned(error.sent()),
            body_start: owned(error.body_start()),
            causes: causes(error),
        }
    }
}

impl IntoJs for Error {
    type Js = Failure;

    fn into_js(self) -> Failure {
        Failure::from(&self)
    }
}

fn causes(error: &Error) -> Vec<Cause> {
    let chain = std::iter::successors(StdError::source(error), |cause| (*cause).source());
    let told = |cause: &(dyn StdError + 'static)| Cause {
        code: cause.downcast_ref::<Error>().map(|error| error.code().to_owned()),
        message: cause.to_string(),
    };
    chain.map(told).collect()
}

/// The error as napi throws it: an `Error` with a `failure`, from which `lib/error.ts` makes what users see.
pub(crate) fn thrown(env: &Env, error: &Error) -> napi::Error {
    let build = || {
        let mut object = env.create_error(napi::Error::from_reason(error.message()))?;
        object.set("failure", Failure::from(error))?;
        Ok(napi::Error::from(object.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// The outcome of a function that answers at once.
pub(crate) fn or_throw<T>(env: &Env, outcome: xiezhen::Result<T>) -> napi::Result<T> {
    outcome.map_err(|error| thrown(env, &error))
}

/// The refusal of an argument that makes no sense.
pub(crate) fn refused(problem: impl Into<String>) -> Error {
    Error::invalid(vec![problem.into()])
}
