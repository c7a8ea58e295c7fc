//! Callback addresses, and what is made of requests to them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use xiezhen::{Callbacks, ErrorKind, Hint, MAX_CALLBACK_BYTES};
use xiezhen_simulator::{Call, Fault};

use crate::service;

const SECRET: &str = "secret-of-16-byte";
const NO_HEADERS: &[(&str, &str)] = &[];

pub(crate) fn callbacks() -> Callbacks {
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
