//! The command `xiezhen` as a process, against the simulated service.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod service;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use service::{STYLES, photos};
use xiezhen::{ErrorKind, Job, Stage};
use xiezhen_simulator::{Call, DEFAULT_APP_CODE, Fault, STYLES as OFFERED, Simulator};

/// The command, with a credential and nothing else of the environment's, looking often.
fn xiezhen(url: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xiezhen"));
    for name in ["XIEZHEN_APP_KEY", "XIEZHEN_APP_SECRET"] {
        command.env_remove(name);
    }
    command.env("XIEZHEN_BASE_URL", url).env("XIEZHEN_APP_CODE", DEFAULT_APP_CODE);
    command.args(["--requests-per-second", "inf", "--max-retries", "0"]);
    command.args(["--training-schedule", "0.02,1,0.02", "--generation-schedule", "0.02,1,0.02"]);
    command.args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `xiezhen run` on the ten photos, in two styles.
fn run(url: &str, out: &Path) -> Command {
    let mut command = xiezhen(url, ["run", "--style", STYLES[0], "--style", STYLES[1], "--out"]);
    command.arg(out).args(photos());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("all that is printed is UTF-8")
}

fn exit(output: &Output) -> u8 {
    output.status.code().expect("it exits by itself").try_into().unwrap()
}

/// Ends with `kind`'s exit code, names the kind first, and prints no result. Returns what was said.
fn refused(command: &mut Command, kind: ErrorKind) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr).to_owned();
    assert_eq!(exit(&output), kind.exit_code(), "{said}");
    assert!(said.contains(&format!("xiezhen: {kind}\n")), "{said}");
    assert_eq!(text(&output.stdout), "");
    said
}

/// Reads on until a line contains `what`; returns that line.
fn until(lines: &mut BufReader<ChildStderr>, what: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "{what:?} was never said, but: {all}");
        if line.contains(what) {
            return line;
        }
        all.push_str(&line);
    }
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn start(command: &mut Command) -> (Child, BufReader<ChildStderr>) {
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap());
    (child, lines)
}

/// What is left to be said, and what it exits with.
fn end(mut child: Child, mut lines: BufReader<ChildStderr>) -> (String, Option<i32>) {
    let mut said = String::new();
    lines.read_to_string(&mut said).unwrap();
    (said, child.wait().unwrap().code())
}

/// The values of an attribute, as they are written.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    page.split(&begin).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The local file behind a relative address.
fn file_of(address: &str, folder: &Path) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(text(&after[..2]), 16).unwrap());
            rest = &after[2..];
        } else {
            assert!(first.is_ascii_alphanumeric() || b"-._~/".contains(first), "{address}");
            bytes.push(*first);
            rest = after;
        }
    }
    folder.join(String::from_utf8(bytes).unwrap())
}

