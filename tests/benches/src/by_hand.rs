//! What somebody would write by hand: bare reqwest, and bare hyper as the limit of what can be done.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use reqwest::{
    Client,
    multipart::{Form, Part},
};
use serde::Deserialize;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_util::io::ReaderStream;

use crate::{Failure, TASK};

/// How many pictures are fetched at a time, as the SDK does.
const PICTURES_AT_ONCE: usize = 4;

/// The answer, as somebody would declare it.
#[derive(Deserialize)]
struct Answer<T> {
    ret: i64,
    body: T,
}

#[derive(Deserialize)]
struct Wire {
    #[expect(dead_code, reason = "parsed as the SDK parses it")]
    id: String,
    state: i64,
    result_paths: Vec<String>,
}

fn read(bytes: &[u8]) -> Result<Wire, Failure> {
    let answer: Answer<Wire> = serde_json::from_slice(bytes)?;
    if answer.ret == 0 { Ok(answer.body) } else { Err("ret is not 0".into()) }
}

pub(crate) fn reqwest() -> Result<Client, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

async fn ask(client: &Client, url: &str, task: &str) -> Result<Wire, Failure> {
    let body = Bytes::from(serde_json::json!({ "task_id": task }).to_string());
    let request = client
        .post(format!("{url}/cloud/aigc_task_query"))
        .header("authorization", "APPCODE bench")
        .header("accept", "application/json")
        .header("content-type", "application/json; charset=utf-8")
        .timeout(Duration::from_secs(60))
        .body(body);
    read(&request.send().await?.error_for_status()?.bytes().await?)
}

/// The state of a task.
pub(crate) async fn query(client: &Client, url: &str, task: &str) -> Result<i64, Failure> {
    Ok(ask(client, url, task).await?.state)
}

/// One connection, with nothing around it.
pub(crate) struct Hyper {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Hyper {
    pub(crate) async fn connect(url: &str) -> Result<Self, Failure> {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    pub(crate) async fn query(&mut self) -> Result<i64, Failure> {
        let body = Bytes::from(serde_json::json!({ "task_id": TASK }).to_string());
        let request = hyper::Request::post("/cloud/aigc_task_query")
            .header("host", &self.host)
            .header("authorization", "APPCODE bench")
            .header("accept", "application/json")
            .header("content-type", "application/json; charset=utf-8")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        Ok(read(&answer.into_body().collect().await?.to_bytes())?.state)
    }
}

/// A file as it is read, never whole in memory.
pub(crate) async fn upload(client: &Client, url: &str, path: &Path) -> Result<(), Failure> {
    let file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 64 << 10));
    let part = Part::stream_with_length(body, length).file_name("photo.jpg").mime_str("image/jpeg")?;
    let request = client.post(format!("{url}/cloud/upload_file")).header("authorization", "APPCODE bench");
    let bytes = request.multipart(Form::new().part("file", part)).send().await?.bytes().await?;
    let _: Answer<String> = serde_json::from_slice(&bytes)?;
    Ok(())
}

/// Asks for a task and saves its pictures as they come.
pub(crate) async fn save(client: &Client, url: &str, folder: &Path) -> Result<(), Failure> {
    let pictures = ask(client, url, TASK).await?.result_paths;
    let saved = pictures.iter().enumerate().map(|(n, picture)| fetch(client, picture, folder.join(format!("{n}.jpg"))));
    let mut saved = stream::iter(saved).buffer_unordered(PICTURES_AT_ONCE);
    while let Some(one) = saved.next().await {
        one?;
    }
    Ok(())
}

async fn fetch(client: &Client, url: &str, path: impl AsRef<Path>) -> Result<(), Failure> {
    let mut content = client.get(url).send().await?.error_for_status()?.bytes_stream();
    let mut file = tokio::fs::File::create(path).await?;
    while let Some(chunk) = content.next().await {
        file.write_all(&chunk?).await?;
    }
    Ok(file.flush().await?)
}
