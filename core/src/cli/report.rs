//! An error as a person reads it: what happened, the ids that support asks for, and what to do now.

use std::{ffi::OsStr, fmt::Write as _, path::Path};

use super::print::{padded, plain};
use crate::{
    error::{Error, ErrorKind},
    job::Portrait,
};

/// The command that goes on with a job.
pub(super) struct Resume {
    pub(super) command: String,
    /// Whether it takes `--adopt` and `--recreate`, or finds out by itself.
    pub(super) takes_options: bool,
    /// Whether it may go on where the same run was refused: without its photos.
    pub(super) outlives_photos: bool,
}

/// One thing that went wrong: with a style, or with the whole.
struct Cause<'a> {
    style: Option<&'a str>,
    error: &'a Error,
}

/// One block of text about an error, and of a job about each style's. `resume` is the command that goes on, where there
/// is one.
pub(super) fn text_of(error: &Error, portraits: &[Portrait], resume: Option<&Resume>) -> String {
    let causes = causes(error, portraits);
    let mut text = format!("xiezhen: {}", error.kind());
    for cause in &causes {
        describe(&mut text, cause, error.kind());
    }
    for line in advice(&causes, resume) {
        _ = write!(text, "\n  {line}");
    }
    text
}

/// A job ends with one error: every other is as much worth knowing.
fn causes<'a>(error: &'a Error, portraits: &'a [Portrait]) -> Vec<Cause<'a>> {
    let wrong = |portrait: &'a Portrait| Some(Cause { style: Some(&portrait.style), error: portrait.error.as_ref()? });
    let mut causes: Vec<Cause<'a>> = portraits.iter().filter_map(wrong).collect();
    if !causes.iter().any(|cause| cause.error == error) {
        // What was found wrong before other kinds of errors may be old.
        causes.retain(|_| error.kind() == ErrorKind::Timeout);
        causes.insert(0, Cause { style: None, error });
    }
    causes
}

/// What happened, and the ids that support asks for. `headline` is the kind that was named already.
fn describe(text: &mut String, cause: &Cause<'_>, headline: ErrorKind) {
    let error = cause.error;
    let mut place = cause.style.map(|style| format!("{style}: ")).unwrap_or_default();
    if error.kind() != headline {
        _ = write!(place, "{}: ", error.kind());
    }
    match error.problems() {
        [] | [_] => _ = write!(text, "\n  {}", plain(&format!("{place}{}", error.message()))),
        problems => problems.iter().for_each(|problem| _ = write!(text, "\n  - {}", plain(problem))),
    }
    let status = error.http_status().map(|status| status.to_string());
    let facts = [
        ("request id", error.request_id()),
        ("HTTP status", status.as_deref()),
        ("gateway code", error.gateway_code()),
        ("task", error.task_id()),
        ("answer", error.body_start().filter(|_| error.kind() == ErrorKind::Protocol)),
        ("was sent", error.sent()),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            _ = write!(text, "\n  {} {}", padded(name, 12), plain(fact));
        }
    }
}

/// What to do next, a line each.
fn advice(causes: &[Cause<'_>], resume: Option<&Resume>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for advice in causes.iter().map(|cause| remedy(cause.error.kind())) {
        if !advice.is_empty() && !lines.iter().any(|line| line == advice) {
            lines.push(advice.to_owned());
        }
    }
    let is_refused = causes.iter().all(|cause| cause.error.kind() == ErrorKind::InvalidArgument);
    match resume {
        Some(Resume { command, takes_options: true, outlives_photos: true }) if is_refused => {
            lines.push(format!("The job that was begun may need its photos no more: {command}"));
        }
        Some(Resume { command, takes_options: false, .. }) if !is_refused => {
            lines.push(format!("To go on: {command}"));
        }
        Some(Resume { command, takes_options: true, .. }) => lines.extend(ways_on(causes, command)),
        _ => {}
    }
    lines
}

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Authentication => "Check XIEZHEN_APP_CODE, or XIEZHEN_APP_KEY and XIEZHEN_APP_SECRET.",
        ErrorKind::Permission => {
            "The credential is known, but not allowed this: see its authorisations in the console."
        }
        ErrorKind::Quota => "Buy calls, renew the purchase, or settle the account in the console.",
        ErrorKind::RateLimited => "Wait a little, or go slower with --requests-per-second.",
        ErrorKind::Protocol => "Is --base-url (XIEZHEN_BASE_URL) the address of this API?",
        ErrorKind::Transport => "Check the network, --base-url, --proxy and --ca-file.",
        ErrorKind::Timeout => "What was started goes on at the service.",
        ErrorKind::TaskFailed => "Other photos or another style may fare better.",
        ErrorKind::Internal => "This is a defect of xiezhen: please report it with these lines.",
        _ => "",
    }
}

