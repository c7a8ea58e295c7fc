//! The command `xiezhen` as a process, against the simulated service: what it prints and what it exits with.

use std::{fs, process::Command};

use crate::command::{exit, json_lines, refused, run, text, xiezhen};
use crate::service::{self, STYLES, photos};
use serde_json::json;
use xiezhen::ErrorKind;
use xiezhen_simulator::{Call, Fault, STYLES as OFFERED};

#[tokio::test(flavor = "multi_thread")]
async fn json_is_for_scripts() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();

    let output = run(&url, folder.path()).arg("--json").output().unwrap();
    assert_eq!((exit(&output), text(&output.stderr)), (0, ""));
    let lines = json_lines(&output.stdout);
    let (job, events) = lines.split_last().unwrap();
    let named = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!((named("photo_uploaded"), named("trained"), named("saved"), named("finished")), (10, 1, 4, 1));
    assert_eq!((&job["type"], &job["stage"]), (&json!("job"), &json!("done")));
    assert_eq!(job["portraits"][1]["files"].as_array().unwrap().len(), 2);

    let styles = xiezhen(&url, ["styles", "--json"]).output().unwrap();
    let styles: Vec<xiezhen::Style> = serde_json::from_slice(&styles.stdout).unwrap();
    assert_eq!(styles.len(), OFFERED.len());
    let task_id = job["portraits"][0]["task_id"].as_str().unwrap();
    let status = xiezhen(&url, ["--json", "status", task_id]).output().unwrap();
    let task: xiezhen::Task = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((task.id.as_str(), task.result_paths.len()), (task_id, 2));

    let other = tempfile::tempdir().unwrap();
    simulator.fault(Fault::on(Call::CreateUserModel).reply(403).header("X-Ca-Error-Code", "B403MQ"));
    let failed = run(&url, other.path()).arg("--json").output().unwrap();
    assert_eq!(exit(&failed), ErrorKind::Quota.exit_code());
    let lines = json_lines(&failed.stdout);
    let [.., error, job] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("quota")));
    assert_eq!((&job["type"], &job["stage"]), (&json!("job"), &json!("failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_tables() {
    let simulator = service::start().await;
    let styles = xiezhen(&simulator.url(), ["styles"]).output().unwrap();
    let lines: Vec<&str> = text(&styles.stdout).lines().collect();
    assert_eq!(lines[0], format!("{}  {}  {}", OFFERED[0].name, OFFERED[0].sex, OFFERED[0].id));

    // What a vendor calls a style can't steer the terminal.
    let hostile = json!({"ret": 0, "msg": "", "body": [
        {"name": "\u{1b}[2Jred\u{202e}", "style": "1", "template": "", "sex": "女"}]});
    simulator.fault(Fault::on(Call::ListStyles).reply(200).body(hostile));
    let styles = xiezhen(&simulator.url(), ["styles"]).output().unwrap();
    assert_eq!(text(&styles.stdout), "\u{fffd}[2Jred\u{fffd}  女  1\n");

    for asked in ["--help", "--version"] {
        let output = Command::new(env!("CARGO_BIN_EXE_xiezhen")).arg(asked).output().unwrap();
        assert!(exit(&output) == 0 && !output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_its_exit_code() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);

    for usage in [vec!["run"], vec!["run", "--out", "x"], vec!["no-such-command"], vec!["status"]] {
        let output = xiezhen(&url, usage).output().unwrap();
        assert_eq!((exit(&output), output.stdout.len()), (2, 0));
    }
    let mut none = xiezhen(&url, ["styles"]);
    refused(none.env_remove("XIEZHEN_APP_CODE"), ErrorKind::InvalidArgument);
    let mut two_bad = xiezhen(&url, ["run", "no-1.jpg", "no-2.jpg", "--out"]);
    let said = refused(two_bad.arg(out("two")), ErrorKind::InvalidArgument);
    assert!(said.contains("no-1.jpg") && said.contains("no-2.jpg"), "{said}");
    assert!(!said.contains("xiezhen resume"), "{said}");

    let mut wrong = xiezhen(&url, ["styles"]);
    let said = refused(wrong.env("XIEZHEN_APP_CODE", "wrong"), ErrorKind::Authentication);
    assert!(said.contains("request id") && said.contains("XIEZHEN_APP_CODE"), "{said}");
    refused(&mut xiezhen(&url, ["status", "no-such-task"]), ErrorKind::Api);
    for (fault, kind) in [
        (Fault::on(Call::ListStyles).reply(403).header("X-Ca-Error-Code", "I403AA"), ErrorKind::Permission),
        (Fault::on(Call::ListStyles).reply(403).header("X-Ca-Error-Message", "User Arrears"), ErrorKind::Quota),
        (Fault::on(Call::ListStyles).reply(429).header("X-Ca-Error-Code", "T429PA"), ErrorKind::RateLimited),
        (Fault::on(Call::ListStyles).garbage(100), ErrorKind::Protocol),
        (Fault::on(Call::ListStyles).close_before(), ErrorKind::Transport),
    ] {
        simulator.fault(fault.once());
        refused(&mut xiezhen(&url, ["styles"]), kind);
    }

    fs::write(out("garbage.json"), "{").unwrap();
    let mut unreadable = xiezhen(&url, ["resume"]);
    refused(unreadable.arg(out("garbage.json")), ErrorKind::Io);
    assert_eq!(fs::read_to_string(out("garbage.json")).unwrap(), "{");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_says_how_to_go_on() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("it's");
    let resume = format!("xiezhen resume '{}/it'\\''s/job.json'", folder.path().display());

    simulator.set(|settings| settings.clock_scale = 0.0);
    let said = refused(run(&url, &out).args(["--timeout", "3"]), ErrorKind::Timeout);
    assert!(said.contains(&format!("To go on: {resume}\n")), "{said}");
    simulator.set(|settings| {
        settings.clock_scale = 1.0;
        settings.generation_outcome = 5;
    });
    let mut rest = xiezhen(&url, ["resume", "--base-url", &url]);
    let said = refused(rest.env_remove("XIEZHEN_BASE_URL").arg(out.join("job.json")), ErrorKind::TaskFailed);
    assert!(said.contains(&format!("{resume} --base-url {url} --recreate\n")), "{said}");
    assert_eq!(simulator.created(), 3);

    // Both failed styles are made again, and nothing else.
    simulator.set(|settings| settings.generation_outcome = 3);
    let again = xiezhen(&url, ["resume", "--recreate"]).arg(out.join("job.json")).output().unwrap();
    assert_eq!((exit(&again), text(&again.stdout).lines().count(), simulator.created()), (0, 4, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trained_model_is_used_again() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);

    let trained = xiezhen(&url, ["run", "--out"]).arg(out("model")).args(photos()).output().unwrap();
    assert_eq!(exit(&trained), 0, "{}", text(&trained.stderr));
    let user_id = text(&trained.stdout).trim();
    assert!(!user_id.is_empty() && !out("model").join("index.html").exists());

    let mut used = xiezhen(&url, ["run", "--user-id", user_id, "--style", STYLES[0], "--out"]);
    let output = used.arg(out("used")).output().unwrap();
    assert_eq!((exit(&output), text(&output.stdout).lines().count()), (0, 2));
    assert_eq!(simulator.created(), 2);
}
