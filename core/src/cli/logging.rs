//! What happens inside, to send to support: `-v`, `-vv`, or `XIEZHEN_LOG`. Credentials are in no record.

use std::io::{self, IsTerminal as _};

use tracing::{Dispatch, level_filters::LevelFilter};

use crate::error::{Error, Result};

/// The level that is asked for: what is typed wins over the environment. `None` logs nothing.
pub(super) fn level(verbose: u8, variable: Option<&str>) -> Result<Option<LevelFilter>> {
    match (verbose, variable.filter(|level| !level.is_empty())) {
        (0, None) => Ok(None),
        (0, Some(name)) => name.parse().map(Some).map_err(|_| {
            Error::invalid(vec![format!("XIEZHEN_LOG is {name:?}: it is one of error, warn, info, debug, trace, off")])
        }),
        (1, _) => Ok(Some(LevelFilter::INFO)),
        _ => Ok(Some(LevelFilter::DEBUG)),
    }
}

/// Writes records of this level and above to standard error.
pub(super) fn to_stderr(level: LevelFilter) -> Dispatch {
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(colours).finish().into()
}
