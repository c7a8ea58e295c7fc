//! The command `xiezhen`; all of it is in `xiezhen::cli`, which the Python and Node packages call too.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(xiezhen::cli::main(std::env::args_os()))
}
