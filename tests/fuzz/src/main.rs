//! Foreign bytes at everything of the core that reads some: `make -C tests/fuzz fuzz`.
//!
//! Every case follows from the seed and its number alone: `--only answers --case 1234` runs one again. A case fails by
//! a panic (integer overflow is one in debug builds), by taking longer than a second, or by breaking what its target
//! promises. One that never ends is told by the watchdog, which ends the process.

mod advanced;
mod corpus;
mod folder;
mod mutate;
mod results;
mod targets;
mod watchdog;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::{Duration, Instant},
};

use targets::Target;
use watchdog::Watchdog;

/// The largest picture that is accepted, at 16 bit with transparency, and what else is at hand.
const MOST_MEMORY: u64 = 1 << 30;

/// What the command line says.
struct Plan {
    seed: u64,
    /// For each target.
    seconds: f64,
    /// For each target; overrides `seconds`.
    executions: Option<u64>,
    only: Option<String>,
    case: Option<u64>,
}

fn plan(mut arguments: impl Iterator<Item = String>) -> Result<Plan, String> {
    let mut plan = Plan { seed: 20_261_122, seconds: 60.0, executions: None, only: None, case: None };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{name} {value}: {error}"));
        match name.as_str() {
            "--seed" => plan.seed = number()?,
            "--seconds" => plan.seconds = value.parse().map_err(|error| format!("{name} {value}: {error}"))?,
            "--executions" => plan.executions = Some(number()?),
            "--only" => plan.only = Some(value),
            "--case" => plan.case = Some(number()?),
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(plan)
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let plan = plan(std::env::args().skip(1))?;
    // A panic is a finding, reported with its case; the hook would print each on its own as well.
    std::panic::set_hook(Box::new(|_| ()));
    println!("seed {}", plan.seed);
    let mut findings = 0;
    let watchdog = Watchdog::start();
    for target in targets::all()?.iter().filter(|target| plan.only.as_deref().is_none_or(|only| only == target.name()))
    {
        findings += drive(target.as_ref(), &plan, &watchdog);
    }
    if let Some(peak) = peak_memory() {
        println!("at most {} MiB of memory", peak >> 20);
        if peak > MOST_MEMORY {
            println!("FOUND more memory than {} MiB", MOST_MEMORY >> 20);
            findings += 1;
        }
    }
    Ok(if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How long this process has had a processor, where Linux tells it; else the time of a clock.
struct Processor {
    read: Instant,
    time: Duration,
}

impl Processor {
    fn new() -> Self {
        Self { read: Instant::now(), time: Self::time().unwrap_or_default() }
    }

    /// Reading it takes longer than many a case.
    fn read_now_and_then(&mut self) {
        if self.read.elapsed() > Duration::from_millis(100) {
            *self = Self::new();
        }
    }

    /// Since it was last read.
    fn spent(&self) -> Duration {
        Self::time().map_or_else(|| self.read.elapsed(), |now| now.saturating_sub(self.time))
    }

    fn time() -> Option<Duration> {
        let about = std::fs::read_to_string("/proc/self/stat").ok()?;
        // After the program's name: the state, and ten numbers before these two, in hundredths of a second.
        let fields = about.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
        let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
        Some(Duration::from_millis(10 * ticks))
    }
}

/// What this process had in memory at most, where Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib << 10)
}

/// Runs one target as long as the plan says; gives the number of findings, at most five.
fn drive(target: &dyn Target, plan: &Plan, watchdog: &Watchdog) -> u32 {
    let began = Instant::now();
    let mut processor = Processor::new();
    let mut findings = 0;
    let mut executions = 0_u64;
    let first = plan.case.unwrap_or(0);
    let goes_on = |executions: u64| match (plan.case, plan.executions) {
        (Some(_), _) => executions < 1,
        (None, Some(limit)) => executions < limit.div_ceil(target.cost()),
        (None, None) => began.elapsed().as_secs_f64() < plan.seconds,
    };
    while goes_on(executions) && findings < 5 {
        let case = first + executions;
        let again = format!("--seed {} --only {} --case {case}", plan.seed, target.name());
        processor.read_now_and_then();
        let problem = watchdog.over(&again, || execute(target, plan.seed, case, &processor));
        if let Some(problem) = problem {
            findings += 1;
            println!("FOUND {problem}\n  again: {again}");
        }
        executions += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{:<12} {executions:>10} executions in {seconds:.1} s, {findings} findings", target.name());
    findings
}

/// One case; what is wrong, if something is.
fn execute(target: &dyn Target, seed: u64, case: u64, processor: &Processor) -> Option<String> {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ case);
    let input = target.input(&mut random);
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target.run(&input)));
    let problem = match outcome {
        Ok(Ok(())) if began.elapsed() > target.limit() && processor.spent() > target.limit() => {
            Some(format!("it took {:?}", began.elapsed()))
        }
        Ok(Ok(())) => None,
        Ok(Err(problem)) => Some(problem),
        Err(panic) => Some(format!("panic: {}", words(panic.as_ref()))),
    };
    problem.map(|problem| format!("{problem}\n  input: {}", String::from_utf8_lossy(&input).escape_debug()))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
