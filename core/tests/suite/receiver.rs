//! The embedded receiver, spoken to by hand.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use xiezhen::{ErrorKind, MAX_CALLBACK_BYTES};

use crate::callbacks::callbacks;

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
