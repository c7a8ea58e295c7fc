//! Large pictures go to disk as they come: what many of them take of memory and descriptors is bounded.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use xiezhen::{Task, TaskKind, TaskState};

use crate::service;

/// Almost what a picture may have at most.
const BYTES: usize = 60 << 20;
const TASKS: usize = 4;
const PICTURES: usize = 4;
const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x10\0\0\0\x10\0\x08\x02\0\0\0\0\0\0\0";
const END: &[u8] = b"\0\0\0\0IEND\xae\x42\x60\x82";

/// Sends a whole picture, of which it has one piece in memory.
async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let piece = [0; 8 << 10];
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(stream.read_u8().await?);
    }
    let about = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {BYTES}\r\n\r\n");
    stream.write_all(about.as_bytes()).await?;
    stream.write_all(HEAD).await?;
    let mut left = BYTES - HEAD.len() - END.len();
    while left > 0 {
        let length = left.min(piece.len());
        stream.write_all(&piece[..length]).await?;
        left -= length;
    }
    stream.write_all(END).await
}

/// Serves such a picture to whoever asks.
pub(crate) async fn host() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    url
}

/// A task that has so many pictures at that host.
pub(crate) fn task(n: usize, host: &str, pictures: usize) -> Task {
    Task {
        id: format!("7e1cac92-e348-4b7a-9c1d-{n:012}"),
        state: TaskState::Succeeded,
        raw_state: 3,
        kind: TaskKind::Generation,
        reason: None,
        result_paths: vec![format!("{host}/1.png"); pictures],
    }
}

const HOSTS: &str = "XIEZHEN_TEST_HOSTS";

/// In a process of their own: what they take is not ours. Says their addresses in a file, and serves until it is killed.
#[tokio::test]
#[ignore = "the hosts of the test below"]
async fn hosts() {
    let Ok(path) = std::env::var(HOSTS) else { return };
    let urls = [host().await, host().await].join("\n");
    fs::write(format!("{path}.new"), urls).unwrap();
    fs::rename(format!("{path}.new"), path).unwrap();
    std::future::pending::<()>().await;
}

struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two of them, because one host has half of all places.
async fn start_hosts(folder: &std::path::Path) -> (Killed, Vec<String>) {
    let path = folder.join("hosts");
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "large::hosts", "--ignored"]).env(HOSTS, &path);
    let child = Killed(command.stdout(std::process::Stdio::null()).spawn().unwrap());
    loop {
        if let Ok(urls) = fs::read_to_string(&path) {
            return (child, urls.lines().map(str::to_owned).collect());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A line of this process's status, in bytes.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
#[ignore = "writes a gigabyte, and is to be alone in its process: part of make check-long"]
async fn sixteen_pictures_of_sixty_mib_take_sixteen_mib_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (_hosts, urls) = start_hosts(folder.path()).await;
    let client = service::client(&urls[0]);
    let (most, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let watched = std::thread::spawn({
        let (most, done) = (most.clone(), done.clone());
        move || {
            while !done.load(Ordering::SeqCst) {
                most.fetch_max(descriptors(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    let save = |n: usize, pictures: usize| {
        let task = task(n, &urls[n % 2], pictures);
        let (client, folder) = (client.clone(), folder.path().to_owned());
        async move { client.save_results(&task, folder, None).await.unwrap() }
    };
    // The program itself comes into memory as it runs.
    save(TASKS, 1).await;
    let before = descriptors();
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let resident = memory("VmRSS:");
    let saves = (0..TASKS).map(|n| save(n, PICTURES));
    let files: Vec<_> = join_all(saves).await.concat();
    let growth = memory("VmHWM:").saturating_sub(resident);
    done.store(true, Ordering::SeqCst);
    watched.join().unwrap();
    let taken = most.load(Ordering::SeqCst) - before;
    println!("{} pictures of {} MiB: {} KiB of memory, {taken} descriptors", files.len(), BYTES >> 20, growth >> 10);
    assert_eq!(files.len(), TASKS * PICTURES);
    assert!(files.iter().all(|file| file.metadata().unwrap().len() == BYTES as u64));
    // 10 to 13 MiB where they come as fast as they can: hyper reads up to 400 KiB ahead.
    assert!(growth <= 16 << 20, "{growth} bytes of memory");
    // A connection and a file for each, and what else is open for a moment.
    assert!(taken <= 3 * TASKS * PICTURES, "{taken} descriptors");
    assert!(descriptors() <= before + 4, "some are left open");
}
