//! The command `xiezhen`, interrupted or left without an answer, and taken up again.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command},
    time::{Duration, Instant},
};

use crate::command::{exit, hearing_signals, refused, run, text, xiezhen};
use crate::service::{self, STYLES};
use xiezhen::{ErrorKind, Job, Stage};
use xiezhen_simulator::{Call, Fault, Simulator};

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
    let mut child = hearing_signals(command).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap());
    (child, lines)
}

/// A library that makes every `flock` fail, as on a network file system without locks.
#[cfg(target_os = "linux")]
fn without_locks(folder: &std::path::Path) -> std::path::PathBuf {
    let (source, library) = (folder.join("no_locks.c"), folder.join("no_locks.so"));
    std::fs::write(
        &source,
        "#include <errno.h>\nint flock(int f, int o) { (void)f; (void)o; errno = ENOLCK; return -1; }",
    )
    .unwrap();
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap();
    assert!(cc.success());
    library
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_cant_be_locked_belongs_on_a_local_disk() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let library = without_locks(folder.path());
    let mut run = run(&simulator.url(), &folder.path().join("out"));
    let said = refused(run.env("LD_PRELOAD", library), ErrorKind::Io);
    assert!(said.contains("keep it on a local disk (--checkpoint)"), "{said}");
    assert_eq!(simulator.created(), 0);
}

