//! What goes wrong on request: which requests it meets, and what happens to them.

use crate::call::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// One fault, built by naming whom it meets and then what happens.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub(crate) call: Call,
    pub(crate) task_id: Option<String>,
    pub(crate) skip: u64,
    pub(crate) times: Option<u64>,
    pub(crate) delay: Duration,
    pub(crate) answer_delay: Duration,
    pub(crate) work: bool,
    pub(crate) action: Action,
}

/// What happens to a request that meets a fault.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing but the delays.
    #[default]
    None,
    /// An answer of choice.
    Reply(Answered),
    /// The connection is closed without an answer.
    Close(Placed),
    /// The connection is reset (RST) without an answer.
    Reset(Placed),
    /// The right length is promised, only a part sent, then the connection closed.
    Half(HalfOf),
    /// No answer for as long as the client stays.
    Stall(StallAt),
    /// 200 with this many bytes of nonsense.
    Garbage(usize),
    /// 200 with a very long body.
    Large(LargeOf),
    /// The true answer, a few bytes at a time.
    Slow(SlowOf),
    /// The query answers with this state; the task is untouched.
    State(i64),
    /// These fields are laid over the query's body.
    AnswerTask(Map<String, Value>),
    /// These bytes are the whole response; the connection is closed after them.
    Raw(RawOf),
    /// Closes a kept connection, unanswered and unread, when its next request arrives on it.
    Stale(bool),
}

impl Action {
    /// What can't be done as it is asked for, if anything can't: something else would happen in silence.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Reply(reply) => reply.check(),
            Self::Half(HalfOf::Half(false)) => Err("half: true, or {\"bytes\": n}".to_owned()),
            Self::Stale(false) => Err("stale: true".to_owned()),
            Self::Raw(RawOf::Encoded { base64 }) => {
                BASE64.decode(base64).map(drop).map_err(|error| format!("raw: this is no base64: {error}"))
            }
            _ => Ok(()),
        }
    }
}

/// An answer of choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Headers; `X-Ca-Request-Id` and `Date` are added unless they are here.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Value,
}

impl Answered {
    fn check(&self) -> Result<(), String> {
        // What begins with 1 is no answer: it announces one.
        if !(200..=999).contains(&self.status) {
            return Err(format!("reply: no answer has the status {}", self.status));
        }
        let fits = |name: &str, value: &str| {
            HeaderName::try_from(name).is_ok() && HeaderValue::from_bytes(value.as_bytes()).is_ok()
        };
        match self.headers.iter().find(|(name, value)| !fits(name, value)) {
            Some((name, value)) => Err(format!("reply: HTTP has no header {name:?}: {value:?}")),
            None => Ok(()),
        }
    }
}

/// On which side of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placed {
    /// The work is not done.
    Before,
    /// The work is done.
    After,
}

/// How much of the body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum HalfOf {
    /// Half of it.
    Half(bool),
    /// So much.
    Bytes {
        /// How many bytes.
        bytes: usize,
    },
}

/// Where an exchange comes to a standstill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StallAt {
    /// Before the work.
    Before,
    /// After the work, before the answer.
    After,
    /// While the request's body is to be read; none of it is.
    Upload,
    /// In the answer's body, after so many bytes.
    Body(usize),
}

/// A very long body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum LargeOf {
    /// With `Content-Length`.
    Bytes(u64),
    /// As said.
    Told {
        /// How many bytes.
        bytes: u64,
        /// Without `Content-Length`.
        #[serde(default)]
        chunked: bool,
    },
}

/// A slow answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowOf {
    /// Bytes at a time.
    pub bytes: usize,
    /// The pause between them.
    pub every_ms: u64,
}

/// Bytes for the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum RawOf {
    /// As text.
    Text(String),
    /// As base64.
    Encoded {
        /// The bytes.
        base64: String,
    },
}

impl RawOf {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Encoded { base64 } => BASE64.decode(base64).unwrap_or_default(),
        }
    }
}

impl Fault {
    /// A fault that meets requests of this kind ([`Call::Any`]: all); it does nothing until told what.
    pub fn on(call: Call) -> Self {
        Self {
            call,
            task_id: None,
            skip: 0,
            times: None,
            delay: Duration::ZERO,
            answer_delay: Duration::ZERO,
            work: false,
            action: Action::None,
        }
    }

    /// Only requests about this task.
    pub fn task(mut self, id: impl Into<String>) -> Self {
        self.task_id = Some(id.into());
        self
    }

    /// Lets the first `n` matching requests pass.
    pub fn skip(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Meets `n` requests, then no more.
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Meets one request.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Waits before the work (and so before anything else it does).
    pub fn delay(mut self, pause: Duration) -> Self {
        self.delay = pause;
        self
    }

    /// Waits between the work and the answer.
    pub fn delay_answer(mut self, pause: Duration) -> Self {
        self.answer_delay = pause;
        self
    }

    /// Does the work before a reply, garbage, a large body or raw bytes are sent.
    pub fn after_work(mut self) -> Self {
        self.work = true;
        self
    }

    /// Does this.
    pub fn action(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// Answers with a status; see [`Fault::header`] and [`Fault::body`].
    pub fn reply(self, status: u16) -> Self {
        self.action(Action::Reply(Answered { status, headers: BTreeMap::new(), body: Value::Null }))
    }

    /// Adds a header to the reply.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Action::Reply(reply) = &mut self.action {
            reply.headers.insert(name.into(), value.into());
        }
        self
    }

