//! The main job, end to end, without an account: `make demo`.
//!
//! Starts the simulated service in this process and runs the command `xiezhen` against it: ten photos, two styles,
//! pictures and a contact sheet in `demo/` (or in the folder that is given). The service's state is kept there too,
//! so that a demo that was cut off, at whatever instant, goes on when it is started again.

use std::{
    ffi::OsString,
    fmt::Display,
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::ExitCode,
};

use tokio::runtime::Runtime;
use xiezhen::{Client, ErrorKind, Job, Stage, cli::quoted_path};
use xiezhen_simulator::{Call, DEFAULT_APP_CODE, Simulator, Task};

const PHOTOS: &str = "tests/photos";
const STYLES: [&str; 2] = ["仙气十足", "花好月圆"];
const FOLDER: &str = "demo";

/// Four simulated minutes of training pass in four seconds: well before the SDK's first look.
const CLOCK_SCALE: f64 = 60.0;

fn main() -> ExitCode {
    match enter_repository().and_then(|()| Demo::new(std::env::args_os().nth(1)).run()) {
        Ok(exit) => ExitCode::from(exit),
        Err(problem) => {
            eprintln!("demo: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn enter_repository() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::env::set_current_dir(&root).map_err(|error| format!("{}: {error}", root.display()))
}

/// Where everything of the demo is.
struct Demo {
    folder: PathBuf,
    checkpoint: PathBuf,
    sheet: PathBuf,
    service: PathBuf,
    port: PathBuf,
    /// What to type to go on.
    again: String,
}

impl Demo {
    fn new(folder: Option<OsString>) -> Self {
        let again = match &folder {
            None => "make demo".to_owned(),
            Some(folder) => {
                format!("cargo run -p xiezhen --features cli --example demo -- {}", quoted_path(folder.as_ref()))
            }
        };
        let folder = PathBuf::from(folder.unwrap_or_else(|| FOLDER.into()));
        let service = folder.join("service");
        Self {
            checkpoint: folder.join("job.json"),
            sheet: folder.join("index.html"),
            port: service.join("port"),
            service,
            folder,
            again,
        }
    }

    fn run(&self) -> Result<u8, String> {
        if self.is_finished() {
            println!("This demo is finished: nothing is left to do, and no call was made.");
            self.show_where();
            println!("{}", self.start_over());
            return Ok(0);
        }
        if self.folder.exists() && !self.folder.is_dir() {
            return Err(format!("{} is not a folder: name another place for the demo", self.folder.display()));
        }

        let runtime = Runtime::new().map_err(|error| format!("no runtime can be started: {error}"))?;
        let service = runtime.block_on(self.start_service())?;
        let mut arguments = match Job::read_checkpoint(&self.checkpoint) {
            Ok(job) => self.rest_of_the_command(&job, &service)?,
            // The first time; or the command says what is wrong with the file.
            Err(_) => self.whole_command()?,
        };
        // The service tells of each end: the run asks no more than it has to.
        arguments.extend([OsString::from("--listen"), free_address()?.into()]);
        // What is said here wins over any XIEZHEN_* of the environment.
        let client = Client::builder().base_url(service.url()).app_code(DEFAULT_APP_CODE.to_owned()).proxy("");
        let exit = xiezhen::cli::run_with(client, Some(&self.again), arguments);
        if exit == 0 {
            self.show_where();
            println!("Queries:        {}", queries(&service));
        } else if exit != ErrorKind::Cancelled.exit_code() {
            // Of a folder from which parts were removed, a run can't be taken up again.
            eprintln!("{}", self.start_over());
        }
        Ok(exit)
    }

    fn start_over(&self) -> String {
        format!("To start over:  rm -r {}", quoted_path(&self.folder))
    }

    fn is_finished(&self) -> bool {
        let is_whole = |file: &PathBuf| file.metadata().is_ok_and(|about| about.len() > 0);
        let job = Job::read_checkpoint(&self.checkpoint).ok().filter(|job| job.stage() == Stage::Done);
        self.sheet.exists()
            && job.is_some_and(|job| job.portraits().iter().all(|portrait| portrait.files.iter().all(is_whole)))
    }

    fn show_where(&self) {
        println!("\nPictures:       {}\nContact sheet:  {}", self.folder.display(), self.sheet.display());
    }

    /// Starts the service where it was before, because a job belongs to one host and port.
    async fn start_service(&self) -> Result<Simulator, String> {
        fs::create_dir_all(&self.service).map_err(|error| self.unusable(&self.service, error))?;
        let port: u16 = match fs::read_to_string(&self.port) {
            Ok(text) => text.trim().parse().map_err(|error| self.unusable(&self.port, error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(self.unusable(&self.port, error)),
        };
        let state = self.service.join("state.json");
        let service = Simulator::builder().port(port).clock_scale(CLOCK_SCALE).state_file(&state).start().await;
        let service = service.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port}, where this demo's simulated service was, is in use by another program.\n\
                 Is this demo running already? If not, end that program and go on:  {}\n\
                 {}",
                self.again,
                self.start_over()
            ),
            _ => self.unusable(&state, error),
        })?;

        // Whole or not at all: the demo may be cut off here too.
        let new = self.port.with_extension("new");
        let port = service.url().rsplit(':').next().unwrap_or_default().to_owned();
        let kept = fs::write(&new, port).and_then(|()| fs::rename(&new, &self.port));
        kept.map_err(|error| self.unusable(&self.port, error))?;
        Ok(service)
    }

    fn unusable(&self, path: &Path, problem: impl Display) -> String {
        format!("can't use {}: {problem}\n{}", path.display(), self.start_over())
    }

    fn whole_command(&self) -> Result<Vec<OsString>, String> {
        let listed: io::Result<Vec<PathBuf>> =
            fs::read_dir(PHOTOS).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut photos = listed.map_err(|error| format!("can't list {PHOTOS}: {error}"))?;
        photos.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
        photos.sort();

        let mut command = words(&["xiezhen", "run", "--out"]);
        command.push(self.folder.clone().into_os_string());
        command.extend(STYLES.iter().flat_map(|style| words(&["--style", style])));
        command.extend(photos.into_iter().map(PathBuf::into_os_string));
        Ok(command)
    }

    /// The command that goes on with a job. If a create was cut off, only the service knows whether it was carried
    /// out: here one can look, and nothing is ever billed twice.
    fn rest_of_the_command(&self, job: &Job, service: &Simulator) -> Result<Vec<OsString>, String> {
        let Some(lost) = service.tasks().into_iter().rev().find(|task| is_answer(job, task)) else {
            return Ok([self.whole_command()?, words(&["--recreate"])].concat());
        };
        let mut command = words(&["xiezhen", "resume", "--adopt", &lost.id, "--user-id", &lost.user_id]);
        command.push(self.checkpoint.clone().into_os_string());
        Ok(command)
    }
}

/// Whether this task may be what a create was answered that the job has no answer of: one that it knows is not, nor
/// one of a job that was here before.
fn is_answer(job: &Job, task: &Task) -> bool {
    let Ok(trial) = job.to_json().and_then(|json| Job::from_json(&json)) else { return false };
    let mut known = job.portraits().into_iter().filter_map(|portrait| portrait.task_id).chain(job.training_task_id());
    if known.any(|id| id == task.id) || trial.adopt(&task.id, Some(&task.user_id)).is_err() {
        return false;
    }
    let id = Some(task.id.as_str());
    match &task.style {
        None => trial.training_task_id().as_deref() == id,
        Some(_) => {
            let fits = trial.portraits().iter().any(|one| one.task_id.as_deref() == id && one.style_id == task.style);
            fits && job.user_id().as_deref() == Some(&task.user_id)
        }
    }
}

/// A port of this machine that nobody listens on.
fn free_address() -> Result<String, String> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.map(|address| address.to_string()).map_err(|error| format!("no port can be had for callbacks: {error}"))
}

/// How often the service was asked about tasks, and of how many.
fn queries(service: &Simulator) -> String {
    let queries = service.journal().iter().filter(|entry| entry.call == Call::QueryTask).count();
    format!("{queries}, for {} tasks that called back when they ended", service.tasks().len())
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