/// The commands that go on with a job, for each way in which it may.
fn ways_on(causes: &[Cause<'_>], resume: &str) -> Vec<String> {
    let of = |kind| causes.iter().filter(move |cause| cause.error.kind() == kind);
    let failed = of(ErrorKind::TaskFailed).next().is_some();
    let unknown = of(ErrorKind::OutcomeUnknown).count();
    let mut lines: Vec<String> = of(ErrorKind::OutcomeUnknown)
        .map(|cause| {
            let (whose, which) = match cause.style {
                None => ("the training".to_owned(), " --user-id ID".to_owned()),
                Some(style) if unknown > 1 => (plain(style), format!(" --style {}", quoted(style.as_ref()))),
                Some(style) => (plain(style), String::new()),
            };
            format!("If the vendor's side shows the task of {whose}: {resume} --adopt TASK_ID{which}")
        })
        .collect();
    match (unknown, failed) {
        (0, false) => {}
        (0, true) => lines.push(format!("To try, and pay, again: {resume} --recreate")),
        (_, false) => lines.push(format!("If not, start (and pay) anew: {resume} --recreate")),
        (_, true) => lines.push(format!("If not, start (and pay) anew, and what failed too: {resume} --recreate")),
    }
    let rest = || causes.iter().map(|cause| cause.error.kind()).filter(|kind| goes_on(*kind));
    if rest().next().is_none() {
        return lines;
    }
    lines.push(if !lines.is_empty() {
        format!("To go on with the rest: {resume}")
    } else if rest().all(|kind| kind == ErrorKind::Api) {
        // The same call would be refused in the same way.
        format!("Once that is cured, to go on: {resume}")
    } else {
        format!("To go on: {resume}")
    });
    lines
}

/// Whether an error of this kind is tried again without more being paid than was ordered.
fn goes_on(kind: ErrorKind) -> bool {
    use ErrorKind::{Internal, InvalidArgument, OutcomeUnknown, TaskFailed};
    !matches!(kind, InvalidArgument | Internal | OutcomeUnknown | TaskFailed)
}

/// What was refused of the arguments, without how they are to be.
pub(super) fn refusal(text: &str) -> String {
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    plain(&text.strip_prefix("error: ").unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A path as the first word after a command: never taken for an option.
pub fn quoted_path(path: &Path) -> String {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        quoted(Path::new(".").join(path).as_os_str())
    } else {
        quoted(path.as_os_str())
    }
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &OsStr) -> String {
    let Some(word) = word.to_str() else { return quoted_bytes(word.as_encoded_bytes()) };
    let harmless = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What is not text, as bash, zsh and ksh read it back.
fn quoted_bytes(word: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\x{byte:02x}"),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    format!("$'{}'", word.iter().map(byte).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["out/job.json", "甲 乙", "it's", "$(rm -r x)", "", "a\"b`c"] {
            let printed =
                std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(word.as_ref()))).output();
            assert_eq!(String::from_utf8(printed.unwrap().stdout).unwrap(), word);
        }
        assert_eq!(quoted("out/写真/job.json".as_ref()), "out/写真/job.json");
        assert_eq!(quoted_path("-f".as_ref()), "./-f");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_text_is_quoted_by_its_bytes() {
        let word: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xffa 'b\\");
        assert_eq!(quoted(word), r"$'\xffa \x27b\x5c'");
    }
}
