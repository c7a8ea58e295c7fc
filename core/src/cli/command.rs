//! The sub-commands: arguments in, core calls, results out.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::CommandFactory as _;

use super::{
    arguments::{Arguments, Command, Connection},
    batch::{self, Output},
    check::check,
    gallery::gallery,
    interrupt::{Interrupt, off_thread},
    logging,
    plan::Plan,
    print, profile,
    progress::Progress,
    receive,
    report::{self, quoted_path},
    sheet, text,
};
use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    event::OnEvent,
    job::{Job, Portrait, RunOptions, Stage},
    options::ClientBuilder,
    spelling::Spelling,
    task::{Style, Task},
};

/// One call of the command.
pub(super) struct Invocation<'a> {
    client: ClientBuilder,
    program: &'a str,
    resume: Option<&'a str>,
    json: bool,
    verbose: u8,
    quiet: bool,
    profile: Option<String>,
    connection: Connection,
    command: Command,
}

impl<'a> Invocation<'a> {
    pub(super) fn new(client: ClientBuilder, program: &'a str, resume: Option<&'a str>, arguments: Arguments) -> Self {
        let Arguments { command, json, verbose, quiet, lang: _, profile, connection } = arguments;
        Self { client, program, resume, json, verbose, quiet, profile, connection, command }
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
        let variable = std::env::var("XIEZHEN_LOG").ok();
        let exit = match logging::level(self.verbose, variable.as_deref()) {
            Ok(None) => runtime.block_on(self.run()),
            Ok(Some(level)) => {
                tracing::dispatcher::with_default(&logging::to_stderr(level), || runtime.block_on(self.run()))
            }
            Err(error) => self.fail(&error),
        };
        runtime.shutdown_timeout(LAST_WRITES);
        exit
    }

    async fn run(&self) -> u8 {
        if let Command::Listen { address, callback } = &self.command {
            let mut interrupt = Interrupt::listen();
            let shown = interrupt.or("listen", receive::show_hints(callback.as_deref(), address)).await;
            return match shown {
                // This is how it is meant to end.
                Err(error) if error.kind() == ErrorKind::Cancelled => interrupt.exit_code().unwrap_or(0),
                Err(error) => self.fail(&error),
                Ok(()) => 0,
            };
        }
        if let Command::Check { photos, html } = &self.command {
            let check = check(photos, html.as_deref(), self.json, self.connection.photo_rules());
            return match Interrupt::listen().or("check", check).await {
                Ok(true) => 0,
                Ok(false) => ErrorKind::InvalidArgument.exit_code(),
                Err(error) => self.fail(&error),
            };
        }
        if let Some(outcome) = self.without_client() {
            return outcome.map_or_else(|error| self.fail(&error), |()| 0);
        }
        let client = match self.client() {
            Ok(client) => client,
            Err(error) => return self.fail(&error),
        };
        let mut interrupt = Interrupt::listen();
        let outcome = match &self.command {
            Command::Styles { html } => interrupt.or("styles", self.styles(&client, html.as_deref())).await,
            Command::Status { task_id } => interrupt.or("status", self.status(&client, task_id)).await,
            Command::Run(run) => match interrupt.or("the run", Plan::new(run)).await {
                Ok(plan) => return Box::pin(self.run_job(&client, plan, interrupt)).await,
                Err(error) => Err(error),
            },
            Command::Resume(resume) => match interrupt.or("resume", Plan::stored(&client, resume)).await {
                Ok(plan) => return Box::pin(self.run_job(&client, plan, interrupt)).await,
                Err(error) => Err(error),
            },
            Command::Batch(batch) => {
                let options = &self.connection.typed();
                let commands = batch::Commands { program: self.program, options };
                let output = Output { json: self.json, quiet: self.quiet, verbose: self.verbose > 0 };
                let exit = batch::run(&client, batch, commands, output, interrupt).await;
                return exit.unwrap_or_else(|error| self.fail(&error));
            }
            // Done without a client.
            Command::Listen { .. }
            | Command::Check { .. }
            | Command::Login
            | Command::Completions { .. }
            | Command::Man { .. } => Ok(()),
        };
        match outcome {
            Ok(()) => 0,
            Err(error) => {
                let exit = self.fail(&error);
                interrupt.exit_code().filter(|_| error.kind() == ErrorKind::Cancelled).unwrap_or(exit)
            }
        }
    }

