//! Whether callbacks can be relied on, so that polling may become rare. Pure: the time is given.

use std::time::Duration;

use tokio::time::Instant;

use super::token::Subject;
use crate::{options::PollSchedule, task::TaskKind};

/// How long after polling has found an end its callback may come without trust being lost.
const GRACE: Duration = Duration::from_secs(10);
/// How long a callback is remembered.
const HEARD: Duration = Duration::from_secs(60);
/// How many ends are remembered; more would be a service that never calls back.
const MOST: usize = 1000;

/// How many times as many callbacks have to come in a row after one was lost, and how many at most: where more than one in a
/// hundred is lost, polling rarely costs more time than callbacks save.
const DEARER: u32 = 4;
const DEAREST: u32 = 64;

/// Earned by a callback that a query confirms, lost by an end that no callback told. Each loss makes it dearer, before it was
/// earned too: then one callback is luck.
#[derive(Debug)]
pub(crate) struct Trust {
    is_earned: bool,
    /// Confirmed since the last loss, and how many it takes.
    confirmed: u32,
    price: u32,
    /// Ends that polling found, and when their callback is overdue.
    owed: Vec<(Subject, Instant)>,
    /// Callbacks that came, and when they are forgotten: the query that confirms one may take its time.
    heard: Vec<(Subject, Instant)>,
}

impl Default for Trust {
    fn default() -> Self {
        Self { is_earned: false, confirmed: 0, price: 1, owed: Vec::new(), heard: Vec::new() }
    }
}

impl Trust {
    /// A callback came.
    pub(crate) fn hear(&mut self, subject: &Subject, now: Instant) {
        self.settle(now);
        self.owed.retain(|(owed, _)| owed != subject);
        self.heard.retain(|(heard, _)| heard != subject);
        if self.heard.len() < MOST {
            self.heard.push((subject.clone(), now + HEARD));
        }
    }

    /// A query has shown that a task has ended. Either a callback had told of it, or, if one is expected, it is owed.
    pub(crate) fn end(&mut self, subject: Subject, is_expected: bool, now: Instant) {
        self.settle(now);
        let known = |list: &[(Subject, Instant)]| list.iter().any(|(one, _)| *one == subject);
        if known(&self.heard) {
            self.confirmed = self.confirmed.saturating_add(1);
            self.is_earned |= self.confirmed >= self.price;
        } else if is_expected && !known(&self.owed) && self.owed.len() < MOST {
            self.owed.push((subject, now + GRACE));
        }
    }

    /// Whether polling may be rare.
    pub(crate) fn holds(&mut self, now: Instant) -> bool {
        self.settle(now);
        self.is_earned
    }

    /// Until when it holds for certain, if it holds and a callback is overdue.
    pub(crate) fn holds_until(&mut self, now: Instant) -> Option<Instant> {
        self.settle(now);
        self.owed.iter().map(|(_, due)| *due).filter(|_| self.is_earned).min()
    }

    fn settle(&mut self, now: Instant) {
        self.heard.retain(|(_, until)| *until > now);
        let owed = self.owed.len();
        self.owed.retain(|(_, due)| *due > now);
        let lost = owed - self.owed.len();
        if lost > 0 {
            (self.is_earned, self.confirmed) = (false, 0);
            self.price = self.price.saturating_mul(DEARER.saturating_pow(lost as u32)).min(DEAREST);
        }
    }
}

/// How rarely a task is polled while callbacks are relied on. Never more often than the caller's own schedule.
pub(crate) fn fallback(kind: TaskKind, usual: PollSchedule) -> PollSchedule {
    const LONGEST: Duration = Duration::from_secs(600);
    let initial = match kind {
        TaskKind::Generation => Duration::from_secs(60),
        TaskKind::Training | TaskKind::Unknown => Duration::from_secs(300),
    };
    PollSchedule { initial: initial.max(usual.initial), factor: 1.5_f64.max(usual.factor), max: LONGEST.max(usual.max) }
}

#[cfg(test)]
#[path = "trust_at_scale.rs"]
mod at_scale;

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(attempt: u32) -> Subject {
        Subject { key: "k".into(), slot: Some("t".into()), attempt }
    }

    fn after(seconds: u64) -> Instant {
        thread_local!(static START: Instant = Instant::now());
        START.with(|start| *start) + Duration::from_secs(seconds)
    }

    fn earned() -> Trust {
        let mut trust = Trust::default();
        trust.hear(&subject(0), after(0));
        assert!(!trust.holds(after(0)), "a callback alone earns nothing");
        trust.end(subject(0), true, after(1));
        assert!(trust.holds(after(1)));
        trust
    }

    #[test]
    fn trust_is_lost_by_an_end_without_a_callback_and_earned_again() {
        let mut trust = earned();
        trust.end(subject(1), true, after(100));
        assert!(trust.holds(after(109)), "its callback may still come");
        assert!(!trust.holds(after(110)), "it did not");
        let confirm = |trust: &mut Trust, attempt| {
            trust.hear(&subject(attempt), after(120));
            trust.end(subject(attempt), true, after(121));
            trust.holds(after(121))
        };
        let held: Vec<_> = (2..=5).map(|attempt| confirm(&mut trust, attempt)).collect();
        assert_eq!(held, [false, false, false, true], "one that was lost takes four in a row");
        assert!(trust.holds(after(500)), "what was missed once is not held against it twice");
        trust.end(subject(6), false, after(500));
        assert!(trust.holds(after(600)), "no callback was asked for");
    }

    #[test]
    fn each_loss_makes_it_dearer_before_it_was_earned_too() {
        let mut trust = Trust::default();
        let mut needed = |lost: std::ops::Range<u32>, now| {
            lost.for_each(|attempt| trust.end(subject(attempt), true, after(now)));
            let mut confirm = |attempt: u32| {
                trust.hear(&subject(attempt), after(now + 20));
                trust.end(subject(attempt), true, after(now + 20));
                trust.holds(after(now + 20))
            };
            (1..1000).map(|n| 1000 * now as u32 + n).position(&mut confirm).map(|before| before + 1)
        };
        assert_eq!([needed(0..1, 0), needed(1..2, 100), needed(2..9, 200)], [Some(4), Some(16), Some(64)]);
    }

    #[test]
    fn a_callback_after_the_poll_keeps_trust_and_another_is_no_excuse() {
        let mut trust = earned();
        trust.end(subject(1), true, after(100));
        trust.hear(&subject(1), after(109));
        assert!(trust.holds(after(200)));
        trust.end(subject(3), true, after(200));
        trust.hear(&subject(4), after(201));
        assert!(!trust.holds(after(210)));
    }

    #[test]
    fn the_fallback_is_slow_and_never_faster_than_what_the_caller_chose() {
        let slow = fallback(TaskKind::Training, PollSchedule::TRAINING);
        assert_eq!((slow.pause(0).as_secs(), slow.pause(9).as_secs()), (300, 600));
        let slow = fallback(TaskKind::Generation, PollSchedule::GENERATION);
        assert_eq!((slow.pause(0).as_secs(), slow.pause(9).as_secs()), (60, 600));
        let rare = PollSchedule { initial: Duration::from_secs(900), factor: 1.0, max: Duration::from_secs(900) };
        assert_eq!(fallback(TaskKind::Generation, rare).pause(0).as_secs(), 900);
    }
}
