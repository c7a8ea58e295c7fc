//! The smallest server that answers like the service: its cost is another process's.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a query is answered: a task that is being worked on, or is done.
const RUNNING: &str =
    r#"{"body":{"state":2,"id":"7e1cac92-e348-4c90-ac66-0fc1050c9146","tsk_type":2,"result_paths":[]},"ret":0}"#;
const DONE: &str =
    r#"{"body":{"state":3,"id":"7e1cac92-e348-4c90-ac66-0fc1050c9146","tsk_type":2,"result_paths":[]},"ret":0}"#;
const UPLOADED: &str = r#"{"ret":0,"body":"user_upload/T0000000000101/3f072b2b-66b2-4446-a9c0-1d892890728a.jpg"}"#;
const PICTURE_BYTES: usize = 2_000_000;

/// How many requests were answered, and how many bytes of photos and pictures went by; asking sets both back to 0.
static ANSWERED: AtomicU64 = AtomicU64::new(0);
static CARRIED: AtomicU64 = AtomicU64::new(0);
/// How often the tasks under `/looks/N` were looked at: the Nth look finds them done.
static LOOKS: LazyLock<Mutex<HashMap<Vec<u8>, u32>>> = LazyLock::new(Mutex::default);
/// A real picture, made longer.
static PICTURE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut picture = include_bytes!("../../photos/01.jpg").to_vec();
    picture.resize(PICTURE_BYTES, 0);
    picture
});

/// Serves until standard input ends.
pub(crate) fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url: Arc<str> = format!("http://{}", listener.local_addr()?).into();
    println!("{url}");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let url = url.clone();
            std::thread::spawn(move || converse(&stream, &url));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// What is answered to a request.
fn answer(path: &str, sent: Vec<u8>, url: &str) -> Cow<'static, [u8]> {
    if path == "/count" {
        let (requests, bytes) = (ANSWERED.swap(0, Ordering::Relaxed), CARRIED.swap(0, Ordering::Relaxed));
        return format!(r#"{{"requests":{requests},"bytes":{bytes}}}"#).into_bytes().into();
    }
    ANSWERED.fetch_add(1, Ordering::Relaxed);
    if path.contains("upload_file") {
        UPLOADED.as_bytes().into()
    } else if path.starts_with("/pictures/") {
        CARRIED.fetch_add(PICTURE.len() as u64, Ordering::Relaxed);
        PICTURE.as_slice().into()
    } else if let Some(pictures) = number(path, "/album/") {
        album(pictures, url).into_bytes().into()
    } else if let Some(looks) = number(path, "/looks/") {
        look(sent, looks).as_bytes().into()
    } else {
        RUNNING.as_bytes().into()
    }
}

/// The number behind `start`.
fn number(path: &str, start: &str) -> Option<u32> {
    path.strip_prefix(start)?.split('/').next()?.parse().ok()
}

/// A task that is done at its `last` look; from then on it is another.
fn look(sent: Vec<u8>, last: u32) -> &'static str {
    let mut looks = LOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    match looks.entry(sent) {
        Entry::Occupied(seen) if *seen.get() + 1 >= last => {
            seen.remove();
            DONE
        }
        Entry::Vacant(_) if last <= 1 => DONE,
        entry => {
            *entry.or_insert(0) += 1;
            RUNNING
        }
    }
}

/// A task that is done, with so many pictures.
fn album(pictures: u32, url: &str) -> String {
    let paths: Vec<String> = (0..pictures).map(|n| format!(r#""{url}/pictures/{n}.jpg""#)).collect();
    DONE.replace("[]", &format!("[{}]", paths.join(",")))
}

/// Answers each request of one connection.
fn converse(stream: &TcpStream, url: &str) -> Option<()> {
    let mut reader = BufReader::with_capacity(256 << 10, stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let path = line.split(' ').nth(1)?.to_owned();
        let (mut length, mut in_chunks) = (0, false);
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            in_chunks |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        let mut sent = Vec::new();
        if in_chunks {
            CARRIED.fetch_add(skip_chunks(&mut reader)?, Ordering::Relaxed);
        } else if path.starts_with("/looks/") {
            reader.by_ref().take(length).read_to_end(&mut sent).ok()?;
        } else {
            let skipped = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
            CARRIED.fetch_add(skipped, Ordering::Relaxed);
        }
        let kind = if path.starts_with("/pictures/") { "image/jpeg" } else { "application/json" };
        let body = answer(&path, sent, url);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nx-ca-request-id: A\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        (&*stream).write_all(&[head.as_bytes(), &body].concat()).ok()?;
    }
}

/// Reads a chunked body to its end; says how long it was.
fn skip_chunks(reader: &mut impl BufRead) -> Option<u64> {
    let mut total = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = u64::from_str_radix(line.trim().split(';').next()?, 16).ok()?;
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        line.clear();
        reader.read_line(&mut line).ok()?;
        if length == 0 {
            return Some(total);
        }
        total += length;
    }
}
