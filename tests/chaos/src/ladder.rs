//! A kill at every write: a fresh job each is killed at its first write, at its second … until one gets through.

use std::{collections::BTreeMap, path::Path};

use xiezhen_simulator::Simulator;

use crate::{
    Outcome, WORKERS, folder, lookup,
    slot::{Slot, Told, Watch},
    worker::{self, Order},
};

/// A job has some dozens of writes; no end is a defect.
const MOST: usize = 400;
/// How often a job that was killed once may be run again.
const AGAIN: usize = 5;

/// What came of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Climbed {
    /// One at each write.
    pub(crate) killed: usize,
    /// Those that got through included.
    pub(crate) jobs: usize,
}

/// Jobs from number `first` on, as many at a time as there are workers. `settle` returns when no request is under way.
pub(crate) fn climb(
    watch: &mut Watch,
    url: &str,
    root: &Path,
    simulator: &Simulator,
    first: usize,
    settle: impl Fn() -> Outcome,
) -> Outcome<Climbed> {
    let mut climbed = Climbed::default();
    while climbed.jobs < MOST {
        let mut wave = Vec::new();
        for write in climbed.jobs..climbed.jobs + WORKERS {
            let job = first + write;
            worker::make_photos(&folder(root, job), job)?;
            watch.add(job)?;
            let number = job % WORKERS;
            let trap = watch.trap(number)?;
            let slot = Slot { trap, url: url.to_owned(), root: root.to_owned(), number, seed: 0, wild: false };
            wave.push(Rung { slot, job, write: Some(u32::try_from(write)?), order: Order::Go, outcome: None });
        }
        climbed.jobs += wave.len();
        let killed = together(&mut wave)?;
        climbed.killed += killed;
        for _ in 0..AGAIN {
            if wave.is_empty() {
                break;
            }
            settle()?;
            for rung in &mut wave {
                rung.decide(simulator)?;
            }
            together(&mut wave)?;
        }
        if let Some(rung) = wave.first() {
            return Err(format!("job {} does not end", rung.job).into());
        }
        if killed == 0 {
            return Ok(climbed);
        }
    }
    Err("jobs never stop writing".into())
}

/// A job, and the write at which its process is to be killed.
struct Rung {
    slot: Slot,
    job: usize,
    write: Option<u32>,
    order: Order,
    /// What the last process said of it.
    outcome: Option<String>,
}

/// Runs each once, side by side, and keeps those that are not done; gives how many were killed.
fn together(wave: &mut Vec<Rung>) -> Outcome<usize> {
    let told = std::thread::scope(|scope| {
        let started: Vec<_> = wave.iter_mut().map(|rung| scope.spawn(|| rung.run())).collect();
        let ended = started.into_iter().map(|one| one.join().map_err(|_| "a thread of the ladder panicked")?);
        ended.collect::<Outcome<Vec<bool>>>()
    })?;
    wave.retain(|rung| rung.outcome.as_deref() != Some("done"));
    Ok(told.into_iter().filter(|killed| *killed).count())
}

impl Rung {
    /// Whether it was killed.
    fn run(&mut self) -> Outcome<bool> {
        let mut told = Told::default();
        let orders = BTreeMap::from([(self.job, self.order.clone())]);
        let killed = self.slot.process(&orders, None, self.write.take(), &mut told)?;
        self.outcome = told.outcomes.remove(&self.job);
        Ok(killed)
    }

    /// What a person would do about what it said.
    fn decide(&mut self, simulator: &Simulator) -> Outcome {
        let unknown = self.outcome.as_deref() == Some("outcome_unknown");
        let folder = folder(&self.slot.root, self.job);
        self.order = if unknown { lookup::decide(simulator, &folder)? } else { Order::Go };
        Ok(())
    }
}
