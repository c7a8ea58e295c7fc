//! What the command `xiezhen` says of what went wrong: all of it, and what can be done.

use std::{fs, path::PathBuf, process::Command};

use crate::command::{exit, json_lines, refused, run, text, xiezhen};
use crate::service::{self, STYLES, photos};
use serde_json::{Value, json};
use xiezhen::ErrorKind;
use xiezhen_simulator::{Call, Fault};

#[tokio::test(flavor = "multi_thread")]
async fn every_style_that_went_wrong_is_told_of() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);

    // One was given up by the service; the other may be paid for too.
    simulator.set(|settings| settings.generation_outcome = 5);
    simulator.fault(Fault::on(Call::CreateTask).skip(1).once().close_after());
    let said = refused(&mut run(&url, &out("unknown")), ErrorKind::OutcomeUnknown);
    let resume = format!("xiezhen resume {}", out("unknown/job.json").display());
    assert!(said.contains(&format!("\n  {}: task_failed: ", STYLES[0])), "{said}");
    assert!(said.contains(&format!("\n  {}: ", STYLES[1])), "{said}");
    assert!(said.contains(&format!("the task of {}: {resume} --adopt TASK_ID\n", STYLES[1])), "{said}");
    assert!(said.contains(&format!("anew, and what failed too: {resume} --recreate\n")), "{said}");

    // Two answers lost: which one is adopted has to be said.
    simulator.set(|settings| settings.generation_outcome = 3);
    simulator.fault(Fault::on(Call::CreateTask).times(2).close_after());
    let said = refused(&mut run(&url, &out("two")), ErrorKind::OutcomeUnknown);
    assert!(STYLES.iter().all(|style| said.contains(&format!(" --adopt TASK_ID --style {style}\n"))), "{said}");

    simulator.fault(Fault::on(Call::CreateTask).once().reply(200).body(json!({"ret": 9, "msg": "no such face"})));
    simulator.fault(Fault::on(Call::CreateTask).once().reply(403).header("X-Ca-Error-Code", "B403MQ"));
    let said = refused(&mut run(&url, &out("refused")), ErrorKind::Api);
    assert!(said.contains("no such face") && said.contains(&format!("\n  {}: quota: ", STYLES[1])), "{said}");
    assert!(said.contains("Buy calls") && said.contains("\n  To go on: xiezhen resume "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn to_go_on_is_offered_where_it_helps() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);

    for (name, content) in [("garbage", "{"), ("empty", "")] {
        fs::create_dir(out(name)).unwrap();
        fs::write(out(name).join("job.json"), content).unwrap();
        let said = refused(&mut run(&url, &out(name)), ErrorKind::Io);
        assert!(said.contains("job.json") && !said.contains("xiezhen resume"), "{said}");
    }
    let said = refused(run(&url, &out("folder")).arg("--checkpoint").arg(folder.path()), ErrorKind::Io);
    assert!(!said.contains("xiezhen resume"), "{said}");

    simulator.fault(Fault::on(Call::CreateUserModel).once().reply(200).body(json!({"ret": 9, "msg": "no face"})));
    let said = refused(&mut run(&url, &out("api")), ErrorKind::Api);
    assert!(said.contains("Once that is cured, to go on: xiezhen resume "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_was_refused_has_no_results() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let nothing_to_do = || {
        let mut command = xiezhen(&simulator.url(), ["run", "--user-id", "U1", "--out"]);
        command.arg(folder.path());
        command
    };
    refused(&mut nothing_to_do(), ErrorKind::InvalidArgument);
    let output = nothing_to_do().arg("--json").output().unwrap();
    let [error]: [Value; 1] = json_lines(&output.stdout).try_into().unwrap();
    assert_eq!(error["code"], "invalid_argument");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_refused_under_the_names_that_are_typed() {
    let simulator = service::start().await;
    let url = simulator.url();
    for (words, reasons) in [
        (vec!["--call-timeout", "0"], vec!["--call-timeout must be more than 0", "not 0 s"]),
        (vec!["--call-timeout", "nan"], vec!["--call-timeout", "give a number of seconds"]),
        (vec!["--connect-timeout", "-1"], vec!["'-1' for '--connect-timeout", "give a number of seconds"]),
        (vec!["--max-retries", "-1"], vec!["'-1' for '--max-retries"]),
        (vec!["--requests-per-second", "-3"], vec!["--requests-per-second must be", "not -3"]),
        (vec!["--upload-concurrency", "0"], vec!["--upload-concurrency must be"]),
        (vec!["--training-schedule", "5,1,1"], vec!["--training-schedule must have", "not 5 s, 1 and 1 s"]),
        (vec!["--base-url", "http://example.com"], vec!["--base-url is http://", "--allow-http"]),
    ] {
        // Given once: the helper has given some already.
        let mut command = Command::new(env!("CARGO_BIN_EXE_xiezhen"));
        command.env("XIEZHEN_BASE_URL", &url).env("XIEZHEN_APP_CODE", "code").env_remove("XIEZHEN_APP_KEY");
        let output = command.arg("styles").args(&words).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(exit(&output), 2, "{words:?}: {said}");
        assert!(reasons.iter().all(|reason| said.contains(reason)), "{words:?}: {said}");
    }
    let said = refused(xiezhen(&url, ["styles"]).env_remove("XIEZHEN_APP_CODE"), ErrorKind::InvalidArgument);
    assert!(
        said.contains("no credential: run xiezhen login, or set XIEZHEN_APP_CODE, or") && !said.contains("pass"),
        "{said}"
    );

    for words in [vec!["run", "--out", "x"], vec!["run", "p.jpg", "--user-id", "U", "--out", "x"]] {
        let output = xiezhen(&url, &words).output().unwrap();
        assert!(exit(&output) == 2 && text(&output.stderr).contains("--user-id <ID>"), "{}", text(&output.stderr));
    }
    // Scripts are told in JSON of this too.
    let output = xiezhen(&url, ["run", "--json"]).output().unwrap();
    let [error]: [Value; 1] = json_lines(&output.stdout).try_into().unwrap();
    assert_eq!((exit(&output), &error["type"], &error["code"]), (2, &json!("error"), &json!("invalid_argument")));
    assert!(error["message"].as_str().unwrap().contains("--out <DIR>"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_names_its_call() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let calls = [Call::ListStyles, Call::UploadFile, Call::QueryTask, Call::Result];
    for call in calls {
        simulator.fault(Fault::on(call).once().reply(503));
    }
    let output = run(&simulator.url(), folder.path()).args(["--max-retries", "1"]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(exit(&output), 0, "{said}");
    for name in ["list_styles: ", "upload_file: ", "query_task ", "save_results: "] {
        let told = said.lines().filter(|line| line.starts_with(name) && line.contains("; again in ")).count();
        assert_eq!(told, 1, "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_photos_are_gone_is_pointed_to_its_job() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let copies: Vec<PathBuf> = photos()
        .iter()
        .map(|photo| {
            let copy = folder.path().join(photo.file_name().unwrap());
            fs::copy(photo, &copy).unwrap();
            copy
        })
        .collect();
    let command = || {
        let mut command = xiezhen(&simulator.url(), ["run", "--style", STYLES[0], "--out"]);
        command.arg(&out).args(&copies);
        command
    };
    assert_eq!(exit(&command().output().unwrap()), 0);
    fs::remove_file(&copies[3]).unwrap();
    let said = refused(&mut command(), ErrorKind::InvalidArgument);
    let line = format!("may need its photos no more: xiezhen resume {}/job.json\n", out.display());
    assert!(said.contains("photo 4") && said.contains(&line), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_takes_no_pictures_is_found_out_before_anything_is_sent() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut command = run(&simulator.url(), &file.join("out"));
    let said = refused(command.arg("--checkpoint").arg(folder.path().join("job.json")), ErrorKind::Io);
    assert!(said.contains("can't keep pictures in") && said.contains("file/out"), "{said}");
    assert_eq!(simulator.journal().len(), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_text_are_named_and_quoted() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join(OsStr::from_bytes(b"\xffodd"));

    let output = run(&url, &odd).output().unwrap();
    assert!(exit(&output) == 2 && text(&output.stderr).contains("for '--out <DIR>'"), "{}", text(&output.stderr));
    assert!(!odd.exists() && simulator.journal().is_empty());

    // JSON shows what it can of the path, and loses nothing else.
    let output = xiezhen(&url, ["--json", "resume"]).arg(&odd).output().unwrap();
    let [error]: [Value; 1] = json_lines(&output.stdout).try_into().unwrap();
    assert_eq!((exit(&output), &error["code"]), (ErrorKind::Io.exit_code(), &json!("io")));
    assert!(error["path"].as_str().unwrap().ends_with("odd"), "{error}");

    fs::copy(&photos()[0], &odd).unwrap();
    let said = refused(run(&url, &folder.path().join("out")).arg(&odd), ErrorKind::InvalidArgument);
    assert!(said.contains("rename it"), "{said}");
    fs::remove_file(&odd).unwrap();

    simulator.set(|settings| settings.clock_scale = 0.0);
    let mut command = run(&url, &folder.path().join("out"));
    let said = refused(command.arg("--checkpoint").arg(&odd).args(["--timeout", "4"]), ErrorKind::Timeout);
    let line = format!("To go on: xiezhen resume $'{}/\\xffodd'\n", folder.path().display());
    assert!(said.contains(&line), "{said}");
}
