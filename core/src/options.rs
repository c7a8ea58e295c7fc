//! A client's options: defaults, the environment, and the checks that all of them pass once.

mod changes;
mod checks;
mod headers;
mod proxies;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, path::PathBuf, time::Duration};

use reqwest::header::HeaderMap;
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

pub use self::changes::OptionChanges;
use self::{
    checks::{check_base_url, is_proxy, read_authorities},
    headers::{check_headers, check_stage},
    proxies::Proxies,
};
use crate::{
    addresses::{Reach, is_localhost},
    credential::Credential,
    error::{Error, Result},
    photo::Rules,
    rate_limit::SharedRate,
};

/// Times above this are refused: no clock reaches much further.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When a task is polled: first `initial` after its creation (at once, if this client didn't create it), then after
/// pauses that grow by `factor` up to `max`; all ±20 % by chance, and a `Retry-After` comes instead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollSchedule {
    /// From the task's creation to the first poll.
    pub initial: Duration,
    /// How many times as long as the one before each pause is; at least 1.
    pub factor: f64,
    /// The longest pause.
    pub max: Duration,
}

impl PollSchedule {
    /// Training takes minutes: 15 s, growing by half up to 60 s.
    pub const TRAINING: Self = Self { initial: Duration::from_secs(15), factor: 1.5, max: Duration::from_secs(60) };
    /// Generation takes seconds to minutes: 3 s, growing by half up to 15 s.
    pub const GENERATION: Self = Self { initial: Duration::from_secs(3), factor: 1.5, max: Duration::from_secs(15) };

    /// The pause after `polls` polls, without jitter.
    pub(crate) fn pause(&self, polls: u32) -> Duration {
        let grown = self.initial.as_secs_f64() * self.factor.powi(i32::try_from(polls).unwrap_or(i32::MAX));
        Duration::try_from_secs_f64(grown).map_or(self.max, |pause| pause.min(self.max))
    }

    fn problem(&self, name: &str) -> Option<String> {
        let grows = self.factor >= 1.0 && self.factor.is_finite();
        let fits = !self.initial.is_zero() && grows && (self.initial..=LONGEST).contains(&self.max);
        let rule = "initial > 0, factor >= 1, and max from initial to a year";
        let (initial, max) = (self.initial.as_secs_f64(), self.max.as_secs_f64());
        (!fits).then(|| format!("‹{name}› must have {rule}, not {initial} s, {} and {max} s", self.factor))
    }
}

/// Where requests go out.
#[derive(Clone)]
pub(crate) enum Route {
    /// As `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Environment,
    Direct,
    Proxy(String),
}

/// Options that have passed every check.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) base_url: Url,
    pub(crate) credential: Credential,
    /// `X-Ca-Stage`, where it was given.
    pub(crate) stage: Option<&'static str>,
    /// Sent with every call of the gateway.
    pub(crate) headers: HeaderMap,
    pub(crate) limits: Limits,
    pub(crate) proxies: Proxies,
    pub(crate) shared_rate: SharedRate,
}

/// The options that have defaults.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) stall_limit: Duration,
    pub(crate) max_retries: u32,
    pub(crate) requests_per_second: f64,
    pub(crate) upload_concurrency: usize,
    pub(crate) max_photo_bytes: u64,
    pub(crate) max_pictures: usize,
    pub(crate) allow_private_results: bool,
    pub(crate) require_https_results: bool,
    pub(crate) prepare_photos: bool,
    pub(crate) training_schedule: PollSchedule,
    pub(crate) generation_schedule: PollSchedule,
    /// Trusted beside the system's.
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    pub(crate) route: Route,
}

impl std::fmt::Debug for Route {
    /// A proxy's address may contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Proxy(_) => "Proxy",
        })
    }
}

impl Options {
    /// Host and port that a job is bound to.
    pub(crate) fn host(&self) -> String {
        let host = self.base_url.host_str().unwrap_or_default();
        self.base_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// `text` without credentials, and without proxies' passwords: what servers say may quote what they were sent.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.proxies.redact(&self.credential.redact(text))
    }

    /// How far addresses of results may lead.
    pub(crate) fn results_reach(&self) -> Reach {
        if self.limits.allow_private_results { Reach::Anywhere } else { Reach::of_base(&self.base_url) }
    }
}

/// Whether `url` stays on this machine: no proxy is asked for it, and `http` is fine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

