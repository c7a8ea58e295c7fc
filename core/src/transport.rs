//! One exchange with the gateway: send, read, classify, and send again where that is allowed.

pub(crate) mod body;
mod cause;
pub(crate) mod coding;
mod connection;
pub(crate) mod download;
mod no_proxy;
mod places;
mod request;
mod resolver;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Request as Outgoing, Response, Url,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};
use tracing::Instrument;

use self::request::Permit;
pub(crate) use self::request::{CallLimits, OnRetry, Payload, Request};
use self::{
    body::{SendGuard, StallTimer},
    connection::Connections,
    places::Places,
    request::form,
};
use crate::{
    answer,
    call::{AttemptOutcome, Call, RetryDecision},
    credential::{self, Signed, content_md5},
    disk,
    error::{Error, ErrorKind, Result},
    gateway::{self, ErrorHeaders},
    options::Options,
    rate_limit::RateLimiter,
    wire::Reply,
};

/// No answer of the service is larger.
const MAX_ANSWER: usize = 8 << 20;
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A clock that differs by more is not a machine's that runs a gateway: signatures of next year are for nobody.
const FARTHEST_CLOCK: Duration = Duration::from_secs(24 * 60 * 60);
/// One job's photos, and some of the next one's.
const OPEN_PHOTOS: usize = 24;

/// An attempt that brought no answer: what it means, and what the gateway said about trying again.
struct Failure {
    outcome: AttemptOutcome,
    error: Error,
    retry_after: Option<Duration>,
    /// The gateway's own clock.
    date: Option<SystemTime>,
}

impl Failure {
    fn new(outcome: AttemptOutcome, error: Error) -> Self {
        Self { outcome, error, retry_after: None, date: None }
    }
}

