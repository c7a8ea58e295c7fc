//! A stage, headers of the caller's own, limits of one call, and clients that share connections.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use xiezhen::{ErrorKind, OptionChanges};
use xiezhen_simulator::{Call, DEFAULT_APP_KEY, DEFAULT_APP_SECRET, Fault, Simulator};

use crate::service;

/// A server that says how one request began.
async fn recorder() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"ret\":0,\"body\":[]}";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap().to_ascii_lowercase()
    });
    (url, head)
}

#[tokio::test]
async fn a_stage_and_headers_go_with_a_call() {
    let (url, head) = recorder().await;
    let client = service::builder(&url).stage("PRE".to_owned()).header("X-Trace", "t-1").build().unwrap();
    client.list_styles().await.unwrap();
    let head = head.await.unwrap();
    assert!(head.contains("\r\nx-trace: t-1\r\n") && head.contains("\r\nx-ca-stage: pre\r\n"), "{head}");
}

#[tokio::test]
async fn signed_requests_stay_valid() {
    let simulator = service::start().await;
    let client = service::client_without_credential(&simulator.url())
        .app_key(DEFAULT_APP_KEY.to_owned())
        .app_secret(DEFAULT_APP_SECRET.to_owned())
        .stage("TEST".to_owned())
        .header("X-Trace", "t-1")
        .build()
        .unwrap();
    service::trained(&client).await;
}

#[tokio::test]
async fn what_collides_is_refused_by_name_and_without_its_value() {
    let refused =
        [("Authorization", "hidden"), ("x-ca-nonce", "hidden"), ("Content-MD5", "hidden"), ("Date", "hidden")];
    let mut builder = service::builder("http://127.0.0.1:1").stage("PROD".to_owned());
    for (name, value) in refused {
        builder = builder.header(name, value);
    }
    let builder =
        builder.header("two words", "x").header("x-lines", "hidden\r\nhost: y").header("a", "1").header("A", "2");
    let error = builder.build().unwrap_err();
    assert_eq!((error.kind(), error.problems().len()), (ErrorKind::InvalidArgument, 8));
    for part in ["stage", "authorization", "x-ca-nonce", "content-md5", "date", "two words", "x-lines", "twice"] {
        assert!(error.problems().iter().any(|problem| problem.contains(part)), "{part}: {error}");
    }
    assert!(!error.to_string().contains("hidden"), "{error}");
}

#[tokio::test]
async fn one_call_may_be_repeated_more_or_less_often() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    simulator.fault(Fault::on(Call::QueryTask).reply(503));
    for (limited, calls) in [(client.with_max_retries(0), 1), (client.with_max_retries(1), 2)] {
        simulator.clear_journal();
        let limited = limited.with_timeout(Duration::from_secs(20));
        assert_eq!(limited.query_task("t").await.unwrap_err().kind(), ErrorKind::Transport);
        assert_eq!(simulator.count(Call::QueryTask), calls);
    }
}

#[tokio::test]
async fn other_options_share_the_connections() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let hasty = client.with_options(OptionChanges::default().max_retries(0u32)).unwrap();
    client.list_styles().await.unwrap();
    hasty.list_styles().await.unwrap();
    let journal = simulator.journal();
    assert_eq!(journal.iter().map(|entry| entry.connection).collect::<Vec<_>>(), vec![journal[0].connection; 2]);

    simulator.fault(Fault::on(Call::QueryTask).reply(503));
    simulator.clear_journal();
    hasty.query_task("t").await.unwrap_err();
    assert_eq!(simulator.count(Call::QueryTask), 1);
    let refused = client.with_options(OptionChanges::default().timeout(Duration::ZERO).stage("x".to_owned()));
    assert_eq!(refused.unwrap_err().problems().len(), 2);
}

#[tokio::test]
async fn they_close_together() {
    let simulator = Simulator::builder().training_seconds(100_000.0).start().await.unwrap();
    for (closes, waits) in [(0, 1), (1, 0)] {
        let first = service::client(&simulator.url());
        let second = first.with_options(OptionChanges::default()).unwrap();
        let clients = [first, second];
        let task = service::training(&clients[waits]).await;
        simulator.clear_journal();
        let waiting = tokio::spawn({
            let client = clients[waits].clone();
            async move { client.wait_task(&task.task_id, None).await }
        });
        let polled = async {
            while simulator.count(Call::QueryTask) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), polled).await.unwrap();
        clients[closes].close();
        let ended = tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap();
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(clients[waits].list_styles().await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}
