//! One attempt: a request made and signed, sent, its answer read and classified.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Request as Outgoing, Response,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::time::Instant;

use super::{
    Payload, Request, Transport,
    body::{self, SendGuard, StallTimer},
    cause, coding,
    request::form,
    unix_ms,
};
use crate::{
    answer,
    call::{AttemptOutcome, Call},
    credential::{self, Signed, content_md5},
    disk,
    error::{Error, ErrorKind, Result},
    gateway::{self, ErrorHeaders},
    wire::Reply,
};

/// No answer of the service is larger.
const MAX_ANSWER: usize = 8 << 20;
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An attempt that brought no answer: what it means, and what the gateway said about trying again.
pub(super) struct Failure {
    pub(super) outcome: AttemptOutcome,
    pub(super) error: Error,
    pub(super) retry_after: Option<Duration>,
    /// The gateway's own clock.
    pub(super) date: Option<SystemTime>,
}

impl Failure {
    pub(super) fn new(outcome: AttemptOutcome, error: Error) -> Self {
        Self { outcome, error, retry_after: None, date: None }
    }
}

impl Transport {
    pub(super) async fn attempt<T: Reply>(
        &self,
        request: &Request,
        deadline: Option<Instant>,
        last: bool,
    ) -> Result<T, Failure> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let guard = SendGuard::default();
        let stall = StallTimer::new();
        let limit = self.attempt_limit(request, started, deadline, last);
        let stall_limit = self.options.limits.stall_limit;
        let outcome = tokio::select! {
            biased;
            outcome = self.exchange(request, &guard, &stall) => Ok(outcome),
            () = tokio::time::sleep(limit.unwrap_or_default()), if limit.is_some() => {
                // Where it had all the time that was left, what is told is the time that the caller gave the call.
                let timeout = self.timeout(request);
                Err(limit.filter(|limit| *limit == timeout / 3).unwrap_or(timeout))
            }
            () = stall.elapsed(stall_limit), if request.is_upload() => Err(stall_limit),
            () = unsent_and_given_up(request, &guard), if request.call.is_create() => {
                return Err(Failure::new(AttemptOutcome::Refused, Error::cancelled_call(request.call)));
            }
        };
        let outcome = outcome.unwrap_or_else(|limit| {
            // A create that never left may be sent again; of any other, nobody knows.
            let unsent = request.call.is_create() && guard.revoke();
            let outcome = if unsent { AttemptOutcome::NotConnected } else { AttemptOutcome::Lost };
            Err(Failure::new(outcome, no_answer(limit)))
        });
        let error = outcome.as_ref().err().map(|failure| &failure.error);
        tracing::debug!(
            call = %request.call,
            subject = request.subject,
            ms = started.elapsed().as_millis() as u64,
            error = error.map(tracing::field::display),
            "attempt ended"
        );
        outcome
    }

    /// A repeatable call gives one attempt a third of its time, so that one stall is not the end. The last attempt gets
    /// all that is left, as does one after a timeout: the service may just be slow. Uploads have a stall limit of
    /// their own.
    fn attempt_limit(
        &self,
        request: &Request,
        now: Instant,
        deadline: Option<Instant>,
        last: bool,
    ) -> Option<Duration> {
        let left = deadline? - now;
        let whole = last || request.call.is_create() || request.is_upload();
        Some(if whole { left } else { left.min(self.timeout(request) / 3) })
    }

    /// How long all attempts of a call may take.
    pub(super) fn timeout(&self, request: &Request) -> Duration {
        request.limits.timeout.unwrap_or(self.options.limits.timeout)
    }

    async fn exchange<T: Reply>(&self, request: &Request, guard: &SendGuard, stall: &StallTimer) -> Result<T, Failure> {
        // What fails before sending is ours: never sent, never repeated.
        let refused = |error| Failure::new(AttemptOutcome::Refused, error);
        let client = if request.call.is_create() { self.connections.creates() } else { self.connections.repeatable() };
        let client = client.map_err(refused)?;
        let outgoing = self.outgoing(client, request, guard, stall).await.map_err(refused)?;

        let sent = client.execute(outgoing).await;
        let mut response = sent.map_err(|error| unsent_or_lost(request.call, guard, error))?;
        stall.reset();
        let body = read(&mut response, MAX_ANSWER, || stall.reset()).await;
        let body = body.and_then(|body| decoded(response.headers(), body));
        let status = response.status();
        let redact = |text: &str| request.redact(self.options.redact(text));
        let error_headers = || ErrorHeaders::read(response.headers(), &redact);
        tracing::debug!(call = %request.call, status = status.as_u16(), request_id = error_headers().request_id, "answered");
        let (outcome, error) = if status.is_success() {
            match body.and_then(|body| answer::parse(&body, request.asked(), &redact)) {
                Ok(reply) => return Ok(reply),
                Err((outcome, error)) => (outcome, error.with_http_status(status.as_u16())),
            }
        } else {
            let body = body.unwrap_or_default();
            let (outcome, error) = gateway::refusal(status, &error_headers(), &body);
            (outcome, answer::add_details(error, &body, &redact))
        };
        let ErrorHeaders { request_id, code, .. } = error_headers();
        let retry_after = gateway::retry_after(response.headers());
        Err(Failure {
            outcome,
            error: error.with_gateway(request_id, code).with_retry_after(retry_after),
            retry_after,
            date: gateway::date(response.headers()),
        })
    }

    /// The request of one attempt, signed anew.
    async fn outgoing(
        &self,
        client: &Client,
        request: &Request,
        guard: &SendGuard,
        stall: &StallTimer,
    ) -> Result<Outgoing> {
        let builder =
            client.request(request.call.method(), self.url(request.call)).headers(self.options.headers.clone());
        let mut md5 = String::new();
        let builder = match &request.payload {
            Payload::Nothing => builder,
            Payload::Json(json) => {
                let body = if request.call.is_create() { guard.body(json.clone()) } else { json.clone().into() };
                let builder = builder.header(CONTENT_TYPE, JSON).body(body);
                if self.options.credential.signs() {
                    md5 = content_md5(json);
                    builder.header(CONTENT_MD5, &md5)
                } else {
                    builder
                }
            }
            Payload::Photo { photo, on_bytes } => {
                let body = body::photo(photo, self.files.clone(), stall.clone(), on_bytes.clone()).await?;
                builder.multipart(form(photo, body).map_err(unsendable)?)
            }
        };
        let mut outgoing = builder.build().map_err(unsendable)?;
        outgoing.headers_mut().insert(ACCEPT, HeaderValue::from_static(credential::ACCEPT));
        // Without it, any coding would be allowed.
        outgoing.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));

        let mut headers = std::mem::take(outgoing.headers_mut());
        let content_type = headers.get(CONTENT_TYPE).cloned();
        let signed = Signed {
            method: outgoing.method().as_str(),
            path: outgoing.url().path(),
            content_type: content_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default(),
            content_md5: &md5,
        };
        let now = unix_ms(SystemTime::now()).saturating_add_signed(self.clock_offset.load(Ordering::Relaxed));
        self.options.credential.authenticate(signed, self.options.stage, now, &mut headers);
        *outgoing.headers_mut() = headers;
        Ok(outgoing)
    }
}

