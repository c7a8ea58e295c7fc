//! Killed at any instant and run again, a job uploads no confirmed photo again, never retrains, and ends with the
//! same files (docs/design.md §5.2). The process that is killed is this test program, started once more.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use xiezhen::{ErrorKind, Job, RunOptions, Stage};
use xiezhen_simulator::{Call, Moment, Simulator};

use crate::service::{self, STYLES};

const URL: &str = "XIEZHEN_TEST_URL";
const FOLDER: &str = "XIEZHEN_TEST_FOLDER";

/// A job in a folder of this name has photos that are sent as they are made, not as they are.
const PREPARED: &str = "prepared";

/// Turned, of other colours and types.
fn to_be_prepared() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pictures/corpus");
    let names = [
        "orientation-3.jpg",
        "orientation-6.jpg",
        "orientation-8.jpg",
        "cmyk.jpg",
        "ycck.jpg",
        "good.tif",
        "transparent.png",
        "display-p3-turned.jpg",
    ];
    names.iter().map(|name| corpus.join(name)).collect()
}

/// Eight photos and two styles, on disk and in a checkpoint.
fn wish(folder: &Path) -> (Job, RunOptions) {
    let photos = if folder.ends_with(PREPARED) { to_be_prepared() } else { service::photos() };
    let job = Job::new(photos.into_iter().take(8), STYLES);
    (job, RunOptions::default().save_to(folder).checkpoint(folder.join("job.json")))
}

