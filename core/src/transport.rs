//! One exchange with the gateway: send, read, classify, and send again where that is allowed.

mod attempt;
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

use reqwest::Url;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};
use tracing::Instrument;

use self::request::Permit;
pub(crate) use self::request::{CallLimits, OnRetry, Payload, Request};
use self::{attempt::Failure, connection::Connections, places::Places};
use crate::{
    call::{AttemptOutcome, Call, RetryDecision},
    error::{Error, ErrorKind, Result},
    file_work::FileWork,
    options::Options,
    photo::PhotoThreads,
    rate_limit::RateLimiter,
    wire::Reply,
};

/// A clock that differs by more is not a machine's that runs a gateway: signatures of next year are for nobody.
const FARTHEST_CLOCK: Duration = Duration::from_secs(24 * 60 * 60);
/// One job's photos, and some of the next one's.
const OPEN_PHOTOS: usize = 24;

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
    pub(crate) photo_threads: Arc<PhotoThreads>,
    pub(crate) files: FileWork,
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
            photo_threads: Arc::default(),
            files: FileWork::new(),
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
                let unanswered = deadline.is_some() && failure.error.kind() == ErrorKind::Timeout;
                let error = if unanswered { attempt::no_answer(self.timeout(&request)) } else { failure.error };
                return Err(error.within(&context));
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
}

/// Full jitter: anything from nothing to a pause that doubles, so that clients don't come back together.
pub(crate) fn backoff(retry: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(10);
    let longest = FIRST.saturating_mul(1 << retry.saturating_sub(1).min(16)).min(LONGEST);
    longest.mul_f64(fastrand::f64())
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