    /// What needs neither address nor credential.
    fn without_client(&self) -> Option<Result<()>> {
        Some(match &self.command {
            Command::Login => profile::login(self.profile.as_deref(), variable),
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut Arguments::command(), "xiezhen", &mut script);
                print::result(String::from_utf8_lossy(&script).trim_end())
            }
            Command::Man { folder } => manual(folder.as_deref()),
            _ => return None,
        })
    }

    /// The profile lies below the environment, and that below what is typed.
    fn client(&self) -> Result<Client> {
        let client = profile::apply(self.client.clone(), self.profile.as_deref(), variable)?;
        self.connection.apply(client).build()
    }

    async fn styles(&self, client: &Client, html: Option<&Path>) -> Result<()> {
        let styles = client.list_styles().await?;
        if let Some(path) = html {
            gallery(client, &styles, path).await?;
        }
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
        let Plan { job, checkpoint, options, receiving } = plan;
        let opened = match receiving.open().await {
            Ok(opened) => opened,
            Err(error) => return self.fail(&error),
        };
        // Held until the run has ended.
        let (callbacks, _receiver) = opened.unzip();
        let options = options.callback(callbacks);
        let progress = (!self.json && !self.quiet).then(|| Progress::new(self.verbose == 0));
        let on_event = match &progress {
            Some(progress) => progress.on_event(),
            None if self.json => events_as_json(),
            None => std::sync::Arc::new(|_| {}),
        };
        let options = RunOptions { on_event: Some(on_event), ..options };
        let outcome = interrupt.or("the run", Box::pin(client.run(&job, options))).await;
        if let Some(progress) = progress {
            progress.stop();
        }
        interrupt.wait_for_creates(client).await;

        // What there is of a job that failed is worth showing too.
        let portraits = job.portraits();
        if outcome.is_ok() || portraits.iter().any(|portrait| !portrait.files.is_empty()) {
            // Whoever has ended it waits for no templates, and what can't be reached has none.
            let goes_on = outcome.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::TaskFailed);
            let templates_of = goes_on.then_some(client);
            interrupt.or("the contact sheet", self.contact_sheet(&job, templates_of)).await.unwrap_or_else(|error| {
                print::say(&text::no_contact_sheet(print::plain(error.message())));
            });
        }
        if let Err(error) = outcome.as_ref()
            && self.json
        {
            error_as_json(error);
        }
        let told = if self.has_results(&outcome, &job) { self.results(&job) } else { Ok(()) };
        match outcome.and(told) {
            Ok(()) => 0,
            Err(error) => {
                let exit = report_error(&error, &portraits, self.resume(checkpoint).await);
                interrupt.exit_code().filter(|_| error.kind() == ErrorKind::Cancelled).unwrap_or(exit)
            }
        }
    }

    /// What to type to go on, if the checkpoint can be gone on with.
    async fn resume(&self, checkpoint: PathBuf) -> Option<report::Resume> {
        /// A disk that hangs has nothing to go on with.
        const READ: Duration = Duration::from_secs(2);
        let photos = match &self.command {
            Command::Run(run) => run.photos.clone(),
            _ => Vec::new(),
        };
        let read = off_thread(move || {
            let stored = Job::read_checkpoint(&checkpoint).ok()?;
            Some((checkpoint, stored, photos.iter().all(|photo| photo.exists())))
        });
        let (checkpoint, stored, are_there) = tokio::time::timeout(READ, read).await.ok()?.ok()??;
        let (command, takes_options) = match self.resume {
            Some(resume) => (resume.to_owned(), false),
            None => {
                let options = self.connection.typed();
                (format!("{} resume {}{options}", self.program, quoted_path(&checkpoint)), true)
            }
        };
        let (mut outlives_photos, mut one_more_style) = (false, None);
        if let Command::Run(run) = &self.command
            && is_of_photos(&stored, &run.photos)
        {
            // A run that was typed again reads its photos again; a job that has them uploaded does not.
            outlives_photos = !are_there;
            let options = self.connection.typed();
            one_more_style = report::one_more_style(self.program, &options, &stored, &run.styles, &run.out);
        }
        Some(report::Resume { command, takes_options, outlives_photos, one_more_style })
    }

    /// One that can't be written takes nothing from the pictures: the job is done all the same.
    async fn contact_sheet(&self, job: &Job, templates_of: Option<&Client>) -> Result<()> {
        let templates = match templates_of {
            Some(client) => sheet::templates(client, &[job]).await,
            None => sheet::Templates::new(),
        };
        match sheet::write(job, templates).await? {
            Some(sheet) if !self.json => print::say(&text::contact_sheet(sheet.display())),
            _ => {}
        }
        Ok(())
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
            return print::json(&print::tagged("job", whole));
        }
        let portraits = job.portraits();
        if portraits.is_empty() && job.stage() == Stage::Done {
            return print::result(&job.user_id().unwrap_or_default());
        }
        let files: Vec<String> =
            portraits.iter().flat_map(|portrait| &portrait.files).map(|file| file.display().to_string()).collect();
        if files.is_empty() { Ok(()) } else { print::result(&files.join("\n")) }
    }

    /// Of a command without a job: reports what went wrong, and returns the exit code.
    fn fail(&self, error: &Error) -> u8 {
        if self.json {
            error_as_json(error);
        }
        report_error(error, &[], None)
    }
}

