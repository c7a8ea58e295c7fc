//! What goes out: bodies that know whether they were handed to the network, and when they last moved.

use std::{
    io,
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
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    digest,
    error::{Error, Result},
    file_work::FileWork,
    photo::{CheckedPhoto, Content, PhotoFile},
};

/// How much is sent at a time: each piece shows that the transfer moves.
const CHUNK: usize = 64 << 10;
/// How much is read at a time: each read is handed to another thread and back, which costs more than the reading.
const READ: usize = 256 << 10;

/// Tells whether a request left: the HTTP library asks for the body only once it has a connection.
#[derive(Clone, Default)]
pub(crate) struct SendGuard(Arc<AtomicU8>);

const NOT_SENT: u8 = 0;
const SENT: u8 = 1;
const REVOKED: u8 = 2;

impl SendGuard {
    pub(crate) fn was_sent(&self) -> bool {
        self.0.load(Ordering::Acquire) == SENT
    }

    /// Revokes the body. False if it has left; if not, it never will.
    pub(crate) fn revoke(&self) -> bool {
        self.move_to(REVOKED)
    }

    /// True if it is this from now on.
    fn move_to(&self, how: u8) -> bool {
        let before = self.0.compare_exchange(NOT_SENT, how, Ordering::AcqRel, Ordering::Acquire);
        before.is_ok() || before == Err(how)
    }

    /// A body that marks this when it is taken.
    pub(crate) fn body(&self, bytes: Bytes) -> reqwest::Body {
        reqwest::Body::wrap(GuardedBody { bytes, guard: self.clone() })
    }
}

struct GuardedBody {
    bytes: Bytes,
    guard: SendGuard,
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.guard.move_to(SENT) {
            return Poll::Ready(Some(Err(io::Error::other("the request was revoked"))));
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
pub(crate) struct StallTimer(Arc<Mutex<Instant>>);

impl StallTimer {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(crate) fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns when nothing has moved for `limit`.
    pub(crate) async fn elapsed(&self, limit: Duration) {
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
pub(crate) async fn photo(
    photo: &CheckedPhoto,
    files: FileWork,
    stall: StallTimer,
    on_bytes: Option<OnBytes>,
) -> Result<reqwest::Body> {
    let total = photo.bytes;
    let sent = AtomicU64::new(0);
    let count = move |chunk: Result<Bytes>| {
        if let Ok(chunk) = &chunk {
            stall.reset();
            let now = sent.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
            if let Some(tell) = &on_bytes {
                tell(now, total);
            }
        }
        chunk
    };
    Ok(match &photo.content {
        Content::File(file) => {
            let file = PhotoOnItsWay { file: file.clone(), sha256: photo.sha256.clone(), files };
            file.check_identity().await?;
            reqwest::Body::wrap_stream(file.content().map(count))
        }
        Content::Bytes(bytes) => reqwest::Body::wrap_stream(slices(bytes.clone()).map(count)),
    })
}

/// A file that is sent as it was checked, or breaks off before the form's end: nobody takes it for a photo then.
#[derive(Clone)]
struct PhotoOnItsWay {
    file: PhotoFile,
    sha256: String,
    files: FileWork,
}

impl PhotoOnItsWay {
    /// The file's content. The last piece is held back until the digest of all is known.
    fn content(self) -> impl Stream<Item = Result<Bytes>> {
        let pieces = stream::try_unfold((self, 0, Sha256::new()), |(this, offset, hash)| async move {
            if offset >= this.file.len() {
                return Ok(None);
            }
            let files = this.files.clone();
            let read = move || {
                let (piece, hash) = this.read(offset, hash)?;
                let offset = offset + piece.len() as u64;
                Ok::<_, Error>((piece, (this, offset, hash)))
            };
            files.run(read).await?.map(Some)
        });
        pieces.map_ok(slices).try_flatten()
    }

    fn read(&self, offset: u64, mut hash: Sha256) -> Result<(Bytes, Sha256)> {
        let left = self.file.len() - offset;
        let mut piece = vec![0; (READ as u64).min(left) as usize];
        let mut filled = 0;
        while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + filled as u64).map_err(|error| self.unreadable(error))? {
                0 => return Err(self.file.changed()),
                read => filled += read,
            }
        }
        hash.update(&piece);
        let is_last = filled as u64 == left;
        let is_same = || Ok(digest::hex(hash.clone()) == self.sha256 && self.file.is_unchanged()?);
        if is_last && !is_same().map_err(|error| self.unreadable(error))? {
            return Err(self.file.changed());
        }
        Ok((piece.into(), hash))
    }

    async fn check_identity(&self) -> Result<()> {
        let file = self.file.clone();
        let unchanged = self.files.run(move || file.is_unchanged()).await?;
        if unchanged.map_err(|error| self.unreadable(error))? { Ok(()) } else { Err(self.file.changed()) }
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::io("can't read the photo", self.file.path(), error)
    }
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
