//! Text on the terminal and in pipes: results on standard output, all else on standard error.

use std::io::{self, Write as _};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::error::{Error, ErrorKind, Result};

/// One line to a person. If standard error is closed, nobody listens.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Text for standard output. A reader who has seen enough (`| head`) is no error.
pub(super) fn result(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, format!("can't write to standard output: {error}")).with_source(error))
        }
        _ => Ok(()),
    }
}

/// JSON on one line.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("a result can't be written as JSON: {error}")).with_source(error)
    })?;
    result(&line)
}

/// Text from elsewhere, without what would steer a terminal or turn its writing around.
pub(super) fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// How many columns text takes: a Chinese character takes two.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Text filled up with spaces to so many columns.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Rows with their columns below each other.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let line = |row: &[String; N]| -> String {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| padded(cell, width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
