//! How many queries a wait makes and how late it sees the end: ours, by the real scheduler under a clock that only
//! moves when everybody sleeps, and the published loops of others. No network. Prints JSON; exits with 1 if in
//! a panel some loop has both fewer queries and less delay than ours.

mod durations;
mod loops;
mod ours;

use std::process::ExitCode;

use durations::{DISTRIBUTIONS, Distribution, MEDIANS};
use fastrand::Rng;
use loops::LOOPS;
use serde::Serialize;
use xiezhen::TaskKind;

/// So many that the means stand still in their second decimal.
const TASKS: usize = 4000;
const SEED: u64 = 7;

/// One wait.
#[derive(Clone, Copy, Debug)]
struct Waited {
    queries: u64,
    /// From the task's end to the query that saw it, in seconds.
    delay: f64,
    /// Its own deadline would have ended the wait before.
    given_up: bool,
}

/// The means of one schedule over all tasks of a distribution.
#[derive(Serialize)]
struct Point {
    who: &'static str,
    queries: f64,
    delay: f64,
    /// The share of waits that its default deadline would have ended without an outcome.
    given_up: f64,
}

impl Point {
    fn of(who: &'static str, waits: &[Waited]) -> Self {
        let mean = |of: fn(&Waited) -> f64| waits.iter().map(of).sum::<f64>() / waits.len() as f64;
        Self {
            who,
            queries: mean(|wait| wait.queries as f64),
            delay: mean(|wait| wait.delay),
            given_up: mean(|wait| f64::from(u8::from(wait.given_up))),
        }
    }

    /// Fewer queries, and sooner.
    fn beats(&self, other: &Self) -> bool {
        self.queries < other.queries && self.delay < other.delay
    }
}

/// One distribution: where everybody stands.
#[derive(Serialize)]
struct Panel {
    title: &'static str,
    tasks: usize,
    seed: u64,
    ours: Point,
    peers: Vec<Point>,
    beaten_by: Vec<&'static str>,
}

/// Where tasks are shorter or longer than in the panels: who has both fewer queries and less delay then?
#[derive(Serialize)]
struct Turn {
    kind: TaskKind,
    /// Of a lognormal distribution, in seconds.
    median: f64,
    beaten_by: Vec<&'static str>,
}

#[derive(Serialize)]
struct Economy {
    panels: Vec<Panel>,
    turns: Vec<Turn>,
}

async fn panel(distribution: &Distribution) -> Panel {
    let mut rng = Rng::with_seed(SEED);
    let durations: Vec<f64> = (0..TASKS).map(|_| distribution.draw(&mut rng)).collect();
    let ours = Point::of("xiezhen", &ours::waits(&durations, distribution.kind).await);
    let mut point = |peer: &loops::Loop| {
        let waits: Vec<Waited> = durations.iter().map(|ends| peer.wait(*ends, &mut rng)).collect();
        Point::of(peer.name, &waits)
    };
    let peers: Vec<Point> = LOOPS.iter().map(&mut point).collect();
    let beaten_by = peers.iter().filter(|peer| peer.beats(&ours)).map(|peer| peer.who).collect();
    Panel { title: distribution.title, tasks: TASKS, seed: SEED, ours, peers, beaten_by }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> ExitCode {
    fastrand::seed(SEED);
    let mut economy = Economy { panels: Vec::new(), turns: Vec::new() };
    for distribution in &DISTRIBUTIONS {
        economy.panels.push(panel(distribution).await);
    }
    for (kind, median) in MEDIANS {
        let beaten_by = panel(&Distribution::around(kind, median)).await.beaten_by;
        economy.turns.push(Turn { kind, median, beaten_by });
    }
    match serde_json::to_string_pretty(&economy) {
        Ok(text) => println!("{text}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    }
    let beaten = economy.panels.iter().any(|panel| !panel.beaten_by.is_empty());
    ExitCode::from(u8::from(beaten))
}
