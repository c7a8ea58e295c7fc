//! An error as a person reads it: what happened, the ids that support asks for, and what to do now.

use std::{ffi::OsStr, fmt::Write as _, path::Path};

use super::print::{padded, plain};
use crate::error::{Error, ErrorKind};

/// One block of text about an error. `resume` is the command that goes on, where there is one.
pub(super) fn block(error: &Error, resume: Option<&str>) -> String {
    let mut text = format!("xiezhen: {}", error.kind());
    match error.problems() {
        [] | [_] => _ = write!(text, "\n  {}", plain(error.message())),
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
    for line in advice(error, resume) {
        _ = write!(text, "\n  {line}");
    }
    text
}

/// What to do next, a line each.
fn advice(error: &Error, resume: Option<&str>) -> Vec<String> {
    let advice = match error.kind() {
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
    };
    let mut lines = Vec::new();
    if !advice.is_empty() {
        lines.push(advice.to_owned());
    }
    let Some(resume) = resume else { return lines };
    match error.kind() {
        ErrorKind::InvalidArgument | ErrorKind::Internal => {}
        ErrorKind::OutcomeUnknown => {
            lines.push(format!(
                "If the vendor's side shows the task: {resume} --adopt TASK_ID   (a training with --user-id ID, one \
                 generation of several with --style STYLE)"
            ));
            lines.push(format!("If not, start (and pay) anew:        {resume} --recreate"));
        }
        ErrorKind::TaskFailed => lines.push(format!("To try, and pay, again: {resume} --recreate")),
        _ => lines.push(format!("To go on: {resume}")),
    }
    lines
}

/// A path as the first word after a command: never taken for an option.
pub(super) fn quoted_path(path: &Path) -> String {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        quoted(Path::new(".").join(path).as_os_str())
    } else {
        quoted(path.as_os_str())
    }
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let harmless = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
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
}