/// Collects a client's options; what is not set comes from the environment or is the default.
///
/// `XIEZHEN_BASE_URL`, `XIEZHEN_APP_CODE`, or `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`. A credential
/// that is given here switches the environment's off.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClientBuilder {
    /// Hidden too: until it is checked, user information may be in it.
    base_url: Option<SecretString>,
    app_code: Option<SecretString>,
    app_key: Option<SecretString>,
    app_secret: Option<SecretString>,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    stall_limit: Option<Duration>,
    max_retries: Option<u32>,
    requests_per_second: Option<f64>,
    upload_concurrency: Option<usize>,
    max_photo_bytes: Option<u64>,
    max_pictures: Option<usize>,
    prepare_photos: Option<bool>,
    training_schedule: Option<PollSchedule>,
    generation_schedule: Option<PollSchedule>,
    ca_file: Option<PathBuf>,
    extra_ca_file: Option<PathBuf>,
    proxy: Option<SecretString>,
    stage: Option<String>,
    headers: Vec<(String, SecretString)>,
    allow_http: bool,
    allow_private_results: bool,
    require_https_results: bool,
    environment: Option<HashMap<String, SecretString>>,
}

/// Setters that differ in name and type only.
macro_rules! setters {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty,)+) => {
        impl ClientBuilder {
            $($(#[doc = $doc])+
            pub fn $name(mut self, $name: impl Into<$type>) -> Self {
                self.$name = Some($name.into());
                self
            })+
        }
    };
}

setters! {
    /// The AppCode of the purchase: one of the two credentials.
    app_code: SecretString,
    /// The AppKey that signs requests, together with `app_secret`.
    app_key: SecretString,
    /// The AppSecret of the AppKey.
    app_secret: SecretString,
    /// Bounds a whole call, its repetitions included (uploads and downloads have a stall limit instead). 60 s.
    timeout: Duration,
    /// Bounds making one connection. 10 s.
    connect_timeout: Duration,
    /// How often a call that may be repeated is sent again. 4.
    max_retries: u32,
    /// At most so many calls of the gateway in any one second, by this client and its clones. 10; `f64::INFINITY`
    /// lifts the budget.
    requests_per_second: f64,
    /// How many photos of a job are uploaded at a time. 4.
    upload_concurrency: usize,
    /// No more than so many bytes are sent of a photo: a larger one is prepared, or refused if that is off. 5 MiB.
    max_photo_bytes: u64,
    /// A task with more pictures than this is refused when they are to be saved. 1000.
    max_pictures: usize,
    /// Whether photos are cleaned of their metadata, location included, and prepared where the service would not take
    /// them as they are: turned upright, converted, scaled down. On.
    prepare_photos: bool,
    /// When trainings are polled. 15 s, ×1.5, up to 60 s.
    training_schedule: PollSchedule,
    /// When generations are polled. 3 s, ×1.5, up to 15 s.
    generation_schedule: PollSchedule,
    /// A PEM file of certificate authorities that are trusted beside the system's.
    ca_file: PathBuf,
    /// A proxy for all but loopback, in place of the environment's: `http://…`, `https://…`, `socks5://…` or
    /// `socks5h://…` (which resolves names itself); empty for none.
    proxy: SecretString,
    /// Which deployment of the API answers: `RELEASE` (as by default), `PRE` or `TEST`; the gateway's `X-Ca-Stage`.
    stage: String,
}

