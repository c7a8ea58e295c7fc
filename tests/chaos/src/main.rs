//! Hundreds of jobs at once through a bad network, by processes that are killed: `make -C tests/chaos chaos`.
//!
//! A round gives each worker process its share of the unfinished jobs, and kills it a few times: at random moments, and
//! at random writes in the jobs' folders. After a round, what is unknown is looked up at the simulator as a person
//! would, and adopted or started anew. The last rounds are calm. Then one job each is killed at its first write, its
//! second, and so on, until one gets through. Then everything is counted at the simulator.

mod audit;
mod ladder;
mod lookup;
mod proxy;
mod slot;
mod worker;

use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::Ordering,
    time::Instant,
};

use fastrand::Rng;
use xiezhen_simulator::Simulator;

use crate::{
    proxy::Proxy,
    slot::{Slot, Watch},
    worker::Order,
};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Rounds with faults and kills, and rounds in which the rest may end.
const WILD: u32 = 4;
const CALM: u32 = 5;
const WORKERS: usize = 4;
/// Each job's styles: they are generated side by side.
pub(crate) const STYLES: [&str; 2] = ["仙气十足", "花好月圆"];

fn main() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, url, orders] = arguments.as_slice()
        && mode == "worker"
    {
        worker::work(url, Path::new(orders))?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = |name: &str, usual: u64| -> Outcome<u64> {
        let place = arguments.iter().position(|argument| argument == name);
        Ok(place.and_then(|at| arguments.get(at + 1)).map_or(Ok(usual), |value| value.parse())?)
    };
    let jobs = usize::try_from(number("--jobs", 500)?)?;
    let seed = number("--seed", fastrand::u64(0..1_000_000))?;
    println!("{jobs} jobs, seed {seed}; again: --jobs {jobs} --seed {seed}");
    let problems = chaos(jobs, seed)?;
    for problem in &problems {
        println!("WRONG {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a job's photos, checkpoint and pictures are.
pub(crate) fn folder(root: &Path, job: usize) -> PathBuf {
    root.join(format!("{job:04}"))
}

fn chaos(jobs: usize, seed: u64) -> Outcome<Vec<String>> {
    let began = Instant::now();
    let root = tempfile::tempdir()?;
    for job in 0..jobs {
        worker::make_photos(&folder(root.path(), job), job)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let simulator = runtime.block_on(
        Simulator::builder()
            .seed(seed)
            .training_seconds(0.5)
            .generation_seconds(0.3)
            .pictures_per_task(1)
            .set(|settings| settings.journal_limit = 5_000_000)
            .start(),
    )?;
    let inside = runtime.enter();
    let proxy = Proxy::start(&simulator.url(), seed)?;
    drop(inside);
    let mut watch = Watch::start(root.path())?;
    for job in 0..jobs {
        watch.add(job)?;
    }
    let mut random = Rng::with_seed(seed);
    let mut orders: BTreeMap<usize, Order> = (0..jobs).map(|job| (job, Order::Go)).collect();
    let (mut kills, mut adopted, mut recreated) = ((0, 0), 0, 0);
    let settle = || -> Outcome {
        runtime.block_on(async {
            proxy.drained().await?;
            simulator.quiet().await
        })?;
        Ok(())
    };
    for round in 0..WILD + CALM {
        let wild = round < WILD;
        proxy.calm.store(!wild, Ordering::Relaxed);
        let outcomes = run_round(&watch, &proxy.url, root.path(), &orders, wild, &mut random, &mut kills)?;
        // Requests that were on their way have arrived, and what they asked for is done.
        settle()?;
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for (job, outcome) in outcomes {
            *told.entry(outcome.clone()).or_default() += 1;
            let order = if outcome == "done" {
                orders.remove(&job);
                continue;
            } else if outcome == "outcome_unknown" {
                lookup::decide(&simulator, &folder(root.path(), job))?
            } else {
                Order::Go
            };
            adopted += usize::from(matches!(order, Order::Adopt(_) | Order::AdoptTraining(..)));
            recreated += usize::from(order == Order::Recreate);
            orders.insert(job, order);
        }
        println!("round {} {}: {told:?}", round + 1, if wild { "wild" } else { "calm" });
        if orders.is_empty() {
            break;
        }
    }
    println!(
        "kills: {} at random moments, {} at writes; unknown: {adopted} adopted, {recreated} created anew; {}",
        kills.0,
        kills.1,
        proxy.report()
    );
    proxy.calm.store(true, Ordering::Relaxed);
    let climbed = ladder::climb(&mut watch, &proxy.url, root.path(), &simulator, jobs, settle)?;
    println!("{} jobs more, each killed at another write of its course, until one got through", climbed.killed);
    let problems = audit::audit(&runtime, &simulator, root.path(), jobs + climbed.jobs)?;
    println!("{:.0} s", began.elapsed().as_secs_f64());
    Ok(problems)
}

/// One round of all workers; what each job that was ordered came to.
fn run_round(
    watch: &Watch,
    url: &str,
    root: &Path,
    orders: &BTreeMap<usize, Order>,
    wild: bool,
    random: &mut Rng,
    kills: &mut (usize, usize),
) -> Outcome<BTreeMap<usize, String>> {
    let mut slots = Vec::new();
    for number in 0..WORKERS {
        let share: BTreeMap<usize, Order> = orders
            .iter()
            .filter(|(job, _)| *job % WORKERS == number)
            .map(|(job, order)| (*job, order.clone()))
            .collect();
        let trap = watch.trap(number)?;
        let slot = Slot { trap, url: url.to_owned(), root: root.to_owned(), number, seed: random.u64(..), wild };
        slots.push(std::thread::spawn(move || slot.run(share)));
    }
    let mut outcomes = BTreeMap::new();
    for slot in slots {
        let told = slot.join().map_err(|_| "a thread of the driver panicked")??;
        kills.0 += told.kills.0;
        kills.1 += told.kills.1;
        outcomes.extend(told.outcomes);
    }
    // A job that never said anything was killed each time.
    for job in orders.keys() {
        outcomes.entry(*job).or_insert_with(|| "killed".to_owned());
    }
    Ok(outcomes)
}
