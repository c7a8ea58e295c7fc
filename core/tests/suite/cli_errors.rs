//! What the command `xiezhen` says of what went wrong: all of it, and what can be done.

use std::fs;

use crate::command::{json_lines, refused, run, xiezhen};
use crate::service::{self, STYLES};
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
    let said = refused(&mut run(&url, &out("unknown")), ErrorKind::TaskFailed);
    let resume = format!("xiezhen resume {}", out("unknown/job.json").display());
    assert!(said.contains(&format!("\n  {}: ", STYLES[0])), "{said}");
    assert!(said.contains(&format!("\n  {}: outcome_unknown: ", STYLES[1])), "{said}");
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
