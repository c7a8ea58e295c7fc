//! Credentials over the wire: the shared vectors, and what is refused.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod wire;

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use wire::*;
use xiezhen_simulator::{Auth, Simulator};

const KEY: &str = "203700001";
const SECRET: &str = "test-app-secret-0123456789abcdef";

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

async fn start() -> Simulator {
    Simulator::builder().app_key(KEY, SECRET).start().await.unwrap()
}

/// `X-Ca-Key` for `x-ca-key`.
fn titled(name: &str) -> String {
    name.split('-').map(|part| part[..1].to_uppercase() + &part[1..]).collect::<Vec<_>>().join("-")
}

#[tokio::test]
async fn every_shared_vector_passes() {
    let vectors: Value = serde_json::from_str(include_str!("signature-vectors.json")).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        for (titles, field) in [(false, "signature"), (true, "signature_titlecase_names")] {
            let sim = start().await;
            let skew = vector["headers"]["x-ca-timestamp"].as_str().unwrap().parse::<i64>().unwrap() - now_ms();
            sim.set(|settings| settings.clock_skew_ms = skew);
            let body: Vec<u8> = vector["body"].as_str().unwrap().chars().map(|letter| letter as u8).collect();
            let mut headers: Vec<(String, String)> = Vec::new();
            let mut signed = Vec::new();
            for (name, value) in vector["headers"].as_object().unwrap() {
                let spelt = if titles { titled(name) } else { name.clone() };
                if name.starts_with("x-ca-") {
                    signed.push(spelt.clone());
                }
                headers.push((spelt, value.as_str().unwrap().to_owned()));
            }
            headers.push(("X-Ca-Signature-Headers".to_owned(), signed.join(",")));
            headers.push(("X-Ca-Signature".to_owned(), vector[field].as_str().unwrap().to_owned()));
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
            let method = vector["method"].as_str().unwrap();
            let path = vector["path"].as_str().unwrap();
            let reply = send(&sim, method, path, &headers, &body).await.unwrap();
            assert_eq!(reply.status, 200, "{} {field}: {}", vector["name"], reply.head);
            assert_eq!(sim.journal()[0].auth, Auth::Signature);
        }
    }
}

/// Signed headers for a query, as of now plus `ahead` ms.
fn signed(nonce: &str, ahead: i64, path: &str) -> Vec<(String, String)> {
    let time = (now_ms() + ahead).to_string();
    let string = format!(
        "POST\napplication/json\n\napplication/json\n\nx-ca-key:{KEY}\nx-ca-nonce:{nonce}\nx-ca-timestamp:{time}\n{path}"
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(string.as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("x-ca-key", KEY),
        ("x-ca-nonce", nonce),
        ("x-ca-timestamp", &time),
        ("x-ca-signature-headers", "x-ca-key,x-ca-nonce,x-ca-timestamp"),
        ("x-ca-signature", &signature),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

async fn ask(sim: &Simulator, headers: &[(String, String)]) -> Reply {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    send(sim, "POST", PATH, &headers, b"{\"task_id\":\"x\"}").await.unwrap()
}

const PATH: &str = "/cloud/aigc_task_query";

#[tokio::test]
async fn what_is_wrong_with_a_signature_is_said() {
    let sim = start().await;
    assert_eq!(ask(&sim, &signed("n1", 0, PATH)).await.json()["ret"], 5001);
    let replayed = ask(&sim, &signed("n1", 0, PATH)).await;
    assert_eq!((replayed.status, replayed.header("x-ca-error-message")), (400, Some("Nonce Used")));
    let late = ask(&sim, &signed("n2", -16 * 60_000, PATH)).await;
    assert_eq!((late.status, late.header("x-ca-error-message")), (400, Some("Timestamp Expired")));
    let mut changed = signed("n3", 0, PATH);
    changed[6].1 = "AAAA".to_owned();
    let wrong = ask(&sim, &changed).await;
    assert_eq!((wrong.status, wrong.header("x-ca-error-code")), (403, Some("A403IS")));
    let message = wrong.header("x-ca-error-message").unwrap();
    let start = "Invalid Signature, Server StringToSign:POST#application/json##application/json##x-ca-key:203700001#";
    assert!(message.starts_with(start) && message.ends_with(&format!("#{PATH}")), "{message}");
    assert!(wrong.body.is_empty() && wrong.header("date").is_some());
    let mut stranger = signed("n4", 0, PATH);
    stranger[2].1 = "other".to_owned();
    assert_eq!(ask(&sim, &stranger).await.header("x-ca-error-code"), Some("A400IK"));
    let mut digest = signed("n5", 0, PATH);
    digest.push(("content-md5".to_owned(), "1B2M2Y8AsgTpgAmY7PhCfg==".to_owned()));
    assert_eq!(ask(&sim, &digest).await.header("x-ca-error-message"), Some("Invalid Content-MD5"));
    let auths: Vec<Auth> = sim.journal().iter().map(|entry| entry.auth).collect();
    assert_eq!((auths[0], auths[1..].iter().all(|auth| *auth == Auth::Wrong)), (Auth::Signature, true));
    assert_eq!(sim.journal()[0].nonce.as_deref(), Some("n1"));
}

#[tokio::test]
async fn a_wrong_clock_shows_itself_in_the_date() {
    let sim = start().await;
    let ahead = 3_600_000;
    sim.set(|settings| settings.clock_skew_ms = ahead);
    let refused = ask(&sim, &signed("n1", 0, PATH)).await;
    assert_eq!(refused.header("x-ca-error-message"), Some("Timestamp Expired"));
    let date = httpdate::parse_http_date(refused.header("date").unwrap()).unwrap();
    let date = date.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    assert!((date - now_ms() - ahead).abs() < 5000);
    assert_eq!(ask(&sim, &signed("n1", ahead, PATH)).await.status, 200);
}

#[tokio::test]
async fn the_prefix_is_signed() {
    let sim = start().await;
    let space = sim.space("s");
    let path = format!("/spaces/s{PATH}");
    let headers = signed("n1", 0, &path);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(send(&space, "POST", PATH, &headers, b"{\"task_id\":\"x\"}").await.unwrap().status, 200);
}

#[tokio::test]
async fn app_codes() {
    let sim = Simulator::builder().app_code("mine").start().await.unwrap();
    let path = "/cloud/aigc_product_brief_query";
    let none = send(&sim, "GET", path, &[], b"").await.unwrap();
    assert_eq!((none.status, none.header("x-ca-error-code")), (400, Some("A400MA")));
    for wrong in ["APPCODE other", "mine", "Bearer mine"] {
        let refused = send(&sim, "GET", path, &[("Authorization", wrong)], b"").await.unwrap();
        assert_eq!((refused.status, refused.header("x-ca-error-code")), (400, Some("A400AC")));
    }
    let passed = send(&sim, "GET", path, &[("Authorization", "APPCODE mine")], b"").await.unwrap();
    assert_eq!((passed.status, &passed.json()["ret"]), (200, &json!(0)));
    let auths: Vec<Auth> = sim.journal().iter().map(|entry| entry.auth).collect();
    assert_eq!(auths, [Auth::None, Auth::Wrong, Auth::Wrong, Auth::Wrong, Auth::AppCode]);
}
