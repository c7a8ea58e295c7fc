//! What is fuzzed, and what each promises.

use std::time::Duration;

use fastrand::Rng;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use xiezhen::{
    Callbacks, ErrorKind, Hint, Job, PhotoPlan,
    internals::{check_photo, make_photo, read_answer, read_refusal},
};

use crate::{advanced::Advanced, corpus, folder::Folder, mutate::mutated, results::Results};

/// Something that reads foreign bytes.
pub(crate) trait Target {
    /// What `--only` calls it.
    fn name(&self) -> &'static str;
    /// The input of a case.
    fn input(&self, random: &mut Rng) -> Vec<u8>;
    /// Reads it; says which promise was broken.
    fn run(&self, input: &[u8]) -> Result<(), String>;
    /// So long a case may have a processor.
    fn limit(&self) -> Duration {
        QUICK
    }
    /// How many cases of a quick target one of this takes as long as.
    fn cost(&self) -> u64 {
        1
    }
}

/// Nothing else takes more than milliseconds of a processor: a second is a loop.
const QUICK: Duration = Duration::from_secs(1);

type Check = fn(&[u8]) -> Result<(), String>;

/// A function over mutations of a corpus.
struct Reader {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static str],
    check: Check,
    cost: u64,
    limit: Duration,
}

impl Target for Reader {
    fn name(&self) -> &'static str {
        self.name
    }

    fn input(&self, random: &mut Rng) -> Vec<u8> {
        mutated(random, &self.seeds, self.words)
    }

    fn run(&self, input: &[u8]) -> Result<(), String> {
        (self.check)(input)
    }

    fn limit(&self) -> Duration {
        self.limit
    }

    fn cost(&self) -> u64 {
        self.cost
    }
}

/// Every target.
pub(crate) fn all() -> Result<Vec<Box<dyn Target>>, Box<dyn std::error::Error>> {
    Ok(vec![
        Box::new(Reader {
            name: "answers",
            seeds: corpus::answers(),
            words: ANSWER_WORDS,
            check: answer,
            cost: 1,
            limit: QUICK,
        }),
        Box::new(Reader {
            name: "refusals",
            seeds: corpus::refusals(),
            words: REFUSAL_WORDS,
            check: refusal,
            cost: 1,
            limit: QUICK,
        }),
        Box::new(Reader {
            name: "photos",
            seeds: corpus::photos(),
            words: &["\0\0\0\0", "ftyp", "meta"],
            check: photo,
            cost: 1,
            limit: QUICK,
        }),
        Box::new(Reader {
            name: "pictures",
            seeds: corpus::pictures(),
            words: &["\0\0\0\0", "Exif\0\0", "eXIf", "tEXt", "IDAT", "VP8X", "ICC_PROFILE\0", "acTL", "fdAT", "ANMF"],
            check: picture,
            cost: 10,
            // As long as one of 64 MP takes, which is accepted.
            limit: Duration::from_secs(5),
        }),
        Box::new(Reader { name: "jobs", seeds: corpus::jobs(), words: JOB_WORDS, check: job, cost: 1, limit: QUICK }),
        Box::new(Reader {
            name: "callbacks",
            seeds: corpus::callbacks()?,
            words: &["task_id", "user_id=", "\"data\":{", "{\"body\":\"", "?", "&", ".", "POST /", "GET"],
            check: callback,
            cost: 1,
            limit: QUICK,
        }),
        Box::new(Advanced::new()?),
        Box::new(Results::new()?),
        Box::new(Folder::new()?),
    ])
}

const ANSWER_WORDS: &[&str] =
    &["\"ret\":0,", "\"body\":", "\"state\":6", "\"result_paths\":null", "\"tsk_type\":", "\"id\":1"];
const REFUSAL_WORDS: &[&str] = &[
    "x-ca-error-code: ",
    "x-ca-error-message: ",
    "retry-after: ",
    "Throttled by ",
    "T429GR",
    "N502RE",
    "408\n",
    "\n\n",
    "-1",
    "inf",
    "NaN",
    "Sun, 31 Dec 9999 23:59:59 GMT",
];
pub(crate) const JOB_WORDS: &[&str] =
    &["\"version\":2,", "\"intent\":true,", "\"state\":\"failed\",", "\"task_id\":\"\",", "\"training\":null,"];

pub(crate) fn ensure(holds: bool, promise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(promise.to_owned()) }
}

/// The secret of the corpus' addresses.
pub(crate) const CALLBACK_SECRET: &str = "a secret for fuzzing";

/// `METHOD target\n` and a body. Never anything but the four statuses; a hint only with 204, for the key that was signed,
/// with few and short ids; and it survives being sent on.
fn callback(bytes: &[u8]) -> Result<(), String> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head);
    let (method, target) = head.split_once(' ').unwrap_or((&head, ""));
    let callbacks = Callbacks::new("https://fuzz.example", CALLBACK_SECRET).map_err(|error| error.to_string())?;
    let received = callbacks.receive(method, target, &[("content-length", "1")], body.get(1..).unwrap_or_default());
    ensure(matches!(received.status, 204 | 404 | 405 | 413), "a status that no receiver answers")?;
    ensure((received.status == 204) == received.hint.is_some(), "204 and a hint belong together")?;
    let Some(hint) = received.hint else { return Ok(()) };
    ensure(hint.verified && corpus::CALLBACK_KEYS.contains(&hint.key.as_str()), "a key that nobody signed")?;
    let ids = hint.task_ids.iter().chain(&hint.user_id);
    ensure(
        hint.task_ids.len() <= 8 && ids.map(String::len).all(|length| (1..=200).contains(&length)),
        "what is no id",
    )?;
    let sent_on = Hint::from_json(&hint.to_json()).map_err(|error| error.to_string())?;
    ensure(sent_on == hint, "a hint that changes when it is sent on")
}

