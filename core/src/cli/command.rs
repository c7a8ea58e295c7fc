//! The sub-commands: arguments in, core calls, results out.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use super::{
    adoption::adopt,
    arguments::{Arguments, Command, Connection, Resume, Run},
    interrupt::Interrupt,
    print,
    progress::Progress,
    report::{self, quoted_path},
    sheet,
};
use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    event::OnEvent,
    job::{Job, Portrait, RunOptions, Stage},
    options::ClientBuilder,
    photo::Photo,
    task::{Style, Task},
};

/// One call of the command.
pub(super) struct Invocation<'a> {
    client: ClientBuilder,
    program: &'a str,
    resume: Option<&'a str>,
    json: bool,
    connection: Connection,
    command: Command,
}

/// A job that is to be done, and how.
struct Plan {
    job: Job,
    checkpoint: PathBuf,
    options: RunOptions,
}

impl<'a> Invocation<'a> {
    pub(super) fn new(client: ClientBuilder, program: &'a str, resume: Option<&'a str>, arguments: Arguments) -> Self {
        let Arguments { command, json, connection } = arguments;
        Self { client: connection.apply(client), program, resume, json, connection, command }
    }

    /// Does what is asked for and returns what to exit with.
    pub(super) fn execute(self) -> u8 {
        /// For a checkpoint that is just being written. A name look-up may hang far longer, and is left behind.
        const LAST_WRITES: Duration = Duration::from_secs(2);
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let message = format!("no runtime can be started: {error}");
                return self.fail(&Error::new(ErrorKind::Internal, message));
            }
        };
        let exit = runtime.block_on(self.run());
        runtime.shutdown_timeout(LAST_WRITES);
        exit
    }

    async fn run(self) -> u8 {
        let client = match Connection::build(self.client.clone()) {
            Ok(client) => client,
            Err(error) => return self.fail(&error),
        };
        let mut interrupt = Interrupt::listen();
        let outcome = match &self.command {
            Command::Styles => interrupt.or("styles", self.styles(&client)).await,
            Command::Status { task_id } => interrupt.or("status", self.status(&client, task_id)).await,
            Command::Run(run) => match Plan::new(run) {
                Ok(plan) => return self.run_job(&client, plan, interrupt).await,
                Err(error) => Err(error),
            },
            Command::Resume(resume) => match interrupt.or("resume", Plan::stored(&client, resume)).await {
                Ok(plan) => return self.run_job(&client, plan, interrupt).await,
                Err(error) => Err(error),
            },
        };
        outcome.map_or_else(|error| self.fail(&error), |()| 0)
    }

    async fn styles(&self, client: &Client) -> Result<()> {
        let styles = client.list_styles().await?;
        if self.json {
            return print::json(&styles);
        }
        let row = |style: &Style| [&style.name, &style.sex, &style.style].map(|cell| print::plain(cell));
        if styles.is_empty() {
            Ok(())
        } else {
            print::result(&print::table(&styles.iter().map(row).collect::<Vec<_>>()))
        }
    }

    async fn status(&self, client: &Client, task_id: &str) -> Result<()> {
        let task = client.query_task(task_id).await?;
        if self.json { print::json(&task) } else { print::result(&description(&task)) }
    }

    /// Brings a job to its end, and shows what has become of it.
    async fn run_job(&self, client: &Client, plan: Plan, mut interrupt: Interrupt) -> u8 {
        let Plan { job, checkpoint, options } = plan;
        let progress = (!self.json).then(Progress::new);
        let on_event = progress.as_ref().map_or_else(events_as_json, Progress::on_event);
        let options = RunOptions { on_event: Some(on_event), ..options };
        let outcome = interrupt.or("the run", client.run(&job, options)).await;
        if let Some(progress) = progress {
            progress.stop();
        }
        interrupt.wait_for_creates(client).await;

        // What there is of a job that failed is worth showing too.
        let portraits = job.portraits();
        if outcome.is_ok() || portraits.iter().any(|portrait| !portrait.files.is_empty()) {
            self.contact_sheet(&job);
        }
        if let Err(error) = outcome.as_ref()
            && self.json
        {
            error_as_json(error);
        }
        let told = if self.has_results(&outcome, &job) { self.results(&job) } else { Ok(()) };
        match outcome.and(told) {
            Ok(()) => 0,
            Err(error) => report_error(&error, &portraits, self.resume(&checkpoint)),
        }
    }

    /// What to type to go on, if the checkpoint can be gone on with.
    fn resume(&self, checkpoint: &Path) -> Option<report::Resume> {
        Job::read_checkpoint(checkpoint).ok()?;
        // A run that was typed again reads its photos again; a job that has them uploaded does not.
        let outlives_photos =
            matches!(&self.command, Command::Run(run) if !run.photos.iter().all(|photo| photo.is_file()));
        let (command, takes_options) = match self.resume {
            Some(resume) => (resume.to_owned(), false),
            None => {
                let options = self.connection.typed();
                (format!("{} resume {}{options}", self.program, quoted_path(checkpoint)), true)
            }
        };
        Some(report::Resume { command, takes_options, outlives_photos })
    }

    /// One that can't be written takes nothing from the pictures: the job is done all the same.
    fn contact_sheet(&self, job: &Job) {
        match sheet::write(job) {
            Ok(Some(sheet)) if !self.json => print::say(&format!("contact sheet: {}", sheet.display())),
            Ok(_) => {}
            Err(error) => print::say(&format!("no contact sheet: {}", print::plain(error.message()))),
        }
    }

    /// An order that was refused may look as if it were done: a model without a style. With `--json`, what became of a job
    /// is a result too.
    fn has_results(&self, outcome: &Result<()>, job: &Job) -> bool {
        let has_files = job.portraits().iter().any(|portrait| !portrait.files.is_empty());
        outcome.is_ok() || has_files || (self.json && job.stage() != Stage::Done)
    }

    /// The files, or the model if there was nothing to generate; with `--json`, all of the job.
    fn results(&self, job: &Job) -> Result<()> {
        if self.json {
            let whole = job.to_json().map(|json| serde_json::from_str(&json))?;
            return print::json(&tagged("job", whole));
        }
        let portraits = job.portraits();
        if portraits.is_empty() && job.stage() == Stage::Done {
            return print::result(&job.user_id().unwrap_or_default());
        }
        let files: Vec<String> =
            portraits.iter().flat_map(|portrait| &portrait.files).map(|file| file.display().to_string()).collect();
        if files.is_empty() { Ok(()) } else { print::result(&files.join("\n")) }
    }

    /// Of what is no job: says what went wrong, and returns what to exit with.
    fn fail(&self, error: &Error) -> u8 {
        if self.json {
            error_as_json(error);
        }
        report_error(error, &[], None)
    }
}

