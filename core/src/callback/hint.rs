//! What a callback says. Nothing of it is believed: it makes a poll happen, and names what to poll.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded;

use super::token::Subject;
use crate::error::{Error, Result};

/// How deep task ids are looked for.
const DEEPEST: usize = 4;
/// More ids than any service would send.
const MOST_IDS: usize = 8;
/// Longer than any id.
const LONGEST_ID: usize = 200;

/// A callback that came: a reason to poll now, and never more than that.
///
/// It can be sent to another process as JSON: [`to_json`](Self::to_json).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hint {
    /// The job's id, the store's key, or what [`Callbacks::url`](super::Callbacks::url) was given.
    pub key: String,
    /// `t` for the training, a style's index for its generation; `None` for a single call.
    #[serde(default)]
    pub slot: Option<String>,
    /// Which create of that slot it belongs to; 0 for a single call.
    #[serde(default)]
    pub attempt: u32,
    /// Whatever looked like a task's id.
    #[serde(default)]
    pub task_ids: Vec<String>,
    /// What looked like the user's id, if there was only one.
    #[serde(default)]
    pub user_id: Option<String>,
    /// Whether the address was made with one of our secrets. The content is a stranger's all the same.
    #[serde(default)]
    pub verified: bool,
}

impl Hint {
    /// The hint as JSON, for another process.
    pub fn to_json(&self) -> String {
        // Text, numbers and lists of them can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A hint as [`to_json`](Self::to_json) wrote it. Only take it from where nobody else can write.
    pub fn from_json(json: &str) -> Result<Self> {
        let not_a_hint = |error: serde_json::Error| Error::invalid(vec![format!("this is not a hint: {error}")]);
        let hint: Self = serde_json::from_str(json).map_err(not_a_hint)?;
        if hint.key.is_empty() {
            return Err(Error::invalid(vec!["this is not a hint: its key is empty".into()]));
        }
        Ok(hint)
    }

    /// The create that the hint is about, if its address says so.
    pub(crate) fn subject(&self) -> Option<Subject> {
        let subject = Subject { key: self.key.clone(), slot: self.slot.clone(), attempt: self.attempt };
        self.verified.then_some(subject)
    }

    /// Adds what a repetition says.
    pub(crate) fn merge(&mut self, other: Self) {
        self.verified |= other.verified;
        self.user_id = match (self.user_id.take(), other.user_id) {
            (Some(one), Some(two)) => (one == two).then_some(one),
            (one, two) => one.or(two),
        };
        for id in other.task_ids {
            if !self.task_ids.contains(&id) && self.task_ids.len() < MOST_IDS {
                self.task_ids.push(id);
            }
        }
    }
}

/// What a request says of tasks and users.
pub(super) fn read(subject: Subject, query: &str, body: &[u8]) -> Hint {
    let mut found = Found::default();
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => found.search(&value, DEEPEST),
        Err(_) => found.search_form(body),
    }
    found.search_form(query.as_bytes());
    let (task_ids, mut users) = (found.task_ids(), found.users);
    let user_id = users.pop().filter(|_| users.is_empty());
    Hint { key: subject.key, slot: subject.slot, attempt: subject.attempt, task_ids, user_id, verified: true }
}

/// Ids as they are met.
#[derive(Default)]
struct Found {
    tasks: Vec<String>,
    /// Called `id` only: a task's, or the event's that tells of it.
    others: Vec<String>,
    users: Vec<String>,
}

impl Found {
    /// A plain `id` counts only where nothing is called a task's.
    fn task_ids(&mut self) -> Vec<String> {
        std::mem::take(if self.tasks.is_empty() { &mut self.others } else { &mut self.tasks })
    }

    fn search(&mut self, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) => self.note_or_unwrap(name, text, depth),
                        Value::Number(number) => self.note(name, &number.to_string()),
                        _ => self.search(value, depth),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.search(value, depth)),
            _ => {}
        }
    }

    /// Some services send the inner object as text.
    fn note_or_unwrap(&mut self, name: &str, text: &str, depth: usize) {
        match serde_json::from_str::<Value>(text) {
            Ok(inner @ Value::Object(_)) => self.search(&inner, depth),
            _ => self.note(name, text),
        }
    }

    /// Pairs as in a form, or after the `?` of an address. Whoever appends a query may have begun it with a second `?`.
    fn search_form(&mut self, bytes: &[u8]) {
        for piece in bytes.split(|byte| *byte == b'?') {
            for (name, value) in form_urlencoded::parse(piece) {
                self.note_or_unwrap(&name, &value, DEEPEST);
            }
        }
    }

    fn note(&mut self, name: &str, text: &str) {
        let ids = match name {
            "task_id" | "taskId" | "taskid" | "TaskId" => &mut self.tasks,
            "id" => &mut self.others,
            "user_id" | "userId" | "userid" | "UserId" => &mut self.users,
            _ => return,
        };
        let is_id = !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_id && ids.len() < MOST_IDS && !ids.iter().any(|id| id == text) {
            ids.push(text.to_owned());
        }
    }
}
