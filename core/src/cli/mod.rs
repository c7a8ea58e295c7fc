//! The command `xiezhen`, and the progress bars that a run can draw.

mod adoption;
mod arguments;
mod bars;
mod command;
mod interrupt;
mod lines;
mod print;
mod progress;
mod report;
mod sheet;
mod uploads;

use std::ffi::OsString;

use clap::Parser as _;

#[doc(hidden)]
pub use self::report::quoted_path;
use self::{arguments::Arguments, command::Invocation, progress::Progress};
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
    match Arguments::try_parse_from(&arguments) {
        Ok(parsed) => {
            let program = arguments.first().map_or("xiezhen".into(), |program| program.to_string_lossy());
            Invocation::new(client, &program, resume, parsed).execute()
        }
        Err(refused) => {
            if refused.use_stderr() && arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json") {
                command::error_as_json(&Error::invalid(vec![report::refusal(&refused.to_string())]));
            }
            // Help and the version are such "errors" too. If they can't be written, nobody is there to be told.
            let _ = refused.print();
            u8::try_from(refused.exit_code()).unwrap_or(2)
        }
    }
}

/// Draws a run's progress on standard error: bars on a terminal, plain lines elsewhere.
///
/// For one run. Bars stay as they are when the run ends; one that fails or is dropped leaves no bar moving.
pub fn progress() -> OnEvent {
    Progress::new().on_event()
}