/// As with every line of JSON: whoever reads it may be gone, and the error is told to people all the same.
pub(super) fn error_as_json(error: &Error) {
    let _ = print::json(&tagged("error", serde_json::to_value(error)));
}

/// Says what went wrong, once, and returns what to exit with.
fn report_error(error: &Error, portraits: &[Portrait], resume: Option<report::Resume>) -> u8 {
    print::say(&match (error.kind(), resume) {
        (ErrorKind::Cancelled, Some(resume)) => format!("xiezhen: interrupted; to go on: {}", resume.command),
        (ErrorKind::Cancelled, None) => "xiezhen: interrupted; nothing was begun".to_owned(),
        (_, resume) => report::text_of(error, portraits, resume.as_ref()),
    });
    error.kind().exit_code()
}

impl Plan {
    fn new(run: &Run) -> Result<Self> {
        // The checkpoint may be taken up from another folder.
        let absolute = |path: &PathBuf| {
            std::path::absolute(path)
                .map(Photo::path)
                .map_err(|error| Error::invalid(vec![format!("photo {}: {error}", path.display())]))
        };
        let photos: Vec<Photo> = run.photos.iter().map(absolute).collect::<Result<_>>()?;
        let checkpoint = run.checkpoint.clone().unwrap_or_else(|| run.out.join("job.json"));
        // A job that was begun may be finished: it has nothing to write.
        if !checkpoint.exists() {
            try_folder(&run.out)?;
        }
        let options = RunOptions {
            save_to: Some(run.out.clone()),
            checkpoint: Some(checkpoint.clone()),
            timeout: run.run_args.timeout,
            recreate: run.run_args.recreate,
            on_event: None,
        };
        Ok(Self {
            job: Job::from_parts(photos, Vec::new(), run.styles.clone(), run.user_id.clone()),
            checkpoint,
            options,
        })
    }

    async fn stored(client: &Client, resume: &Resume) -> Result<Self> {
        let job = Job::read_checkpoint(&resume.checkpoint)?;
        if let Some(task_id) = &resume.adopt {
            adopt(client, &job, task_id, resume).await?;
        }
        resume.out.as_deref().map_or(Ok(()), try_folder)?;
        let options = RunOptions {
            save_to: resume.out.clone(),
            checkpoint: Some(resume.checkpoint.clone()),
            timeout: resume.run_args.timeout,
            recreate: resume.run_args.recreate,
            on_event: None,
        };
        Ok(Self { job, checkpoint: resume.checkpoint.clone(), options })
    }
}

/// Whether pictures can be kept there: found out before anything is paid for.
fn try_folder(folder: &Path) -> Result<()> {
    let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).map_err(|error| Error::io("can't keep pictures in", folder, error))
}

/// Each event as a line of JSON. A reader that has gone away stops nothing: the job is worth more than its telling.
fn events_as_json() -> OnEvent {
    std::sync::Arc::new(|event| _ = print::json(&event))
}

/// A value that says what it is, among events.
fn tagged(kind: &str, value: serde_json::Result<serde_json::Value>) -> serde_json::Value {
    let mut value = value.unwrap_or_else(|error| json!({ "message": error.to_string() }));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("type".to_owned(), kind.into());
    }
    value
}

/// A task in a few lines.
fn description(task: &Task) -> String {
    let state = match task.state.name() {
        "unknown" => format!("unknown ({})", task.raw_state),
        name => name.to_owned(),
    };
    let mut rows = vec![
        ["task".to_owned(), print::plain(&task.id)],
        ["kind".to_owned(), task.kind.name().to_owned()],
        ["state".to_owned(), state],
    ];
    rows.extend(task.result_paths.iter().map(|url| ["picture".to_owned(), print::plain(url)]));
    print::table(&rows)
}
