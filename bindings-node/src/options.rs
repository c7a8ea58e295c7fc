//! Options of JavaScript as the core takes them. What is absent stays absent: the defaults are the core's.

use std::{collections::HashMap, time::Duration};

use napi_derive::napi;
use xiezhen::{Client, Error, OptionChanges, Result};

use crate::error::refused;

/// When a task is polled: first `initialMs` after its creation (at once, if this client didn't create it), then after
/// pauses that grow by `factor` up to `maxMs`; all ±20 % by chance, and a `Retry-After` comes instead.
#[napi(object, object_to_js = false)]
pub struct PollSchedule {
    /// From the task's creation to the first poll.
    pub initial_ms: f64,
    /// By how much each pause is longer than the one before; at least 1.
    pub factor: f64,
    /// The longest pause.
    pub max_ms: f64,
}

/// Where, who, and limits. What is absent comes from the environment (`XIEZHEN_BASE_URL`, and `XIEZHEN_APP_CODE` or
/// `XIEZHEN_APP_KEY` with `XIEZHEN_APP_SECRET`) or is the default. A credential given here switches the environment's off.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ClientOptions {
    /// Where the API is: `https://….market.alicloudapi.com`. There is no default.
    pub base_url: Option<String>,
    /// The AppCode of the purchase: one of the two credentials.
    pub app_code: Option<String>,
    /// The AppKey that signs requests, together with `appSecret`.
    pub app_key: Option<String>,
    /// The AppSecret of the AppKey.
    pub app_secret: Option<String>,
    /// Bounds a whole call, its repetitions included (uploads and downloads have a stall limit instead). 60 s.
    pub timeout_ms: Option<f64>,
    /// Bounds making one connection. 10 s.
    pub connect_timeout_ms: Option<f64>,
    /// How often a call that may be repeated is sent again. 4.
    pub max_retries: Option<f64>,
    /// At most so many calls of the gateway in any one second, by this client. 10; `Infinity` lifts the limit.
    pub requests_per_second: Option<f64>,
    /// How many photos of a job are uploaded at a time. 4.
    pub upload_concurrency: Option<f64>,
    /// No more than so many bytes are sent of a photo: a larger one is prepared, or refused if that is off. 5 MiB.
    pub max_photo_bytes: Option<f64>,
    /// Whether photos are cleaned of their metadata, location included, and turned, converted and scaled where the
    /// service would not take them as they are. On; off, every photo is sent as it is, or refused.
    pub prepare_photos: Option<bool>,
    /// A task with more pictures than this is refused when they are to be saved. 1000.
    pub max_pictures: Option<f64>,
    /// When trainings are polled. 15 s, ×1.5, up to 60 s.
    pub training_schedule: Option<PollSchedule>,
    /// When generations are polled. 3 s, ×1.5, up to 15 s.
    pub generation_schedule: Option<PollSchedule>,
    /// A PEM file of certificate authorities that are trusted beside the system's.
    pub ca_file: Option<String>,
    /// A proxy for all but loopback, in place of the environment's; empty for none.
    pub proxy: Option<String>,
    /// Which deployment of the API answers: `RELEASE` (as by default), `PRE` or `TEST`; the gateway's `X-Ca-Stage`.
    pub stage: Option<String>,
    /// Headers that go with every call of the gateway, and nowhere else. Those that the client sends itself are refused.
    pub headers: Option<Vec<Vec<String>>>,
    /// Allows `http://` to hosts other than this machine: whoever listens reads the credential.
    pub allow_http: Option<bool>,
    /// Fetches results from this machine, its network and metadata services too.
    pub allow_private_results: Option<bool>,
    /// Refuses results whose address is `http://`; a notice otherwise.
    pub require_https_results: Option<bool>,
}

/// Sets what is there.
macro_rules! set {
    ($builder:ident: $($name:ident = $value:expr,)+) => {
        $(if let Some(value) = $value {
            $builder = $builder.$name(value);
        })+
    };
}

