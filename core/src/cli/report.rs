//! An error as a person reads it: what happened, the ids that support asks for, and what to do now.

use std::{ffi::OsStr, fmt::Write as _, path::Path};

use super::{
    print::{padded, plain},
    text,
};
use crate::{
    error::{Error, ErrorKind},
    job::{Job, Portrait, Stage},
    spelling::Spelling,
};

/// The command that goes on with a job.
pub(super) struct Resume {
    pub(super) command: String,
    /// Whether it takes `--adopt` and `--recreate`, or finds out by itself.
    pub(super) takes_options: bool,
    /// Whether it may go on where the same run was refused: without its photos.
    pub(super) outlives_photos: bool,
    /// The command that makes more styles with the model of a job that is done.
    pub(super) one_more_style: Option<String>,
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
    if let Some(line) = resume.and_then(|resume| way_to_adopt(error, portraits, resume)) {
        _ = write!(text, "\n  {line}");
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
    let error = &cause.error.clone().spelled(Spelling::Flags);
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
        (text::request_id(), error.request_id()),
        (text::http_status(), status.as_deref()),
        (text::gateway_code(), error.gateway_code()),
        (text::task(), error.task_id()),
        (text::user_model(), error.user_id()),
        (text::answer(), error.body_start().filter(|_| error.kind() == ErrorKind::Protocol)),
        (text::was_sent(), error.sent()),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            _ = write!(text, "\n  {} {}", padded(&name, 12), plain(fact));
        }
    }
}

/// What to do next, a line each.
fn advice(causes: &[Cause<'_>], resume: Option<&Resume>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for advice in causes.iter().filter_map(|cause| remedy(cause.error.kind())) {
        if !lines.contains(&advice) {
            lines.push(advice);
        }
    }
    // Only a job leaves something behind: a list of styles or a query that took too long does not.
    if resume.is_some() && causes.iter().any(|cause| cause.error.kind() == ErrorKind::Timeout) {
        lines.push(text::on_timeout());
    }
    let is_refused = causes.iter().all(|cause| cause.error.kind() == ErrorKind::InvalidArgument);
    match resume {
        Some(Resume { one_more_style: Some(command), .. }) if is_refused => lines.push(text::one_more_style(command)),
        Some(Resume { command, takes_options: true, outlives_photos: true, .. }) if is_refused => {
            lines.push(text::needs_no_photos(command));
        }
        Some(Resume { command, takes_options: false, .. }) if !is_refused => {
            lines.push(text::go_on(command));
        }
        Some(Resume { command, takes_options: true, .. }) => lines.extend(ways_on(causes, command)),
        _ => {}
    }
    lines
}

/// The command that takes over what was billed and could not be written down, once it can be.
fn way_to_adopt(error: &Error, portraits: &[Portrait], resume: &Resume) -> Option<String> {
    let (task_id, user_id) = (error.task_id()?, error.user_id()?);
    if !resume.takes_options {
        return None;
    }
    let portrait = portraits.iter().find(|portrait| portrait.task_id.as_deref() == Some(task_id));
    let which = match portrait {
        Some(portrait) => format!("--style {}", quoted(portrait.style.as_ref())),
        None => format!("--user-id {}", quoted(user_id.as_ref())),
    };
    let task_id = quoted(task_id.as_ref());
    Some(text::adopt_billed(format!("{} --adopt {task_id} {which}", resume.command)))
}

/// What to type for styles that a finished job was not asked for: its model is there, and a training costs more.
pub(super) fn one_more_style(
    program: &str,
    options: &str,
    done: &Job,
    styles: &[String],
    out: &Path,
) -> Option<String> {
    let user_id = done.user_id().filter(|_| done.stage() == Stage::Done)?;
    let known: Vec<String> =
        done.portraits().into_iter().flat_map(|portrait| [Some(portrait.style), portrait.style_id]).flatten().collect();
    let new = styles.iter().filter(|style| !known.contains(style));
    let new: Vec<String> = new.map(|style| format!(" --style {}", quoted(style.as_ref()))).collect();
    let (user_id, out) = (quoted(user_id.as_ref()), quoted(out.join("more").as_os_str()));
    (!new.is_empty()).then(|| format!("{program} run --user-id {user_id}{} --out {out}{options}", new.concat()))
}

fn remedy(kind: ErrorKind) -> Option<String> {
    Some(match kind {
        ErrorKind::Authentication => text::on_authentication(),
        ErrorKind::Permission => text::on_permission(),
        ErrorKind::Quota => text::on_quota(),
        ErrorKind::RateLimited => text::on_rate_limited(),
        ErrorKind::Protocol => text::on_protocol(),
        ErrorKind::Transport => text::on_transport(),
        ErrorKind::TaskFailed => text::on_task_failed(),
        ErrorKind::Internal => text::on_internal(),
        _ => return None,
    })
}

/// The commands that go on with a job, for each way in which it may.
fn ways_on(causes: &[Cause<'_>], resume: &str) -> Vec<String> {
    let of = |kind| causes.iter().filter(move |cause| cause.error.kind() == kind);
    let failed = of(ErrorKind::TaskFailed).next().is_some();
    let unknown = of(ErrorKind::OutcomeUnknown).count();
    let mut lines: Vec<String> = of(ErrorKind::OutcomeUnknown)
        .map(|cause| {
            let (whose, which) = match cause.style {
                None => (text::the_training(), " --user-id ID".to_owned()),
                Some(style) if unknown > 1 => (plain(style), format!(" --style {}", quoted(style.as_ref()))),
                Some(style) => (plain(style), String::new()),
            };
            text::adopt(whose, format!("{resume} --adopt TASK_ID{which}"))
        })
        .collect();
    let recreate = format!("{resume} --recreate");
    match (unknown, failed) {
        (0, false) => {}
        (0, true) => lines.push(text::pay_again(recreate)),
        (_, false) => lines.push(text::start_anew(recreate)),
        (_, true) => lines.push(text::start_anew_all(recreate)),
    }
    let rest = || causes.iter().map(|cause| cause.error.kind()).filter(|kind| goes_on(*kind));
    if rest().next().is_none() {
        return lines;
    }
    lines.push(if !lines.is_empty() {
        text::go_on_with_the_rest(resume)
    } else if rest().all(|kind| kind == ErrorKind::Api) {
        // The same call would be refused in the same way.
        text::go_on_once_cured(resume)
    } else {
        text::go_on(resume)
    });
    lines
}

/// Whether an error of this kind is tried again without more being paid than was ordered.
fn goes_on(kind: ErrorKind) -> bool {
    use ErrorKind::{Internal, InvalidArgument, OutcomeUnknown, TaskFailed};
    !matches!(kind, InvalidArgument | Internal | OutcomeUnknown | TaskFailed)
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

// What is quoted is quoted for a shell of Unix.
#[cfg(all(test, unix))]
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

    #[test]
    fn what_is_not_text_is_quoted_by_its_bytes() {
        let word: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xffa 'b\\");
        assert_eq!(quoted(word), r"$'\xffa \x27b\x5c'");
    }
}
