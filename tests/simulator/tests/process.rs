//! Restarts, and the binary.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod wire;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wire::*;
use xiezhen_simulator::{STYLES, Simulator};

#[tokio::test]
async fn what_was_made_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let builder = || Simulator::builder().seed(5).clock_scale(0.0).state_file(&file);
    let sim = builder().start().await.unwrap();
    let space = sim.space("kept");
    let user = trained(&space).await;
    let id = generation(&space, &user, STYLES[5].id).await;
    sim.stop().await;

    let sim = builder().start().await.unwrap();
    let space = sim.space("kept");
    assert_eq!(space.tasks().len(), 2);
    assert_eq!(query(&space, &id).await["state"], 1);
    space.finish(&id, 3);
    let path = query(&space, &id).await["result_paths"][0].as_str().unwrap().to_owned();
    let picture = get(&space, &path).await;
    assert!(picture.status == 200 && picture.body.starts_with(b"\xff\xd8"));
    let again = generation(&space, &user, STYLES[5].id).await;
    assert!(again != id && space.created() == 3);
}

#[tokio::test]
async fn dropping_it_closes_everything() {
    let sim = Simulator::builder().start().await.unwrap();
    let address = split(&sim.url()).0;
    drop(sim);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).is_err());
}

fn run(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_xiezhen-simulator"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_binary_says_where_it_is_and_ends_with_its_input() {
    let mut child = run(&["--seed", "9", "--clock-scale", "60", "--app-code", "x"]);
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let address = split(url.trim()).0;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /_simulator/settings HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"clock_scale\":60.0"), "{answer}");
    drop(child.stdin.take());
    let began = Instant::now();
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(!run(&["--port", &port]).wait().unwrap().success());
}

#[tokio::test]
async fn settings_out_of_range_are_refused_at_the_start() {
    for scale in ["nan", "inf", "-1"] {
        let ended = run(&[&format!("--clock-scale={scale}")]).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains("clock_scale is a number of at least 0"), "{scale}: {said}");
    }
    let refused = Simulator::builder().set(|settings| settings.training_outcome = 77).start().await;
    assert!(refused.err().unwrap().to_string().contains("training_outcome is 3, 4 or 5"));
}
