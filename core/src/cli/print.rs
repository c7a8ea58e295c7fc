//! Text on the terminal and in pipes: results on standard output, all else on standard error.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    error::{Error, ErrorKind, Result},
    text::steers,
};

/// Lines to a person. If standard error is closed, nobody listens.
pub(super) fn say(lines: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", lines_of(lines));
}

/// Text for standard output. A reader that has seen enough (`| head`) is not an error.
pub(super) fn result(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", lines_of(text)).and_then(|()| out.flush()) {
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
    result(&escaped_in_json(&line))
}

/// JSON in which nothing steers a terminal: all that could stands in strings, where it may be written so.
fn escaped_in_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A value that says what it is, among events.
pub(super) fn tagged(kind: &str, value: serde_json::Result<serde_json::Value>) -> serde_json::Value {
    let mut value = value.unwrap_or_else(|error| serde_json::json!({ "message": error.to_string() }));
    if let Some(fields) = value.as_object_mut() {
        fields.insert("type".to_owned(), kind.into());
    }
    value
}

/// Text from elsewhere, without what would steer a terminal or turn its writing around.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for text of several lines and columns. All that is printed passes here: what no caller thought of, too.
fn lines_of(text: &str) -> String {
    text.chars().map(|c| if steers(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
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
