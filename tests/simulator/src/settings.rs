//! What a space can be told to do otherwise.

use serde::{Deserialize, Serialize};

/// The settings of one space; a new space starts with those of the builder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting by itself")]
pub struct Settings {
    /// How long training takes, ±20 %, in virtual seconds.
    pub training_seconds: f64,
    /// How long generation takes, ±20 %, in virtual seconds.
    pub generation_seconds: f64,
    /// Pictures of one generation task.
    pub pictures_per_task: u32,
    /// The state in which training ends: 3, 4 or 5.
    pub training_outcome: i64,
    /// The state in which generation ends: 3, 4 (one picture missing) or 5.
    pub generation_outcome: i64,
    /// How long a picture's URL is good, in virtual seconds; none: for ever.
    pub result_ttl_seconds: Option<f64>,
    /// Virtual seconds that pass in a real one.
    pub clock_scale: f64,
    /// How far the gateway's clock (`Date` and the timestamp check) is ahead of this machine's.
    pub clock_skew_ms: i64,
    /// Close a connection on which nothing was asked for so long.
    pub idle_close_ms: Option<u64>,
    /// Close every kept connection, unanswered, when its next request arrives.
    pub drop_reused: bool,
    /// The largest request body the gateway lets through.
    pub max_body_bytes: usize,
    /// How many entries the journal keeps.
    pub journal_limit: usize,
    /// How callbacks are made.
    pub callback_method: CallbackMethod,
    /// What they carry.
    pub callback_body: CallbackBody,
    /// Whether they name the user, too.
    pub callback_user_id: bool,
    /// How long after a change it is told, in real milliseconds.
    pub callback_delay_ms: u64,
    /// Tell the state of a new task before its create is answered.
    pub callback_early: bool,
    /// How often each is made.
    pub callback_times: u32,
    /// Tell every change of state, not the end alone.
    pub callback_every_state: bool,
    /// The share of them that is never sent, by seed.
    pub callback_loss: f64,
}

/// The method of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallbackMethod {
    /// What is told is the body.
    Post,
    /// What is told is appended to the address, carelessly.
    Get,
    /// What is told is the body.
    Put,
}

impl CallbackMethod {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET",
            Self::Put => "PUT",
        }
    }
}

/// The shape of what a callback tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackBody {
    /// Nothing at all.
    None,
    /// What a query would answer.
    Query,
    /// `{"task_id", "state"}`
    Flat,
    /// `{"code", "data": {"taskId", "status"}}`
    Nested,
    /// `task_id=…&state=…`
    Form,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            training_seconds: 240.0,
            generation_seconds: 30.0,
            pictures_per_task: 3,
            training_outcome: 3,
            generation_outcome: 3,
            result_ttl_seconds: None,
            clock_scale: 1.0,
            clock_skew_ms: 0,
            idle_close_ms: None,
            drop_reused: false,
            max_body_bytes: 32 << 20,
            journal_limit: 200_000,
            callback_method: CallbackMethod::Post,
            callback_body: CallbackBody::Flat,
            callback_user_id: false,
            callback_delay_ms: 0,
            callback_early: false,
            callback_times: 1,
            callback_every_state: false,
            callback_loss: 0.0,
        }
    }
}

impl Settings {
    /// These settings with the named ones changed; what is wrong, if a name or a type is.
    pub(crate) fn merged(&self, changes: &serde_json::Value) -> Result<Self, String> {
        let mut whole = serde_json::to_value(self).map_err(|error| error.to_string())?;
        let (Some(whole_map), Some(changes)) = (whole.as_object_mut(), changes.as_object()) else {
            return Err("settings are a JSON object".to_owned());
        };
        whole_map.extend(changes.clone());
        let settings: Self = serde_json::from_value(whole).map_err(|error| error.to_string())?;
        settings.check()?;
        Ok(settings)
    }

    /// What is out of range, if anything is: it would be taken for something else in silence.
    pub(crate) fn check(&self) -> Result<(), String> {
        let seconds = [
            ("clock_scale", self.clock_scale),
            ("training_seconds", self.training_seconds),
            ("generation_seconds", self.generation_seconds),
            ("result_ttl_seconds", self.result_ttl_seconds.unwrap_or_default()),
        ];
        if let Some((name, _)) = seconds.iter().find(|(_, number)| !number.is_finite() || *number < 0.0) {
            return Err(format!("{name} is a number of at least 0"));
        }
        if !(0.0..=1.0).contains(&self.callback_loss) {
            return Err("callback_loss is a number from 0 to 1".to_owned());
        }
        let outcomes = [("training_outcome", self.training_outcome), ("generation_outcome", self.generation_outcome)];
        match outcomes.iter().find(|(_, outcome)| !(3..=5).contains(outcome)) {
            Some((name, _)) => Err(format!("{name} is 3, 4 or 5")),
            None => Ok(()),
        }
    }
}
