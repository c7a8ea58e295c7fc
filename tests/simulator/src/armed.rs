//! The faults of one space, and which of them a request meets.

use crate::action::Action;
use crate::call::Call;
use crate::fault::Fault;
use serde::Serialize;
use serde_json::Value;

/// A fault in its space, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// Its number in the space, from 1.
    pub number: u64,
    /// How many requests matched, the skipped ones included.
    pub matched: u64,
    /// How many met it.
    pub used: u64,
    /// The fault.
    pub fault: Value,
}

/// The faults of one space, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Armed>,
    next: u64,
}

#[derive(Debug)]
struct Armed {
    number: u64,
    matched: u64,
    used: u64,
    fault: Fault,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.next += 1;
        self.list.push(Armed { number: self.next, matched: 0, used: 0, fault });
        self.next
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    pub(crate) fn progress(&self) -> Vec<Progress> {
        let shown = |armed: &Armed| Progress {
            number: armed.number,
            matched: armed.matched,
            used: armed.used,
            fault: armed.fault.to_json(),
        };
        self.list.iter().map(shown).collect()
    }

    /// The fault for a request of which only the head was read.
    pub(crate) fn early(&mut self, call: Call, nth: u64) -> Option<(u64, Fault)> {
        self.first(|fault| {
            fault.is_early()
                && fault.task_id.is_none()
                && fault.call.covers(call)
                && (nth > 1 || !matches!(fault.action, Action::Stale(_)))
        })
    }

    /// The fault for a whole request: the first that matches and has uses left.
    pub(crate) fn meet(&mut self, call: Call, task_id: Option<&str>) -> Option<(u64, Fault)> {
        self.first(|fault| {
            !fault.is_early()
                && fault.call.covers(call)
                && fault.task_id.as_deref().is_none_or(|wanted| Some(wanted) == task_id)
        })
    }

    fn first(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<(u64, Fault)> {
        for armed in &mut self.list {
            let spent = armed.fault.times.is_some_and(|times| armed.used >= times);
            if spent || !matches(&armed.fault) {
                continue;
            }
            armed.matched += 1;
            if armed.matched > armed.fault.skip {
                armed.used += 1;
                return Some((armed.number, armed.fault.clone()));
            }
        }
        None
    }
}