/// No value or a typed error; no answer ever makes a create be sent again.
fn answer(bytes: &[u8]) -> Result<(), String> {
    for refused in read_answer(bytes) {
        ensure(!refused.again, "an answer made a create be sent again")?;
        match refused.error.kind() {
            ErrorKind::Protocol => ensure(refused.unknown, "a create's unreadable answer is not outcome_unknown")?,
            ErrorKind::Api => ensure(
                !refused.unknown && refused.error.ret().is_none_or(|ret| ret != 0),
                "a refusal without a ret, or of unknown outcome",
            )?,
            kind => return Err(format!("an answer that is {kind}")),
        }
    }
    Ok(())
}

/// `status\nheaders\n\nbody`. A create is sent again only for the gateway's throttle and its clock (docs/design.md §5.1).
fn refusal(bytes: &[u8]) -> Result<(), String> {
    let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(split);
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.parse::<u16>().ok()).unwrap_or(500);
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    if (200..300).contains(&status) {
        return Ok(());
    }
    let Some(refused) = read_refusal(status, &headers, body) else { return Ok(()) };
    let text = |name: &str| {
        let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
        value.unwrap_or_default().trim().to_owned()
    };
    let (code, message) = (text("x-ca-error-code"), text("x-ca-error-message"));
    let throttled = code.starts_with("t429") || message.starts_with("throttled by");
    let clock = message.starts_with("timestamp expired") || message.starts_with("invalid timestamp");
    ensure(!refused.again || throttled || clock, "a create is sent again without a reason")?;
    ensure(!(refused.again && message.starts_with("throttled by domain")), "a daily limit is tried again")?;
    ensure(!(refused.again && refused.unknown), "sent again and unknown")?;
    let given_back = (400..500).contains(&status) && status != 408;
    ensure(given_back || refused.again || refused.unknown, "a status that is no refusal was taken for one")?;
    let wait = refused.error.retry_after().unwrap_or_default();
    ensure(wait.as_secs() <= 366 * 24 * 3600, "Retry-After without bounds")
}

/// How a picture of this type begins.
fn begins_as(bytes: &[u8], mime: &str) -> bool {
    match mime {
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/png" => bytes.starts_with(b"\x89PNG"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        "image/bmp" => bytes.starts_with(b"BM"),
        "image/gif" => bytes.starts_with(b"GIF8"),
        "image/tiff" => bytes.starts_with(b"II") || bytes.starts_with(b"MM"),
        "image/heic" => bytes.get(4..8) == Some(b"ftyp"),
        _ => false,
    }
}

/// What is accepted begins as one of the types that are sent or converted, and is not larger than allowed.
fn photo(bytes: &[u8]) -> Result<(), String> {
    const MOST: u64 = 4096;
    let Ok(mime) = check_photo(bytes.to_vec(), MOST) else { return Ok(()) };
    ensure(begins_as(bytes, mime), "a photo of no accepted type")?;
    ensure(bytes.len() as u64 <= MOST, "a photo that is too large")
}

/// What is sent of a picture is of a type that the service takes, not too large, without what was to be cleaned out of it,
/// and would be sent as it is.
fn picture(bytes: &[u8]) -> Result<(), String> {
    // The smaller ones make room by other encodings, and by fewer pixels.
    const MOST: [u64; 4] = [700, 1500, 5000, 64 << 10];
    let most = MOST.get(bytes.len() % MOST.len()).copied().unwrap_or_default();
    let Ok(made) = make_photo(bytes.to_vec(), most) else { return Ok(()) };
    ensure(made.bytes.len() as u64 <= most, "more is sent than is allowed")?;
    let sent = ["image/jpeg", "image/png", "image/webp", "image/bmp"];
    ensure(sent.contains(&made.mime) && begins_as(&made.bytes, made.mime), "what is sent is of another type")?;
    ensure(made.plan != PhotoPlan::AsIs || made.bytes == bytes, "a photo that is sent as it is was changed")?;
    let again = make_photo(made.bytes.clone(), most).map_err(|problem| format!("what is sent {problem}"))?;
    ensure(again.plan == PhotoPlan::AsIs, "what is sent would be cleaned or prepared once more")
}

/// What is read can be written, and read again, as the same.
fn job(bytes: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    let Ok(job) = Job::from_json(text) else { return Ok(()) };
    let written = job.to_json().map_err(|error| format!("read, but not written: {error}"))?;
    let again = Job::from_json(&written).map_err(|error| format!("not read as it was written: {error}"))?;
    let value = |json: &str| serde_json::from_str::<Value>(json).map_err(|error| error.to_string());
    let rewritten = again.to_json().map_err(|error| error.to_string())?;
    ensure(value(&written)? == value(&rewritten)?, "another job after writing and reading")?;
    let _ = (job.stage(), job.user_id(), job.photos(), job.portraits(), job.pending_task_id(), job.save_to());
    let unknown = job.to_json().is_ok_and(|json| json.contains("\"intent\": true"));
    let adopted = job.adopt("t9", Some("U9")).is_ok();
    ensure(unknown || !adopted, "adopted where nothing was unknown")
}
