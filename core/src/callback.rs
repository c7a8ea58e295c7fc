//! Callbacks: addresses that the service may call when a task changes, and what to make of it when it does
//! (docs/design.md §9).
//!
//! The service documents nothing but `callback_url`, so a callback is a hint: it makes a poll happen now, and nothing
//! of it is believed.

mod hint;
mod inbox;
#[cfg(feature = "receiver")]
mod receiver;
#[cfg(feature = "receiver")]
mod request;
mod token;
mod trust;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

pub use self::hint::Hint;
#[cfg(feature = "receiver")]
pub use self::receiver::Receiver;
use self::token::LONGEST_KEY;
pub(crate) use self::{
    inbox::{Inbox, Inboxes},
    token::Subject,
    trust::{Trust, fallback},
};
use crate::{
    error::{Error, Result},
    options::is_loopback,
};

/// A shorter secret could be guessed.
const SHORTEST_SECRET: usize = 16;
/// How much of a request's body a receiver reads: one byte more is [`Received::status`] 413.
pub const MAX_CALLBACK_BYTES: usize = 64 << 10;
/// The methods that a receiver accepts, as the header `Allow` has them.
pub const CALLBACK_METHODS: &str = "GET, POST, PUT";

/// Makes the callback addresses of creates, and recognises what comes back. Cheap to clone.
///
/// An address is `<public_url>/<base64url(key)>.<slot>.<attempt>.<mac>`. Nothing has to be stored to verify it. Whoever
/// learns one can cause a poll a second, and nothing else.
///
/// ```
/// let callbacks = xiezhen::Callbacks::new("https://shop.example/portraits", "a secret of 16 bytes or more")?;
/// let address = callbacks.url("order-17")?;
/// let received = callbacks.receive("POST", &address, &[("content-type", "application/json")], br#"{"task_id": "7"}"#);
/// assert_eq!(received.status, 204);
/// assert_eq!(received.hint.unwrap().key, "order-17");
/// # Ok::<(), xiezhen::Error>(())
/// ```
#[derive(Clone)]
pub struct Callbacks(Arc<Inner>);

struct Inner {
    public_url: String,
    /// The first one signs; every one is accepted.
    secrets: Vec<SecretString>,
    inboxes: Inboxes,
    trust: Mutex<Trust>,
}

/// What a receiver is to answer, and what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// 204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too long.
    pub status: u16,
    /// The hint, where there is one.
    pub hint: Option<Hint>,
}

impl Callbacks {
    /// Callbacks to addresses below `public_url`, signed with `secret` (at least 16 bytes).
    ///
    /// `public_url` is `https://`, or `http://` on this machine; it may have a path, but no user information, query or
    /// fragment.
    pub fn new(public_url: &str, secret: impl Into<SecretString>) -> Result<Self> {
        Self::with_secrets(public_url, [secret])
    }

    /// The same with several secrets, so that they can be rotated: the first signs, and all are accepted.
    pub fn with_secrets<S: Into<SecretString>>(public_url: &str, secrets: impl IntoIterator<Item = S>) -> Result<Self> {
        Self::from_parts(Some(public_url), Some(secrets.into_iter().map(Into::into).collect()), &|_| None)
    }

    /// Callbacks as the environment describes them: `XIEZHEN_CALLBACK_URL` and `XIEZHEN_CALLBACK_SECRET`, where several
    /// secrets are separated by commas.
    pub fn from_env() -> Result<Self> {
        Self::from_parts(None, None, &|name| std::env::var(name).ok())
    }

    /// What is not given is looked up in the environment.
    #[doc(hidden)]
    pub fn from_parts(
        public_url: Option<&str>,
        secrets: Option<Vec<SecretString>>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mut problems = Vec::new();
        let public_url = public_url.map(str::to_owned).or_else(|| environment("XIEZHEN_CALLBACK_URL"));
        let public_url = public_url.map_or_else(
            || Err("‹public_url› is missing: pass it or set XIEZHEN_CALLBACK_URL".to_owned()),
            |text| check_public_url(&text),
        );
        let split = |text: String| text.split(',').map(|one| SecretString::from(one.trim())).collect();
        let secrets = secrets.or_else(|| environment("XIEZHEN_CALLBACK_SECRET").map(split)).unwrap_or_default();
        if secrets.is_empty() {
            problems.push("‹secret› is missing: pass it or set XIEZHEN_CALLBACK_SECRET".to_owned());
        } else if secrets.iter().any(|secret| secret.expose_secret().len() < SHORTEST_SECRET) {
            problems.push(format!("‹secret› must have at least {SHORTEST_SECRET} bytes"));
        }
        match public_url {
            Ok(public_url) if problems.is_empty() => {
                Ok(Self(Arc::new(Inner { public_url, secrets, inboxes: Inboxes::default(), trust: Mutex::default() })))
            }
            Ok(_) => Err(Error::invalid(problems)),
            Err(problem) => {
                problems.insert(0, problem);
                Err(Error::invalid(problems))
            }
        }
    }

