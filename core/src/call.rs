//! The five calls of the service, and the one table of what may be sent again.

use std::fmt;

use reqwest::Method;

/// A call of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    UploadFile,
    CreateUserModel,
    ListStyles,
    CreateTask,
    QueryTask,
}

impl Call {
    /// Every call, in the order of their discriminants.
    pub(crate) const ALL: [Self; 5] =
        [Self::UploadFile, Self::CreateUserModel, Self::ListStyles, Self::CreateTask, Self::QueryTask];

    /// The name that users know it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UploadFile => "upload_file",
            Self::CreateUserModel => "create_user_model",
            Self::ListStyles => "list_styles",
            Self::CreateTask => "create_task",
            Self::QueryTask => "query_task",
        }
    }

    /// The path below the base URL.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::UploadFile => "/cloud/upload_file",
            Self::CreateUserModel => "/cloud/aigc_user_model_create",
            Self::ListStyles => "/cloud/aigc_product_brief_query",
            Self::CreateTask => "/cloud/aigc_task_create",
            Self::QueryTask => "/cloud/aigc_task_query",
        }
    }

    pub(crate) const fn method(self) -> Method {
        match self {
            Self::ListStyles => Method::GET,
            _ => Method::POST,
        }
    }

    /// Whether carrying it out twice costs money: the service has no idempotency key.
    pub(crate) const fn is_create(self) -> bool {
        matches!(self, Self::CreateUserModel | Self::CreateTask)
    }

    /// What to do after an attempt that ended like this: the whole of docs/design.md §5.1.
    pub(crate) const fn after(self, outcome: AttemptOutcome) -> RetryDecision {
        use AttemptOutcome as O;
        match (outcome, self.is_create()) {
            (O::NotConnected | O::Throttled, _) | (O::Busy | O::Lost, false) => RetryDecision::Again,
            (O::ClockRefused, _) | (O::NonceUsed, false) => RetryDecision::AgainOnce,
            (O::ThrottledForToday | O::Refused, _)
            | (O::Misconfigured | O::Redirected | O::Unreadable, false)
            | (O::Busy, true) => RetryDecision::Raise,
            (O::NonceUsed | O::Lost | O::Misconfigured | O::Redirected | O::Unreadable, true) => RetryDecision::Unknown,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an attempt ended that brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// No connection was made: nothing has reached anybody.
    NotConnected,
    /// The gateway throttled it; the vendor never saw it.
    Throttled,
    /// Throttled by the domain's daily limit: waiting for seconds does not help.
    ThrottledForToday,
    /// The gateway refused the timestamp of the signature.
    ClockRefused,
    /// The gateway has seen the nonce before: an earlier copy of this request arrived.
    NonceUsed,
    /// A refusal: `ret != 0` or a 4xx.
    Refused,
    /// 429 from somebody other than the gateway's throttle.
    Busy,
    /// It was sent and no answer came: reset, timeout, 408, 5xx.
    Lost,
    /// A refusal under a status that proves nothing, such as a 5xx: repeating does not cure it.
    Misconfigured,
    /// 3xx: credentials are not carried to wherever it points.
    Redirected,
    /// A 2xx that is not what the service documents.
    Unreadable,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Send it again, as often as the retries allow.
    Again,
    /// Send it again, but only once in this call.
    AgainOnce,
    /// Give the error to the caller.
    Raise,
    /// Tell the caller that nobody knows whether it was carried out.
    Unknown,
}
