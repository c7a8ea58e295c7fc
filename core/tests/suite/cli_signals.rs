//! Signals that end the command: what was asked for and may be billed is waited for and written down.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use xiezhen::Job;
use xiezhen_simulator::{Call, Fault};

use crate::{
    command::{hearing_signals, run, text, through},
    service,
};

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
