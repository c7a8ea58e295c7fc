//! What a call sends.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde::Serialize;

use super::body::OnBytes;
use crate::{
    call::Call,
    caller::Caller,
    error::{Error, ErrorKind, Result},
    photo::CheckedPhoto,
    wire::Asked,
};

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

/// One call, as the caller wants it.
pub(crate) struct Request {
    pub(crate) call: Call,
    /// What it is about, for messages: a task id, a photo.
    pub(crate) subject: String,
    pub(crate) payload: Payload,
    pub(crate) on_retry: Option<OnRetry>,
    /// Bounds this call rather than the client's option.
    pub(super) timeout: Option<Duration>,
    /// Who waits for it, where the call may outlive them.
    caller: Option<Caller>,
    /// Its timeout does not begin before the client's rate limiter lets it out.
    pub(super) is_patient: bool,
}

impl Request {
    pub(crate) fn new(call: Call, subject: impl Into<String>, payload: Payload) -> Self {
        let subject = subject.into();
        Self { call, subject, payload, on_retry: None, timeout: None, caller: None, is_patient: false }
    }

    /// One look at a task.
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

    pub(crate) fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }

    pub(crate) fn within(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn on_retry(mut self, on_retry: Option<OnRetry>) -> Self {
        self.on_retry = on_retry;
        self
    }

    pub(super) fn context(&self) -> String {
        if self.subject.is_empty() { self.call.name().to_owned() } else { format!("{} {}", self.call, self.subject) }
    }
}

/// What a create asked for; nothing else needs to be told.
pub(super) fn sent(payload: &Payload) -> &str {
    match payload {
        Payload::Json(json) => std::str::from_utf8(json).unwrap_or_default(),
        Payload::Nothing | Payload::Photo { .. } => "",
    }
}

/// Files keep no name of theirs: it may be anything, and says who is on the photo.
pub(super) fn form(photo: &CheckedPhoto, body: reqwest::Body) -> reqwest::Result<Form> {
    let name = format!("photo.{}", photo.format.extension());
    let part = Part::stream_with_length(body, photo.bytes).file_name(name).mime_str(photo.format.mime())?;
    Ok(Form::new().part("file", part))
}
