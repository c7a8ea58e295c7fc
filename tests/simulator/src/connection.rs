//! One connection: its socket, shared so that it can be broken from outside, and its life.

use crate::exchange;
use crate::server::Shared;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

type Once = Box<dyn FnOnce() + Send>;

/// A connection as the exchanges on it see it.
pub(crate) struct Line {
    stream: TcpStream,
    pub(crate) number: u64,
    requests: AtomicU64,
    close_at: watch::Sender<Option<Instant>>,
    flushed: Mutex<Option<Once>>,
}

impl Line {
    /// Counts a request; the connection is no longer idle.
    pub(crate) fn begin(&self) -> u64 {
        self.close_at.send_replace(None);
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// From now on the connection is idle, and closed if it stays so.
    pub(crate) fn rest(&self, idle: Duration) {
        self.close_at.send_replace(Some(Instant::now() + idle));
    }

    /// Calls this when all that was written so far is with the kernel.
    pub(crate) fn when_flushed(&self, call: Once) {
        *self.flushed.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
    }

    /// Makes the coming close a reset.
    pub(crate) fn reset_on_close(&self) {
        // A socket that is gone already needs no reset.
        let _ = self.stream.set_zero_linger();
    }

    /// Writes past hyper, which has nothing of its own under way.
    pub(crate) async fn write_raw(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns when the client has left, without reading what it sent.
    pub(crate) async fn left(&self) {
        while let Ok(ready) = self.stream.ready(Interest::READABLE).await {
            if ready.is_read_closed() || ready.is_error() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn idle_too_long(&self) {
        let mut close_at = self.close_at.subscribe();
        loop {
            let moment = *close_at.borrow_and_update();
            let deadline = async {
                match moment {
                    Some(moment) => tokio::time::sleep_until(moment).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = deadline => return,
                changed = close_at.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, number: u64) {
    // Small answers leave at once; without it they only come later.
    let _ = stream.set_nodelay(true);
    let line = Arc::new(Line {
        stream,
        number,
        requests: AtomicU64::new(0),
        close_at: watch::Sender::new(None),
        flushed: Mutex::new(None),
    });
    let service = service_fn(|request| exchange::serve(Arc::clone(&shared), Arc::clone(&line), request));
    let wire = TokioIo::new(Wire(Arc::clone(&line)));
    let connection = http1::Builder::new().keep_alive(true).serve_connection(wire, service);
    tokio::select! {
        // How it ended is the client's affair: what went wrong was asked for.
        _ = connection => {}
        () = line.idle_too_long() => {}
    }
}

/// The socket as hyper reads and writes it.
struct Wire(Arc<Line>);

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.stream.poll_read_ready(context))?;
            match self.0.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.stream.poll_write_ready(context))?;
            match self.0.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let due = self.0.flushed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(due) = due {
            due();
        }
        Poll::Ready(Ok(()))
    }

    /// Closing is dropping: an orderly end must not come before a reset.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
