//! Result hosts, and folders that others can write, are hostile until shown otherwise (docs/design.md §5.7, §5.9).

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use xiezhen::{Client, Error, ErrorKind, Event, Job, RunOptions, Task, TaskKind, TaskState};

use crate::service;

/// A server that answers each request as `answer` says, from its first line; what it was asked is kept.
struct Host {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Host {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (heads.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), answer.clone()));
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// One request a connection. An empty answer is followed by a byte every now and then.
async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, answer: Arc<impl Fn(&str) -> Vec<u8>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    let _ = stream.read_exact(&mut vec![0; length]).await;
    let answer = answer(&head);
    seen.lock().unwrap().push(head);
    let _ = stream.write_all(&answer).await;
    if answer.ends_with(DRIPS) {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

const DRIPS: &[u8] = b"\r\n\r\n\xff\xd8\xff\xe0";

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

fn picture() -> Vec<u8> {
    fs::read(&service::photos()[0]).unwrap()
}

fn task(urls: &[&str]) -> Task {
    Task {
        id: "7e1cac92-e348-4b7a-9c1d-000000000001".into(),
        state: TaskState::Succeeded,
        raw_state: 3,
        kind: TaskKind::Generation,
        reason: None,
        result_paths: urls.iter().map(|&url| url.to_owned()).collect(),
    }
}

/// A client of a service on the public network, which names resolve through `proxy` as it likes.
fn far_away(proxy: &Host) -> xiezhen::ClientBuilder {
    let builder = service::client_without_credential("http://gateway.invalid").app_code("code".to_owned());
    builder.allow_http(true).proxy(proxy.url.as_str()).max_retries(0_u32)
}

async fn save(client: &Client, url: &str) -> Result<usize, Error> {
    let folder = tempfile::tempdir().unwrap();
    let saved = client.save_results(&task(&[url]), folder.path(), None).await;
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), usize::from(saved.is_ok()), "no half file is left");
    saved.map(|files| files.len())
}

fn is_refused(outcome: Result<usize, Error>, option: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.message().contains(option), "{error}");
}

#[tokio::test]
async fn results_lead_neither_to_this_machine_nor_by_redirects_into_its_network() {
    let inside = Host::start(|_| ok(&picture())).await;
    let own = inside.url.clone();
    let proxy = Host::start(move |head| {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        match path.split('?').next().unwrap().rsplit('/').next().unwrap() {
            "loopback" => redirect(&own),
            "localhost" => redirect("http://localhost:1/x"),
            "metadata" => redirect("http://169.254.169.254/latest/meta-data"),
            "private" => redirect("http://10.0.0.1/x"),
            "twice" => redirect("http://other.invalid/private"),
            "elsewhere" => redirect("http://other.invalid/picture?signature=theirs"),
            "for-ever" => redirect(&path),
            "file" => redirect("file:///etc/passwd"),
            _ => ok(&picture()),
        }
    })
    .await;
    let client = far_away(&proxy).build().unwrap();
    for url in [inside.url.as_str(), "http://localhost:1/x.png", "http://100.100.100.200/x", "http://[::ffff:7f00:1]/x"]
    {
        is_refused(save(&client, url).await, "allow_private_results");
    }
    for path in ["loopback", "localhost", "metadata", "private", "twice"] {
        is_refused(save(&client, &format!("http://pictures.invalid/{path}")).await, "allow_private_results");
    }
    is_refused(save(&client, "http://pictures.invalid/for-ever").await, "redirected more than");
    is_refused(save(&client, "http://pictures.invalid/file").await, "not an http(s) URL");
    assert!(inside.heads().is_empty());
    // A host that the service names may well be inside a cloud's network.
    assert_eq!(save(&client, "http://10.0.0.1/picture").await.unwrap(), 1);

    assert_eq!(save(&client, "http://pictures.invalid/elsewhere?signature=secret").await.unwrap(), 1);
    let heads = proxy.heads().concat().to_lowercase();
    assert!(heads.contains("signature=theirs") && !heads.contains("referer"), "{heads}");
    assert!(!heads.contains("authorization"), "{heads}");

    let allowed = far_away(&proxy).allow_private_results(true).build().unwrap();
    assert_eq!(save(&allowed, "http://pictures.invalid/loopback").await.unwrap(), 1);
    // Whoever speaks to a service on this machine may be sent anywhere on it.
    let near = service::builder(&inside.url).build().unwrap();
    assert_eq!(save(&near, &inside.url).await.unwrap(), 1);
}

