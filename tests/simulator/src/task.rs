//! Tasks and users, and how a task's state follows from the time.

use serde::{Deserialize, Serialize};

pub(crate) const TRAINING: u8 = 1;
pub(crate) const GENERATION: u8 = 2;
pub(crate) const WAITING: i64 = 1;
pub(crate) const RUNNING: i64 = 2;
pub(crate) const SUCCEEDED: i64 = 3;
pub(crate) const PARTLY_SUCCEEDED: i64 = 4;

/// A task as the service knows it at this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// 1 training, 2 generation.
    pub kind: u8,
    /// Whose model it trains or uses.
    pub user_id: String,
    /// The style of a generation.
    pub style: Option<String>,
    /// Its state.
    pub state: i64,
    /// Where its end is to be told.
    pub callback_url: Option<String>,
    /// Virtual seconds that it takes, waiting included.
    pub seconds: f64,
}

/// A task as it is kept: what was decided about it when it was created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) kind: u8,
    pub(crate) user_id: String,
    pub(crate) style: Option<String>,
    pub(crate) callback_url: Option<String>,
    /// Virtual seconds.
    pub(crate) created: f64,
    /// Virtual seconds.
    pub(crate) starts: f64,
    /// Virtual seconds.
    pub(crate) ends: f64,
    pub(crate) outcome: i64,
    /// Set by hand; the time no longer counts.
    pub(crate) forced: Option<i64>,
    pub(crate) pictures: u32,
}

/// A person whose model is, or is being, trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) task_id: String,
    /// Digests of the photos.
    pub(crate) photos: Vec<String>,
}

impl Record {
    pub(crate) fn state(&self, now: f64) -> i64 {
        match self.forced {
            Some(state) => state,
            None if now < self.starts => WAITING,
            None if now < self.ends => RUNNING,
            None => self.outcome,
        }
    }

    pub(crate) fn has_ended(&self, now: f64) -> bool {
        (SUCCEEDED..=5).contains(&self.state(now))
    }

    /// How many pictures there are to fetch.
    pub(crate) fn finished_pictures(&self, now: f64) -> u32 {
        match (self.kind, self.state(now)) {
            (GENERATION, SUCCEEDED) => self.pictures,
            (GENERATION, PARTLY_SUCCEEDED) => self.pictures.saturating_sub(1),
            _ => 0,
        }
    }

    pub(crate) fn shown(&self, now: f64) -> Task {
        Task {
            id: self.id.clone(),
            kind: self.kind,
            user_id: self.user_id.clone(),
            style: self.style.clone(),
            state: self.state(now),
            callback_url: self.callback_url.clone(),
            seconds: self.ends - self.created,
        }
    }
}
