//! What goes wrong on request: which requests it meets, and what happens to them.

use crate::action::{Action, Answered, HalfOf, LargeOf, Placed, RawOf, SlowOf, StallAt};
use crate::call::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
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
