//! The command `xiezhen` as a process, and how it may end.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Output, Stdio},
};

use xiezhen::ErrorKind;
use xiezhen_simulator::DEFAULT_APP_CODE;

use crate::service::{STYLES, photos};

/// The command, with a credential and nothing else of the environment's, looking often.
pub(crate) fn xiezhen(url: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xiezhen"));
    for name in ["XIEZHEN_APP_KEY", "XIEZHEN_APP_SECRET"] {
        command.env_remove(name);
    }
    command.env("XIEZHEN_BASE_URL", url).env("XIEZHEN_APP_CODE", DEFAULT_APP_CODE);
    command.env("LC_ALL", "C").env_remove("XIEZHEN_LOG");
    command.args(["--requests-per-second", "inf", "--max-retries", "0"]);
    command.args(["--training-schedule", "0.02,1,0.02", "--generation-schedule", "0.02,1,0.02"]);
    command.args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `xiezhen run` on the ten photos, in two styles.
pub(crate) fn run(url: &str, out: &Path) -> Command {
    let mut command = xiezhen(url, ["run", "--style", STYLES[0], "--style", STYLES[1], "--out"]);
    command.arg(out).args(photos());
    command
}

/// The same command, started by another program that becomes it.
pub(crate) fn through(program: &str, options: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.args(options).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    outer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    outer
}

/// One that hears signals although the tests may not: `nohup make test`, or `make test &`, ignore some for all below.
pub(crate) fn hearing_signals(command: &Command) -> Command {
    through("env", &["--default-signal=HUP,INT,TERM"], command)
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("all that is printed is UTF-8")
}

/// What is printed with `--json`.
pub(crate) fn json_lines(stdout: &[u8]) -> Vec<serde_json::Value> {
    text(stdout).lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

pub(crate) fn exit(output: &Output) -> u8 {
    output.status.code().expect("it exits by itself").try_into().unwrap()
}

/// Ends with `kind`'s exit code, names the kind first, and prints no result. Returns what was said.
pub(crate) fn refused(command: &mut Command, kind: ErrorKind) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr).to_owned();
    assert_eq!(exit(&output), kind.exit_code(), "{said}");
    assert!(said.contains(&format!("xiezhen: {kind}\n")), "{said}");
    assert_eq!(text(&output.stdout), "");
    said
}
