//! What a call sends.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde::Serialize;
use serde_json::Value;

use super::body::OnBytes;
use crate::{
    call::Call,
    callback,
    caller::Caller,
    error::{Error, ErrorKind, Result},
    photo::CheckedPhoto,
    wire::Asked,
};

/// The last part of an address, if it is shorter than this, is not a secret, and may be a common word.
const SHORTEST_SECRET: usize = 8;

/// The body of a call.
pub(crate) enum Payload {
    Nothing,
    Json(Bytes),
    Photo { photo: CheckedPhoto, on_bytes: Option<OnBytes> },
}

impl Payload {
    pub(crate) fn json(body: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(body);
        let json = json.map_err(|error| Error::new(ErrorKind::Internal, format!("no JSON can be made: {error}")))?;
        Ok(Self::Json(Bytes::from(json)))
    }
}

/// Is told of each repetition: why, and after what pause.
pub(crate) type OnRetry = Arc<dyn Fn(Call, &Error, Duration) + Send + Sync>;

/// What bounds one call in place of the client's options.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallLimits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_retries: Option<u32>,
}

/// When a call waits for its first permit of the rate limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    WithinTimeout,
    BeforeTimeout,
    /// It has one.
    Held,
}

/// One call, as the caller wants it.
pub(crate) struct Request {
    pub(crate) call: Call,
    /// What it is about, for messages: a task id, a photo.
    pub(crate) subject: String,
    pub(crate) payload: Payload,
    pub(crate) on_retry: Option<OnRetry>,
    /// Where the service may call. It is for the service only.
    callback_url: Option<String>,
    pub(super) limits: CallLimits,
    /// The caller that waits for it, if the call may outlive it.
    caller: Option<Caller>,
    pub(super) permit: Permit,
}

impl Request {
    pub(crate) fn new(call: Call, subject: impl Into<String>, payload: Payload) -> Self {
        let subject = subject.into();
        Self {
            call,
            subject,
            payload,
            on_retry: None,
            callback_url: None,
            limits: CallLimits::default(),
            caller: None,
            permit: Permit::WithinTimeout,
        }
    }

    /// A create that tells the service where to call.
    pub(crate) fn create(call: Call, mut body: Value, callback_url: Option<String>) -> Result<Self> {
        if let (Some(fields), Some(url)) = (body.as_object_mut(), &callback_url) {
            fields.insert("callback_url".into(), url.as_str().into());
        }
        Ok(Self { callback_url, ..Self::new(call, "", Payload::json(&body)?) })
    }

    /// One poll of a task.
    pub(crate) fn query(task_id: &str) -> Result<Self> {
        #[derive(Serialize)]
        struct Query<'a> {
            task_id: &'a str,
        }
        Ok(Self::new(Call::QueryTask, task_id, Payload::json(&Query { task_id })?))
    }

    /// What its answer depends on.
    pub(super) fn asked(&self) -> Asked<'_> {
        let json = match &self.payload {
            Payload::Json(json) => json.as_ref(),
            Payload::Nothing | Payload::Photo { .. } => &[],
        };
        Asked { task_id: (self.call == Call::QueryTask).then_some(self.subject.as_str()), json }
    }

    pub(super) const fn is_upload(&self) -> bool {
        matches!(self.payload, Payload::Photo { .. })
    }

    /// Once the caller has gone away, it is sent no more; an attempt that left before that ends by itself.
    pub(crate) fn on_behalf_of(mut self, caller: Caller) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Returns when the caller has gone away; never, if nobody can.
    pub(super) async fn given_up(&self) {
        match &self.caller {
            Some(caller) => caller.gone().await,
            None => std::future::pending().await,
        }
    }

    /// Its timeout does not begin before the rate limiter lets it out.
    pub(crate) fn patient(mut self) -> Self {
        self.permit = Permit::BeforeTimeout;
        self
    }

    pub(crate) fn within(mut self, limits: CallLimits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) fn on_retry(mut self, on_retry: Option<OnRetry>) -> Self {
        self.on_retry = on_retry;
        self
    }

    /// What a create asked for, as it may be shown; nothing else needs to be told.
    pub(super) fn sent(&self) -> String {
        let Payload::Json(json) = &self.payload else { return String::new() };
        let Some(url) = &self.callback_url else { return String::from_utf8_lossy(json).into_owned() };
        let mut body: Value = serde_json::from_slice(json).unwrap_or_default();
        if let Some(sent) = body.get_mut("callback_url") {
            *sent = callback::shown(url).into();
        }
        body.to_string()
    }

    /// `text` without the callback address: what servers say may quote what they were sent.
    pub(super) fn redact(&self, text: String) -> String {
        match self.callback_url.as_deref().map(callback::secret_part) {
            Some(secret) if secret.len() >= SHORTEST_SECRET => text.replace(secret, callback::REDACTED),
            _ => text,
        }
    }

    pub(super) fn context(&self) -> String {
        if self.subject.is_empty() { self.call.name().to_owned() } else { format!("{} {}", self.call, self.subject) }
    }
}

/// Files keep no name of theirs: it may be anything, and says who is on the photo.
pub(super) fn form(photo: &CheckedPhoto, body: reqwest::Body) -> reqwest::Result<Form> {
    let name = format!("photo.{}", photo.format.extension());
    let part = Part::stream_with_length(body, photo.bytes).file_name(name).mime_str(photo.format.mime())?;
    Ok(Form::new().part("file", part))
}