    /// Gives the reply a body: text as it is, anything else as JSON.
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        if let Action::Reply(reply) = &mut self.action {
            reply.body = body.into();
        }
        self
    }

    /// Closes the connection, the work not done.
    pub fn close_before(self) -> Self {
        self.action(Action::Close(Placed::Before))
    }

    /// Does the work and closes the connection without answering.
    pub fn close_after(self) -> Self {
        self.action(Action::Close(Placed::After))
    }

    /// Resets the connection, the work not done.
    pub fn reset_before(self) -> Self {
        self.action(Action::Reset(Placed::Before))
    }

    /// Does the work and resets the connection.
    pub fn reset_after(self) -> Self {
        self.action(Action::Reset(Placed::After))
    }

    /// Sends half of the body.
    pub fn half(self) -> Self {
        self.action(Action::Half(HalfOf::Half(true)))
    }

    /// Sends only so much of the body.
    pub fn half_bytes(self, bytes: usize) -> Self {
        self.action(Action::Half(HalfOf::Bytes { bytes }))
    }

    /// Comes to a standstill there.
    pub fn stall(self, at: StallAt) -> Self {
        self.action(Action::Stall(at))
    }

    /// Answers 200 with nonsense.
    pub fn garbage(self, bytes: usize) -> Self {
        self.action(Action::Garbage(bytes))
    }

    /// Answers 200 with so many bytes.
    pub fn large(self, bytes: u64) -> Self {
        self.action(Action::Large(LargeOf::Bytes(bytes)))
    }

    /// The same without `Content-Length`.
    pub fn large_chunked(self, bytes: u64) -> Self {
        self.action(Action::Large(LargeOf::Told { bytes, chunked: true }))
    }

    /// Sends the true answer `bytes` at a time.
    pub fn slow(self, bytes: usize, every: Duration) -> Self {
        self.action(Action::Slow(SlowOf { bytes, every_ms: every.as_millis() as u64 }))
    }

    /// Shows another state.
    pub fn state(self, state: i64) -> Self {
        self.action(Action::State(state))
    }

    /// Lays fields over the query's body; what is no object changes nothing.
    pub fn answer_task(self, fields: Value) -> Self {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        self.action(Action::AnswerTask(fields))
    }

    /// Writes these bytes as the whole response.
    pub fn raw(self, bytes: impl AsRef<[u8]>) -> Self {
        self.action(Action::Raw(RawOf::Encoded { base64: BASE64.encode(bytes) }))
    }

    /// Closes a kept connection when its next request arrives.
    pub fn stale(self) -> Self {
        self.action(Action::Stale(true))
    }

    /// Reads a fault as the control endpoint takes it.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let Some(fields) = value.as_object() else { return Err("a fault is a JSON object".to_owned()) };
        let mut fields = fields.clone();
        let call = take(&mut fields, "call")?.ok_or("a fault has a \"call\"")?;
        let fault = Self {
            call,
            task_id: take(&mut fields, "task_id")?,
            skip: take(&mut fields, "skip")?.unwrap_or(0),
            times: take(&mut fields, "times")?,
            delay: Duration::from_millis(take(&mut fields, "delay_ms")?.unwrap_or(0)),
            answer_delay: Duration::from_millis(take(&mut fields, "answer_delay_ms")?.unwrap_or(0)),
            work: take(&mut fields, "work")?.unwrap_or(false),
            action: Action::None,
        };
        let action = match fields.len() {
            0 => Action::None,
            1 => serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?,
            _ => {
                let names: Vec<&String> = fields.keys().collect();
                return Err(format!("a fault does one thing, not {names:?}"));
            }
        };
        action.check()?;
        Ok(fault.action(action))
    }

    /// The fault as the control endpoint takes it.
    pub fn to_json(&self) -> Value {
        let mut fields = json!({"call": self.call, "skip": self.skip});
        let optional = [
            ("task_id", json!(self.task_id)),
            ("times", json!(self.times)),
            ("delay_ms", number(self.delay)),
            ("answer_delay_ms", number(self.answer_delay)),
            ("work", if self.work { Value::Bool(true) } else { Value::Null }),
        ];
        if let Some(fields) = fields.as_object_mut() {
            fields.extend(optional.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.to_owned(), v)));
            if let Ok(Value::Object(action)) = serde_json::to_value(&self.action) {
                fields.extend(action);
            }
        }
        fields
    }

    /// Whether it acts on a request whose body was not read.
    pub(crate) fn is_early(&self) -> bool {
        matches!(self.action, Action::Stale(_) | Action::Stall(StallAt::Upload))
    }
}

fn number(pause: Duration) -> Value {
    if pause.is_zero() { Value::Null } else { json!(pause.as_millis() as u64) }
}

fn take<T: serde::de::DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value).map(Some).map_err(|error| format!("{name}: {error}")),
    }
}
