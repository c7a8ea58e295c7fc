//! Callback addresses, what is made of requests to them, and the embedded receiver.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use xiezhen::{Callbacks, ErrorKind, Hint, MAX_CALLBACK_BYTES};
use xiezhen_simulator::{Call, Fault};

use crate::service;

const SECRET: &str = "secret-of-16-byte";
const NO_HEADERS: &[(&str, &str)] = &[];

fn callbacks() -> Callbacks {
    Callbacks::new("https://shop.example/hooks/", SECRET).unwrap()
}

/// A token by a second opinion.
fn token(secret: &str, key: &str, slot: &str, attempt: &str) -> String {
    let text = format!("{}.{slot}.{attempt}", URL_SAFE_NO_PAD.encode(key));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16]))
}

fn status(method: &str, target: &str, body: &[u8]) -> u16 {
    callbacks().receive(method, target, NO_HEADERS, body).status
}

#[test]
fn an_address_is_recognised_wherever_it_is_mounted() {
    let address = callbacks().url("订单 17").unwrap();
    let token = token(SECRET, "订单 17", "-", "0");
    assert_eq!(address, format!("https://shop.example/hooks/{token}"));
    let targets = [
        address.clone(),
        format!("/{token}"),
        token.clone(),
        format!("/any/where/{token}"),
        format!("/hooks/{token}?task_id=7"),
        format!("/hooks/{token}?x=1?task_id=7"),
        format!("/hooks/{token}&task_id=7"),
        format!("/hooks/{token}#part"),
    ];
    for target in targets {
        let received = callbacks().receive("POST", &target, NO_HEADERS, b"");
        assert_eq!(received.status, 204, "{target}");
        let hint = received.hint.unwrap();
        assert_eq!((hint.key.as_str(), hint.slot, hint.attempt, hint.verified), ("订单 17", None, 0, true));
        assert_eq!(hint.task_ids.len(), usize::from(target.contains("task_id")), "{target}");
    }
}

#[test]
fn a_slot_and_an_attempt_are_read_from_the_token() {
    for (slot, attempt) in [("t", 1), ("0", 2), ("17", 4_294_967_295_u32)] {
        let target = format!("/{}", token(SECRET, "k", slot, &attempt.to_string()));
        let hint = callbacks().receive("POST", &target, NO_HEADERS, b"").hint.unwrap();
        assert_eq!((hint.slot.as_deref(), hint.attempt), (Some(slot), attempt));
    }
}

#[test]
fn whatever_is_not_ours_is_404() {
    let good = token(SECRET, "key", "t", "1");
    let mut foreign = vec![
        String::new(),
        "favicon.ico".to_owned(),
        "...".to_owned(),
        format!("{good}/"),
        format!("{good}x"),
        format!("x{good}"),
        format!("{good}."),
        format!("{good}.{good}"),
        good.to_uppercase(),
        good.replace('.', "%2E"),
        good.replacen('.', "", 1),
        format!("{}==", good),
        token("another-secret-of-16", "key", "t", "1"),
        "x".repeat(100_000),
        "é.t.1.é".to_owned(),
    ];
    // Another key, slot or attempt under this signature.
    let mac = good.rsplit_once('.').unwrap().1;
    for (key, slot, attempt) in [("kez", "t", "1"), ("key", "0", "1"), ("key", "t", "2"), ("key", "t", "01")] {
        foreign.push(format!("{}.{slot}.{attempt}.{mac}", URL_SAFE_NO_PAD.encode(key)));
    }
    // Cut anywhere, and with any single character changed.
    for at in 0..good.len() {
        foreign.push(good[..at].to_owned());
        for other in ['A', 'Q', '0', '-'] {
            if !good[at..].starts_with(other) {
                foreign.push(format!("{}{other}{}", &good[..at], &good[at + 1..]));
            }
        }
    }
    assert_eq!(status("POST", &format!("/h/{good}"), b""), 204);
    for token in foreign {
        for method in ["POST", "DELETE"] {
            assert_eq!(status(method, &format!("/h/{token}"), b""), 404, "{method} {token}");
        }
    }
}

