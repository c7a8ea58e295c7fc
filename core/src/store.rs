//! What the stores of a fleet run (docs/design.md §10): scripts for Redis and statements for PostgreSQL, one text for all languages,
//! so that their workers may share a store. The languages' packages carry them to a connection of the caller's.
//!
//! All replies are alike: a word that says what happened, milliseconds, the version, the job, the hints, whether it was over before.

use serde_json::Value;

use crate::error::{Error, Result};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 200;

macro_rules! scripts {
    ($($name:literal)+) => {
        [
            $(($name, concat!(include_str!("store/row.lua"), include_str!(concat!("store/", $name, ".lua")))),)+
            // Of no job.
            ("reserve", include_str!("store/reserve.lua")),
        ]
    };
}

macro_rules! statements {
    ($($name:literal)+) => {
        [$(($name, include_str!(concat!("store/", $name, ".sql")))),+]
    };
}

/// For Redis: each operation's script. `KEYS` are the job's row and the schedule.
pub const REDIS: [(&str, &str); 8] = scripts!["put" "claim" "save" "release" "wake" "due" "get"];

/// For `PostgreSQL`: each operation's statement, and `schema`, which makes the tables.
pub const POSTGRES: [(&str, &str); 9] =
    statements!["put" "claim" "save" "release" "wake" "due" "get" "reserve" "schema"];

/// What a store has to know of a job that is saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intents {
    /// A create was about to be sent, and its answer may still come: the job is not released.
    pub open: bool,
    /// Whether a create was carried out is unknown: a hint may tell.
    pub unknown: bool,
}

impl Intents {
    /// Reads them from a job's JSON. Anything else has none.
    pub fn read(json: &str) -> Self {
        let Ok(job) = serde_json::from_str::<Value>(json) else { return Self::default() };
        let portraits = job.get("portraits").and_then(Value::as_array).into_iter().flatten();
        let is_null = |work: &Value, field| work.get(field).is_none_or(Value::is_null);
        let mut intents = Self::default();
        for work in job.get("training").into_iter().chain(portraits) {
            if work.get("intent").and_then(Value::as_bool) == Some(true) && is_null(work, "task_id") {
                intents.open |= is_null(work, "error");
                intents.unknown |= !is_null(work, "error");
            }
        }
        intents
    }
}

/// Refuses what can't be a job's key.
pub fn check_key(key: &str) -> Result<()> {
    let problem = if key.is_empty() {
        "key is empty".to_owned()
    } else if key.len() > LONGEST_KEY {
        format!("key has {} bytes; at most {LONGEST_KEY} are allowed", key.len())
    } else if key.chars().any(char::is_control) {
        format!("key {key:?} has a control character")
    } else {
        return Ok(());
    };
    Err(Error::invalid(vec![problem]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn intents_are_open_until_they_are_known_to_be_unknown() {
        let read = |training: Value, portrait: Value| {
            Intents::read(&json!({ "training": training, "portraits": [portrait] }).to_string())
        };
        let fresh = json!({ "intent": false, "task_id": null, "error": null });
        let open = json!({ "intent": true, "task_id": null, "error": null });
        let unknown = json!({ "intent": true, "task_id": null, "error": { "code": "outcome_unknown" } });
        let created = json!({ "intent": false, "task_id": "t", "error": null });
        assert_eq!(read(fresh.clone(), fresh.clone()), Intents::default());
        assert_eq!(read(open.clone(), fresh.clone()), Intents { open: true, unknown: false });
        assert_eq!(read(created.clone(), open.clone()), Intents { open: true, unknown: false });
        assert_eq!(read(created.clone(), unknown.clone()), Intents { open: false, unknown: true });
        assert_eq!(read(unknown, open), Intents { open: true, unknown: true });
        assert_eq!(read(Value::Null, created), Intents::default());
        for no_job in ["", "[]", "{", "7", r#"{"training": 3, "portraits": 4}"#] {
            assert_eq!(Intents::read(no_job), Intents::default());
        }
    }

    #[test]
    fn a_job_of_the_core_is_read_as_it_is_written() {
        let json = crate::Job::with_user_id("u", ["s"]).to_json().unwrap();
        assert_eq!(Intents::read(&json), Intents::default());
        let open = json.replace("\"intent\": false", "\"intent\": true");
        assert_ne!(open, json);
        assert!(Intents::read(&open).open);
    }

    #[test]
    fn keys_are_short_texts() {
        for key in ["", &"k".repeat(201), &"照".repeat(67), "a\nb", "a\u{0}b", "\u{85}"] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
        for key in ["a", "order 7/é:照", &"k".repeat(200)] {
            assert!(check_key(key).is_ok(), "{key:?}");
        }
    }
}
