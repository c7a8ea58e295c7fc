//! One worker's place: starts the process, kills it, starts it again.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fastrand::Rng;
use inotify::{Inotify, WatchDescriptor, WatchMask, Watches};

use crate::{Outcome, WORKERS, folder, worker::Order};

/// No round of a worker takes longer, unless it hangs.
const TOO_LONG: Duration = Duration::from_secs(90);

/// A process that is to be killed at the nth write in its folders.
#[derive(Default)]
pub(crate) struct Trap {
    child: Option<Child>,
    writes_left: Option<u32>,
    sprung: bool,
}

type Shared = Arc<Mutex<Trap>>;

fn lock(trap: &Shared) -> MutexGuard<'_, Trap> {
    trap.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees every file that appears in a job's folder or gets its name, and springs the traps.
pub(crate) struct Watch {
    root: PathBuf,
    traps: Vec<Shared>,
    watches: Watches,
    /// Whose folder it is.
    owners: Arc<Mutex<HashMap<WatchDescriptor, Shared>>>,
}

impl Watch {
    pub(crate) fn start(root: &Path) -> Outcome<Self> {
        let mut inotify = Inotify::init()?;
        let owners: Arc<Mutex<HashMap<WatchDescriptor, Shared>>> = Arc::default();
        let traps = (0..WORKERS).map(|_| Shared::default()).collect();
        let watch = Self { root: root.to_owned(), traps, watches: inotify.watches(), owners: owners.clone() };
        std::thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            while let Ok(events) = inotify.read_events_blocking(&mut buffer) {
                for event in events {
                    let owner = owners.lock().unwrap_or_else(PoisonError::into_inner).get(&event.wd).cloned();
                    if let Some(trap) = owner {
                        step(&trap);
                    }
                }
            }
        });
        Ok(watch)
    }

    /// Watches a job's folder: its worker is the one whose turn it is.
    pub(crate) fn add(&mut self, job: usize) -> Outcome {
        let trap = self.trap(job % WORKERS)?;
        let mask = WatchMask::CREATE | WatchMask::MOVED_TO;
        let descriptor = self.watches.add(folder(&self.root, job), mask)?;
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).insert(descriptor, trap);
        Ok(())
    }

    pub(crate) fn trap(&self, number: usize) -> Outcome<Shared> {
        Ok(self.traps.get(number).ok_or("no such worker")?.clone())
    }
}

fn step(trap: &Shared) {
    let mut trap = lock(trap);
    let Some(left) = trap.writes_left else { return };
    trap.writes_left = left.checked_sub(1);
    if left == 0
        && let Some(child) = trap.child.as_mut()
    {
        trap.sprung = child.kill().is_ok();
    }
}

/// A worker's share of a round.
pub(crate) struct Slot {
    pub(crate) trap: Shared,
    pub(crate) url: String,
    pub(crate) root: PathBuf,
    pub(crate) number: usize,
    pub(crate) seed: u64,
    pub(crate) wild: bool,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) outcomes: BTreeMap<usize, String>,
    /// At random moments, and at writes.
    pub(crate) kills: (usize, usize),
}

impl Slot {
    pub(crate) fn run(self, mut orders: BTreeMap<usize, Order>) -> Outcome<Told> {
        let mut random = Rng::with_seed(self.seed);
        let mut told = Told::default();
        let mut kills = if self.wild { random.u32(3..=6) } else { 0 };
        while !orders.is_empty() {
            let at_write = kills > 0 && random.bool();
            let moment = (kills > 0 && !at_write).then(|| Duration::from_millis(random.u64(50..2500)));
            let most = 20 * u32::try_from(orders.len())?;
            let writes = at_write.then(|| random.u32(0..most));
            let killed = self.process(&orders, moment, writes, &mut told)?;
            orders.retain(|job, _| !told.outcomes.contains_key(job));
            if !killed {
                break;
            }
            if at_write {
                told.kills.1 += 1;
            } else {
                told.kills.0 += 1;
            }
            kills -= 1;
            // A decision was made about what was known then. What is unknown now is looked at after the round.
            for order in orders.values_mut() {
                *order = Order::Go;
            }
        }
        Ok(told)
    }

    /// One process, to its end; true if it was killed.
    pub(crate) fn process(
        &self,
        orders: &BTreeMap<usize, Order>,
        moment: Option<Duration>,
        writes: Option<u32>,
        told: &mut Told,
    ) -> Outcome<bool> {
        let list = self.root.join(format!("orders-{}.json", self.number));
        std::fs::write(&list, serde_json::to_vec(orders)?)?;
        let mut child = Command::new(std::env::current_exe()?)
            .args([std::ffi::OsStr::new("worker"), self.url.as_ref(), list.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
        *lock(&self.trap) = Trap { child: Some(child), writes_left: writes, sprung: false };
        let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<String>>());
        let began = Instant::now();
        let killed = loop {
            let mut trap = lock(&self.trap);
            let sprung = trap.sprung;
            let Some(child) = trap.child.as_mut() else { return Err("the process is gone".into()) };
            if let Some(status) = child.try_wait()? {
                if !sprung && !status.success() {
                    return Err(format!("a worker died by itself: {status}").into());
                }
                break sprung;
            }
            if moment.is_some_and(|moment| began.elapsed() > moment) {
                child.kill()?;
                child.wait()?;
                break true;
            }
            if began.elapsed() > TOO_LONG {
                child.kill()?;
                return Err("a worker hangs".into());
            }
            drop(trap);
            std::thread::sleep(Duration::from_millis(2));
        };
        *lock(&self.trap) = Trap::default();
        for line in reader.join().map_err(|_| "a reader panicked")? {
            if let Some((job, code)) = line.split_once(' ') {
                told.outcomes.insert(job.parse()?, code.to_owned());
            }
        }
        Ok(killed)
    }
}
