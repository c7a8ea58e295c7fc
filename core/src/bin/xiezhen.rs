//! The command `xiezhen`; all of it is in `xiezhen::cli`, which the Python and Node packages call too.

use std::{iter, process::ExitCode};

fn main() -> ExitCode {
    ExitCode::from(xiezhen::cli::main(iter::once("xiezhen".into()).chain(std::env::args_os().skip(1))))
}
