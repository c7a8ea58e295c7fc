//! The command `xiezhen`, and the progress bars that a run can draw.

mod adoption;
mod arguments;
mod bars;
mod batch;
mod check;
mod command;
mod folders;
mod gallery;
mod help;
mod interrupt;
mod language;
mod lines;
mod logging;
pub mod notebook;
mod page;
mod plan;
mod print;
mod profile;
mod progress;
mod receive;
mod refused;
mod report;
mod sheet;
mod text;
mod trust;
mod uploads;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

#[doc(hidden)]
pub use self::report::quoted_path;
use self::{arguments::Arguments, command::Invocation, language::Language, progress::Progress};
use crate::{client::Client, error::Error, event::OnEvent, options::ClientBuilder};

/// Runs the command with these arguments, the first of them what people type to call it: `xiezhen`, `npx xiezhen`.
/// Returns what to exit with: [`ErrorKind::exit_code`](crate::ErrorKind::exit_code), 0, or 2 for arguments that can't be
/// read.
///
/// Runs on a runtime of its own: not to be called from async code. Ctrl-C is taken over while it runs.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    run_with(Client::builder(), None, arguments)
}

/// [`main`] with a client that is described beforehand, and with what to tell people to type to go on, if not
/// `xiezhen resume`. Options among the arguments win.
#[doc(hidden)]
pub fn run_with(client: ClientBuilder, resume: Option<&str>, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or("xiezhen".into(), |program| program.to_string_lossy());
    let language = Language::asked_for(&arguments, |name| std::env::var(name).ok());
    language.speak();
    let command = help::in_language(Arguments::command(), language);
    let parsed = command.try_get_matches_from(&arguments).and_then(|found| Arguments::from_arg_matches(&found));
    match parsed {
        Ok(parsed) => Invocation::new(client, &program, resume, parsed).execute(),
        Err(refused) => {
            if refused.use_stderr() && is_json(&arguments) {
                command::error_as_json(&Error::invalid(vec![refused::message(&refused)]));
            }
            // Help and the version are such "errors" too.
            refused::say(&refused, &program, &arguments);
            u8::try_from(refused.exit_code()).unwrap_or(2)
        }
    }
}

fn is_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// Draws a run's progress on standard error: bars on a terminal, plain lines elsewhere.
///
/// For one run. Bars stay as they are when the run ends; one that fails or is dropped leaves no bar moving.
pub fn progress() -> OnEvent {
    Progress::new(true).on_event()
}