#[tokio::test]
async fn http_on_the_public_network_is_noticed_or_refused() {
    let proxy = Host::start(|head| match head.split_whitespace().nth(1).unwrap().rsplit('/').next().unwrap() {
        "aigc_task_create" => ok(br#"{"ret":0,"body":{"task_id":"t","user_id":"user"}}"#),
        "aigc_task_query" => ok(br#"{"ret":0,"body":{"id":"t","state":3,"tsk_type":2,"result_paths":
            ["http://pictures.invalid/1","http://pictures.invalid/2","https://pictures.invalid:1/3"]}}"#),
        _ => ok(&picture()),
    })
    .await;
    let event_log = service::EventLog::default();
    let folder = tempfile::tempdir().unwrap();
    let job = Job::with_user_id("user", ["20057d0c-8cef-447e-88d0-a8f3490fd0b0"]);
    let options = RunOptions::default().save_to(folder.path()).on_event(event_log.listener());
    far_away(&proxy).build().unwrap().run(&job, options).await.unwrap_err();
    assert_eq!(job.portraits()[0].files.len(), 2);
    let notices = event_log.events().into_iter().filter_map(|event| match event {
        Event::Notice { message } => Some(message),
        _ => None,
    });
    let notices: Vec<_> = notices.collect();
    assert!(notices.len() == 1 && notices[0].contains("http://pictures.invalid"), "one a host: {notices:?}");

    let asked = proxy.heads().len();
    let client = far_away(&proxy).require_https_results(true).build().unwrap();
    is_refused(save(&client, "http://pictures.invalid/1").await, "require_https_results");
    assert_eq!(proxy.heads().len(), asked);
}

#[tokio::test]
async fn only_whole_pictures_are_results_and_nothing_else_is_quoted() {
    let whole = picture();
    let cut = whole[..whole.len() - 500].to_vec();
    let host = Host::start(move |head| match head.split(' ').nth(1).unwrap() {
        "/whole" => ok(&whole),
        "/cut" => ok(&cut),
        "/magic" => ok(b"\xff\xd8\xff\xe0 SECRET"),
        "/page" => ok(b"<html>the SECRET of somebody else's server</html>"),
        "/large" => {
            [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), whole.repeat((66 << 20) / whole.len())].concat()
        }
        "/gone" => b"HTTP/1.1 404 X\r\ncontent-length: 6\r\n\r\nSECRET".to_vec(),
        _ => ok(&[b"\xff\xd8", b"\xff\xe0\x00\x02".repeat(1 << 20).as_slice(), b"\xff\xd9"].concat()),
    })
    .await;
    let client = service::builder(&host.url).max_retries(0_u32).build().unwrap();
    assert_eq!(save(&client, &format!("{}/whole", host.url)).await.unwrap(), 1);
    for (path, why) in [
        ("cut", "its end is missing"),
        ("magic", "what came"),
        ("page", "is not a picture"),
        ("empty segments", "what came"),
    ] {
        let error = save(&client, &format!("{}/{path}", host.url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{path}: {error}");
        assert!(error.message().contains(why), "{path}: {error}");
        assert!(!serde_json::to_string(&error).unwrap().contains("SECRET"), "{error}");
    }
    let error = save(&client, &format!("{}/gone", host.url)).await.unwrap_err();
    assert!(!serde_json::to_string(&error).unwrap().contains("SECRET"), "{error}");
}

#[tokio::test]
async fn a_host_that_drips_holds_up_no_other_download_and_is_given_up() {
    let host = Host::start(|head| match head.split(' ').nth(1).unwrap() {
        "/good" => ok(&picture()),
        _ => [b"HTTP/1.1 200 OK\r\ncontent-length: 60000000", DRIPS].concat(),
    })
    .await;
    let client = service::builder(&host.url).max_retries(0_u32).stall_limit(Duration::from_secs(6)).build().unwrap();
    let slow = format!("{}/slow", host.url);
    let dripping: Vec<_> = (0..5)
        .map(|_| {
            let (client, slow) = (client.clone(), slow.clone());
            tokio::spawn(async move {
                let folder = tempfile::tempdir().unwrap();
                client.save_results(&task(&[slow.as_str(); 4]), folder.path(), None).await
            })
        })
        .collect();
    while host.heads().len() < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(save(&client, &format!("{}/good", host.url)).await.unwrap(), 1);
    assert!(!dripping.iter().any(tokio::task::JoinHandle::is_finished), "the others are under way");
    for drip in dripping {
        let error = drip.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.message().contains("less than 1024 bytes a second"), "{error}");
    }
}