fn sheet(out: &Path) -> String {
    fs::read_to_string(out.join("index.html")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_prints_its_files_and_leaves_a_contact_sheet() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("甲 & 乙");

    let output = run(&simulator.url(), &out).output().unwrap();

    let said = text(&output.stderr);
    assert_eq!(exit(&output), 0, "{said}");
    let files: Vec<PathBuf> = text(&output.stdout).lines().map(PathBuf::from).collect();
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|file| file.parent() == Some(&out) && fs::metadata(file).unwrap().len() > 1000));
    // Plain lines: nothing that steers a terminal.
    assert!(!said.contains(['\u{1b}', '\r']), "{said}");
    assert!(said.contains("(10 of 10)") && said.contains("trained: user model") && said.contains("done\n"), "{said}");

    let page = sheet(&out);
    assert!(STYLES.iter().all(|style| page.contains(&format!("<h2>{style}</h2>"))));
    let shown: Vec<PathBuf> =
        values(&page, "src").iter().map(|src| file_of(src, &out).canonicalize().unwrap()).collect();
    let expected: Vec<PathBuf> = files.iter().chain(&photos()).map(|file| file.canonicalize().unwrap()).collect();
    assert_eq!(shown, expected);

    // Typed again, it has nothing to do.
    simulator.clear_journal();
    let again = run(&simulator.url(), &out).output().unwrap();
    assert_eq!((exit(&again), again.stdout), (0, output.stdout));
    assert_eq!(simulator.journal().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_for_scripts() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();

    let output = run(&url, folder.path()).arg("--json").output().unwrap();
    assert_eq!((exit(&output), text(&output.stderr)), (0, ""));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
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
    let lines: Vec<Value> = text(&failed.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
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
async fn a_create_without_an_answer_is_never_repeated_unasked() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("job.json");

    simulator.fault(Fault::on(Call::CreateUserModel).once().close_after());
    let said = refused(&mut run(&url, folder.path()), ErrorKind::OutcomeUnknown);
    assert!(said.contains(" --adopt TASK_ID") && said.contains(" --recreate\n"), "{said}");
    let mut resume = xiezhen(&url, ["resume"]);
    refused(resume.arg(&checkpoint), ErrorKind::OutcomeUnknown);
    assert_eq!(simulator.created(), 1);

    let task = simulator.tasks().remove(0);
    simulator.fault(Fault::on(Call::CreateTask).once().close_after());
    let mut adopt = xiezhen(&url, ["resume", "--adopt", &task.id, "--user-id", &task.user_id]);
    let output = adopt.arg(&checkpoint).output().unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 2, "the other style is finished: {}", text(&output.stderr));

    let tasks = simulator.tasks();
    let job = xiezhen::Job::read_checkpoint(&checkpoint).unwrap();
    let lost = job.portraits().into_iter().find(|portrait| portrait.task_id.is_none()).unwrap();
    let task = tasks.iter().find(|task| task.style == lost.style_id && task.kind == 2).unwrap();
    let mut adopt = xiezhen(&url, ["resume", "--adopt", &task.id, "--style", &lost.style]);
    let output = adopt.arg(&checkpoint).output().unwrap();
    assert_eq!((exit(&output), text(&output.stdout).lines().count()), (0, 4), "{}", text(&output.stderr));
    assert_eq!(simulator.created(), 3);
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

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_says_how_to_resume_and_nothing_is_done_twice() {
    let simulator = service::start().await;
    simulator.set(|settings| settings.clock_scale = 0.0);
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("job.json");

    let (child, mut lines) = start(&mut run(&simulator.url(), folder.path()));
    until(&mut lines, "training ");
    interrupt(&child);
    let (said, code) = end(child, lines);
    assert_eq!(
        (code, said),
        (Some(130), format!("xiezhen: interrupted; to go on: xiezhen resume {}\n", checkpoint.display()))
    );
    assert_eq!(Job::read_checkpoint(&checkpoint).unwrap().stage(), Stage::Training);

    simulator.set(|settings| settings.clock_scale = 1.0);
    let resumed = xiezhen(&simulator.url(), ["resume"]).arg(&checkpoint).output().unwrap();
    assert_eq!((exit(&resumed), text(&resumed.stdout).lines().count()), (0, 4), "{}", text(&resumed.stderr));
    assert!(folder.path().join("index.html").exists());
    assert_eq!((simulator.count(Call::UploadFile), simulator.created()), (10, 3));
    assert_eq!(simulator.count(Call::CreateUserModel), 1);
}

/// A simulator that answers the training's create late, and tells when it has done the work.
async fn slow_to_answer(pause: Duration) -> (Simulator, std::sync::mpsc::Receiver<()>) {
    let simulator = service::start().await;
    simulator.fault(Fault::on(Call::CreateUserModel).delay_answer(pause));
    let (tell, told) = std::sync::mpsc::channel();
    simulator.on_request(move |entry, moment| {
        if entry.call == Call::CreateUserModel && moment == xiezhen_simulator::Moment::Worked {
            let _ = tell.send(());
        }
    });
    (simulator, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_waits_for_the_answer_of_a_create() {
    let (simulator, worked) = slow_to_answer(Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();

    let (child, mut lines) = start(&mut run(&simulator.url(), folder.path()));
    worked.recv_timeout(Duration::from_secs(30)).unwrap();
    interrupt(&child);
    until(&mut lines, "a create is under way");
    let (said, code) = end(child, lines);
    assert!(code == Some(130) && said.contains("to go on: xiezhen resume"), "{code:?} {said}");

    let job = Job::read_checkpoint(folder.path().join("job.json")).unwrap();
    assert_eq!(job.training_task_id().unwrap(), simulator.tasks()[0].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_quits_at_once() {
    let (simulator, worked) = slow_to_answer(Duration::from_secs(600)).await;
    let folder = tempfile::tempdir().unwrap();

    let (child, mut lines) = start(&mut run(&simulator.url(), folder.path()));
    worked.recv_timeout(Duration::from_secs(30)).unwrap();
    interrupt(&child);
    until(&mut lines, "a create is under way");
    interrupt(&child);
    let (said, code) = end(child, lines);
    assert!(code == Some(130) && said.contains("to go on: xiezhen resume"), "{code:?} {said}");

    let mut resume = xiezhen(&simulator.url(), ["resume"]);
    refused(resume.arg(folder.path().join("job.json")), ErrorKind::OutcomeUnknown);
    assert_eq!(simulator.created(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_outside_gets_into_the_contact_sheet_unescaped() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let names = ["\"><script>alert(1)</script>", "javascript:alert('2')&amp;", "' onerror='alert(3)"];
    let offered: Vec<Value> = names
        .iter()
        .zip(OFFERED)
        .map(|(name, style)| json!({"name": name, "style": style.id, "template": "", "sex": ""}))
        .collect();
    simulator.fault(Fault::on(Call::ListStyles).reply(200).body(json!({"ret": 0, "msg": "", "body": offered})));
    let source = folder.path().join("a\"b'<script>&#x;?q=1#f%20 写真");
    fs::create_dir(&source).unwrap();
    let hostile: Vec<PathBuf> = photos()
        .iter()
        .enumerate()
        .map(|(n, photo)| {
            let path = source.join(format!("javascript:alert({n}).jpg"));
            fs::copy(photo, &path).unwrap();
            path
        })
        .collect();

    // The photos lie in the folder of the pictures: their addresses begin with what could be a scheme.
    let mut command = xiezhen(&simulator.url(), ["run", "--out"]);
    command.arg(&source).args(&hostile);
    for name in names {
        command.args(["--style", name]);
    }
    let output = command.output().unwrap();
    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));

    let page = sheet(&source);
    let addresses = [values(&page, "src"), values(&page, "href")].concat();
    assert_eq!(addresses.len(), 2 * (10 + 6));
    assert!(addresses.iter().all(|address| file_of(address, &source).is_file()));
    assert!(!page.contains("<script") && !page.contains("javascript:alert(0"), "{page}");
    assert!(page.contains("<h2>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h2>"));
    assert!(page.contains("<h2>javascript:alert(&#39;2&#39;)&amp;amp;</h2>"));
    // Outside of quoted values, no tag has an attribute of an event.
    let unquoted: String = page.split('"').step_by(2).collect();
    let tags = || unquoted.split('<').skip(1).map(|tag| tag.split('>').next().unwrap());
    assert!(tags().any(|tag| tag.contains(" alt=")) && !tags().any(|tag| tag.contains(" onerror=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_ours_is_left_alone() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "my own page").unwrap();

    let output = run(&simulator.url(), folder.path()).output().unwrap();
    assert_eq!(exit(&output), ErrorKind::Io.exit_code(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("index.html"));
    assert_eq!(text(&output.stdout).lines().count(), 4);
    assert_eq!(sheet(folder.path()), "my own page");
}
