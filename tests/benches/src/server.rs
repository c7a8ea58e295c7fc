//! The smallest server that answers like the service: its cost is another process's.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What every query is answered: a task that is being worked on.
const RUNNING: &str =
    r#"{"body":{"state":2,"id":"7e1cac92-e348-4c90-ac66-0fc1050c9146","tsk_type":2,"result_paths":[]},"ret":0}"#;
const DONE: &str =
    r#"{"body":{"state":3,"id":"7e1cac92-e348-4c90-ac66-0fc1050c9146","tsk_type":2,"result_paths":[]},"ret":0}"#;
const UPLOADED: &str = r#"{"ret":0,"body":"user_upload/T0000000000101/3f072b2b-66b2-4446-a9c0-1d892890728a.jpg"}"#;

/// How many requests were answered; asking for it sets it back to 0.
static ANSWERED: AtomicU64 = AtomicU64::new(0);
/// The tasks under `/second` that were looked at once: their next look finds them done.
static SEEN_ONCE: LazyLock<Mutex<HashSet<Vec<u8>>>> = LazyLock::new(Mutex::default);

/// A server in a process of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Starts this program once more, as the server.
    pub(crate) fn start() -> std::io::Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut url)?;
        }
        Ok(Self { child, url: url.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until standard input ends.
pub(crate) fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&stream));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// What is answered to a request.
fn body(path: &str, sent: Vec<u8>) -> &'static str {
    if path.contains("upload_file") {
        UPLOADED
    } else if path.starts_with("/done") {
        DONE
    } else if path.starts_with("/second") {
        let mut seen_once = SEEN_ONCE.lock().unwrap_or_else(PoisonError::into_inner);
        if seen_once.remove(&sent) {
            DONE
        } else {
            seen_once.insert(sent);
            RUNNING
        }
    } else {
        RUNNING
    }
}

/// Answers each request of one connection.
fn answer(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::with_capacity(256 << 10, stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let path = line.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut sent = Vec::new();
        if path.starts_with("/second") {
            reader.by_ref().take(length).read_to_end(&mut sent).ok()?;
        } else {
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        }
        let count;
        let body = if path == "/count" {
            count = ANSWERED.swap(0, Ordering::Relaxed).to_string();
            &count
        } else {
            ANSWERED.fetch_add(1, Ordering::Relaxed);
            body(&path, sent)
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-ca-request-id: A\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        (&*stream).write_all(answer.as_bytes()).ok()?;
    }
}
