//! A photo is sent as it was checked, or not at all (docs/design.md §4, §5.11).

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::oneshot,
};
use xiezhen::{Client, Error, ErrorKind, Job, RunOptions};
use xiezhen_simulator::{Call, Fault};

use crate::service;

/// The clock of a file system may tick this slowly.
const TICK: Duration = Duration::from_millis(30);

const SECRET: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";

/// What may be done to a photo while it is under way.
const CHANGES: [fn(&Path); 6] = [shortened, lengthened, written_over, replaced, with_its_time_kept, linked_to_a_secret];

fn shortened(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(1000).unwrap();
}

fn lengthened(path: &Path) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(&[0; 5000]).unwrap();
}

fn written_over(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().write_all(&fs::read(path).unwrap()).unwrap();
}

fn replaced(path: &Path) {
    let other = path.with_extension("other");
    fs::write(&other, [fs::read(path).unwrap(), vec![0]].concat()).unwrap();
    fs::rename(other, path).unwrap();
}

/// Other bytes, as many as before; whoever owns a file can set when it was written.
fn with_its_time_kept(path: &Path) {
    let modified = path.metadata().unwrap().modified().unwrap();
    let mut content = fs::read(path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(&content).unwrap();
    file.set_modified(modified).unwrap();
}

/// A file that is none of the service's business, of the photo's size and time.
fn linked_to_a_secret(path: &Path) {
    let about = path.metadata().unwrap();
    let secret = path.with_extension("key");
    fs::write(&secret, SECRET.repeat(about.len() as usize / SECRET.len() + 1)).unwrap();
    let file = OpenOptions::new().write(true).open(&secret).unwrap();
    file.set_len(about.len()).unwrap();
    file.set_modified(about.modified().unwrap()).unwrap();
    fs::remove_file(path).unwrap();
    std::os::unix::fs::symlink(secret, path).unwrap();
}

/// Copies of ten photos, and the first of them.
fn copies() -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let copy = |photo: PathBuf| {
        let copy = folder.path().join(photo.file_name().unwrap());
        fs::copy(photo, &copy).unwrap();
        copy
    };
    let copies = service::photos().into_iter().map(copy).collect();
    (folder, copies)
}

fn is_about(error: &Error, photo: &Path) {
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(error.path(), Some(photo), "{error}");
    assert!(error.message().contains("has changed since it was checked"), "{error}");
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_photo_that_changes_between_two_attempts_is_not_sent_again() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    for change in CHANGES {
        simulator.clear_journal();
        let (_folder, photos) = copies();
        simulator.fault(Fault::on(Call::UploadFile).once().reply(503).header("Retry-After", "1"));
        let upload = tokio::spawn({
            let (client, photo) = (client.clone(), photos[0].clone());
            async move { client.upload_file(photo).await }
        });
        while simulator.count(Call::UploadFile) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(TICK).await;
        change(&photos[0]);
        is_about(&upload.await.unwrap().unwrap_err(), &photos[0]);
        assert_eq!(simulator.count(Call::UploadFile), 1);
    }
}

#[tokio::test]
async fn a_link_that_takes_a_photos_place_is_never_followed() {
    let simulator = service::start().await;
    let client = service::builder(&simulator.url()).upload_concurrency(1_usize).build().unwrap();
    let (_folder, photos) = copies();
    simulator.fault(Fault::on(Call::UploadFile).once().reply(503).header("Retry-After", "1"));
    let job = Job::new(photos.clone(), Vec::<String>::new());
    let running = tokio::spawn(async move { client.run(&job, RunOptions::default()).await });
    while simulator.count(Call::UploadFile) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(TICK).await;
    linked_to_a_secret(&photos[9]);
    is_about(&running.await.unwrap().unwrap_err(), &photos[9]);
    assert_eq!(simulator.count(Call::UploadFile), 10, "nine photos, the first of them twice");
}