/// What is left to be said, and what it exits with.
fn end(mut child: Child, mut lines: BufReader<ChildStderr>) -> (String, Option<i32>) {
    let mut said = String::new();
    lines.read_to_string(&mut said).unwrap();
    (said, child.wait().unwrap().code())
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
    // The styles were listed by the run that was interrupted; their templates are there all the same.
    let sheet = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert_eq!(sheet.matches("<img class=\"template\"").count(), STYLES.len());
    assert_eq!((simulator.count(Call::UploadFile), simulator.created()), (10, 3));
    assert_eq!(simulator.count(Call::CreateUserModel), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_task_that_fits_is_adopted() {
    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let adopt = |name: &str, words: &[&str]| {
        let mut command = xiezhen(&url, ["resume", "--adopt"]);
        command.args(words).arg(out(name).join("job.json"));
        command
    };
    let stored = |name: &str| std::fs::read(out(name).join("job.json")).unwrap();

    let done = run(&url, &out("done")).output().unwrap();
    assert_eq!(exit(&done), 0);
    let other = simulator.tasks();
    simulator.fault(Fault::on(Call::CreateUserModel).once().close_after());
    refused(&mut run(&url, &out("training")), ErrorKind::OutcomeUnknown);
    let before = stored("training");
    let user_id = simulator.tasks()[3].user_id.clone();
    for (words, kind, reason) in [
        (vec!["nope", "--user-id", &user_id], ErrorKind::Api, "nothing was adopted: query_task nope"),
        (vec![&other[1].id, "--user-id", &user_id], ErrorKind::InvalidArgument, "is a generation, and a training"),
        (vec![&simulator.tasks()[3].id], ErrorKind::InvalidArgument, "--user-id ID"),
    ] {
        let said = refused(&mut adopt("training", &words), kind);
        assert!(said.contains(reason), "{said}");
        assert_eq!(stored("training"), before);
    }

    simulator.fault(Fault::on(Call::CreateTask).times(2).close_after());
    refused(&mut run(&url, &out("styles")), ErrorKind::OutcomeUnknown);
    let before = stored("styles");
    let tasks = simulator.tasks();
    let own = &tasks[5..];
    for (words, reason) in [
        (vec![own[1].id.as_str()], format!("say with --style which of {STYLES:?}")),
        (vec![&tasks[0].id, "--style", STYLES[1]], "is a training, and a generation".to_owned()),
        (vec![&tasks[4].id, "--style", STYLES[1]], "is this job's already".to_owned()),
    ] {
        let said = refused(&mut adopt("styles", &words), ErrorKind::InvalidArgument);
        assert!(said.contains(&reason), "{said}");
        assert_eq!(stored("styles"), before);
    }
    let created = simulator.created();
    let first = adopt("styles", &[&own[1].id, "--style", STYLES[1]]).output().unwrap();
    assert_eq!(exit(&first), ErrorKind::OutcomeUnknown.exit_code());
    let second = adopt("styles", &[&own[0].id]).output().unwrap();
    assert_eq!((exit(&second), text(&second.stdout).lines().count()), (0, 4), "{}", text(&second.stderr));
    assert_eq!(simulator.created(), created);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_to_go_on_has_what_the_run_needs() {
    let simulator = service::start().await;
    simulator.set(|settings| settings.clock_scale = 0.0);
    let folder = tempfile::tempdir().unwrap();

    let mut command = run(&simulator.url(), folder.path());
    command.args(["--timeout", "4", "--proxy", "http://user:password@127.0.0.1:1", "--max-photo-bytes", "6000000"]);
    let said = refused(command.args(["--call-timeout", "50", "--connect-timeout", "2.5"]), ErrorKind::Timeout);
    // Unset, it must not become the proxy "", which means none.
    let line = format!(
        "To go on: xiezhen resume {}/job.json --proxy \"${{PROXY:?}}\" --call-timeout 50 --connect-timeout 2.5 \
         --max-photo-bytes 6000000\n",
        folder.path().display()
    );
    assert!(said.contains(&line), "{said}");
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
    let (simulator, worked) = slow_to_answer(Duration::from_secs(4)).await;
    let folder = tempfile::tempdir().unwrap();

    let (child, mut lines) = start(&mut run(&simulator.url(), folder.path()));
    worked.recv_timeout(Duration::from_secs(30)).unwrap();
    interrupt(&child);
    until(&mut lines, "a create is in flight");
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
    until(&mut lines, "a create is in flight");
    interrupt(&child);
    let (said, code) = end(child, lines);
    assert!(code == Some(130) && said.contains("to go on: xiezhen resume"), "{code:?} {said}");

    let mut resume = xiezhen(&simulator.url(), ["resume"]);
    refused(resume.arg(folder.path().join("job.json")), ErrorKind::OutcomeUnknown);
    assert_eq!(simulator.created(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_is_heard_however_soon_it_comes() {
    let (simulator, worked) = slow_to_answer(Duration::from_secs(600)).await;
    let folder = tempfile::tempdir().unwrap();

    let (child, lines) = start(&mut run(&simulator.url(), folder.path()));
    worked.recv_timeout(Duration::from_secs(30)).unwrap();
    let began = Instant::now();
    interrupt(&child);
    // Both at the same instant would be one.
    std::thread::sleep(Duration::from_millis(100));
    interrupt(&child);
    let (said, code) = end(child, lines);
    assert!(code == Some(130) && said.contains("to go on: xiezhen resume"), "{code:?} {said}");
    assert!(began.elapsed() < Duration::from_secs(20), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_others_can_change_is_used_only_if_that_is_said() {
    use std::os::unix::fs::PermissionsExt as _;

    let simulator = service::start().await;
    let url = simulator.url();
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("job.json");
    assert!(run(&url, folder.path()).output().unwrap().status.success());
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&checkpoint, 0o622);
    let said = refused(xiezhen(&url, ["resume"]).arg(&checkpoint), ErrorKind::Io);
    assert!(said.contains("can be changed by other users") && said.contains("--trust"), "{said}");
    refused(&mut run(&url, folder.path()), ErrorKind::Io);
    assert!(xiezhen(&url, ["resume", "--trust"]).arg(&checkpoint).output().unwrap().status.success());
    // Written anew, it is its owner's again: who can change the folder still can.
    mode(folder.path(), 0o777);
    mode(&checkpoint, 0o600);
    let said = refused(xiezhen(&url, ["resume"]).arg(&checkpoint), ErrorKind::Io);
    assert!(said.contains("every user can put another in its place"), "{said}");
    mode(folder.path(), 0o1777);
    assert!(xiezhen(&url, ["resume"]).arg(&checkpoint).output().unwrap().status.success());
}