impl ClientOptions {
    /// The client, or all that is wrong with its options: what can't be converted, and what the core refuses.
    pub(crate) fn build(self, mut environment: HashMap<String, String>) -> Result<Client> {
        let mut problems = Problems::default();
        // Node's own variable: who has set it means all of the program's connections.
        let extra = environment.remove("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty());
        let mut builder = Client::builder().environment(environment);
        for (name, value) in self.headers.into_iter().flatten().filter_map(header) {
            builder = builder.header(name, value);
        }
        set!(builder:
            base_url = self.base_url,
            app_code = self.app_code,
            app_key = self.app_key,
            app_secret = self.app_secret,
            timeout = problems.note(duration("timeoutMs", self.timeout_ms)),
            connect_timeout = problems.note(duration("connectTimeoutMs", self.connect_timeout_ms)),
            max_retries = problems.note(retries(self.max_retries)),
            requests_per_second = self.requests_per_second,
            upload_concurrency = problems.note(whole("uploadConcurrency", self.upload_concurrency)).map(|count| count as usize),
            max_photo_bytes = problems.note(whole("maxPhotoBytes", self.max_photo_bytes)),
            prepare_photos = self.prepare_photos,
            max_pictures = problems.note(whole("maxPictures", self.max_pictures)).map(|count| count as usize),
            training_schedule = problems.note(schedule("trainingSchedule", self.training_schedule)),
            generation_schedule = problems.note(schedule("generationSchedule", self.generation_schedule)),
            ca_file = self.ca_file,
            extra_ca_file = extra,
            proxy = self.proxy,
            stage = self.stage,
            allow_http = self.allow_http,
            allow_private_results = self.allow_private_results,
            require_https_results = self.require_https_results,
        );
        problems.and(builder.build())
    }
}

/// What differs of a client that shares another's connections.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ChangedOptions {
    /// In place of the client's.
    pub timeout_ms: Option<f64>,
    /// In place of the client's.
    pub max_retries: Option<f64>,
    /// In place of the client's.
    pub training_schedule: Option<PollSchedule>,
    /// In place of the client's.
    pub generation_schedule: Option<PollSchedule>,
    /// In place of the client's.
    pub stage: Option<String>,
    /// In place of all headers of the client.
    pub headers: Option<Vec<Vec<String>>>,
}

impl ChangedOptions {
    /// The client under these, or all that is wrong with them.
    pub(crate) fn of(self, client: &Client) -> Result<Client> {
        let mut problems = Problems::default();
        let mut changes = OptionChanges::default();
        set!(changes:
            timeout = problems.note(duration("timeoutMs", self.timeout_ms)),
            max_retries = problems.note(retries(self.max_retries)),
            training_schedule = problems.note(schedule("trainingSchedule", self.training_schedule)),
            generation_schedule = problems.note(schedule("generationSchedule", self.generation_schedule)),
            stage = self.stage,
            headers = self.headers.map(|headers| headers.into_iter().filter_map(header).collect::<Vec<_>>()),
        );
        problems.and(client.with_options(changes))
    }
}

/// A header, of its name and its value.
fn header(pair: Vec<String>) -> Option<(String, String)> {
    <[String; 2]>::try_from(pair).ok().map(|[name, value]| (name, value))
}

/// How often a call may be sent again.
pub(crate) fn retries(count: Option<f64>) -> Result<Option<u32>> {
    whole("maxRetries", count).map(|count| count.map(|count| u32::try_from(count).unwrap_or(u32::MAX)))
}

/// What can't be converted.
#[derive(Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    pub(crate) fn note<T>(&mut self, converted: Result<Option<T>>) -> Option<T> {
        converted.unwrap_or_else(|error| {
            self.0.extend(error.into_problems());
            None
        })
    }

    /// The outcome, if there is no problem.
    pub(crate) fn and<T>(mut self, outcome: Result<T>) -> Result<T> {
        match outcome {
            outcome if self.0.is_empty() => outcome,
            Ok(_) => Err(Error::invalid(self.0)),
            Err(error) => {
                self.0.extend(error.into_problems());
                Err(Error::invalid(self.0))
            }
        }
    }
}

/// Milliseconds of the caller.
pub(crate) fn duration(name: &str, ms: Option<f64>) -> Result<Option<Duration>> {
    let convert = |ms: f64| Duration::try_from_secs_f64(ms / 1000.0).map_err(|_| no_duration(name, ms));
    ms.map(convert).transpose()
}

fn no_duration(name: &str, ms: f64) -> Error {
    refused(format!("{name} must be a number of milliseconds, not {ms}"))
}

