//! What people reach for first: their language, profiles, completions, logs, a folder to resume.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::command::{run, text, xiezhen};
use crate::service::{self, STYLES};

/// The command with nothing typed and nothing set.
fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xiezhen"));
    command.env_clear();
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_speaks_chinese_where_the_environment_does_and_json_never() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = run(&simulator.url(), folder.path());
    let output = command.env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("训练完成：用户模型") && said.contains("总览页："), "{said}");

    let help = bare().env("LANG", "zh_CN").args(["run", "--help"]).output().unwrap();
    let help = text(&help.stdout);
    assert!(help.contains("用法：") && help.contains("同一个人的 8～20 张照片") && !help.contains("Usage"), "{help}");
    let help = bare().env("LC_ALL", "zh_CN").args(["--help", "--lang", "en"]).output().unwrap();
    assert!(text(&help.stdout).contains("Usage:"));
}

#[test]
fn a_photo_without_a_command_is_told_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("a.jpg");
    fs::write(&photo, "").unwrap();
    let output = bare().arg(&photo).output().unwrap();
    let said = text(&output.stderr);
    assert!(
        output.status.code() == Some(2) && said.contains("xiezhen run ") && said.contains("--style NAME"),
        "{said}"
    );
}

#[test]
fn completions_and_a_manual_page_are_printed() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let output = bare().args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).contains("requests-per-second"), "{shell}");
    }
    let output = bare().arg("man").output().unwrap();
    assert!(text(&output.stdout).contains(".TH xiezhen"));
}

fn log_in(home: &std::path::Path, answers: &str, profile: &[&str]) -> std::process::Output {
    let mut command = bare();
    command.env("HOME", home).arg("login").args(profile);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_keeps_address_and_credential_and_the_environment_wins() {
    use std::os::unix::fs::PermissionsExt as _;

    let simulator = service::start().await;
    let home = tempfile::tempdir().unwrap();
    let answers = format!("{}\nsimulator-app-code\n", simulator.url());
    let output = log_in(home.path(), &answers, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("simulator-app-code"));
    let file = home.path().join(".config/xiezhen/config.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let styles = || {
        let mut command = bare();
        command.env("HOME", home.path()).arg("styles");
        command
    };
    let output = styles().output().unwrap();
    assert!(text(&output.stdout).contains(STYLES[0]), "{}", text(&output.stderr));
    let output = styles().env("XIEZHEN_APP_CODE", "another").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "the environment's credential is taken: {}", text(&output.stderr));
    let output = styles().args(["--profile", "studio"]).output().unwrap();
    assert!(text(&output.stderr).contains("no profile \"studio\""), "{}", text(&output.stderr));
    assert!(log_in(home.path(), &answers, &["--profile", "studio"]).status.success());
    assert!(styles().args(["--profile", "studio"]).output().unwrap().status.success());
    let output = styles().args(["--profile", "studio"]).env("XIEZHEN_APP_CODE", "another").output().unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("profile studio: XIEZHEN_APP_CODE of the environment is used in its place"), "{said}");

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = styles().output().unwrap();
    assert!(text(&output.stderr).contains("chmod 600"), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_shown_where_they_are_asked_for_and_hide_the_credential() {
    let simulator = service::start().await;
    let styles = || xiezhen(&simulator.url(), ["styles"]);
    assert_eq!(text(&styles().output().unwrap().stderr), "");
    for output in [styles().arg("-vv").output(), styles().env("XIEZHEN_LOG", "debug").output()] {
        let output = output.unwrap();
        let said = text(&output.stderr);
        assert!(said.contains("list_styles") && !said.contains("simulator-app-code"), "{said}");
    }
    let output = styles().env("XIEZHEN_LOG", "loud").output().unwrap();
    assert!(text(&output.stderr).contains("XIEZHEN_LOG"), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_resumed_and_a_finished_job_offers_more_styles_with_its_model() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    assert!(run(&simulator.url(), folder.path()).arg("-q").output().unwrap().status.success());
    let output = xiezhen(&simulator.url(), ["resume"]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));

    let output = run(&simulator.url(), folder.path()).args(["--style", "古风"]).output().unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("xiezhen run --user-id ") && said.contains("--style 古风"), "{said}");
}