#[test]
fn the_last_character_has_one_spelling() {
    let good = token(SECRET, "key", "t", "1");
    let (head, last) = good.split_at(good.len() - 1);
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']);
    let accepted: Vec<char> = alphabet.filter(|other| status("GET", &format!("/{head}{other}"), b"") == 204).collect();
    assert_eq!(accepted, [last.chars().next().unwrap()]);
}

#[test]
fn methods_and_sizes() {
    let target = callbacks().url("k").unwrap();
    for (method, expected) in [
        ("POST", 204),
        ("GET", 204),
        ("PUT", 204),
        ("HEAD", 405),
        ("DELETE", 405),
        ("PATCH", 405),
        ("OPTIONS", 405),
        ("post", 405),
        ("", 405),
        ("GET, POST", 405),
    ] {
        assert_eq!(status(method, &target, b""), expected, "{method}");
    }
    let body = vec![b' '; MAX_CALLBACK_BYTES + 1];
    assert_eq!(status("POST", &target, &body[..MAX_CALLBACK_BYTES]), 204);
    assert_eq!(status("POST", &target, &body), 413);
    let announced =
        |length: &str| callbacks().receive("POST", &target, &[("Content-Length", length), ("X", "y")], b"").status;
    assert_eq!((announced("65536"), announced("65537"), announced("many")), (204, 413, 204));
}

#[test]
fn every_secret_is_accepted_and_the_first_signs() {
    let old = "the-old-secret-of-ours";
    let rotated = Callbacks::with_secrets("https://shop.example", [SECRET, old]).unwrap();
    assert!(rotated.url("k").unwrap().ends_with(&token(SECRET, "k", "-", "0")));
    for secret in [SECRET, old] {
        let target = format!("/{}", token(secret, "k", "t", "1"));
        assert_eq!(rotated.receive("POST", &target, NO_HEADERS, b"").status, 204);
    }
    let target = format!("/{}", token("a-secret-of-nobody's", "k", "t", "1"));
    assert_eq!(rotated.receive("POST", &target, NO_HEADERS, b"").status, 404);
}

