//! Pictures: from whatever host the service names, without any credential, and without trust in that host.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT_ENCODING, HeaderValue, LOCATION},
};
use tokio::time::Instant;

pub(crate) use super::places::Place;
use super::{
    Transport,
    attempt::broken,
    body::{self, StallTimer},
    coding::{Decoder, Receiver},
};
use crate::{
    addresses::{self, Reach},
    error::{Error, ErrorKind, Result},
    gateway,
};

/// Pictures above this are refused.
const MAX_PICTURE: u64 = 64 << 20;
const MAX_REDIRECTS: usize = 5;
/// Less than this in a second, over as long as a transfer may stall, is given up.
const LEAST_A_SECOND: u64 = 1 << 10;
/// Less than this in a second, over a moment, makes room for others.
const SLOW_A_SECOND: u64 = 4 << 10;
/// How often that is checked, for the usual stall limit of 60 s.
const MOMENTS: u32 = 12;
/// A piece that takes longer to be written makes room for others.
const LONGEST_IN_HAND: Duration = Duration::from_secs(1);
/// A picture may take so many stall limits in all.
const LONGEST: u32 = 10;

/// A download that brought nothing whole.
pub(crate) struct FailedDownload {
    /// What the host answered, if it did.
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Error,
}

impl From<Error> for FailedDownload {
    fn from(error: Error) -> Self {
        Self { status: None, error }
    }
}

impl Transport {
    /// Waits until one more picture of this host may be fetched.
    pub(crate) async fn download_place(&self, url: &Url) -> Place {
        let host = url.host_str().unwrap_or_default();
        self.downloads.take(&format!("{host}:{}", url.port_or_known_default().unwrap_or_default())).await
    }

    /// The host of an address that everybody on the way can read and change, if it is one.
    pub(crate) fn asks_in_the_clear(&self, url: &str) -> Option<String> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
        let is_public = self.options.results_reach() == Reach::Named && !addresses::is_inside(&url);
        is_public.then(|| host(&url).to_owned())
    }

    /// How long all attempts for one picture may take together.
    pub(crate) fn longest_download(&self) -> Duration {
        self.options.limits.stall_limit.saturating_mul(LONGEST)
    }

    /// Fetches a picture: no credential goes along, and what comes too slowly is given up.
    pub(crate) async fn download(
        &self,
        url: &Url,
        place: &mut Place,
        until: Instant,
        receiver: &mut impl Receiver,
    ) -> Result<(), FailedDownload> {
        let (stall, arrived) = (StallTimer::new(), Arc::new(AtomicU64::new(0)));
        let limit = self.options.limits.stall_limit;
        let fetch = async {
            let mut response = self.follow(url).await?;
            stall.reset();
            let mut decoder = Decoder::new(response.headers(), MAX_PICTURE)?;
            if response.content_length().is_some_and(|length| length > MAX_PICTURE) {
                return Err(decoder.too_large().into());
            }
            while let (piece, hand) = self.downloads.piece_in_hand(&mut response).await
                && let Some(piece) = piece.map_err(|error| broken("the answer broke off", error))?
            {
                stall.reset();
                arrived.fetch_add(piece.len() as u64, Ordering::Relaxed);
                let mut fed = pin!(decoder.feed(piece, receiver));
                // A disk that hangs holds up no other.
                match tokio::time::timeout(LONGEST_IN_HAND, &mut fed).await {
                    Ok(fed) => fed?,
                    Err(_) => {
                        drop(hand);
                        fed.await?;
                    }
                }
            }
            Ok(decoder.finish(receiver).await?)
        };
        let too_slow = |message| FailedDownload::from(Error::new(ErrorKind::Timeout, message));
        tokio::select! {
            outcome = fetch => outcome,
            () = stall.elapsed(limit) => Err(too_slow(format!("nothing arrived for {limit:?}"))),
            () = crawls(&arrived, limit, place) => {
                Err(too_slow(format!("less than {LEAST_A_SECOND} bytes a second arrived for {limit:?}")))
            }
            () = tokio::time::sleep_until(until) => {
                Err(too_slow(format!("it did not arrive within {:?}", self.longest_download())))
            }
        }
    }

    /// Asks for a picture, and goes on to where its host says it is.
    async fn follow(&self, url: &Url) -> Result<Response, FailedDownload> {
        let mut url = url.clone();
        let mut reach = self.options.results_reach();
        for _ in 0..=MAX_REDIRECTS {
            reach.check(&url)?;
            if self.options.limits.require_https_results && url.scheme() == "http" && !addresses::is_inside(&url) {
                let message = format!("the address is http://{}, which ‹require_https_results› refuses", host(&url));
                return Err(Error::new(ErrorKind::Protocol, message).into());
            }
            let client = self.connections.pictures(&url, reach)?;
            let request = client.get(url.clone()).header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let response = request.send().await.map_err(|error| match body::fault(&error) {
                Some(ours) => ours,
                None => broken("no answer", error),
            })?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let Some(next) = redirect(&url, &response)? else { return Err(refusal(&response)) };
            url = next;
            if reach == Reach::Named {
                reach = Reach::Redirected;
            }
        }
        Err(Error::new(ErrorKind::Protocol, format!("it is redirected more than {MAX_REDIRECTS} times")).into())
    }
}

/// Where an answer points, if it is a redirect; https never becomes http.
fn redirect(from: &Url, response: &Response) -> Result<Option<Url>> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection());
    let Some(location) = location else { return Ok(None) };
    let refuse = |why: &str| Error::new(ErrorKind::Protocol, format!("{} redirects {why}", host(from)));
    let next = location.to_str().ok().and_then(|location| from.join(location).ok());
    match next {
        Some(next) if next.scheme() == "https" || next.scheme() == "http" && from.scheme() == "http" => Ok(Some(next)),
        Some(next) if next.scheme() == "http" => Err(refuse("from https to http")),
        _ => Err(refuse("to what is not an http(s) URL")),
    }
}

fn refusal(response: &Response) -> FailedDownload {
    let status = response.status();
    let kind = match status.as_u16() {
        429 => ErrorKind::RateLimited,
        408 | 500.. => ErrorKind::Transport,
        _ => ErrorKind::Api,
    };
    // What a stranger writes is not quoted: it may be anybody's.
    let error = Error::new(kind, format!("HTTP {}", status.as_u16())).with_http_status(status.as_u16());
    FailedDownload { status: Some(status), error: error.with_retry_after(gateway::retry_after(response.headers())) }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// Returns when too little has arrived for as long as a transfer may stall. One that is slow for a moment gives its
/// place up before that.
async fn crawls(arrived: &AtomicU64, limit: Duration, place: &mut Place) {
    let moment = limit / MOMENTS;
    let bytes_in = |rate: u64, time: Duration| (rate as f64 * time.as_secs_f64()) as u64;
    let mut before = [0; MOMENTS as usize];
    for tick in 0.. {
        tokio::time::sleep(moment).await;
        let now = arrived.load(Ordering::Relaxed);
        let slots = before.len();
        let last = before.get((tick + slots - 1) % slots).copied().unwrap_or_default();
        if now - last < bytes_in(SLOW_A_SECOND, moment) {
            place.give_up();
        }
        let Some(longest_ago) = before.get_mut(tick % slots) else { return };
        // The time before the first byte has a limit of its own.
        if tick >= slots && *longest_ago > 0 && now - *longest_ago < bytes_in(LEAST_A_SECOND, limit) {
            return;
        }
        *longest_ago = now;
    }
}
