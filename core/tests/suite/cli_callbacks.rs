//! Callbacks in the command `xiezhen`: a receiver beside a run, and one that shows what comes in.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::Command,
};

use crate::command::{exit, hearing_signals, json_lines, refused, run, text, xiezhen};
use crate::service;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use xiezhen::ErrorKind;
use xiezhen_simulator::Call;

/// A port that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The same command, which would find out of an end after a minute only.
fn polling_seldom(command: &Command) -> Command {
    let mut seldom = Command::new(command.get_program());
    seldom
        .args(command.get_args().map(|argument| if argument == "0.02,1,0.02" { "60,1,60".as_ref() } else { argument }));
    seldom.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    seldom
}

async fn post(url: &str, body: &str) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request =
        format!("POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}", length = body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_receiver_asks_twice_for_a_task_at_most() {
    let simulator = service::start().await;
    let out = tempfile::tempdir().unwrap();

    let output =
        polling_seldom(&run(&simulator.url(), out.path())).args(["--listen", &free_address()]).output().unwrap();

    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    let journal = simulator.journal();
    for task in simulator.tasks() {
        let asked = |entry: &&xiezhen_simulator::Entry| {
            entry.call == Call::QueryTask && entry.task_id.as_deref() == Some(task.id.as_str())
        };
        assert!(task.callback_url.is_some(), "every create of the run has an address");
        let queries = journal.iter().filter(asked).count();
        assert!((1..=2).contains(&queries), "{queries} queries of one task");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listen_shows_each_hint_until_it_is_interrupted() {
    let simulator = service::start().await;
    let address = free_address();
    let mut child = hearing_signals(&xiezhen(&simulator.url(), ["listen", &address])).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let url = loop {
        let line = said.next().expect("it says how to try it");
        if let Some((_, url)) = line.split_once("' ") {
            break url.to_owned();
        }
    };
    assert!(url.starts_with(&format!("http://{address}/")), "{url}");

    post(&url, r#"{"task_id": "T1"}"#).await;
    let mut shown = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut shown).unwrap();

    let hint = json_lines(shown.as_bytes()).remove(0);
    assert_eq!((&hint["key"], &hint["task_ids"]), (&json!("test"), &json!(["T1"])), "{hint}");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(exit(&child.wait_with_output().unwrap()), 0, "this is how it is meant to end");
}

#[test]
fn a_receiver_that_cannot_be_is_refused_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&mut xiezhen("http://127.0.0.1:9", ["listen", &address]), ErrorKind::Io);
    assert!(said.contains(&address), "{said}");

    let said = refused(&mut xiezhen("http://127.0.0.1:9", ["listen", "0.0.0.0:0"]), ErrorKind::InvalidArgument);
    assert!(said.contains("--callback"), "{said}");
}
