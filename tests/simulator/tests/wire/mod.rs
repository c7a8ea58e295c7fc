//! The smallest client there can be: bytes over a socket, so that faults are seen as they are.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_push_string
)]

use serde_json::{Value, json};
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use xiezhen_simulator::{DEFAULT_APP_CODE, Space};

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

/// `http://host:port/prefix` as address and prefix.
pub fn split(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    match rest.split_once('/') {
        Some((address, path)) => (address.to_owned(), format!("/{path}")),
        None => (rest.to_owned(), String::new()),
    }
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [format!("{head}\r\n").as_bytes(), body].concat()
}

pub async fn connect(space: &Space) -> TcpStream {
    TcpStream::connect(split(&space.url()).0).await.unwrap()
}

/// Reads one response: to its length, its last chunk or the end of the connection.
pub async fn read(stream: &mut TcpStream) -> io::Result<Reply> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut reply = Reply { status: head[9..12].parse().unwrap(), head, body: bytes.split_off(end + 4) };
    let length = reply.header("content-length").map(|length| length.parse::<usize>().unwrap());
    while reply.body.len() < length.unwrap_or(usize::MAX) && !(length.is_none() && reply.body.ends_with(b"0\r\n\r\n")) {
        if stream.read_buf(&mut reply.body).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("after {}", reply.body.len())));
        }
    }
    Ok(reply)
}

/// One request on a connection of its own.
pub async fn send(space: &Space, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let mut stream = connect(space).await;
    let path = format!("{}{path}", split(&space.url()).1);
    stream.write_all(&request(method, &path, headers, body)).await?;
    read(&mut stream).await
}

pub fn app_code() -> String {
    format!("APPCODE {DEFAULT_APP_CODE}")
}

pub async fn try_post(space: &Space, call: &str, body: &Value) -> io::Result<Reply> {
    let headers = [("Authorization", &*app_code()), ("Content-Type", "application/json")];
    send(space, "POST", &format!("/cloud/{call}"), &headers, body.to_string().as_bytes()).await
}

pub async fn post(space: &Space, call: &str, body: &Value) -> Value {
    try_post(space, call, body).await.unwrap().json()
}

pub async fn get(space: &Space, url: &str) -> Reply {
    let path = split(url).1;
    let mut stream = connect(space).await;
    stream.write_all(&request("GET", &path, &[], b"")).await.unwrap();
    read(&mut stream).await.unwrap()
}

pub fn form(bytes: &[u8]) -> Vec<u8> {
    let head =
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
    [head.as_bytes(), bytes, b"\r\n--B--\r\n"].concat()
}

pub async fn upload(space: &Space, bytes: &[u8]) -> Value {
    let headers = [("Authorization", &*app_code()), ("Content-Type", "multipart/form-data; boundary=B")];
    send(space, "POST", "/cloud/upload_file", &headers, &form(bytes)).await.unwrap().json()
}

pub fn photos() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../photos");
    (1..=10).map(|n| std::fs::read(format!("{folder}/{n:02}.jpg")).unwrap()).collect()
}

pub async fn query(space: &Space, task_id: &str) -> Value {
    post(space, "aigc_task_query", &json!({"task_id": task_id})).await["body"].clone()
}

/// Uploads eight photos and begins training.
pub async fn model(space: &Space) -> Value {
    let mut paths = Vec::new();
    for photo in photos().iter().take(8) {
        paths.push(upload(space, photo).await["body"].clone());
    }
    post(space, "aigc_user_model_create", &json!({"img_set": paths})).await["body"].clone()
}

/// A trained user's id.
pub async fn trained(space: &Space) -> String {
    let model = model(space).await;
    assert!(space.finish(model["task_id"].as_str().unwrap(), 3));
    model["user_id"].as_str().unwrap().to_owned()
}

/// A generation of this style; it is not finished.
pub async fn generation(space: &Space, user: &str, style: &str) -> String {
    let body = json!({"user_id": user, "style": style});
    post(space, "aigc_task_create", &body).await["body"]["task_id"].as_str().unwrap().to_owned()
}
