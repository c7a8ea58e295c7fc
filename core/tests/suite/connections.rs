//! TLS is always verified, and proxies apply to all but this machine (docs/design.md §5.7).

use std::{
    fs,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};
use xiezhen::{Client, ErrorKind, Task, TaskKind, TaskState};

use crate::service;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"ret\":0,\"body\":[]}";

/// Reads one request's head, answers it with an empty list of styles, and returns what was asked.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    answer_with(ANSWER, stream).await
}

async fn answer_with(answer: &[u8], mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    String::from_utf8(head).unwrap()
}

/// A TLS server of an authority that nobody knows; returns its port and the authority's certificate.
async fn tls_server() -> (u16, String) {
    tls_server_with(ANSWER.to_vec()).await
}

async fn tls_server_with(what: Vec<u8>) -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(params, authority_key);
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();

    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, what) = (acceptor.clone(), what.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer_with(&what, stream).await;
                }
            });
        }
    });
    (port, authority.pem())
}

#[tokio::test]
async fn an_unknown_authority_is_refused_unless_ca_file_names_it() {
    let (port, authority) = tls_server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    fs::write(&file, authority).unwrap();
    let builder = |host: &str| service::builder(&format!("https://{host}:{port}")).max_retries(0_u32);

    let error = builder("localhost").build().unwrap().list_styles().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert!(error.message().contains("ca_file") && error.message().contains("SSL_CERT_FILE"), "{error}");
    assert!(builder("localhost").ca_file(&*file).build().unwrap().list_styles().await.unwrap().is_empty());
    let error = builder("127.0.0.1").ca_file(&*file).build().unwrap().list_styles().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "another name than the certificate's: {error}");
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_not_followed() {
    let redirect =
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/1.jpg\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (port, authority) = tls_server_with(redirect.to_vec()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    fs::write(&file, authority).unwrap();
    // A service of this machine: that the results are here, too, is no reason to refuse them.
    let client = service::builder("http://127.0.0.1:9").ca_file(&*file).max_retries(0_u32).build().unwrap();
    let task = Task {
        id: "7e1cac92-e348-4b7a-9c1d-000000000001".into(),
        state: TaskState::Succeeded,
        raw_state: 3,
        kind: TaskKind::Generation,
        reason: None,
        result_paths: vec![format!("https://localhost:{port}/1.jpg")],
    };

    let error = client.save_results(&task, folder.path().join("out"), None).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.message().contains("redirects from https to http"), "{error}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_all_but_this_machine() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let head = answer(stream).await;
            heads.lock().unwrap().push(head);
        }
    });

    let client =
        Client::builder().base_url("http://gateway.invalid").allow_http(true).app_code("secret-code".to_owned());
    client.proxy(&*proxy).build().unwrap().list_styles().await.unwrap();
    let head = asked.lock().unwrap().pop().unwrap();
    assert!(head.starts_with("GET http://gateway.invalid/cloud/aigc_product_brief_query "), "{head}");

    let simulator = service::start().await;
    let local = service::builder(&simulator.url()).proxy(&*proxy).build().unwrap();
    assert!(!local.list_styles().await.unwrap().is_empty());
    assert!(asked.lock().unwrap().is_empty());
}

/// A proxy that speaks SOCKS5, does not look anything up, and answers in the place of whoever is asked for.
async fn socks_server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("socks5h://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let hosts = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Version, one method or more; none is needed.
            let _ = stream.read_u8().await;
            let methods = stream.read_u8().await.unwrap();
            stream.read_exact(&mut vec![0; methods.into()]).await.unwrap();
            stream.write_all(&[5, 0]).await.unwrap();
            // Connect to a name.
            let mut head = [0; 5];
            stream.read_exact(&mut head).await.unwrap();
            let mut name = vec![0; head[4].into()];
            stream.read_exact(&mut name).await.unwrap();
            stream.read_u16().await.unwrap();
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
            hosts.lock().unwrap().push(String::from_utf8(name).unwrap());
            answer(stream).await;
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_socks_proxy_carries_calls() {
    let (proxy, asked) = socks_server().await;
    let builder = service::builder("http://gateway.invalid").allow_http(true).max_retries(0_u32);
    assert!(builder.proxy(proxy).build().unwrap().list_styles().await.unwrap().is_empty());
    assert_eq!(*asked.lock().unwrap(), ["gateway.invalid"]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_in_words() {
    for (status, words) in [("407 Proxy Authentication Required", "user name"), ("403 Forbidden", "HTTPS_PROXY")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
            }
        });
        let client = service::builder("https://gateway.invalid").proxy(proxy).max_retries(0_u32).build().unwrap();
        let error = client.list_styles().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Transport && error.message().contains(words), "{error}");
    }
}

/// What is not encrypted itself may go through a proxy that is.
#[tokio::test]
async fn a_proxy_that_speaks_tls_is_verified_as_everybody() {
    let (port, authority) = tls_server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    fs::write(&file, authority).unwrap();
    let builder = || {
        let builder = service::builder("http://gateway.invalid").allow_http(true).max_retries(0_u32);
        builder.proxy(format!("https://localhost:{port}"))
    };

    let error = builder().build().unwrap().list_styles().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert!(builder().ca_file(&*file).build().unwrap().list_styles().await.unwrap().is_empty());
}

#[tokio::test]
async fn no_secret_is_in_what_a_client_prints_or_an_error_says() {
    let client = service::builder("http://127.0.0.1:9").app_code("secret-code".to_owned()).max_retries(0_u32).build();
    let client = client.unwrap();
    let error = client.list_styles().await.unwrap_err();
    let printed = format!("{client:?} {error:?} {error} {}", serde_json::to_string(&error).unwrap());
    assert!(!printed.contains("secret-code"), "{printed}");
}
