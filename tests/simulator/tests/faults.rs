//! Each fault as it is seen on the wire.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod wire;

use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use wire::*;
use xiezhen_simulator::{Call, Fault, Settings, Simulator, Space, StallAt};

async fn start() -> Simulator {
    Simulator::builder().seed(3).start().await.unwrap()
}

/// Uploads under a fault: what came back, and whether the work was done.
async fn under(fault: Fault) -> (std::io::Result<Reply>, bool, Option<u16>) {
    let sim = start().await;
    let number = sim.fault(fault.times(1));
    let photo = photos()[0].clone();
    let headers = [("Authorization", &*app_code()), ("Content-Type", "multipart/form-data; boundary=B")];
    let outcome = send(&sim, "POST", "/cloud/upload_file", &headers, &form(&photo)).await;
    let entry = sim.journal()[0].clone();
    assert_eq!(entry.fault, Some(number));
    assert_eq!(upload(&sim, &photo).await["ret"], 0, "the fault is used up");
    (outcome, entry.worked, entry.status)
}

fn on() -> Fault {
    Fault::on(Call::UploadFile)
}

fn kind(outcome: std::io::Result<Reply>) -> ErrorKind {
    outcome.map_or_else(|error| error.kind(), |reply| panic!("answered {}", reply.status))
}

#[tokio::test]
async fn replies() {
    let fault = on().reply(429).header("X-Ca-Error-Code", "T429ID").header("Retry-After", "1");
    let (outcome, worked, status) = under(fault).await;
    let reply = outcome.unwrap();
    assert_eq!(
        (reply.status, reply.header("x-ca-error-code"), worked, status),
        (429, Some("T429ID"), false, Some(429))
    );
    assert!(reply.body.is_empty() && reply.header("x-ca-request-id").is_some());
    let (outcome, worked, _) = under(on().reply(504).body(json!({"a": 1})).after_work()).await;
    let reply = outcome.unwrap();
    assert_eq!((reply.json(), worked), (json!({"a": 1}), true));
    assert_eq!(under(on().reply(200).body("<html>")).await.0.unwrap().body, b"<html>");
}

#[tokio::test]
async fn closes_and_resets() {
    for (fault, expected, work) in [
        (on().close_before(), ErrorKind::UnexpectedEof, false),
        (on().close_after(), ErrorKind::UnexpectedEof, true),
        (on().reset_before(), ErrorKind::ConnectionReset, false),
        (on().reset_after(), ErrorKind::ConnectionReset, true),
    ] {
        let (outcome, worked, status) = under(fault).await;
        assert_eq!((kind(outcome), worked, status), (expected, work, None));
    }
}

#[tokio::test]
async fn bodies_that_end_too_soon() {
    let whole = under(on().delay(Duration::from_millis(1))).await.0.unwrap().body.len();
    let (outcome, worked, status) = under(on().half()).await;
    assert_eq!((outcome.err().unwrap().to_string(), worked), (format!("after {}", whole / 2), true));
    assert_eq!(status, Some(200));
    assert_eq!(under(on().half_bytes(5)).await.0.err().unwrap().to_string(), "after 5");
}

#[tokio::test]
async fn stalls() {
    for (at, work) in [(StallAt::Before, false), (StallAt::After, true), (StallAt::Body(10), true)] {
        let sim = start().await;
        sim.fault(on().stall(at));
        assert!(timeout(Duration::from_millis(300), upload(&sim, &photos()[0])).await.is_err());
        assert_eq!(sim.journal()[0].worked, work, "{at:?}");
    }
}

#[tokio::test]
async fn a_stalled_body_sends_its_beginning() {
    let sim = start().await;
    sim.fault(Fault::on(Call::QueryTask).stall(StallAt::Body(10)));
    let mut stream = connect(&sim).await;
    let headers = [("Authorization", &*app_code())];
    stream.write_all(&request("POST", "/cloud/aigc_task_query", &headers, b"{\"task_id\":\"x\"}")).await.unwrap();
    let mut seen = Vec::new();
    let read = async { while stream.read_buf(&mut seen).await.unwrap() > 0 {} };
    assert!(timeout(Duration::from_millis(200), read).await.is_err());
    assert_eq!(seen.len() - seen.windows(4).position(|four| four == b"\r\n\r\n").unwrap() - 4, 10);
}

#[tokio::test]
async fn an_upload_that_is_not_read_stands_still() {
    let sim = start().await;
    sim.fault(on().stall(StallAt::Upload).once());
    let mut stream = connect(&sim).await;
    let headers = [("Authorization", &*app_code())];
    let send = async { stream.write_all(&request("POST", "/cloud/upload_file", &headers, &vec![0; 64 << 20])).await };
    assert!(timeout(Duration::from_millis(400), send).await.is_err());
    let entry = sim.journal()[0].clone();
    assert_eq!((entry.body, entry.worked, entry.fault), (None, false, Some(1)));
}

