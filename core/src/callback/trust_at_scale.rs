//! What callbacks save and cost where a part of them is lost: jobs one after the other, in simulated time.

use std::time::Duration;

use super::*;
use crate::wait::PollState;

const JOBS: u32 = 20;
/// Between the beginnings of two jobs, and what a callback takes, in milliseconds.
const PAUSE: u64 = 3000;
const WAY: u64 = 50;

struct Doing {
    subject: Subject,
    kind: TaskKind,
    ends: u64,
    /// When its callback comes, if it is still to come.
    callback: Option<u64>,
    polls: PollState,
}

/// What all tasks of one kind took.
#[derive(Default)]
struct Took {
    tasks: f64,
    queries: f64,
    seconds: f64,
    longest: f64,
}

impl Took {
    fn queries_a_task(&self) -> f64 {
        self.queries / self.tasks
    }

    fn mean(&self) -> f64 {
        self.seconds / self.tasks
    }
}

struct Course {
    random: fastrand::Rng,
    start: Instant,
    trust: Trust,
    /// The share of callbacks that are lost; none are asked for without.
    loss: Option<f64>,
    doing: Vec<Doing>,
    training: Took,
    generation: Took,
}

fn usual(kind: TaskKind) -> PollSchedule {
    if kind == TaskKind::Training { PollSchedule::TRAINING } else { PollSchedule::GENERATION }
}

impl Course {
    fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_millis(now)
    }

    fn rely_on_callback(&mut self, polls: &mut PollState, kind: TaskKind, now: u64) {
        if self.loss.is_some() && self.trust.holds(self.at(now)) {
            polls.hold_back(&fallback(kind, usual(kind)), now);
        }
    }

    fn begin(&mut self, key: u32, slot: &str, kind: TaskKind, mean: f64, now: u64) {
        let ends = now + (mean * 1000.0 * (0.8 + 0.4 * self.random.f64())) as u64;
        let comes = self.loss.is_some_and(|loss| self.random.f64() >= loss);
        let mut polls = PollState::created(&usual(kind), now);
        self.rely_on_callback(&mut polls, kind, now);
        let subject = Subject { key: key.to_string(), slot: Some(slot.to_owned()), attempt: 1 };
        self.doing.push(Doing { subject, kind, ends, callback: comes.then_some(ends + WAY), polls });
    }

    /// Polls a task that is due; gives it back if it goes on.
    fn poll(&mut self, mut task: Doing, now: u64) -> Option<Doing> {
        let took = if task.kind == TaskKind::Training { &mut self.training } else { &mut self.generation };
        took.queries += 1.0;
        if now < task.ends {
            task.polls.on_polled(&usual(task.kind), now);
            self.rely_on_callback(&mut task.polls, task.kind, now);
            return Some(task);
        }
        let late = (now - task.ends) as f64 / 1000.0;
        (took.tasks, took.seconds, took.longest) = (took.tasks + 1.0, took.seconds + late, took.longest.max(late));
        self.trust.end(task.subject.clone(), self.loss.is_some(), self.at(now));
        if let (TaskKind::Training, Ok(key)) = (task.kind, task.subject.key.parse()) {
            for slot in ["0", "1"] {
                self.begin(key, slot, TaskKind::Generation, 30.0, now);
            }
        }
        None
    }

    /// All that happens at one moment.
    fn step(&mut self, now: u64) {
        let heard = self.at(now);
        for task in self.doing.iter_mut().filter(|task| task.callback.is_some_and(|comes| comes <= now)) {
            task.callback = None;
            self.trust.hear(&task.subject, heard);
            task.polls.poll_soon(now);
        }
        if !self.trust.holds(heard) {
            self.doing.iter_mut().for_each(|task| task.polls.release());
        }
        let is_due = |task: &Doing| task.polls.next_poll() <= now;
        let (due, later): (Vec<_>, _) = std::mem::take(&mut self.doing).into_iter().partition(is_due);
        self.doing = later;
        for task in due {
            let on = self.poll(task, now);
            self.doing.extend(on);
        }
    }

    fn next(&mut self, now: u64) -> Option<u64> {
        let tasks = self.doing.iter().flat_map(|task| task.callback.into_iter().chain([task.polls.next_poll()]));
        let tasks = tasks.min();
        let doubt = self.trust.holds_until(self.at(now)).map(|until| (until - self.start).as_millis() as u64);
        tasks.map(|next| doubt.map_or(next, |doubt| doubt.min(next)))
    }
}

/// Several courses of all jobs, so that luck counts for little.
fn simulated(loss: Option<f64>) -> [Took; 2] {
    let mut took = [Took::default(), Took::default()];
    for seed in 0..20 {
        fastrand::seed(seed);
        let mut course = Course {
            random: fastrand::Rng::with_seed(seed),
            start: Instant::now(),
            trust: Trust::default(),
            loss,
            doing: Vec::new(),
            training: Took::default(),
            generation: Took::default(),
        };
        let mut now = 0;
        let mut begun = 0;
        loop {
            let begins = (begun < JOBS).then_some(u64::from(begun) * PAUSE);
            match (begins, course.next(now)) {
                (Some(begins), next) if next.is_none_or(|next| begins <= next) => {
                    now = begins;
                    course.begin(begun, "t", TaskKind::Training, 120.0, now);
                    begun += 1;
                }
                (_, Some(next)) => {
                    now = next.max(now);
                    course.step(now);
                }
                (_, None) => break,
            }
        }
        for (all, one) in took.iter_mut().zip([course.training, course.generation]) {
            all.tasks += one.tasks;
            all.queries += one.queries;
            all.seconds += one.seconds;
            all.longest = all.longest.max(one.longest);
        }
    }
    took
}

#[test]
fn lost_callbacks_cost_little_time_and_queries_and_those_that_come_save_both() {
    let alone = simulated(None);
    for loss in [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 1.0] {
        let with = simulated(Some(loss));
        for (kind, with, alone) in [("training", &with[0], &alone[0]), ("generation", &with[1], &alone[1])] {
            let said = format!(
                "{loss} lost, {kind}: {:.2} queries, {:.1} s, at most {:.0}; by polling alone {:.2}, {:.1} s, {:.0}",
                with.queries_a_task(),
                with.mean(),
                with.longest,
                alone.queries_a_task(),
                alone.mean(),
                alone.longest
            );
            println!("{said}");
            assert!(with.mean() <= alone.mean() * 1.02, "known later than without: {said}");
            assert!(with.queries_a_task() <= alone.queries_a_task() + 1.0, "asked more often than without: {said}");
            // What is polled rarely is polled after five minutes, and all is as usual once one was missed.
            let longest = if loss < 0.1 { 360.0 } else { alone.longest + 60.0 };
            assert!(with.longest <= longest, "one is forgotten: {said}");
            assert!(loss > 0.0 || with.longest <= 1.5, "callbacks that all come tell at once: {said}");
        }
    }
    let after_the_first = &simulated(Some(0.0))[1];
    assert!(after_the_first.queries_a_task() <= 2.0, "{} queries", after_the_first.queries_a_task());
}