pub(super) fn unsendable(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the request can't be made: {error}")).with_source(error)
}

pub(super) fn no_answer(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"))
}

/// Returns when the caller has gone away before the request left; one that is on its way has to end by itself.
async fn unsent_and_given_up(request: &Request, guard: &SendGuard) {
    request.given_up().await;
    if !guard.revoke() {
        std::future::pending::<()>().await;
    }
}

/// Sorts what the HTTP library reports into "never left" and "left, and no answer".
fn unsent_or_lost(call: Call, guard: &SendGuard, error: reqwest::Error) -> Failure {
    if let Some(ours) = body::fault(&error) {
        return Failure::new(AttemptOutcome::Refused, ours);
    }
    let never_left = error.is_connect() || (call.is_create() && !guard.was_sent());
    if never_left {
        let what = if error.is_timeout() { "no connection in time" } else { "no connection" };
        Failure::new(AttemptOutcome::NotConnected, broken(what, error))
    } else {
        Failure::new(AttemptOutcome::Lost, broken("the connection broke", error))
    }
}

/// Says why in words, without the URL.
pub(super) fn broken(what: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let message = format!("{what}: {}", cause::in_words(&error));
    if cause::innermost(&error).downcast_ref().is_some_and(disk::is_out_of_files) {
        return Error::new(ErrorKind::Io, message).retryable().with_source(error);
    }
    Error::new(ErrorKind::Transport, message).with_source(error)
}

/// Reads a body whole, but not beyond `limit`.
pub(super) async fn read(
    response: &mut Response,
    limit: usize,
    reset: impl Fn(),
) -> Result<Bytes, (AttemptOutcome, Error)> {
    let too_large = || {
        let message = format!("the answer is larger than {} MiB", limit >> 20);
        (AttemptOutcome::Unreadable, Error::new(ErrorKind::Protocol, message))
    };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let broke = |error| (AttemptOutcome::Lost, broken("the answer broke off", error));
    // Most answers come in one piece, which needs no copy.
    let first = response.chunk().await.map_err(broke)?.unwrap_or_default();
    let mut body = BytesMut::new();
    while first.len().max(body.len()) <= limit {
        reset();
        match response.chunk().await.map_err(broke)? {
            None if body.is_empty() => return Ok(first),
            None => return Ok(body.freeze()),
            Some(chunk) if body.is_empty() => {
                body.extend_from_slice(&first);
                body.extend_from_slice(&chunk);
            }
            Some(chunk) => body.extend_from_slice(&chunk),
        }
    }
    Err(too_large())
}

/// What somebody on the way has compressed all the same.
fn decoded(headers: &HeaderMap, body: Bytes) -> Result<Bytes, (AttemptOutcome, Error)> {
    coding::decode(headers, body, MAX_ANSWER).map_err(|error| (AttemptOutcome::Unreadable, error))
}