#[test]
fn ids_are_found_in_every_known_shape() {
    let long = format!(r#"{{"task_id": "{}"}}"#, "x".repeat(201));
    let cases: &[(&str, &str, &[&str], Option<&str>)] = &[
        ("", r#"{"task_id": "a", "state": 3}"#, &["a"], None),
        ("", r#"{"id": "a", "user_id": "U"}"#, &["a"], Some("U")),
        ("", r#"{"id": "event", "data": {"task_id": "a", "userId": "U"}}"#, &["a"], Some("U")),
        ("", r#"{"code": 200, "data": {"taskId": 7}}"#, &["7"], None),
        ("", r#"{"ret": 0, "body": {"id": "a", "state": 3, "result_paths": ["http://x/id=b"]}}"#, &["a"], None),
        ("", r#"{"body": "{\"task_id\": \"a\"}"}"#, &["a"], None),
        ("", r#"[{"task_id": "a"}, {"task_id": "b"}, {"task_id": "a"}]"#, &["a", "b"], None),
        ("", "task_id=a&user_id=U&state=3", &["a"], Some("U")),
        ("", "task_id=a&user_id=U&user_id=V", &["a"], None),
        ("?task_id=a&state=3", "", &["a"], None),
        ("?x=1?task_id=a", "", &["a"], None),
        ("?task_id=a", r#"{"task_id": "b"}"#, &["b", "a"], None),
        ("", r#"{"task_id": ""}"#, &[], None),
        ("", r#"{"task_id": "a b"}"#, &[], None),
        ("", r#"{"task_id": ["a"], "data": {"x": {"y": {"z": {"task_id": "deep"}}}}}"#, &[], None),
        ("", &long, &[], None),
        ("", "\u{0}\u{1}garbage", &[], None),
        ("", "<xml><task_id>a</task_id></xml>", &[], None),
    ];
    for (query, body, task_ids, user_id) in cases {
        let target = format!("{}{query}", callbacks().url("k").unwrap());
        let hint = callbacks().receive("PUT", &target, NO_HEADERS, body.as_bytes()).hint.unwrap();
        assert_eq!((hint.task_ids.as_slice(), hint.user_id.as_deref()), (&task_ids.map_str()[..], *user_id), "{body}");
    }
    let many: Vec<String> = (0..100).map(|n| format!(r#"{{"task_id": "{n}"}}"#)).collect();
    let body = format!("[{}]", many.join(","));
    let hint = callbacks().receive("PUT", &callbacks().url("k").unwrap(), NO_HEADERS, body.as_bytes()).hint.unwrap();
    assert_eq!(hint.task_ids.len(), 8);
}

trait Strings {
    fn map_str(&self) -> Vec<String>;
}

impl Strings for &[&str] {
    fn map_str(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn what_does_not_fit_is_said_at_once() {
    for (url, said) in [
        ("http://shop.example", "https://"),
        ("https://me:secret-word@shop.example", "user information"),
        ("https://shop.example/?a=b", "query"),
        ("https://shop.example/#a", "fragment"),
        ("ftp://shop.example", "https://"),
        ("shop", "public_url"),
    ] {
        let error = Callbacks::new(url, "short").unwrap_err();
        assert_eq!((error.kind(), error.problems().len()), (ErrorKind::InvalidArgument, 2));
        assert!(error.problems()[0].contains(said) && error.problems()[1].contains("16 bytes"), "{error}");
        assert!(!error.to_string().contains("secret-word"), "{error}");
    }
    for url in ["http://127.0.0.1:8787", "http://localhost", "http://[::1]/x/", "https://shop.example/a/b"] {
        Callbacks::new(url, SECRET).unwrap();
    }
    let shown = format!("{:?}", callbacks());
    assert!(shown.contains("shop.example") && !shown.contains(SECRET));
    for key in ["", &"k".repeat(513)] {
        assert_eq!(callbacks().url(key).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_hint_travels_as_json() {
    let target = format!("/{}", token(SECRET, "k", "3", "2"));
    let hint = callbacks().receive("POST", &target, NO_HEADERS, br#"{"task_id": "a"}"#).hint.unwrap();
    assert_eq!(Hint::from_json(&hint.to_json()).unwrap(), hint);
    for wrong in ["", "[]", "{}", r#"{"key": ""}"#, r#"{"key": 1}"#] {
        assert_eq!(Hint::from_json(wrong).unwrap_err().kind(), ErrorKind::InvalidArgument, "{wrong}");
    }
    assert!(!Hint::from_json(r#"{"key": "k"}"#).unwrap().verified);
}

/// Sends bytes, and gives all that comes back until the other side closes.
async fn exchange(address: std::net::SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    answer(&mut stream).await
}

async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap();
    // A reset after the answer is an end, too.
    read.map(|_| ()).or_else(|error| if answer.is_empty() { Err(error) } else { Ok(()) }).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(method: &str, path: &str, body: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn the_receiver_answers_once_a_connection() {
    let callbacks = callbacks();
    let receiver = callbacks.listen("127.0.0.1:0").await.unwrap();
    let path = callbacks.url("k").unwrap().replace("https://shop.example", "");
    let ask = |text: String| exchange(receiver.address(), text.leak().as_bytes());
    let good = ask(request("POST", &path, r#"{"task_id": "a"}"#)).await;
    assert!(good.starts_with("HTTP/1.1 204 ") && good.to_lowercase().contains("connection: close"), "{good}");
    let chunked =
        format!("PUT {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntask_id=b\r\n0\r\n\r\n");
    assert!(ask(chunked).await.starts_with("HTTP/1.1 204 "));
    assert!(ask(request("GET", &format!("http://any.example{path}?task_id=c"), "")).await.starts_with("HTTP/1.1 204 "));
    let ids = ["a", "b", "c"];
    for id in ids {
        assert_eq!(receiver.next().await.unwrap().task_ids, [id]);
    }
    assert!(ask(request("POST", "/hooks/nothing", "")).await.starts_with("HTTP/1.1 404 "));
    let refused = ask(request("DELETE", &path, "")).await;
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("GET, POST, PUT"), "{refused}");
    let most = "x".repeat(MAX_CALLBACK_BYTES);
    assert!(ask(request("POST", &path, &most)).await.starts_with("HTTP/1.1 204 "));
    assert!(ask(request("POST", &path, &format!("{most}x"))).await.starts_with("HTTP/1.1 413 "));
    assert!(ask(request("POST", &path, &most.repeat(8))).await.starts_with("HTTP/1.1 413 "));
    let unknown_length =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n{most}x\r\n0\r\n\r\n");
    assert!(ask(unknown_length).await.starts_with("HTTP/1.1 413 "));
    assert!(ask("garbage\r\n\r\n".to_owned()).await.starts_with("HTTP/1.1 400 "));
    let long_head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    assert!(ask(long_head).await.starts_with("HTTP/1.1 431 "));
}

/// Sends bytes one by one, then nothing more.
async fn trickle(address: std::net::SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in sent {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.unwrap();
    answer(&mut stream).await
}

#[tokio::test]
async fn a_request_is_read_however_it_comes() {
    let callbacks = callbacks();
    let receiver = callbacks.listen("127.0.0.1:0").await.unwrap();
    let path = callbacks.url("k").unwrap().replace("https://shop.example", "");
    let head = |lines: &str, body: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n{body}");
    let chunked = |body: &str| head("Transfer-Encoding: Chunked", body);
    for (id, sent) in [
        ("a", format!("POST {path} HTTP/1.0\r\ncontent-length: 9\r\n\r\ntask_id=a")),
        ("b", chunked("4;name=\"x\"\r\ntask\r\n005\r\n_id=b\r\n0\r\nTrailer: 1\r\n\r\n")),
        ("c", head("Content-Length:  9 \r\nContent-Length: 9", "task_id=c and more than was announced")),
    ] {
        assert!(
            trickle(receiver.address(), sent.as_bytes()).await.starts_with("HTTP/1.1 204 No Content\r\n"),
            "{sent}"
        );
        assert_eq!(receiver.next().await.unwrap().task_ids, [id]);
    }
    for malformed in [
        head("Content-Length: 9", "cut"),
        head("Content-Length: +9", "task_id=a"),
        head("Content-Length: 9\r\nContent-Length: 8", "task_id=a"),
        head("Content-Length: 99999999999999999999", "task_id=a"),
        head("Transfer-Encoding: gzip", "task_id=a"),
        head("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        chunked("9\r\ntask_id=a!!0\r\n\r\n"),
        chunked("x\r\n\r\n"),
        chunked("9\r\ntask_id=a\r\n"),
        chunked(&format!("9;{}", "x".repeat(3000))),
        format!("POST {path} HTTP/2.0\r\n\r\n"),
        "half a head".to_owned(),
    ] {
        let answer = trickle(receiver.address(), malformed.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{malformed}: {answer}");
    }
    let headers = "X: y\r\n".repeat(101);
    assert!(exchange(receiver.address(), head(headers.trim_end(), "").as_bytes()).await.starts_with("HTTP/1.1 431 "));
    assert_eq!(receiver.next_within(Some(Duration::ZERO)).await, None);

    let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
    stream.write_all(head("Content-Length: 9\r\nExpect: 100-Continue", "").as_bytes()).await.unwrap();
    let mut told = [0; 25];
    timeout(Duration::from_secs(30), stream.read_exact(&mut told)).await.unwrap().unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"task_id=d").await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 204 "));
    assert_eq!(receiver.next().await.unwrap().task_ids, ["d"]);
}

#[tokio::test]
async fn whatever_comes_is_answered_and_the_next_one_is_heard() {
    let callbacks = callbacks();
    let receiver = callbacks.listen("127.0.0.1:0").await.unwrap();
    let path = callbacks.url("k").unwrap().replace("https://shop.example", "");
    let models = [
        request("POST", &path, r#"{"task_id": "a"}"#),
        format!("PUT {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntask_id=b\r\n0\r\n\r\n"),
    ];
    let mut random = fastrand::Rng::with_seed(15);
    for _ in 0..500 {
        let mut sent = models[random.usize(..2)].clone().into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..sent.len());
            match random.u8(..3) {
                0 => sent[at] = random.u8(..),
                1 => sent.insert(at, *random.choice(b"\r\n\0 :;0f").unwrap()),
                _ => sent.truncate(at.max(1)),
            }
        }
        let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = answer(&mut stream).await;
        let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or_default();
        assert!(["204", "400", "404", "405"].contains(&status), "{:?}: {answer}", String::from_utf8_lossy(&sent));
    }
    assert!(exchange(receiver.address(), models[0].as_bytes()).await.starts_with("HTTP/1.1 204 "));
}

#[tokio::test]
async fn a_slow_stranger_is_sent_away_and_keeps_nobody_out() {
    let callbacks = callbacks();
    let receiver = callbacks.listen("127.0.0.1:0").await.unwrap();
    let path = callbacks.url("k").unwrap().replace("https://shop.example", "");
    // All the room there is: half with half a head, half with half a body.
    let mut strangers = Vec::new();
    for n in 0..64 {
        let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
        let sent = if n % 2 == 0 {
            "POST /".to_owned()
        } else {
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")
        };
        stream.write_all(sent.as_bytes()).await.unwrap();
        strangers.push(stream);
    }
    assert!(exchange(receiver.address(), request("POST", &path, "").as_bytes()).await.starts_with("HTTP/1.1 204 "));
    for mut stream in strangers {
        let answer = answer(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

#[tokio::test]
async fn an_address_in_use_is_said_and_a_closed_receiver_frees_it() {
    let callbacks = callbacks();
    let receiver = callbacks.listen("127.0.0.1:0").await.unwrap();
    let address = receiver.address().to_string();
    let error = callbacks.listen(&address).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains(&address), "{error}");
    for wrong in ["nonsense", "127.0.0.1", "127.0.0.1:99999"] {
        let error = callbacks.listen(wrong).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidArgument && error.to_string().contains(wrong), "{error}");
    }
    receiver.shut_down().await;
    assert_eq!(receiver.next().await, None);
    callbacks.listen(&address).await.unwrap();
}

#[tokio::test]
async fn an_unanswered_create_is_described_without_the_proof_in_its_address() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let address = callbacks().url("k").unwrap();
    let proof = address.rsplit_once('/').unwrap().1;
    let echo = format!("can't reach {address}");
    let faults = [
        Fault::on(Call::CreateTask).close_after(),
        Fault::on(Call::CreateTask).reply(504).body(echo.clone()),
        Fault::on(Call::CreateTask).reply(200).body(serde_json::json!({"ret": 9, "msg": echo, "body": null})),
        Fault::on(Call::CreateTask).reply(400).header("X-Ca-Error-Message", &echo),
    ];
    for fault in faults {
        simulator.fault(fault.once());
        let error = client.create_task("U1", "s", Some(&address)).await.unwrap_err();
        let all = format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap());
        assert!(!all.contains(proof) && all.contains("hooks/[REDACTED]"), "{all}");
    }
    let sent = simulator.journal().pop().unwrap().body.unwrap();
    assert_eq!(sent["callback_url"], address.as_str());
}
