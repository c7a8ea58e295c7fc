//! The demo, killed at several moments and started again (`make demo`).

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn demo(folder: &Path) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_xiezhen")).parent().unwrap().join("examples").join("demo");
    let mut command = Command::new(built);
    // An environment that would lead elsewhere.
    command.env("XIEZHEN_BASE_URL", "https://nowhere.invalid").env("XIEZHEN_APP_KEY", "wrong");
    command.env("HTTP_PROXY", "http://127.0.0.1:1").env("http_proxy", "http://127.0.0.1:1");
    command.arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Kills the demo as soon as it says `moment`.
fn kill_at(folder: &Path, moment: &str) {
    let mut child = demo(folder).spawn().expect("cargo test builds the example");
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let seen = lines.map(Result::unwrap).find(|line| line.contains(moment));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen.is_some(), "{moment:?} was never said");
}

fn finish(folder: &Path) -> Output {
    let output = demo(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn state(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("service/state.json")).unwrap()).unwrap()
}

#[test]
fn a_demo_that_was_killed_goes_on_and_a_finished_one_does_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("demo");

    kill_at(&folder, "(4 of 10)");
    kill_at(&folder, "training ");

    let port: u16 = fs::read_to_string(folder.join("service/port")).unwrap().parse().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let refused = demo(&folder).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains(&format!("port {port}")), "{said}");
    drop(taken);

    kill_at(&folder, "trained: ");
    let output = finish(&folder);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("index.html") && said.contains("that called back when they ended"), "{said}");
    assert!(folder.join("index.html").is_file());
    let pictures = fs::read_dir(&folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "png"));
    assert_eq!(pictures.count(), 6);
    // One training and two generations, however often it was killed.
    let before = state(&folder);
    assert_eq!(before["spaces"][0]["tasks"].as_array().unwrap().len(), 3);

    let again = finish(&folder);
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(said.contains("finished") && said.contains("rm -r "), "{said}");
    assert_eq!(state(&folder), before);
}

#[test]
fn a_create_that_was_cut_off_is_looked_up_at_the_service() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("demo");
    kill_at(&folder, "training ");

    // As if it had been killed between the service's work and the answer.
    let path = folder.join("job.json");
    let mut job: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let training = job["training"].as_object_mut().unwrap();
    training.insert("task_id".into(), Value::Null);
    training.insert("state".into(), Value::Null);
    training.insert("intent".into(), true.into());
    job["user_id"] = Value::Null;
    fs::write(&path, job.to_string()).unwrap();

    finish(&folder);
    assert_eq!(state(&folder)["spaces"][0]["tasks"].as_array().unwrap().len(), 3);
}

#[test]
fn a_folder_from_which_something_was_removed_is_no_dead_end() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("it's a demo");

    // The service knows a training that the next job does not, and which answers none of its creates.
    kill_at(&folder, "training ");
    fs::remove_file(folder.join("job.json")).unwrap();
    kill_at(&folder, "training ");
    kill_at(&folder, "training ");

    let start_over = format!("To start over:  rm -r '{}/it'\\''s a demo'\n", temporary.path().display());
    let state = fs::read(folder.join("service/state.json")).unwrap();
    fs::remove_file(folder.join("service/state.json")).unwrap();
    let refused = demo(&folder).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains(&start_over), "{said}");
    fs::write(folder.join("service/state.json"), state).unwrap();

    let job = fs::read(folder.join("job.json")).unwrap();
    fs::write(folder.join("job.json"), "{").unwrap();
    let refused = demo(&folder).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains(&start_over), "{said}");
    fs::write(folder.join("job.json"), job).unwrap();

    finish(&folder);
    assert_eq!(self::state(&folder)["spaces"][0]["tasks"].as_array().unwrap().len(), 4);
    let finished = finish(&folder);
    assert!(String::from_utf8(finished.stdout).unwrap().contains(&start_over));

    let file = temporary.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = demo(&file).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("is not a folder") && !said.contains("rm -r"), "{said}");
}
