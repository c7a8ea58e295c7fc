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
    let typed = photo.to_str().unwrap();
    for words in [
        vec![typed],
        vec!["--json", typed],
        vec![typed, "--out", "x"],
        vec!["--style", "x", typed],
        vec!["-q", folder.path().to_str().unwrap(), "--style", "x"],
    ] {
        let output = bare().args(&words).output().unwrap();
        let said = text(&output.stderr);
        assert!(
            output.status.code() == Some(2) && said.contains("xiezhen run ") && said.contains("--style NAME"),
            "{words:?}: {said}"
        );
    }
    let output = bare().args(["status", "--out", typed]).output().unwrap();
    assert!(!text(&output.stderr).contains("xiezhen run "), "there is a command: {}", text(&output.stderr));
}

#[test]
fn what_cant_be_read_is_said_in_chinese_too() {
    for (typed, said) in [
        ("run --stlye x", "错误：没有参数“--stlye”\n  提示：是否要输入“--style”？\n"),
        ("styles --dry-run", "错误：没有参数“--dry-run”\n"),
        ("stylse", "错误：没有命令“stylse”\n  提示：是否要输入“styles”？\n"),
        ("batch x", "错误：缺少必需的参数：--out <DIR>\n"),
        ("styles --html", "错误：“--html <FILE>”需要一个值\n"),
        ("styles --lang fr", "错误：“fr”不是“--lang <LANGUAGE>”的有效值（可选值：en、zh）\n"),
        (
            "completions csh",
            "错误：“csh”不是“<SHELL>”的有效值（可选值：bash、elvish、fish、powershell、zsh）\n  提示：是否要输入“zsh”？\n",
        ),
        (
            "styles --call-timeout soon",
            "错误：“soon”不是“--call-timeout <SECONDS>”的有效值：请输入秒数，例如 90 或 0.5\n",
        ),
        ("styles --max-retries x", "错误：“x”不是“--max-retries <N>”的有效值：应为整数\n"),
        ("styles -q -v", "错误：“--quiet”不能与“--verbose...”同时使用\n"),
        ("styles --json --json", "错误：“--json”只能使用一次\n"),
        ("resume a --adopt 1 --recreate", "错误：“--adopt <TASK_ID>”不能与“--recreate”同时使用\n"),
        ("status 1 2", "错误：没有参数“2”\n"),
    ] {
        let output = bare().env("LC_ALL", "zh_CN.UTF-8").args(typed.split(' ')).output().unwrap();
        let heard = text(&output.stderr);
        assert!(output.status.code() == Some(2) && heard.starts_with(said), "{typed}: {heard}");
        // Of a value that is wrong, clap says no more.
        assert!(heard.contains("\n用法：xiezhen ") || said.contains('值'), "{typed}: {heard}");
        assert!(heard.ends_with("更多说明请用 --help 查看。\n"), "{typed}: {heard}");
        for english in ["Usage", "OPTIONS", "error", "tip", "possible"] {
            assert!(!heard.contains(english), "{typed}: {heard}");
        }
    }
    let output = bare().env("LC_ALL", "zh_CN.UTF-8").args(["--json", "rnu"]).output().unwrap();
    assert!(text(&output.stdout).contains("unrecognized subcommand 'rnu'"), "scripts read English");
    let english = bare().env("LC_ALL", "C").args(["run", "--stlye", "x"]).output().unwrap();
    assert!(text(&english.stderr).starts_with("error: unexpected argument '--stlye' found\n\n  tip: "));
}

#[test]
fn completions_and_a_manual_page_are_printed() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let output = bare().args(["completions", shell]).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).contains("requests-per-second"), "{shell}");
    }
    let output = bare().arg("man").output().unwrap();
    assert!(text(&output.stdout).contains(".TH xiezhen"));
    // Each sub-command has a page of its own, with its options.
    let folder = tempfile::tempdir().unwrap();
    let output = bare().arg("man").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap().replace('\\', "");
    assert!(page("xiezhen-batch.1").contains("--dry-run") && page("xiezhen-resume.1").contains("--adopt"));
    for line in page("xiezhen.1").lines().filter(|line| line.starts_with("xiezhen-")) {
        let name = line.split('(').next().unwrap();
        assert!(page(&format!("{name}.1")).contains(".SH SYNOPSIS"), "{line}");
    }
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
