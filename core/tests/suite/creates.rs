//! Never pays twice unknowingly (docs/design.md §5.1): each way a create can end, and how often it was sent.

use std::time::Duration;

use serde_json::json;
use xiezhen::{Client, ErrorKind};
use xiezhen_simulator::{Call, DEFAULT_APP_KEY, DEFAULT_APP_SECRET, Fault, Simulator, StallAt};

use crate::service;

/// A simulator with eight photos, and their paths.
async fn uploaded() -> (Simulator, Client, Vec<String>) {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let mut paths = Vec::new();
    for photo in service::photos().into_iter().take(8) {
        paths.push(client.upload_file(photo).await.unwrap());
    }
    (simulator, client, paths)
}

fn create() -> Fault {
    Fault::on(Call::CreateUserModel)
}

fn sent(simulator: &Simulator) -> u64 {
    simulator.count(Call::CreateUserModel)
}

#[tokio::test]
async fn a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again() {
    let (simulator, client, paths) = uploaded().await;
    let lost = [
        ("closed before the work", create().close_before()),
        ("closed after the work", create().close_after()),
        ("reset after the work", create().reset_after()),
        ("half an answer", create().half()),
        ("408", create().reply(408)),
        ("500", create().reply(500)),
        ("502 by the gateway", create().reply(502).header("X-Ca-Error-Code", "N502RE")),
        ("503 busy", create().reply(503).header("X-Ca-Error-Code", "X503BZ")),
        ("504", create().reply(504).header("X-Ca-Error-Message", "Backend service request timeout")),
        ("a broken gateway", create().reply(500).header("X-Ca-Error-Code", "X500ED")),
        ("redirected", create().reply(302).header("Location", "http://127.0.0.1:1/elsewhere")),
        ("garbage", create().garbage(200)),
        ("HTML", create().reply(200).body("<html>busy</html>")),
        ("nothing", create().reply(200).body("")),
        ("no ids", create().reply(200).body(json!({"ret": 0, "body": {"user_id": "a"}}))),
        ("its nonce was seen", create().reply(400).header("X-Ca-Error-Message", "Nonce Used")),
    ];
    for (name, fault) in lost {
        let before = sent(&simulator);
        simulator.fault(fault.once());
        let error = client.create_user_model(&paths, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{name}: {error}");
        assert!(error.sent().unwrap().contains(&paths[0]), "{name}: what was sent is told");
        assert!(!error.is_retryable());
        assert_eq!(sent(&simulator) - before, 1, "{name}");
        simulator.clear_faults();
    }
}

#[tokio::test]
async fn a_silent_service_is_an_unknown_outcome_at_the_timeout() {
    let (simulator, _, paths) = uploaded().await;
    let client = service::builder(&simulator.url()).timeout(Duration::from_secs(2)).build().unwrap();
    simulator.fault(create().stall(StallAt::After));
    let error = client.create_user_model(&paths, None).await.unwrap_err();
    assert_eq!((error.kind(), sent(&simulator)), (ErrorKind::OutcomeUnknown, 1));
}

#[tokio::test]
async fn a_refusal_is_raised_once() {
    let (simulator, client, paths) = uploaded().await;
    let refused = [
        (create().reply(200).body(json!({"ret": 1203, "msg": "不足", "body": null})), ErrorKind::Api),
        (create().reply(400).header("X-Ca-Error-Code", "A400AC"), ErrorKind::Authentication),
        (create().reply(401), ErrorKind::Authentication),
        (create().reply(403).header("X-Ca-Error-Message", "Unauthorized"), ErrorKind::Permission),
        (create().reply(403).header("X-Ca-Error-Code", "B403MQ"), ErrorKind::Quota),
        (create().reply(403).header("X-Ca-Error-Message", "Throttled by DOMAIN Flow Control"), ErrorKind::RateLimited),
        (create().reply(404), ErrorKind::Api),
        (create().reply(429), ErrorKind::RateLimited),
        (create().reply(450).body(json!({"ret": 7, "message": "no"})), ErrorKind::Api),
    ];
    for (fault, kind) in refused {
        let before = sent(&simulator);
        simulator.fault(fault.once());
        let error = client.create_user_model(&paths, None).await.unwrap_err();
        assert_eq!((error.kind(), sent(&simulator) - before), (kind, 1), "{error}");
        assert!(error.request_id().is_some(), "{error:?}");
    }
    assert_eq!(simulator.created(), 0);
}

#[tokio::test]
async fn what_the_gateway_throttled_is_sent_again() {
    let (simulator, client, paths) = uploaded().await;
    for throttled in [
        create().reply(429).header("X-Ca-Error-Code", "T429IN"),
        create().reply(403).header("X-Ca-Error-Message", "Throttled by API Flow Control").header("Retry-After", "0"),
    ] {
        let before = (sent(&simulator), simulator.created());
        simulator.fault(throttled.times(2));
        client.create_user_model(&paths, None).await.unwrap();
        assert_eq!((sent(&simulator) - before.0, simulator.created() - before.1), (3, 1));
    }
}

#[tokio::test]
async fn a_pause_that_outlasts_the_timeout_is_raised_at_once() {
    let (simulator, client, paths) = uploaded().await;
    simulator.fault(create().reply(429).header("X-Ca-Error-Code", "T429IN").header("Retry-After", "3600"));
    let error = client.create_user_model(&paths, None).await.unwrap_err();
    assert_eq!((error.kind(), sent(&simulator)), (ErrorKind::RateLimited, 1));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
}

#[tokio::test]
async fn a_refused_timestamp_is_corrected_once_by_the_gateways_clock() {
    let (simulator, _, paths) = uploaded().await;
    let signing = || {
        service::client_without_credential(&simulator.url())
            .app_key(DEFAULT_APP_KEY)
            .app_secret(DEFAULT_APP_SECRET.to_owned())
            .build()
            .unwrap()
    };
    simulator.set(|settings| settings.clock_skew_ms = 3_600_000);
    let client = signing();
    client.create_user_model(&paths, None).await.unwrap();
    assert_eq!((sent(&simulator), simulator.created()), (2, 1));
    client.create_user_model(&paths, None).await.unwrap();
    assert_eq!(sent(&simulator), 3, "the clock stays corrected");

    simulator.fault(create().reply(400).header("X-Ca-Error-Message", "Timestamp Expired"));
    let error = signing().create_user_model(&paths, None).await.unwrap_err();
    assert_eq!((error.kind(), sent(&simulator)), (ErrorKind::Authentication, 5), "once more, and no more");

    // A signature of another day is for nobody: such a clock is not believed.
    simulator.set(|settings| settings.clock_skew_ms = 25 * 3_600_000);
    let error = signing().create_user_model(&paths, None).await.unwrap_err();
    assert_eq!((error.kind(), sent(&simulator)), (ErrorKind::Authentication, 6), "{error}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent_and_nothing_is_unknown() {
    let (simulator, _, paths) = uploaded().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = service::builder(&format!("http://127.0.0.1:{port}")).max_retries(2_u32).build().unwrap();
    let error = client.create_user_model(&paths, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert!(error.is_retryable());
    assert_eq!(sent(&simulator), 0);
}

#[tokio::test]
async fn a_create_never_uses_a_pooled_connection() {
    let (simulator, client, paths) = uploaded().await;
    simulator.set(|settings| settings.drop_reused = true);
    client.create_user_model(&paths, None).await.unwrap();
    let journal = simulator.journal();
    assert!(journal.iter().any(|entry| entry.call == Call::UploadFile && entry.nth > 1), "others are pooled");
    assert!(journal.iter().all(|entry| entry.call != Call::CreateUserModel || entry.nth == 1));
    assert_eq!(sent(&simulator), 1);
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated() {
    let (simulator, client, paths) = uploaded().await;
    let task = client.create_user_model(&paths, None).await.unwrap().task_id;
    let passing = [
        Fault::on(Call::QueryTask).close_before(),
        Fault::on(Call::QueryTask).reset_after(),
        Fault::on(Call::QueryTask).half(),
        Fault::on(Call::QueryTask).reply(503).header("Retry-After", "0"),
        Fault::on(Call::QueryTask).reply(429),
        Fault::on(Call::QueryTask).stale(),
    ];
    for fault in passing {
        simulator.fault(fault.times(2));
        client.query_task(&task).await.unwrap();
        simulator.clear_faults();
    }
    simulator.fault(Fault::on(Call::UploadFile).close_after().times(2));
    client.upload_file(service::photos()[0].clone()).await.unwrap();

    let before = simulator.count(Call::QueryTask);
    simulator.fault(Fault::on(Call::QueryTask).reply(503).header("Retry-After", "0"));
    let error = client.query_task(&task).await.unwrap_err();
    assert_eq!((error.kind(), simulator.count(Call::QueryTask) - before), (ErrorKind::Transport, 5));
    assert_eq!((error.http_status(), error.task_id()), (Some(503), Some(task.as_str())));
}

#[tokio::test]
async fn a_huge_answer_is_refused() {
    let (simulator, client, _) = uploaded().await;
    for fault in [Fault::on(Call::ListStyles).large(64 << 20), Fault::on(Call::ListStyles).large_chunked(64 << 20)] {
        simulator.fault(fault.once());
        let error = client.list_styles().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(error.message().contains("larger than 8 MiB"), "{error}");
    }
}

/// Calls and gives up while nothing is sent yet; nothing is sent after that either.
async fn given_up_unsent(simulator: &Simulator, client: &Client, paths: &[String], already: u64) {
    let call = client.create_user_model(paths, None);
    assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err(), "it waits");
    assert_eq!(sent(simulator), already);
    client.wait_for_creates().await;
    assert_eq!((sent(simulator), simulator.created()), (already, 0));
}

#[tokio::test]
async fn who_leaves_before_a_create_is_sent_sends_nothing() {
    let (simulator, _, paths) = uploaded().await;
    let slow = service::builder(&simulator.url()).requests_per_second(0.2).build().unwrap();
    slow.list_styles().await.unwrap();
    given_up_unsent(&simulator, &slow, &paths, 0).await;

    let throttled = create().reply(429).header("X-Ca-Error-Code", "T429IN").header("Retry-After", "3");
    simulator.fault(throttled.once());
    let client = service::client(&simulator.url());
    given_up_unsent(&simulator, &client, &paths, 1).await;

    // A host that lets nobody connect.
    let full = full_listener();
    let away = service::builder(&format!("http://{}", full.0)).build().unwrap();
    given_up_unsent(&simulator, &away, &paths, 1).await;
}

/// A listener whose queue is full: further connections hang.
fn full_listener() -> (std::net::SocketAddr, std::net::TcpListener, Vec<std::net::TcpStream>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let brief = Duration::from_millis(50);
    let queue = std::iter::from_fn(|| std::net::TcpStream::connect_timeout(&address, brief).ok()).collect();
    (address, listener, queue)
}