#[test]
#[ignore = "the process that the other tests kill"]
fn child() {
    let url = std::env::var(URL).unwrap();
    let (job, options) = wish(&PathBuf::from(std::env::var(FOLDER).unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = runtime.block_on(service::client(&url).run(&job, options));
}

fn spawn(url: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--ignored"])
        .env(URL, url)
        .env(FOLDER, folder)
        // Photos are made in memory: there is no temporary folder that could be full or read-only.
        .env("TMPDIR", "/dev/null/nowhere")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child once, at the `nth` thing that is counted.
#[derive(Clone)]
struct Trap {
    child: Arc<Mutex<Option<Child>>>,
    left: Arc<AtomicI64>,
}

impl Trap {
    fn at(nth: i64) -> Self {
        Self { child: Arc::default(), left: Arc::new(AtomicI64::new(nth)) }
    }

    fn step(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The first request may come before the child's handle is put here.
            loop {
                if let Some(child) = self.child.lock().unwrap().as_mut() {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    return;
                }
                std::thread::yield_now();
            }
        }
    }

    fn has_sprung(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }
}

/// Runs the job in a child until it ends or `trap` kills it.
fn run_child(url: &str, folder: &Path, trap: &Trap) {
    *trap.child.lock().unwrap() = Some(spawn(url, folder));
    let began = Instant::now();
    while trap.child.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(180), "the child hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn simulator(runtime: &tokio::runtime::Runtime) -> Simulator {
    runtime.block_on(async {
        let simulator = service::start().await;
        simulator.set(|settings| settings.pictures_per_task = 1);
        simulator
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Digests of the photos that the checkpoint says are uploaded.
fn confirmed(folder: &Path) -> HashSet<String> {
    let Ok(job) = Job::read_checkpoint(folder.join("job.json")) else { return HashSet::new() };
    job.photos().into_iter().filter(|photo| photo.uploaded.is_some()).filter_map(|photo| photo.sha256).collect()
}

/// Takes the job up as a caller would, and checks that nothing was done or paid twice.
fn finish(runtime: &tokio::runtime::Runtime, simulator: &Simulator, folder: &Path, when: &str) {
    // What the killed process had sent is carried out all the same, and may be so after it has ended.
    runtime.block_on(simulator.quiet()).unwrap();
    let confirmed = confirmed(folder);
    let seen = simulator.journal().len();
    let client = service::client(&simulator.url());
    let (job, options) = wish(folder);
    let mut outcome = runtime.block_on(client.run(&job, options.clone()));
    while let Err(error) = outcome {
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{when}: {error}");
        outcome = runtime.block_on(decide(&client, simulator, &job, options.clone()));
    }
    assert_eq!(job.stage(), Stage::Done, "{when}");
    assert_eq!(simulator.created(), 3, "{when}: paid twice");
    for portrait in job.portraits() {
        let task = simulator.task(portrait.task_id.as_ref().unwrap()).unwrap();
        assert_eq!(task.style, portrait.style_id, "{when}: a task of another style");
    }
    assert!(job.portraits().iter().all(|portrait| portrait.files.len() == 1), "{when}");
    let left: HashSet<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let pictures =
        left.iter().filter(|path| path.extension().is_some_and(|e| e != "json" && e != "lock" && e != "tmp"));
    assert_eq!(pictures.count(), 2, "{when}: {left:?}");
    for entry in simulator.journal().iter().skip(seen).filter(|entry| entry.call == Call::UploadFile) {
        let digest = entry.body.as_ref().and_then(|body| body["sha256"].as_str()).unwrap_or_default();
        assert!(!confirmed.contains(digest), "{when}: a confirmed photo was uploaded again");
    }
}

/// What a person does about an unknown outcome: look at the vendor's side, adopt what is there, else create anew.
async fn decide(
    client: &xiezhen::Client,
    simulator: &Simulator,
    job: &Job,
    options: RunOptions,
) -> xiezhen::Result<()> {
    let known: HashSet<String> =
        job.portraits().into_iter().filter_map(|portrait| portrait.task_id).chain(job.training_task_id()).collect();
    let Some(task) = simulator.tasks().into_iter().find(|task| !known.contains(&task.id)) else {
        return client.run(job, options.recreate(true)).await;
    };
    match &task.style {
        None => job.adopt(&task.id, Some(&task.user_id))?,
        // Only the first style's generation may be lost, or only the second's.
        style => {
            let portraits = job.portraits();
            let portrait = portraits.iter().find(|portrait| portrait.style_id == *style).unwrap();
            job.adopt_portrait(&task.id, &portrait.style)?;
        }
    }
    client.run(job, options).await
}

#[test]
fn before_and_after_every_request() {
    let runtime = runtime();
    let mut moments = 0;
    for nth in 1.. {
        let simulator = simulator(&runtime);
        let folder = tempfile::tempdir().unwrap();
        let trap = Trap::at(nth);
        let hook = trap.clone();
        simulator.on_request(move |_, moment| {
            if moment != Moment::Answered {
                hook.step();
            }
        });
        run_child(&simulator.url(), folder.path(), &trap);
        if !trap.has_sprung() {
            break;
        }
        finish(&runtime, &simulator, folder.path(), &format!("at moment {nth}"));
        moments = nth;
    }
    assert!(moments >= 30, "only {moments} moments were tried");
    println!("killed at {moments} moments of requests");
}

#[test]
#[cfg(target_os = "linux")]
fn before_and_after_every_write_of_the_checkpoint() {
    let runtime = runtime();
    let mut writes = 0;
    for nth in 1.. {
        let simulator = simulator(&runtime);
        let folder = tempfile::tempdir().unwrap();
        let trap = Trap::at(nth);
        let watching = watch(folder.path(), trap.clone());
        run_child(&simulator.url(), folder.path(), &trap);
        drop(watching);
        if !trap.has_sprung() {
            break;
        }
        finish(&runtime, &simulator, folder.path(), &format!("at change {nth} of the folder"));
        writes = nth;
    }
    assert!(writes >= 20, "only {writes} writes were seen");
    println!("killed at {writes} changes of the checkpoint's folder");
}

/// Calls the trap for each temporary file that appears in `folder` and each that gets its name.
#[cfg(target_os = "linux")]
fn watch(folder: &Path, trap: Trap) -> Watching {
    use inotify::{Inotify, WatchMask};

    let mut inotify = Inotify::init().unwrap();
    inotify.watches().add(folder, WatchMask::CREATE | WatchMask::MOVED_TO).unwrap();
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stop = over.clone();
    let thread = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while !stop.load(Ordering::Relaxed) {
            match inotify.read_events(&mut buffer) {
                Ok(events) => events.for_each(|_| trap.step()),
                Err(_) => std::thread::sleep(Duration::from_micros(100)),
            }
        }
    });
    Watching { over, thread: Some(thread) }
}

#[cfg(target_os = "linux")]
struct Watching {
    over: Arc<std::sync::atomic::AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[cfg(target_os = "linux")]
impl Drop for Watching {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn at_random_moments() {
    let runtime = runtime();
    let seed = std::env::var("XIEZHEN_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..30 {
        let simulator = simulator(&runtime);
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..=round % 3 {
            let mut child = spawn(&simulator.url(), folder.path());
            std::thread::sleep(Duration::from_millis(random.u64(0..700)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        finish(&runtime, &simulator, folder.path(), &format!("round {round}"));
    }
}

/// Digests of what was sent, in every attempt.
fn sent(simulator: &Simulator) -> HashSet<String> {
    let uploads = simulator.journal().into_iter().filter(|entry| entry.call == Call::UploadFile);
    uploads.filter_map(|entry| Some(entry.body?["sha256"].as_str()?.to_owned())).collect()
}

/// Photos are made while others are sent: at any upload's arrival some are half made.
#[test]
fn while_photos_are_prepared_and_the_same_bytes_are_sent_afterwards() {
    let runtime = runtime();
    let mut first = None;
    for nth in [1, 3, 6] {
        let simulator = simulator(&runtime);
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join(PREPARED);
        let trap = Trap::at(nth);
        simulator.on_request({
            let trap = trap.clone();
            move |entry, moment| {
                if entry.call == Call::UploadFile && matches!(moment, Moment::Arrived) {
                    trap.step();
                }
            }
        });
        run_child(&simulator.url(), &folder, &trap);
        assert!(trap.has_sprung(), "upload {nth}");
        finish(&runtime, &simulator, &folder, &format!("killed at upload {nth}"));
        let sent = sent(&simulator);
        assert_eq!(sent.len(), 8, "other bytes of the same photo: {sent:?}");
        // And the same in each run, whenever it was killed.
        assert_eq!(*first.get_or_insert_with(|| sent.clone()), sent);
        let job = Job::read_checkpoint(folder.join("job.json")).unwrap();
        let given = job.photos().into_iter().filter_map(|photo| photo.sha256);
        assert!(sent.is_disjoint(&given.collect()), "sent as given, and not as made");
    }
}