    /// The address for a single call, such as [`create_task`](crate::Client::create_task): what is sent to it comes
    /// back as a [`Hint`] with this `key`. Jobs make their own.
    pub fn url(&self, key: &str) -> Result<String> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(Error::invalid(vec![format!("key must have 1 to {LONGEST_KEY} bytes")]));
        }
        Ok(self.address(&Subject { key: key.to_owned(), slot: None, attempt: 0 }))
    }

    pub(crate) fn address(&self, subject: &Subject) -> String {
        let token = self.0.secrets.first().map(|secret| token::sign(secret, subject)).unwrap_or_default();
        format!("{}/{token}", self.0.public_url)
    }

    /// Where addresses begin, without a trailing slash.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// Reads one request that came to a receiver. Nothing is read or sent, and nobody is told: see
    /// [`deliver`](Self::deliver).
    ///
    /// `target` is the path with its query, or the whole URL; only the path's last segment and the query count. Of a
    /// body, pass at most [`MAX_CALLBACK_BYTES`] and one byte.
    pub fn receive<H: AsRef<str>>(&self, method: &str, target: &str, headers: &[(H, H)], body: &[u8]) -> Received {
        let refuse = |status| Received { status, hint: None };
        let target = target.split_once('#').map_or(target, |(target, _)| target);
        // Some services append to an address without looking how it ends.
        let (path, query) = target.find(['?', '&']).map_or((target, ""), |at| target.split_at(at));
        let token = path.rsplit_once('/').map_or(path, |(_, token)| token);
        let Some(subject) = token::verify(&self.0.secrets, token) else { return refuse(404) };
        if !CALLBACK_METHODS.split(", ").any(|known| known == method) {
            return refuse(405);
        }
        let mut lengths = headers.iter().filter(|(name, _)| name.as_ref().eq_ignore_ascii_case("content-length"));
        let announced = lengths.find_map(|(_, value)| value.as_ref().trim().parse::<u64>().ok()).unwrap_or_default();
        if body.len() > MAX_CALLBACK_BYTES || announced > MAX_CALLBACK_BYTES as u64 {
            return refuse(413);
        }
        let hint = hint::read(subject, query.trim_start_matches(['?', '&']), body);
        tracing::debug!(key = hint.key, slot = hint.slot, attempt = hint.attempt, "callback received");
        Received { status: 204, hint: Some(hint) }
    }

    /// Hands a hint to the jobs of this process that run with these callbacks: their task is polled now. What
    /// [`listen`](Self::listen) and the adapters of other languages do with each hint.
    pub fn deliver(&self, hint: &Hint) {
        if let Some(subject) = hint.subject() {
            self.trust().hear(&subject, Instant::now());
        }
        self.0.inboxes.deliver(hint);
    }

    /// The hints for `key`, from now on, are put into this inbox.
    pub(crate) fn open_inbox(&self, key: &str, inbox: &Arc<Inbox>) {
        self.0.inboxes.open(key, inbox);
    }

    /// A query has shown that a task has ended. A run that relies on callbacks hears that one is overdue.
    pub(crate) fn on_end(&self, subject: Subject, is_expected: bool) {
        let now = Instant::now();
        let may_be_lost = {
            let mut trust = self.trust();
            trust.end(subject, is_expected, now);
            trust.holds_until(now).is_some()
        };
        if may_be_lost {
            self.0.inboxes.wake_all();
        }
    }

    pub(crate) fn trust(&self) -> MutexGuard<'_, Trust> {
        self.0.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("public_url", &self.0.public_url).finish_non_exhaustive()
    }
}

fn check_public_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("‹public_url› is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("‹public_url› must begin with https:// and name a host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("‹public_url› must not contain user information".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("‹public_url› must not contain a query or a fragment: addresses are appended to its path".into());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("‹public_url› is http://, which shows addresses to whoever listens: use https://".into());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// What is shown in place of the last part of an address.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// The last part of a callback address, query included: it proves who made it, and is for the service only.
pub(crate) fn secret_part(address: &str) -> &str {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let slash = address.get(..end).and_then(|path| path.rfind('/')).map_or(0, |slash| slash + 1);
    address.get(slash..).unwrap_or_default()
}

/// A callback address as it may be shown.
pub(crate) fn shown(address: &str) -> String {
    let folder = address.len() - secret_part(address).len();
    format!("{}{REDACTED}", address.get(..folder).unwrap_or_default())
}