/// The way to the gateway, with everything that calls share.
#[derive(Clone)]
pub(crate) struct Transport {
    options: Arc<Options>,
    connections: Arc<Connections>,
    /// The address of each call, made once.
    urls: Arc<[Url; Call::ALL.len()]>,
    pub(crate) limiter: Arc<RateLimiter>,
    /// Photos that are on their way at a time, of all jobs together.
    uploads: Arc<Semaphore>,
    /// Photos that are open at a time: more would not be sent sooner, and a process may have few files open.
    pub(crate) open_photos: Arc<Semaphore>,
    /// Preparing one takes all its pixels: one at a time.
    pub(crate) preparing: Arc<Semaphore>,
    downloads: Arc<Places>,
    /// What the gateway's clock is ahead of ours, in milliseconds.
    clock_offset: Arc<AtomicI64>,
    /// Whether the last poll took longer than its third of the timeout: then the next one may take all of it.
    is_slow: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

impl Transport {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        Self {
            connections: Arc::new(Connections::new(options.clone())),
            limiter: Arc::new(RateLimiter::sharing(options.limits.requests_per_second, options.shared_rate.clone())),
            uploads: Arc::new(Semaphore::new(options.limits.upload_concurrency.min(Semaphore::MAX_PERMITS))),
            open_photos: Arc::new(Semaphore::new(OPEN_PHOTOS.max(options.limits.upload_concurrency.min(1000)))),
            preparing: Arc::new(Semaphore::new(1)),
            downloads: Arc::new(Places::new()),
            clock_offset: Arc::default(),
            is_slow: Arc::default(),
            calls: Arc::default(),
            urls: Arc::new(Call::ALL.map(|call| {
                let mut url = options.base_url.clone();
                url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), call.path()));
                url
            })),
            options,
        }
    }

    /// The same connections and limits, under other options.
    pub(crate) fn under(&self, options: Arc<Options>) -> Self {
        Self { options, ..self.clone() }
    }

    /// The same, where another number of repetitions was asked for.
    pub(crate) fn retrying(&self, max_retries: Option<u32>) -> Self {
        let Some(max_retries) = max_retries else { return self.clone() };
        let mut options = (*self.options).clone();
        options.limits.max_retries = max_retries;
        self.under(Arc::new(options))
    }

    /// How many attempts were made, of all calls together.
    #[cfg(feature = "cli")]
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes a call: as many attempts as [`Call::after`] and the options allow.
    pub(crate) async fn call<T: Reply>(&self, request: Request) -> Result<T> {
        let span = tracing::debug_span!("call", call = %request.call, subject = request.subject);
        self.attempts(request).instrument(span).await
    }

    /// Waits until the rate limiter lets the request out: what is done between this and [`call`](Self::call) is brief.
    pub(crate) async fn permit(&self, mut request: Request) -> Result<Request> {
        self.wait_for_permit(&request, None).await?;
        request.permit = Permit::Held;
        Ok(request)
    }

    async fn attempts<T: Reply>(&self, request: Request) -> Result<T> {
        // A job's call begins when the rate limiter lets it out: hundreds of jobs may be in the queue.
        if request.permit == Permit::BeforeTimeout {
            self.wait_for_permit(&request, None).await?;
        }
        let max_retries = request.limits.max_retries.unwrap_or(self.options.limits.max_retries);
        let mut has_permit = request.permit != Permit::WithinTimeout;
        let deadline = self.deadline(&request);
        let mut retries = 0;
        let mut repeated_once = false;
        let mut timed_out = false;
        loop {
            // Before the rate limiter, whose permit is for what is sent at once.
            let upload_permit = self.upload_permit(&request, deadline).await?;
            if !std::mem::take(&mut has_permit) {
                self.wait_for_permit(&request, deadline).await?;
            }
            let last = timed_out || retries >= max_retries;
            let failure = match self.attempt(&request, deadline, last).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            timed_out |= failure.error.kind() == ErrorKind::Timeout;
            drop(upload_permit);
            let context = request.context();
            let pause = match request.call.after(failure.outcome) {
                RetryDecision::Raise => return Err(failure.error.within(&context)),
                RetryDecision::Unknown => {
                    return Err(failure.error.into_outcome_unknown(&context, &request.sent()));
                }
                RetryDecision::AgainOnce if repeated_once || !self.learn_clock(&failure) => {
                    return Err(failure.error.within(&context));
                }
                RetryDecision::AgainOnce => {
                    repeated_once = true;
                    Duration::ZERO
                }
                RetryDecision::Again if retries >= max_retries => {
                    return Err(failure.error.within(&context));
                }
                RetryDecision::Again => {
                    retries += 1;
                    failure.retry_after.unwrap_or_else(|| backoff(retries))
                }
            };
            // Sleeping past the deadline would be useless.
            let patience = deadline.map_or(self.options.limits.stall_limit, |at| at - Instant::now());
            if pause >= patience {
                return Err(failure.error.within(&context));
            }
            tracing::info!(call = %request.call, error = %failure.error, pause_ms = pause.as_millis() as u64, "repeating");
            if let Some(tell) = &request.on_retry {
                tell(request.call, &failure.error, pause);
            }
            tokio::select! {
                () = request.given_up() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One attempt of a query, for the scheduler: it repeats in its own time, on a rate limiter it has asked for.
    pub(crate) async fn poll_task<T: Reply>(&self, task_id: &str) -> Result<T> {
        let request = Request::query(task_id)?;
        let deadline = self.deadline(&request);
        let patient = self.is_slow.load(Ordering::Relaxed);
        let started = Instant::now();
        let mut outcome = self.attempt(&request, deadline, patient).await;
        self.is_slow.store(started.elapsed() >= self.options.limits.timeout / 3, Ordering::Relaxed);
        // An error that a new timestamp and nonce cure does not end a wait.
        if let Err(failure) = &outcome
            && request.call.after(failure.outcome) == RetryDecision::AgainOnce
            && self.learn_clock(failure)
        {
            self.acquire_permit(&request, deadline).await?;
            outcome = self.attempt(&request, deadline, patient).await;
        }
        outcome.map_err(|failure| failure.error.within(&request.context()))
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    fn url(&self, call: Call) -> Url {
        self.urls.get(call as usize).unwrap_or(&self.options.base_url).clone()
    }

    /// Uploads have none unless their caller says so: they may take as long as they move.
    fn deadline(&self, request: &Request) -> Option<Instant> {
        let usual = || (!request.is_upload()).then_some(self.options.limits.timeout);
        // One beyond the clock's range is none.
        Instant::now().checked_add(request.limits.timeout.or_else(usual)?)
    }

    /// Waits until one more photo may be on its way.
    async fn upload_permit(&self, request: &Request, deadline: Option<Instant>) -> Result<Option<SemaphorePermit<'_>>> {
        if !request.is_upload() {
            return Ok(None);
        }
        let permit = self.uploads.acquire();
        // Never closed: there is always a permit to wait for.
        let Some(deadline) = deadline else { return Ok(permit.await.ok()) };
        tokio::time::timeout_at(deadline, permit).await.map(Result::ok).map_err(|_| {
            let message = "the timeout passed while other photos were being uploaded (‹upload_concurrency›)";
            Error::new(ErrorKind::Timeout, message).within(&request.context())
        })
    }

    /// Waits for the rate limiter. Nothing is outstanding here: who has gone away wants nothing sent.
    async fn wait_for_permit(&self, request: &Request, deadline: Option<Instant>) -> Result<()> {
        tokio::select! {
            biased;
            () = request.given_up() => Err(Error::cancelled_call(request.call)),
            permit = self.acquire_permit(request, deadline) => permit,
        }
    }

    async fn acquire_permit(&self, request: &Request, deadline: Option<Instant>) -> Result<()> {
        let Some(deadline) = deadline else {
            self.limiter.acquire().await;
            return Ok(());
        };
        let too_late = |message| Error::new(ErrorKind::Timeout, message).within(&request.context());
        if deadline <= Instant::now() {
            return Err(too_late("the timeout passed before anything was sent"));
        }
        tokio::time::timeout_at(deadline, self.limiter.acquire()).await.map_err(|_| {
            too_late(
                "the timeout passed while waiting for a permit of the client's rate limiter (‹requests_per_second›)",
            )
        })
    }

    /// Takes over the gateway's clock where it refused ours. False if it didn't tell its own.
    fn learn_clock(&self, failure: &Failure) -> bool {
        if failure.outcome != AttemptOutcome::ClockRefused {
            return true;
        }
        let Some(date) = failure.date else { return false };
        let offset = unix_ms(date).cast_signed() - unix_ms(SystemTime::now()).cast_signed();
        if offset.unsigned_abs() > FARTHEST_CLOCK.as_millis() as u64 {
            tracing::warn!(offset_ms = offset, "the gateway's clock is not believed: it differs by more than a day");
            return false;
        }
        tracing::warn!(offset_ms = offset, "this machine's clock differs from the gateway's");
        self.clock_offset.store(offset, Ordering::Relaxed);
        true
    }

    async fn attempt<T: Reply>(&self, request: &Request, deadline: Option<Instant>, last: bool) -> Result<T, Failure> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let guard = SendGuard::default();
        let stall = StallTimer::new();
        let limit = self.attempt_limit(request, started, deadline, last);
        let stall_limit = self.options.limits.stall_limit;
        let outcome = tokio::select! {
            biased;
            outcome = self.exchange(request, &guard, &stall) => Ok(outcome),
            () = tokio::time::sleep(limit.unwrap_or_default()), if limit.is_some() => Err(limit.unwrap_or_default()),
            () = stall.elapsed(stall_limit), if request.is_upload() => Err(stall_limit),
            () = unsent_and_given_up(request, &guard), if request.call.is_create() => {
                return Err(Failure::new(AttemptOutcome::Refused, Error::cancelled_call(request.call)));
            }
        };
        let outcome = outcome.unwrap_or_else(|limit| {
            // A create that never left may be sent again; of any other, nobody knows.
            let unsent = request.call.is_create() && guard.revoke();
            let outcome = if unsent { AttemptOutcome::NotConnected } else { AttemptOutcome::Lost };
            let message = format!("no answer within {limit:?}");
            Err(Failure::new(outcome, Error::new(ErrorKind::Timeout, message)))
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
        let third = request.limits.timeout.unwrap_or(self.options.limits.timeout) / 3;
        Some(if whole { left } else { left.min(third) })
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
        let marks = || ErrorHeaders::read(response.headers(), &redact);
        tracing::debug!(call = %request.call, status = status.as_u16(), request_id = marks().request_id, "answered");
        let (outcome, error) = if status.is_success() {
            match body.and_then(|body| answer::parse(&body, request.asked(), &redact)) {
                Ok(reply) => return Ok(reply),
                Err((outcome, error)) => (outcome, error.with_http_status(status.as_u16())),
            }
        } else {
            let body = body.unwrap_or_default();
            let (outcome, error) = gateway::refusal(status, &marks(), &body);
            (outcome, answer::add_details(error, &body, &redact))
        };
        let ErrorHeaders { request_id, code, .. } = marks();
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
                let body = body::photo(photo, stall.clone(), on_bytes.clone()).await?;
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

/// Full jitter: anything from nothing to a pause that doubles, so that clients don't come back together.
pub(crate) fn backoff(retry: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(10);
    let longest = FIRST.saturating_mul(1 << retry.saturating_sub(1).min(16)).min(LONGEST);
    longest.mul_f64(fastrand::f64())
}

fn unsendable(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the request can't be made: {error}")).with_source(error)
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
fn broken(what: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let message = format!("{what}: {}", cause::in_words(&error));
    if cause::innermost(&error).downcast_ref().is_some_and(disk::is_out_of_files) {
        return Error::new(ErrorKind::Io, message).retryable().with_source(error);
    }
    Error::new(ErrorKind::Transport, message).with_source(error)
}

/// Reads a body whole, but not beyond `limit`.
async fn read(response: &mut Response, limit: usize, reset: impl Fn()) -> Result<Bytes, (AttemptOutcome, Error)> {
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

/// Milliseconds since 1970.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