impl ClientBuilder {
    /// A header that goes with every call of the gateway, and nowhere else. Those that the client sends itself are
    /// refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Where the API is: `https://….market.alicloudapi.com`. A path prefix is kept and signed;
    /// user information, a query or a fragment is refused. There is no default.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into().into());
        self
    }

    /// Allows `http://` to hosts other than this machine: whoever listens reads the credential.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Allows results to be fetched from this machine, its network and metadata services, and redirects to them. Without
    /// it, that is refused, unless `base_url` is such an address itself.
    pub fn allow_private_results(mut self, allow: bool) -> Self {
        self.allow_private_results = allow;
        self
    }

    /// Refuses results whose address is `http://`: whoever is on the way reads and changes them. Without it, that is a
    /// [`Notice`](crate::Event::Notice).
    pub fn require_https_results(mut self, require: bool) -> Self {
        self.require_https_results = require;
        self
    }

    /// Takes what is not set from these variables rather than from the process's: a thread of Node has its own.
    #[doc(hidden)]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let hidden = variables.into_iter().map(|(name, value)| (name, SecretString::from(value)));
        self.environment = Some(hidden.collect());
        self
    }

    /// More authorities to trust, from a file that a language's runtime was told of (`NODE_EXTRA_CA_CERTS`): as with that
    /// runtime, one that can't be read is warned of and left out.
    #[doc(hidden)]
    pub fn extra_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.extra_ca_file = Some(path.into());
        self
    }

    /// How long an upload or a download may stand still. For tests: the default is 60 s.
    #[doc(hidden)]
    pub fn stall_limit(mut self, limit: Duration) -> Self {
        self.stall_limit = Some(limit);
        self
    }

    /// Fills in the environment and the defaults, and checks everything.
    pub(crate) fn fill_in(mut self) -> Result<Options> {
        match self.environment.take() {
            Some(given) => self.check(|name| given.get(name).map(|value| value.expose_secret().to_owned())),
            None => self.check(|name| std::env::var(name).ok()),
        }
    }

    /// Reports everything that does not fit at once.
    fn check(self, environment: impl Fn(&str) -> Option<String>) -> Result<Options> {
        let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mut problems = Vec::new();
        let given = self.base_url.as_ref().map(|url| url.expose_secret().to_owned());
        let base_url = given.or_else(|| environment("XIEZHEN_BASE_URL"));
        let base_url = base_url
            .ok_or_else(|| "‹base_url› is missing: pass it or set XIEZHEN_BASE_URL".to_owned())
            .and_then(|text| check_base_url(&text, self.allow_http))
            .map_err(|problem| problems.push(problem));
        let credential = self.credential(environment).map_err(|problem| problems.push(problem));
        let stage = self.stage.as_deref().and_then(|stage| check_stage(stage).map_err(|p| problems.push(p)).ok());
        let headers = check_headers(&self.headers, &mut problems);
        let mut authorities = Vec::new();
        if let Some(path) = self.ca_file.as_deref() {
            let read = read_authorities(path).map_err(|why| problems.push(format!("‹ca_file› {why}")));
            authorities.extend(read.unwrap_or_default());
        }
        if let Some(path) = self.extra_ca_file.as_deref() {
            let read = read_authorities(path).map_err(|why| tracing::warn!("authorities are left out: {why}"));
            authorities.extend(read.unwrap_or_default());
        }
        let limits = self.limits(authorities);
        problems.extend(limits.problems());

        match (base_url, credential) {
            (Ok(base_url), Ok(credential)) if problems.is_empty() => {
                let proxies = Proxies::of(&limits.route);
                let shared_rate = SharedRate::default();
                Ok(Options { base_url, credential, stage, headers, limits, proxies, shared_rate })
            }
            _ => Err(Error::invalid(problems)),
        }
    }

    fn limits(self, authorities: Vec<CertificateDer<'static>>) -> Limits {
        Limits {
            timeout: self.timeout.unwrap_or(Duration::from_secs(60)),
            connect_timeout: self.connect_timeout.unwrap_or(Duration::from_secs(10)),
            stall_limit: self.stall_limit.unwrap_or(Duration::from_secs(60)),
            max_retries: self.max_retries.unwrap_or(4),
            requests_per_second: self.requests_per_second.unwrap_or(10.0),
            upload_concurrency: self.upload_concurrency.unwrap_or(4),
            max_photo_bytes: self.max_photo_bytes.unwrap_or(Rules::default().max_bytes),
            max_pictures: self.max_pictures.unwrap_or(1000),
            allow_private_results: self.allow_private_results,
            require_https_results: self.require_https_results,
            prepare_photos: self.prepare_photos.unwrap_or(Rules::default().prepare),
            training_schedule: self.training_schedule.unwrap_or(PollSchedule::TRAINING),
            generation_schedule: self.generation_schedule.unwrap_or(PollSchedule::GENERATION),
            authorities,
            route: match self.proxy {
                None => Route::Environment,
                Some(proxy) if proxy.expose_secret().is_empty() => Route::Direct,
                Some(proxy) => Route::Proxy(proxy.expose_secret().to_owned()),
            },
        }
    }
}

impl Limits {
    /// What photos have to be like.
    pub(crate) const fn photo_rules(&self) -> Rules {
        Rules { max_bytes: self.max_photo_bytes, prepare: self.prepare_photos }
    }

    /// What is out of range.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, value) in [("timeout", self.timeout), ("connect_timeout", self.connect_timeout)] {
            if value.is_zero() || value > LONGEST {
                problems
                    .push(format!("‹{name}› must be more than 0 and at most a year, not {} s", value.as_secs_f64()));
            }
        }
        if self.requests_per_second.is_nan() || self.requests_per_second < 0.001 {
            problems.push(format!("‹requests_per_second› must be at least 0.001, not {}", self.requests_per_second));
        }
        if self.upload_concurrency == 0 {
            problems.push("‹upload_concurrency› must be at least 1".into());
        }
        if self.max_photo_bytes == 0 {
            problems.push("‹max_photo_bytes› must be at least 1".into());
        }
        if self.max_pictures == 0 {
            problems.push("‹max_pictures› must be at least 1".into());
        }
        problems.extend(self.training_schedule.problem("training_schedule"));
        problems.extend(self.generation_schedule.problem("generation_schedule"));
        if let Route::Proxy(proxy) = &self.route
            && !is_proxy(proxy)
        {
            // Not as it was given: it may contain a password.
            let rule = "begin with http://, https://, socks5:// or socks5h:// and name a host, such as http://proxy:3128; \
                        empty means none";
            problems.push(format!("‹proxy› must {rule}"));
        }
        problems
    }
}
