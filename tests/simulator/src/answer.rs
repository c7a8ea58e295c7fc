//! An answer, and the body that sends it whole, slowly, in part or never to its end.

use crate::connection::Line;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// What is to be answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    pub(crate) pace: Pace,
}

/// The bytes of a body.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// As many spaces, made while they are sent.
    Filler {
        left: u64,
        chunked: bool,
    },
}

/// How a body is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) piece: usize,
    pub(crate) pause: Duration,
    pub(crate) end: End,
}

/// What comes after the last byte that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Finish,
    Cut { after: usize },
    Stall { after: usize },
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        let pace = Pace { piece: 64 << 10, pause: Duration::ZERO, end: End::Finish };
        Self { status, headers: HeaderMap::new(), content: Content::Bytes(Bytes::new()), pace }
    }

    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::new(200).header("Content-Type", "application/json; charset=utf-8").bytes(value.to_string())
    }

    /// Sets a header; a name or value that HTTP forbids is left out.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.content = Content::Bytes(bytes.into());
        self
    }

    pub(crate) fn length(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Filler { left, .. } => *left,
        }
    }

    /// The response for hyper; `tail` is what happens when it is sent.
    pub(crate) fn response(self, tail: Tail) -> Response<Body> {
        let chunked = matches!(self.content, Content::Filler { chunked: true, .. });
        let length = self.length();
        let sent = match self.pace.end {
            End::Finish => length,
            End::Cut { after } | End::Stall { after } => length.min(after as u64),
        };
        let body = Body {
            content: self.content,
            left: sent,
            pace: self.pace,
            sleep: None,
            flushed: false,
            length: (!chunked).then_some(length),
            tail,
        };
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or_default();
        *response.headers_mut() = self.headers;
        response
    }
}

/// What is due when an answer was sent.
pub(crate) struct Tail {
    pub(crate) line: Arc<Line>,
    pub(crate) idle_close: Option<Duration>,
    pub(crate) answered: Option<Box<dyn FnOnce() + Send>>,
}

/// The body of a response.
pub(crate) struct Body {
    content: Content,
    left: u64,
    pace: Pace,
    sleep: Option<Pin<Box<Sleep>>>,
    flushed: bool,
    length: Option<u64>,
    tail: Tail,
}

impl Body {
    /// The next piece; it ends where the plan says, not where the content does.
    fn piece(&mut self) -> Bytes {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(self.pace.piece.max(1));
        let piece = match &mut self.content {
            Content::Bytes(bytes) => bytes.split_to(most.min(bytes.len())),
            Content::Filler { .. } => Bytes::from(vec![b' '; most]),
        };
        self.left -= piece.len() as u64;
        piece
    }

    fn is_whole(&self) -> bool {
        self.left == 0 && self.pace.end == End::Finish
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.sleep {
            ready!(pause.as_mut().poll(context));
            self.sleep = None;
        }
        if self.left > 0 {
            let piece = self.piece();
            if self.left > 0 && !self.pace.pause.is_zero() {
                self.sleep = Some(Box::pin(sleep(self.pace.pause)));
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.pace.end {
            End::Finish => Poll::Ready(None),
            End::Stall { .. } => Poll::Pending,
            // What was handed over is flushed while the body pauses; then the connection breaks.
            End::Cut { .. } if !self.flushed => {
                self.flushed = true;
                let mut pause = Box::pin(sleep(Duration::from_millis(20)));
                if pause.as_mut().poll(context).is_pending() {
                    self.sleep = Some(pause);
                }
                Poll::Pending
            }
            End::Cut { .. } => Poll::Ready(Some(Err(io::Error::other("cut as asked")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_whole()
    }

    fn size_hint(&self) -> SizeHint {
        match (self.length, self.pace.end) {
            // Before the first piece this is the whole length, which becomes `Content-Length`.
            (Some(length), End::Cut { .. } | End::Stall { .. }) => SizeHint::with_exact(length),
            (Some(_), End::Finish) => SizeHint::with_exact(self.left),
            (None, _) => SizeHint::default(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(idle) = self.tail.idle_close {
            self.tail.line.rest(idle);
        }
        if let Some(answered) = self.tail.answered.take().filter(|_| self.is_whole()) {
            self.tail.line.when_flushed(answered);
        }
    }
}
