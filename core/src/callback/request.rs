//! One HTTP/1 request from a stranger, on a connection that carries no other.

use std::{io, time::Duration};

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, Header, Status};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{error::Elapsed, timeout},
};

use super::MAX_CALLBACK_BYTES;

/// For the head of a request, and again for its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
const MOST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 100;
/// The line before a chunk: its size, and what else somebody writes there.
const MOST_CHUNK_LINE: usize = 1 << 10;
const READ: usize = 4 << 10;

/// A request, with its body or a little more of it than is allowed.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
}

/// Why there is no request.
pub(super) enum Refusal {
    /// The other side has left.
    Gone,
    /// What to answer.
    Status(u16),
}

const MALFORMED: Refusal = Refusal::Status(400);
const TOO_LARGE_HEAD: Refusal = Refusal::Status(431);

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl From<Elapsed> for Refusal {
    fn from(_: Elapsed) -> Self {
        Self::Status(408)
    }
}

/// Where a body ends.
enum Framing {
    Length(u64),
    Chunked,
}

struct Head {
    method: String,
    target: String,
    framing: Framing,
    /// The sender waits for a word before it sends the body.
    expects_continue: bool,
    length: usize,
}

/// Reads a request: its head in 5 s, and its body in 5 more.
pub(super) async fn read(stream: &mut TcpStream) -> Result<Request, Refusal> {
    let mut reader = Reader { stream, buffer: BytesMut::new(), body: Vec::new() };
    let head = timeout(PATIENCE, reader.head()).await??;
    timeout(PATIENCE, reader.body(&head)).await??;
    Ok(Request { method: head.method, target: head.target, body: reader.body })
}

struct Reader<'a> {
    stream: &'a mut TcpStream,
    /// What was read, and not used yet.
    buffer: BytesMut,
    body: Vec<u8>,
}

impl Reader<'_> {
    async fn head(&mut self) -> Result<Head, Refusal> {
        loop {
            if self.fill().await? == 0 {
                return Err(if self.buffer.is_empty() { Refusal::Gone } else { MALFORMED });
            }
            if let Some(head) = parse(&self.buffer)? {
                let _ = self.buffer.split_to(head.length);
                return Ok(head);
            }
            if self.buffer.len() >= MOST_HEAD {
                return Err(TOO_LARGE_HEAD);
            }
        }
    }

    async fn body(&mut self, head: &Head) -> Result<(), Refusal> {
        if head.expects_continue {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        match head.framing {
            Framing::Length(length) => self.take(length).await,
            Framing::Chunked => {
                // Trailers, which may follow the last chunk, are not read.
                while let size @ 1.. = self.chunk_size().await? {
                    self.take(size).await?;
                    if self.is_too_long() {
                        break;
                    }
                    self.end_of_chunk().await?;
                }
                Ok(())
            }
        }
    }

    async fn chunk_size(&mut self) -> Result<u64, Refusal> {
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(Status::Complete((length, size))) => {
                    let _ = self.buffer.split_to(length);
                    return Ok(size);
                }
                Ok(Status::Partial) if self.buffer.len() < MOST_CHUNK_LINE => self.fill_or_refuse().await?,
                Ok(Status::Partial) | Err(_) => return Err(MALFORMED),
            }
        }
    }

    async fn end_of_chunk(&mut self) -> Result<(), Refusal> {
        while self.buffer.len() < 2 {
            self.fill_or_refuse().await?;
        }
        if &*self.buffer.split_to(2) == b"\r\n" { Ok(()) } else { Err(MALFORMED) }
    }

    /// The next `length` bytes of the body, or as many as matter.
    async fn take(&mut self, length: u64) -> Result<(), Refusal> {
        let mut left = usize::try_from(length).unwrap_or(usize::MAX);
        while left > 0 && !self.is_too_long() {
            if self.buffer.is_empty() {
                self.fill_or_refuse().await?;
            }
            let room = MAX_CALLBACK_BYTES + 1 - self.body.len();
            let part = self.buffer.split_to(self.buffer.len().min(left).min(room));
            self.body.extend_from_slice(&part);
            left -= part.len();
        }
        Ok(())
    }

    fn is_too_long(&self) -> bool {
        self.body.len() > MAX_CALLBACK_BYTES
    }

    async fn fill_or_refuse(&mut self) -> Result<(), Refusal> {
        if self.fill().await? == 0 { Err(MALFORMED) } else { Ok(()) }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ);
        self.stream.read_buf(&mut self.buffer).await
    }
}

/// The head of a request, once all of it is there.
fn parse(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(TOO_LARGE_HEAD),
        Err(_) => return Err(MALFORMED),
    };
    let (Some(method), Some(target)) = (request.method, request.path) else { return Err(MALFORMED) };
    let expects_continue = values(request.headers, "expect").any(|value| value.eq_ignore_ascii_case(b"100-continue"));
    let (method, target) = (method.to_owned(), target.to_owned());
    Ok(Some(Head { method, target, framing: framing(request.headers)?, expects_continue, length }))
}

fn framing(headers: &[Header<'_>]) -> Result<Framing, Refusal> {
    let mut codings = values(headers, "transfer-encoding");
    if let Some(coding) = codings.next() {
        let is_chunked = coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        return if is_chunked { Ok(Framing::Chunked) } else { Err(MALFORMED) };
    }
    let mut lengths = values(headers, "content-length");
    let Some(length) = lengths.next() else { return Ok(Framing::Length(0)) };
    let is_number = length.iter().all(u8::is_ascii_digit) && lengths.all(|other| other == length);
    let number = str::from_utf8(length).ok().filter(|_| is_number).and_then(|length| length.parse().ok());
    number.map(Framing::Length).ok_or(MALFORMED)
}

fn values<'a>(headers: &'a [Header<'_>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.trim_ascii())
}
