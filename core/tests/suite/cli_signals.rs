//! Signals that end the command: what was asked for and may be billed is waited for and written down.

#[cfg(target_os = "linux")]
use std::{ffi::OsString, fs, io::Read, path::Path};
use std::{
    process::Command,
    time::{Duration, Instant},
};

use xiezhen::Job;
use xiezhen_simulator::{Call, Fault};

use crate::{
    command::{hearing_signals, run, text, through, xiezhen},
    service,
};
#[cfg(target_os = "linux")]
use crate::{hanging, hanging_disk::Until};

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_waits_for_the_answer_of_a_create() {
    for (signal, exit) in [("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let simulator = service::start().await;
        let folder = tempfile::tempdir().unwrap();
        let late = Fault::on(Call::CreateUserModel).after_work().delay_answer(Duration::from_millis(700));
        simulator.fault(late);
        let child = hearing_signals(&run(&simulator.url(), folder.path())).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while simulator.created() == 0 {
            assert!(Instant::now() < end, "the training is never asked for");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Twice, as a terminal that closes does: only Ctrl-C insists.
        for _ in 0..if signal == "-INT" { 1 } else { 2 } {
            assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{signal}: {}", text(&output.stderr));
        let job = Job::read_checkpoint(folder.path().join("job.json")).unwrap();
        assert_eq!(job.training_task_id().as_deref(), Some(simulator.tasks()[0].id.as_str()), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_outlive_its_terminal_does() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    simulator.set(|settings| settings.training_seconds = 1.0);
    let command = run(&simulator.url(), folder.path());
    let child = through("nohup", &[], &command).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while simulator.created() == 0 {
        assert!(Instant::now() < end, "the training is never asked for");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// Whether this process has a say in what Ctrl-C does to it.
#[cfg(target_os = "linux")]
fn hears_ctrl_c(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default().trim();
    u64::from_str_radix(caught, 16).is_ok_and(|caught| caught & 2 != 0)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_command_whatever_it_looks_for_on_it() {
    type Typed<'a> = &'a dyn Fn(&Path) -> Command;

    let simulator = service::start().await;
    let stored = Job::with_user_id("user", service::STYLES).to_json().unwrap();
    let typed = |words: &[&str], paths: &[&Path]| {
        let words = words.iter().map(|word| OsString::from(*word));
        xiezhen(&simulator.url(), words.chain(paths.iter().map(|path| path.as_os_str().to_owned())))
    };
    let commands: [(Until, Typed<'_>); 5] = [
        (Until::Now, &|disk| typed(&["resume", "--trust"], &[&disk.join("stored.json")])),
        (Until::Read, &|disk| typed(&["resume", "--trust"], &[&disk.join("stored.json")])),
        (Until::Now, &|disk| run(&simulator.url(), disk)),
        (Until::Write, &|disk| run(&simulator.url(), disk)),
        (Until::Now, &|disk| typed(&["batch", "--style", "x", "--out"], &[disk, disk])),
    ];
    for (until, typed) in commands {
        let Some(disk) = hanging::disk() else { return };
        disk.add("stored.json", stored.clone().into_bytes());
        disk.hang(until);
        let mut child = hearing_signals(&typed(disk.path())).spawn().unwrap();
        let began = Instant::now();
        while disk.unanswered() == 0 || !hears_ctrl_c(child.id()) {
            assert!(began.elapsed() < hanging::AN_AGE, "{until:?}: nothing is looked for");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(interrupted.unwrap().success());
        // Some kernels let no process end before such a disk has answered: that it has heard, it says before.
        let mut said = [0];
        child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert!(began.elapsed() < hanging::AN_AGE / 2, "{until:?}: it waited until the disk was taken away");
        drop(disk);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{until:?}: {}", text(&output.stderr));
    }
}