/// JavaScript has one kind of number; what the core counts is whole and not negative.
fn whole(name: &str, number: Option<f64>) -> Result<Option<u64>> {
    let convert = |number: f64| {
        let fits = number >= 0.0 && number.fract() == 0.0 && number <= 9_007_199_254_740_991.0;
        if fits { Ok(number as u64) } else { Err(refused(format!("{name} must be a whole number, not {number}"))) }
    };
    number.map(convert).transpose()
}

fn schedule(name: &str, schedule: Option<PollSchedule>) -> Result<Option<xiezhen::PollSchedule>> {
    let Some(PollSchedule { initial_ms, factor, max_ms }) = schedule else { return Ok(None) };
    let mut problems = Problems::default();
    let initial = problems.note(duration(&format!("{name}.initialMs"), Some(initial_ms)));
    let max = problems.note(duration(&format!("{name}.maxMs"), Some(max_ms)));
    problems.and(Ok(initial.zip(max).map(|(initial, max)| xiezhen::PollSchedule { initial, factor, max })))
}

/// How `advance` goes about it.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct AdvanceSettings {
    /// The folder for pictures; without one, none are fetched. The job remembers it.
    pub save_to: Option<String>,
    /// Starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    pub recreate: Option<bool>,
    /// What callback addresses call the job, in place of its id.
    pub callback_key: Option<String>,
    /// Bounds the whole advance; without it, the client's `timeoutMs` bounds each of its calls.
    pub timeout_ms: Option<f64>,
}

/// How `run` goes about it.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct RunSettings {
    /// The folder for pictures; without one, none are fetched. The job remembers it.
    pub save_to: Option<String>,
    /// The file that keeps the job, so that it can go on after this process. Loaded if it is there. A lock file beside
    /// it keeps other processes out (local file systems only).
    pub checkpoint: Option<String>,
    /// Bounds the whole run; without it, each task's own deadline does (training 2 h, generation 30 min).
    pub timeout_ms: Option<f64>,
    /// Starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    pub recreate: Option<bool>,
    /// What callback addresses call the job, in place of its id.
    pub callback_key: Option<String>,
    /// Draws progress on standard error: bars on a terminal, plain lines elsewhere.
    pub progress: Option<bool>,
}

/// How `runMany` goes about it.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct RunManySettings {
    /// The folder for pictures; those of a job with a key are in a folder of that name below it.
    pub save_to: Option<String>,
    /// The folder of the jobs' checkpoints: `<key>.json`, or the job's identity in place of the key. The same jobs run
    /// again resume where they left off.
    pub checkpoints: Option<String>,
    /// How many jobs run at a time; without it, as many as `requestsPerSecond` can feed.
    pub concurrency: Option<f64>,
    /// Bounds the run of each job.
    pub timeout_ms: Option<f64>,
    /// Starts again, and is billed for, what is found failed or of unknown outcome when the call begins.
    pub recreate: Option<bool>,
}

impl RunManySettings {
    pub(crate) fn into_core(self) -> Result<xiezhen::RunManyOptions> {
        let mut problems = Problems::default();
        let mut options = xiezhen::RunManyOptions::default().recreate(self.recreate.unwrap_or_default());
        options.save_to = self.save_to.map(Into::into);
        options.checkpoints = self.checkpoints.map(Into::into);
        options.concurrency = problems.note(whole("concurrency", self.concurrency)).map(|jobs| jobs as usize);
        options.timeout = problems.note(duration("timeoutMs", self.timeout_ms));
        problems.and(Ok(options))
    }
}

impl AdvanceSettings {
    pub(crate) fn into_core(self) -> Result<xiezhen::AdvanceOptions> {
        let mut options = xiezhen::AdvanceOptions::default().recreate(self.recreate.unwrap_or_default());
        options.callback_key = self.callback_key;
        options.save_to = self.save_to.map(Into::into);
        options.timeout = duration("timeoutMs", self.timeout_ms)?;
        Ok(options)
    }
}

impl RunSettings {
    pub(crate) fn into_core(self) -> Result<xiezhen::RunOptions> {
        let mut options = xiezhen::RunOptions::default().recreate(self.recreate.unwrap_or_default());
        options.callback_key = self.callback_key;
        options.save_to = self.save_to.map(Into::into);
        options.checkpoint = self.checkpoint.map(Into::into);
        options.timeout = duration("timeoutMs", self.timeout_ms)?;
        options.on_event = self.progress.unwrap_or_default().then(xiezhen::cli::progress);
        Ok(options)
    }
}
