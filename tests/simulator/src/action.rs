//! What happens to a request that meets a fault.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
    pub(crate) fn check(&self) -> Result<(), String> {
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
