//! What the simulator saw.

use crate::call::Call;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// The credential a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// The right `AppCode`.
    AppCode,
    /// A right signature.
    Signature,
    /// Nothing.
    None,
    /// An `AppCode` or a signature that was refused.
    Wrong,
}

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request is there, its work not begun.
    Arrived,
    /// The work is done (and saved), the answer not yet sent.
    Worked,
    /// The whole answer was handed to the kernel.
    Answered,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in this space, from 1.
    pub seq: u64,
    /// Real milliseconds since the simulator started.
    pub at_ms: u64,
    /// The space's path prefix.
    pub space: String,
    /// What it asked for.
    pub call: Call,
    /// Its method.
    pub method: String,
    /// Its path with the query, as sent.
    pub path: String,
    /// Its credential.
    pub auth: Auth,
    /// A request for a picture that carried a credential.
    pub leaked_credentials: bool,
    /// The connection's number, from 1.
    pub connection: u64,
    /// Which request of its connection it was, from 1.
    pub nth: u64,
    /// The JSON sent; of an upload `{field, filename, content_type, bytes, sha256}`; of a query nothing.
    pub body: Option<serde_json::Value>,
    /// The task asked about or created.
    pub task_id: Option<String>,
    /// `X-Ca-Nonce`
    pub nonce: Option<String>,
    /// `X-Ca-Timestamp`
    pub timestamp: Option<i64>,
    /// Whether `Content-MD5` was sent.
    pub content_md5: bool,
    /// The status answered; none if none was.
    pub status: Option<u16>,
    /// The number of the fault it met.
    pub fault: Option<u64>,
    /// Whether the work was done.
    pub worked: bool,
}

/// The latest entries, and how many there ever were of each call.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    next: u64,
    counts: HashMap<Call, u64>,
}

impl Journal {
    /// Gives the entry its number and keeps it, at the cost of the oldest.
    pub(crate) fn push(&mut self, entry: &mut Entry, limit: usize) {
        self.next += 1;
        entry.seq = self.next;
        *self.counts.entry(entry.call).or_default() += 1;
        self.entries.push_back(entry.clone());
        while self.entries.len() > limit {
            self.entries.pop_front();
        }
    }

    /// Replaces what is known of an entry, if it is still kept.
    pub(crate) fn update(&mut self, entry: &Entry) {
        let Some(first) = self.entries.front().map(|first| first.seq) else { return };
        let place = entry.seq.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(kept) = place.and_then(|place| self.entries.get_mut(place)) {
            *kept = entry.clone();
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.iter().cloned().collect()
    }

    /// Forgets entries and counts; numbers go on.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }

    pub(crate) fn count(&self, call: Call) -> u64 {
        match call {
            Call::Any => self.counts.iter().filter(|(one, _)| call.covers(**one)).map(|(_, count)| count).sum(),
            call => self.counts.get(&call).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn counts(&self) -> &HashMap<Call, u64> {
        &self.counts
    }
}