/// As with every line of JSON: whoever reads it may be gone, and the error is told to people all the same.
pub(super) fn error_as_json(error: &Error) {
    let _ = print::json(&print::tagged("error", serde_json::to_value(error.clone().spelled(Spelling::Flags))));
}

/// Says what went wrong, once, and returns what to exit with.
fn report_error(error: &Error, portraits: &[Portrait], resume: Option<report::Resume>) -> u8 {
    print::say(&match (error.kind(), resume) {
        (ErrorKind::Cancelled, Some(resume)) => text::interrupted_go_on(resume.command),
        (ErrorKind::Cancelled, None) => text::interrupted(),
        (_, resume) => report::text_of(error, portraits, resume.as_ref()),
    });
    error.kind().exit_code()
}

/// The manual page, or in a folder that and one of each sub-command.
fn manual(folder: Option<&Path>) -> Result<()> {
    if let Some(folder) = folder {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Arguments::command().disable_help_subcommand(true), folder));
        return written.map_err(|error| Error::io("can't write the manual pages", folder, error));
    }
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Arguments::command()).render(&mut page);
    rendered.map_err(|error| Error::new(ErrorKind::Internal, format!("no manual page: {error}")))?;
    print::result(String::from_utf8_lossy(&page).trim_end())
}

/// Whether a stored job is the one of these photos, by their names.
fn is_of_photos(stored: &Job, photos: &[PathBuf]) -> bool {
    let whole = |path: &PathBuf| std::path::absolute(path).ok();
    let typed: Vec<_> = photos.iter().map(whole).collect();
    !photos.is_empty() && stored.photos().iter().map(|photo| photo.path.as_ref().and_then(whole)).eq(typed)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Each event as a line of JSON. A reader that has gone away stops nothing: the job is worth more than its telling.
fn events_as_json() -> OnEvent {
    std::sync::Arc::new(|event| _ = print::json(&event))
}

/// A task in a few lines.
fn description(task: &Task) -> String {
    let state = match task.state.name() {
        "unknown" => format!("unknown ({})", task.raw_state),
        name => name.to_owned(),
    };
    let mut rows = vec![
        [text::task(), print::plain(&task.id)],
        [text::kind_label(), task.kind.name().to_owned()],
        [text::state_label(), state],
    ];
    rows.extend(task.result_paths.iter().map(|url| [text::picture_label(), print::plain(url)]));
    print::table(&rows)
}
