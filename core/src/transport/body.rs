//! What goes out: bodies that know whether they were handed to the network, and when they last moved.

use std::{
    future::ready,
    io,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http_body::{Body, Frame, SizeHint};
use tokio::{fs::File, io::AsyncReadExt, time::Instant};
use tokio_util::io::ReaderStream;

use crate::{
    error::{Error, ErrorKind, Result},
    photo::{CheckedPhoto, Source},
};

/// How much is sent at a time: each piece shows that the transfer moves.
const CHUNK: usize = 64 << 10;
/// How much is read at a time: each read is handed to another thread and back, which costs more than the reading.
const READ: usize = 512 << 10;

/// Tells whether a request left: the HTTP library asks for the body only once it has a connection.
#[derive(Clone, Default)]
pub(crate) struct Handed(Arc<AtomicU8>);

const NOT_YET: u8 = 0;
const OVER: u8 = 1;
const TAKEN_BACK: u8 = 2;

impl Handed {
    pub(crate) fn over(&self) -> bool {
        self.0.load(Ordering::Acquire) == OVER
    }

    /// Takes the body back. False if it has left; if not, it never will.
    pub(crate) fn take_back(&self) -> bool {
        self.leave_as(TAKEN_BACK)
    }

    /// True if it is this from now on.
    fn leave_as(&self, how: u8) -> bool {
        let before = self.0.compare_exchange(NOT_YET, how, Ordering::AcqRel, Ordering::Acquire);
        before.is_ok() || before == Err(how)
    }

    /// A body that marks this when it is taken.
    pub(crate) fn body(&self, bytes: Bytes) -> reqwest::Body {
        reqwest::Body::wrap(MarkedBody { bytes, handed: self.clone() })
    }
}

struct MarkedBody {
    bytes: Bytes,
    handed: Handed,
}

impl Body for MarkedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.handed.leave_as(OVER) {
            return Poll::Ready(Some(Err(io::Error::other("the request was taken back"))));
        }
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

/// Remembers when a transfer last moved.
#[derive(Clone)]
pub(crate) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(crate) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns when nothing has moved for `limit`.
    pub(crate) async fn stopped(&self, limit: Duration) {
        loop {
            let due = *self.0.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

/// Is told how many bytes of how many have been handed to the network.
pub(crate) type OnBytes = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// A photo as it is sent: read from disk while it goes out, counted as it does.
pub(crate) async fn photo(photo: &CheckedPhoto, pulse: Pulse, on_bytes: Option<OnBytes>) -> Result<reqwest::Body> {
    let total = photo.bytes;
    let sent = AtomicU64::new(0);
    let count = move |chunk: Result<Bytes>| {
        if let Ok(chunk) = &chunk {
            pulse.beat();
            let now = sent.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
            if let Some(tell) = &on_bytes {
                tell(now, total);
            }
        }
        chunk
    };
    Ok(match &photo.source {
        Source::Path(path) => reqwest::Body::wrap_stream(file(photo.clone(), path).await?.map(count)),
        Source::Bytes(bytes) => reqwest::Body::wrap_stream(slices(bytes.clone()).map(count)),
    })
}

/// A file's content. If that is not what was checked, it ends in an error, before the form does: nobody takes it for a
/// photo.
async fn file(photo: CheckedPhoto, path: &Path) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
    let path = path.to_owned();
    let file = File::open(&path).await.map_err(|error| Error::io("can't open the photo", &path, error))?;
    unchanged(&photo, &file, &path).await?;
    let same = file.try_clone().await.map_err(|error| Error::io("can't open the photo", &path, error))?;
    let read_from = path.clone();
    let unreadable = move |error| Error::io("can't read the photo", &read_from, error);
    // What grows meanwhile would take the place of the form's end.
    let content = ReaderStream::with_capacity(file.take(photo.bytes), READ).map_err(unreadable);
    let end = stream::once(async move { unchanged(&photo, &same, &path).await });
    Ok(content.map_ok(slices).try_flatten().chain(end.try_filter_map(|()| ready(Ok(None)))))
}

async fn unchanged(photo: &CheckedPhoto, file: &File, path: &Path) -> Result<()> {
    let about = file.metadata().await.map_err(|error| Error::io("can't read the photo", path, error))?;
    if photo.is_still(&about) {
        return Ok(());
    }
    let message = format!(
        "the photo {} has changed since it was checked; call again when nothing writes to it any more",
        path.display()
    );
    Err(Error::new(ErrorKind::Io, message).with_path(path))
}

/// The local file's part in an exchange that failed, if it had one.
pub(super) fn fault(error: &reqwest::Error) -> Option<Error> {
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        if let Some(ours) = next.downcast_ref::<Error>() {
            return Some(ours.clone());
        }
        cause = next.source();
    }
    None
}

fn slices(bytes: Bytes) -> impl Stream<Item = Result<Bytes>> {
    stream::unfold(bytes, |mut rest| async move {
        let chunk = rest.split_to(rest.len().min(CHUNK));
        (!chunk.is_empty()).then_some((Ok(chunk), rest))
    })
}