#[tokio::test]
async fn a_job_notices_a_photo_that_changes_before_its_turn() {
    let simulator = service::start().await;
    let client = service::builder(&simulator.url()).upload_concurrency(1_usize).build().unwrap();
    let (folder, photos) = copies();
    simulator.fault(Fault::on(Call::UploadFile).once().reply(503).header("Retry-After", "1"));
    let job = Job::new(photos.clone(), Vec::<String>::new());
    let last = photos[9].clone();
    let running = tokio::spawn({
        let (client, job, checkpoint) = (client.clone(), job.clone(), folder.path().join("job.json"));
        async move { client.run(&job, RunOptions::default().checkpoint(checkpoint)).await }
    });
    while simulator.count(Call::UploadFile) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(TICK).await;
    // As long as before.
    let mut content = fs::read(&last).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&last, content).unwrap();
    is_about(&running.await.unwrap().unwrap_err(), &last);
    assert_eq!(job.photos().iter().filter(|photo| photo.uploaded.is_some()).count(), 9);
    assert_eq!(simulator.count(Call::CreateUserModel), 0);

    let error = client.run(&job, RunOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("has changed since the job began"), "{error}");
}

/// Takes one request, of which it reads the end only when it is told to; returns all of it.
async fn slow_reader(listener: TcpListener, begun: oneshot::Sender<()>, go_on: oneshot::Receiver<()>) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut seen = vec![0; 1000];
    stream.read_exact(&mut seen).await.unwrap();
    begun.send(()).unwrap();
    go_on.await.unwrap();
    let mut rest = vec![0; 1 << 20];
    while let Ok(read @ 1..) = stream.read(&mut rest).await {
        seen.extend_from_slice(&rest[..read]);
        if seen.ends_with(b"--\r\n") {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"ret\":0,\"body\":\"a\"}";
            let _ = stream.write_all(answer).await;
        }
    }
    seen
}

#[tokio::test]
async fn a_photo_that_changes_while_it_is_sent_never_becomes_a_whole_request() {
    for change in [shortened, lengthened, written_over] {
        let (_folder, photos) = copies();
        let photo = photos[0].clone();
        // More than fits into what lies between.
        OpenOptions::new().append(true).open(&photo).unwrap().write_all(&vec![0; 48 << 20]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell_begun, begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel();
        let reader = tokio::spawn(slow_reader(listener, tell_begun, may_go_on));
        let client: Client = service::builder(&url)
            .max_photo_bytes(64_u64 << 20)
            .max_retries(0_u32)
            .prepare_photos(false)
            .build()
            .unwrap();
        let upload = tokio::spawn({
            let photo = photo.clone();
            async move { client.upload_file(photo).await }
        });
        begun.await.unwrap();
        tokio::time::sleep(TICK).await;
        change(&photo);
        go_on.send(()).unwrap();
        is_about(&upload.await.unwrap().unwrap_err(), &photo);
        assert!(!reader.await.unwrap().ends_with(b"--\r\n"), "the form was sent to its end");
    }
}

#[tokio::test]
async fn a_url_where_a_path_belongs_is_known_as_that() {
    let client = service::client("http://127.0.0.1:9");
    let error = client.upload_file(PathBuf::from("https://example.com/a.jpg")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.message().contains("fetch it, and give the bytes"), "{error}");
}

#[tokio::test]
async fn a_picture_given_as_text_is_known_as_that_and_not_quoted_whole() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    for text in [format!("data:image/jpeg;base64,{}", "A/8+".repeat(100_000)), "A/8+".repeat(100_000)] {
        let error = client.upload_file(PathBuf::from(&text)).await.unwrap_err();
        let job = Job::new(vec![PathBuf::from(&text); 8], ["仙气十足"]);
        let refused = client.run(&job, RunOptions::default()).await.unwrap_err();
        for error in [error, refused] {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            assert!(error.message().contains("decode it, and give the bytes"), "{error}");
            assert!(error.problems().iter().all(|problem| problem.chars().count() < 400), "{error}");
        }
    }
    assert_eq!(simulator.journal().len(), 0);
}