#[tokio::test]
async fn pictures_of_a_task_are_bounded() {
    let host = Host::start(|_| ok(&picture())).await;
    let client = service::builder(&host.url).max_pictures(3_usize).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = host.url.as_str();
    assert_eq!(client.save_results(&task(&[url; 3]), folder.path(), None).await.unwrap().len(), 3);
    let error = client.save_results(&task(&[url; 4]), folder.path(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.message().contains("max_pictures"), "{error}");
    let endless = format!("{url}/{}", "x".repeat(10_000));
    assert_eq!(save(&client, &endless).await.unwrap_err().kind(), ErrorKind::Protocol);
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Whatever stands under a name of ours: a call ends, and so do the calls of others.
#[tokio::test]
async fn a_pipe_under_any_name_of_ours_blocks_nobody() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let task = service::generated(&client).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in client.save_results(&task, elsewhere.path(), None).await.unwrap() {
        let name = file.file_name().unwrap().to_str().unwrap();
        make_pipe(&folder.path().join(name));
        make_pipe(&folder.path().join(name).with_extension("jpg"));
        make_pipe(&folder.path().join(format!(".{}-abcdef.tmp", file.file_stem().unwrap().to_str().unwrap())));
    }
    let files = client.save_results(&task, folder.path(), None).await.unwrap();
    assert!(files.iter().all(|file| file.symlink_metadata().unwrap().is_file()));

    let job = || Job::with_user_id("user", [service::STYLES[0]]);
    for name in ["job.json", "job.json.lock"] {
        let folder = tempfile::tempdir().unwrap();
        make_pipe(&folder.path().join(name));
        let error =
            client.run(&job(), RunOptions::default().checkpoint(folder.path().join("job.json"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{name}: {error}");
        assert!(error.message().contains("not a regular file") || name.ends_with("lock"), "{error}");
    }
    for device in ["/dev/zero", "/dev/tty"] {
        let error = Job::read_checkpoint(device).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("job.json");
    std::os::unix::fs::symlink(folder.path().join("victim"), folder.path().join("job.json.lock")).unwrap();
    let error = client.run(&job(), RunOptions::default().checkpoint(&checkpoint)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(!folder.path().join("victim").exists(), "a lock never follows a link");
    fs::File::create(&checkpoint).unwrap().set_len(17 << 20).unwrap();
    fs::remove_file(folder.path().join("job.json.lock")).unwrap();
    let error = client.run(&job(), RunOptions::default().checkpoint(&checkpoint)).await.unwrap_err();
    assert!(error.message().contains("larger than 16 MiB"), "{error}");
}

/// A job from somebody else may name any file of this machine.
#[tokio::test]
async fn a_stored_photo_is_the_content_that_its_digest_says() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = Job::new(service::photos(), Vec::<String>::new());
    let json: serde_json::Value = serde_json::from_str(&job.to_json().unwrap()).unwrap();
    assert!(json["photos"].as_array().unwrap().iter().all(|photo| photo["sha256"].is_string()), "{json}");

    let mut forged = json.clone();
    let secret = folder.path().join("secret.png");
    fs::copy(&service::photos()[0], &secret).unwrap();
    forged["photos"][0]["path"] = secret.to_str().unwrap().into();
    forged["photos"][0]["sha256"] = serde_json::Value::Null;
    let stored = Job::from_json(&forged.to_string()).unwrap();
    assert_eq!(stored.missing_photos(), [0]);
    let error = client.run(&stored, RunOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.message().contains("secret.png") && error.message().contains("give it again"), "{error}");
    assert_eq!(simulator.count(xiezhen_simulator::Call::UploadFile), 0);
    stored.give_photo(0, secret).unwrap();
    client.run(&stored, RunOptions::default()).await.unwrap();

    let mut begun: serde_json::Value = serde_json::from_str(&stored.to_json().unwrap()).unwrap();
    begun["host"] = serde_json::Value::Null;
    let error = Job::from_json(&begun.to_string()).unwrap_err();
    assert!(error.message().contains("its host is null"), "{error}");
}

#[tokio::test]
async fn no_message_steers_a_terminal() {
    let evil = "\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{7f}";
    let host =
        Host::start(|_| ok("{\"ret\":7,\"msg\":\"\\u001b]0;x\\u0007\\u009b31m\\u202e\\u007f\"}".as_bytes())).await;
    let client = service::builder(&host.url).build().unwrap();
    let errors = [
        client.list_styles().await.unwrap_err(),
        client.query_task(evil).await.unwrap_err(),
        client.run(&Job::with_user_id("u", [evil, evil]), RunOptions::default()).await.unwrap_err(),
        Job::read_checkpoint(format!("/no/{evil}")).unwrap_err(),
        save(&client, &format!("{evil}://x")).await.unwrap_err(),
    ];
    for error in errors {
        let shown = [error.message().to_owned(), error.problems().concat(), error.to_string()].concat();
        assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
    }
}

#[tokio::test]
async fn an_address_for_callbacks_is_a_plain_one() {
    let client = service::client("http://127.0.0.1:9");
    for url in
        ["http://a\n.example/x", "https://a.example/a b", " https://a.example", "https://me:pw@a.example", "ftp://a"]
    {
        let error = client.create_task("user", "style", Some(url)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{url:?}: {error}");
        assert!(error.message().contains("callback_url") && !error.message().contains("pw@"), "{error}");
    }
}