#[tokio::test]
async fn nonsense_of_any_length() {
    let garbage = under(on().garbage(300)).await.0.unwrap().body;
    assert_eq!(garbage.len(), 300);
    assert_eq!(under(on().garbage(300)).await.0.unwrap().body, garbage, "the seed decides");
    let (outcome, worked, _) = under(on().large(3 << 20)).await;
    assert_eq!((outcome.unwrap().body.len(), worked), (3 << 20, false));
    let chunked = under(on().large_chunked(1 << 20)).await.0.unwrap();
    assert!(chunked.header("content-length").is_none() && chunked.body.len() > 1 << 20);
}

#[tokio::test]
async fn a_slow_answer_is_the_true_one() {
    let began = Instant::now();
    let (outcome, worked, _) = under(on().slow(20, Duration::from_millis(15))).await;
    assert_eq!((&outcome.unwrap().json()["ret"], worked), (&json!(0), true));
    assert!(began.elapsed() > Duration::from_millis(45));
}

#[tokio::test]
async fn raw_bytes() {
    let (outcome, worked, status) = under(on().raw("HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nhi")).await;
    let reply = outcome.unwrap();
    assert_eq!((reply.status, reply.body.as_slice(), worked, status), (299, &b"hi"[..], false, None));
    assert_eq!(kind(under(on().raw("garbage")).await.0), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn states_and_fields_of_choice() {
    let sim = start().await;
    let id = model(&sim).await["task_id"].as_str().unwrap().to_owned();
    sim.fault(Fault::on(Call::QueryTask).task("other").state(5));
    sim.fault(Fault::on(Call::QueryTask).task(&id).skip(1).times(2).state(9));
    sim.fault(Fault::on(Call::QueryTask).once().answer_task(json!({"state": 3, "result_paths": ["a"], "x": null})));
    let first = query(&sim, &id).await;
    assert_eq!(
        (&first["state"], &first["result_paths"], first.get("x")),
        (&json!(3), &json!(["a"]), Some(&Value::Null))
    );
    let states =
        [query(&sim, &id).await, query(&sim, &id).await, query(&sim, &id).await].map(|task| task["state"].clone());
    assert_eq!(states, [json!(9), json!(9), json!(1)]);
    let used: Vec<u64> = sim.faults().iter().map(|fault| fault.used).collect();
    assert_eq!(used, [0, 2, 1]);
}

#[tokio::test]
async fn delays_before_and_after_the_work() {
    let sim = start().await;
    sim.fault(on().delay_answer(Duration::from_millis(200)));
    let began = Instant::now();
    let photo = photos()[0].clone();
    let sending = upload(&sim, &photo);
    tokio::pin!(sending);
    assert!(timeout(Duration::from_millis(150), &mut sending).await.is_err());
    assert!(sim.journal()[0].worked);
    assert_eq!(sending.await["ret"], 0);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn kept_connections_go_stale_and_idle_ones_are_closed() {
    let sim = start().await;
    let ask = request("GET", "/cloud/aigc_product_brief_query", &[("Authorization", &*app_code())], b"");
    sim.fault(Fault::on(Call::Any).stale().once());
    let mut stream = connect(&sim).await;
    stream.write_all(&ask).await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap().status, 200);
    stream.write_all(&ask).await.unwrap();
    assert!(read(&mut stream).await.is_err());
    let entry = sim.journal()[1].clone();
    assert_eq!((entry.connection, entry.nth, entry.worked, entry.status), (1, 2, false, None));

    sim.set(|settings| settings.idle_close_ms = Some(50));
    let mut stream = connect(&sim).await;
    for _ in 0..2 {
        stream.write_all(&ask).await.unwrap();
        assert_eq!(read(&mut stream).await.unwrap().status, 200);
    }
    assert_eq!(
        timeout(Duration::from_secs(2), stream.read_u8()).await.unwrap().unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );

    sim.set(|settings| *settings = Settings { drop_reused: true, ..Settings::default() });
    let mut stream = connect(&sim).await;
    stream.write_all(&ask).await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap().status, 200);
    stream.write_all(&ask).await.unwrap();
    assert!(read(&mut stream).await.is_err());
}

#[tokio::test]
async fn pictures_have_faults_too() {
    let sim = start().await;
    let user = trained(&sim).await;
    let id = generation(&sim, &user, xiezhen_simulator::STYLES[5].id).await;
    sim.finish(&id, 3);
    let path = query(&sim, &id).await["result_paths"][0].as_str().unwrap().to_owned();
    sim.fault(Fault::on(Call::Result).task(&id).once().reply(403).body("<Error/>"));
    assert_eq!(get(&sim, &path).await.status, 403);
    assert_eq!(get(&sim, &path).await.status, 200);
}

async fn control(space: &Space, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(space, method, &format!("/_simulator/{path}"), &[], body.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn everything_is_asked_for_over_http() {
    let sim = start().await;
    let space = sim.space("c");
    let faults = json!([
        {"call": "query_task", "skip": 1, "times": 1, "delay_ms": 1, "reply": {"status": 503, "headers": {"A": "b"}}},
        {"call": "query_task", "work": true, "task_id": "t", "raw": {"base64": "aGk="}},
        {"call": "any", "times": 1, "close": "after"}, {"call": "any", "times": 0, "reset": "before"},
        {"call": "any", "times": 0, "half": true}, {"call": "any", "times": 0, "half": {"bytes": 3}},
        {"call": "any", "times": 0, "stall": "upload"}, {"call": "any", "times": 0, "stall": {"body": 3}},
        {"call": "any", "times": 0, "garbage": 9}, {"call": "any", "times": 0, "large": 9},
        {"call": "any", "times": 0, "large": {"bytes": 9, "chunked": true}},
        {"call": "any", "times": 0, "slow": {"bytes": 1, "every_ms": 1}}, {"call": "any", "times": 0, "state": 9},
        {"call": "any", "times": 0, "answer_task": {"a": 1}}, {"call": "any", "times": 0, "raw": "text"},
        {"call": "any", "times": 0, "stale": true}, {"call": "any", "times": 0, "answer_delay_ms": 4},
    ]);
    assert_eq!(control(&space, "POST", "faults", &faults).await.json()["numbers"].as_array().unwrap().len(), 17);
    let listed = control(&space, "GET", "faults", &Value::Null).await.json();
    for (shown, sent) in listed.as_array().unwrap().iter().zip(faults.as_array().unwrap()) {
        for (name, value) in sent.as_object().unwrap() {
            let shown = &shown["fault"][name];
            assert!(shown == value || (name == "reply" && shown["status"] == value["status"]), "{name}: {shown}");
        }
    }
    for wrong in [
        json!({"call": "query"}),
        json!({"reply": {"status": 5}}),
        json!({"call": "any", "half": true, "state": 1}),
        json!({"call": "any", "rubbish": 1}),
        json!({"call": "any", "reply": {"status": 99}}),
        json!({"call": "any", "reply": {"status": 100}}),
        json!({"call": "any", "reply": {"status": 1000}}),
        json!({"call": "any", "reply": {"status": 200, "headers": {"A b": "c"}}}),
        json!({"call": "any", "reply": {"status": 200, "headers": {"A": "b\nc"}}}),
        json!({"call": "any", "raw": {"base64": "%%"}}),
        json!({"call": "any", "half": false}),
        json!({"call": "any", "large": {"bytes": 9, "chuncked": true}}),
        json!({"call": "any", "stale": false}),
        json!([{"call": "any"}, 5]),
    ] {
        assert_eq!(control(&space, "POST", "faults", &wrong).await.status, 400, "{wrong}");
    }
    assert!(try_post(&space, "aigc_task_query", &json!({"task_id": "u"})).await.is_err());
    assert_eq!(try_post(&space, "aigc_task_query", &json!({"task_id": "u"})).await.unwrap().status, 503);
    control(&space, "DELETE", "faults", &Value::Null).await;
    let id = model(&space).await["task_id"].as_str().unwrap().to_owned();
    control(&space, "POST", &format!("tasks/{id}"), &json!({"state": 5})).await;
    assert_eq!(query(&space, &id).await["state"], 5);
    assert_eq!(control(&space, "GET", "tasks", &Value::Null).await.json()[0]["state"], 5);
    let settings = control(&space, "POST", "settings", &json!({"pictures_per_task": 5})).await.json();
    assert_eq!((&settings["pictures_per_task"], space.settings().pictures_per_task), (&json!(5), 5));
    for wrong in [
        json!({"pictures": 5}),
        json!({"clock_scale": -1}),
        json!({"training_outcome": 77}),
        json!({"generation_outcome": 2}),
        json!({"training_seconds": -5}),
        json!({"result_ttl_seconds": -1}),
    ] {
        assert_eq!(control(&space, "POST", "settings", &wrong).await.status, 400, "{wrong}");
    }
    let counts = control(&space, "GET", "counts", &Value::Null).await.json();
    assert_eq!(
        (&counts["requests"]["query_task"], &counts["created"], &counts["uploads"]),
        (&json!(3), &json!(1), &json!(8))
    );
    let journal = control(&space, "GET", "journal", &Value::Null).await.json();
    assert_eq!((journal.as_array().unwrap().len(), &journal[0]["call"]), (12, &json!("query_task")));
    control(&space, "DELETE", "journal", &Value::Null).await;
    assert!(space.journal().is_empty());
    control(&space, "POST", "reset", &Value::Null).await;
    assert_eq!((space.created(), space.settings().pictures_per_task), (0, 3));
    assert_eq!(control(&space, "GET", "other", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn it_is_quiet_when_what_clients_sent_before_they_left_is_done() {
    let sim = start().await;
    let mut paths = Vec::new();
    for photo in photos().into_iter().take(8) {
        paths.push(upload(&sim, &photo).await["body"].clone());
    }
    sim.fault(Fault::on(Call::CreateUserModel).delay(Duration::from_millis(300)));
    let body = json!({ "img_set": paths }).to_string();
    let headers = [("Authorization", &*app_code()), ("Content-Type", "application/json")];
    let sent = request("POST", "/cloud/aigc_user_model_create", &headers, body.as_bytes());
    let mut client = connect(&sim).await;
    client.write_all(&sent).await.unwrap();
    sim.wait_for(Call::CreateUserModel, 1).await;
    drop(client);
    sim.quiet().await.unwrap();
    assert_eq!(sim.created(), 1);
}
