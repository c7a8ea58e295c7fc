//! The main job, end to end, without an account: `make demo`.
//!
//! Starts the simulated service in this process and runs the command `xiezhen` against it: ten photos, two styles,
//! pictures and a contact sheet in `demo/`. The service's state is kept there too, so that a demo that was cut off,
//! at whatever instant, goes on when it is started again.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use tokio::runtime::Runtime;
use xiezhen::{Client, Job, Stage};
use xiezhen_simulator::{DEFAULT_APP_CODE, Simulator};

const PHOTOS: &str = "tests/photos";
const STYLES: [&str; 2] = ["仙气十足", "花好月圆"];

const OUT: &str = "demo";
const CHECKPOINT: &str = "demo/job.json";
const SHEET: &str = "demo/index.html";
const SERVICE: &str = "demo/service";
const AGAIN: &str = "make demo";
const AFRESH: &str = "rm -r demo";

/// Four simulated minutes of training pass in four seconds: well before the SDK's first look.
const CLOCK_SCALE: f64 = 60.0;

fn main() -> ExitCode {
    match demonstrate() {
        Ok(exit) => ExitCode::from(exit),
        Err(problem) => {
            eprintln!("demo: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn demonstrate() -> Result<u8, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))?;
    if is_finished() {
        println!("This demo is finished, and nothing is left to do. To start over: {AFRESH}");
        show_where();
        return Ok(0);
    }

    let runtime = Runtime::new().map_err(|error| format!("no runtime can be started: {error}"))?;
    let service = runtime.block_on(start_service())?;
    let arguments = match Job::read_checkpoint(CHECKPOINT) {
        Ok(job) => rest_of_the_command(&job, &service)?,
        // The first time; or the command says what is wrong with the file.
        Err(_) => whole_command()?,
    };
    // What is said here wins over any XIEZHEN_* of the environment.
    let client = Client::builder().base_url(service.url()).app_code(DEFAULT_APP_CODE.to_owned()).proxy("");
    let exit = xiezhen::cli::run_with(client, Some(AGAIN), arguments);
    if exit == 0 {
        show_where();
    }
    Ok(exit)
}

fn is_finished() -> bool {
    let is_whole = |file: &PathBuf| file.metadata().is_ok_and(|about| about.len() > 0);
    Job::read_checkpoint(CHECKPOINT).is_ok_and(|job| {
        let portraits = job.portraits();
        job.stage() == Stage::Done
            && Path::new(SHEET).exists()
            && portraits.iter().all(|portrait| !portrait.files.is_empty() && portrait.files.iter().all(is_whole))
    })
}

fn show_where() {
    println!("\nPictures:       {OUT}/\nContact sheet:  {SHEET}");
}

/// Starts the service where it was before, because a job belongs to one host and port.
async fn start_service() -> Result<Simulator, String> {
    let damaged = |what: String| format!("{what}\nTo start over: {AFRESH}");
    fs::create_dir_all(SERVICE).map_err(|error| format!("can't make {SERVICE}: {error}"))?;
    let kept = Path::new(SERVICE).join("port");
    let port: u16 = match fs::read_to_string(&kept) {
        Ok(text) => text.trim().parse().map_err(|_| damaged(format!("{} holds no port", kept.display())))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(damaged(format!("can't read {}: {error}", kept.display()))),
    };

    let service =
        Simulator::builder().port(port).clock_scale(CLOCK_SCALE).state_file(Path::new(SERVICE).join("state.json"));
    let service = service.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => damaged(format!(
            "port {port}, where this demo's simulated service was, is in use by another program.\n\
             Is this demo running already? Otherwise end that program, then: {AGAIN}"
        )),
        _ => damaged(format!("the simulated service can't be started: {error}")),
    })?;
    let port = service.url().rsplit(':').next().unwrap_or_default().to_owned();
    // Whole or not at all: the demo may be cut off here too.
    let written =
        fs::write(kept.with_extension("new"), port).and_then(|()| fs::rename(kept.with_extension("new"), &kept));
    written.map_err(|error| format!("can't write {}: {error}", kept.display()))?;
    Ok(service)
}

fn whole_command() -> Result<Vec<OsString>, String> {
    let listed = fs::read_dir(PHOTOS).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut photos: Vec<PathBuf> = listed.map_err(|error: io::Error| format!("can't list {PHOTOS}: {error}"))?;
    photos.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    photos.sort();

    let mut command = words(&["xiezhen", "run"]);
    command.extend(photos.into_iter().map(PathBuf::into_os_string));
    command.extend(STYLES.iter().flat_map(|style| words(&["--style", style])));
    command.extend(words(&["--out", OUT]));
    Ok(command)
}

/// The command that goes on with a job. If a create was cut off, only the service knows whether it was carried out:
/// here one can look, and nothing is ever paid for twice.
fn rest_of_the_command(job: &Job, service: &Simulator) -> Result<Vec<OsString>, String> {
    let mut known: Vec<String> = job.portraits().into_iter().filter_map(|portrait| portrait.task_id).collect();
    known.extend(job.training_task_id());
    match service.tasks().into_iter().find(|task| !known.contains(&task.id)) {
        Some(lost) => Ok(words(&["xiezhen", "resume", CHECKPOINT, "--adopt", &lost.id, "--user-id", &lost.user_id])),
        None => whole_command().map(|command| [command, words(&["--recreate"])].concat()),
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
