//! A small HTTP server for callbacks, for programs that have none of their own.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    CALLBACK_METHODS, Callbacks, Hint,
    request::{self, PATIENCE, Refusal, Request},
};
use crate::{
    error::{Error, ErrorKind, Result},
    process,
};

/// Strangers hold at most so many connections; others wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 64;
/// How long, and how much, is read and forgotten after the answer: a sender that is cut off in the middle does not hear it.
const LINGER: Duration = Duration::from_secs(1);
const MOST_DRAINED: usize = 1 << 20;
/// Hints that nobody has asked for yet; the oldest make room.
const MOST_HINTS: usize = 1024;

/// A server that receives callbacks until this is dropped or [closed](Self::close). A forked child has nothing of it.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    hints: Arc<Queue>,
    /// The process it belongs to, counted in forks.
    generation: u32,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.is_ours() {
            self.close();
        } else {
            // The parent's, which a child leaves alone.
            std::mem::forget(self.hints.clone());
        }
    }
}

/// Hints for whoever asks the receiver for them.
#[derive(Debug, Default)]
struct Queue {
    hints: std::sync::Mutex<VecDeque<Hint>>,
    arrived: Notify,
    stop: CancellationToken,
    /// The listener, for as long as it is open.
    listening: TaskTracker,
}

impl Queue {
    fn hints(&self) -> std::sync::MutexGuard<'_, VecDeque<Hint>> {
        self.hints.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn push(&self, hint: Hint) {
        let mut hints = self.hints();
        if hints.len() == MOST_HINTS {
            hints.pop_front();
        }
        hints.push_back(hint);
        self.arrived.notify_one();
    }
}

impl Receiver {
    /// Where it listens, with the port that was chosen for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next hint that came, for callers that do something of their own with it: jobs of these callbacks have it
    /// already. `None` once the receiver is closed. At most 1024 hints are kept.
    pub async fn next(&self) -> Option<Hint> {
        loop {
            if let Some(hint) = self.hints.hints().pop_front() {
                return Some(hint);
            }
            tokio::select! {
                () = self.hints.stop.cancelled() => return None,
                () = self.hints.arrived.notified() => {}
            }
        }
    }

    /// The same, but gives up after `timeout`, if there is one.
    pub async fn next_within(&self, patience: Option<Duration>) -> Option<Hint> {
        match patience {
            None => self.next().await,
            Some(patience) => timeout(patience, self.next()).await.unwrap_or_default(),
        }
    }

    /// Stops listening.
    pub fn close(&self) {
        if self.is_ours() {
            self.hints.stop.cancel();
        }
    }

    /// The same, and returns when the address is free.
    pub async fn shut_down(&self) {
        self.close();
        if self.is_ours() {
            self.hints.listening.wait().await;
        }
    }

    fn is_ours(&self) -> bool {
        self.generation == process::generation()
    }
}

impl Callbacks {
    /// Receives callbacks on `address` (`127.0.0.1:8787`; port 0 takes a free one) and hands them to the jobs that run
    /// with these callbacks. Plain HTTP: a reverse proxy or a tunnel makes it public.
    ///
    /// 64 connections at most, 5 s for head and body, one request a connection.
    pub async fn listen(&self, address: &str) -> Result<Receiver> {
        let failed = |error| cannot_listen(address, error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let hints = Arc::<Queue>::default();
        let stop = hints.stop.clone();
        let server = Server { callbacks: self.clone(), hints: hints.clone() };
        hints.listening.close();
        hints.listening.spawn(stop.clone().run_until_cancelled_owned(accept(listener, Arc::new(server), stop)));
        tracing::info!(%address, "listening for callbacks");
        Ok(Receiver { address, hints, generation: process::generation() })
    }
}

/// Text that is not an address is the caller's mistake; an address that can't be bound is the machine's answer.
fn cannot_listen(address: &str, error: io::Error) -> Error {
    let is_wrong = error.kind() == io::ErrorKind::InvalidInput;
    let kind = if is_wrong { ErrorKind::InvalidArgument } else { ErrorKind::Io };
    Error::new(kind, format!("can't listen for callbacks on {address}: {error}")).with_source(error)
}

struct Server {
    callbacks: Callbacks,
    hints: Arc<Queue>,
}

async fn accept(listener: TcpListener, server: Arc<Server>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // Never closed.
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = stop.clone().run_until_cancelled_owned(serve(stream, server.clone()));
                tokio::spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
            // Out of descriptors, or the peer has left: others must end before the next can begin.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One request, and the connection is closed.
async fn serve(mut stream: TcpStream, server: Arc<Server>) {
    let status = match request::read(&mut stream).await {
        Ok(request) => server.receive(&request),
        Err(Refusal::Status(status)) => status,
        Err(Refusal::Gone) => return,
    };
    // A stranger's mistake is not an error of ours.
    let _ = timeout(PATIENCE, stream.write_all(response(status).as_bytes())).await;
    let _ = timeout(LINGER, drain(stream)).await;
}

impl Server {
    fn receive(&self, request: &Request) -> u16 {
        let received = self.callbacks.receive::<&str>(&request.method, &request.target, &[], &request.body);
        if let Some(hint) = received.hint {
            self.callbacks.deliver(&hint);
            self.hints.push(hint);
        }
        received.status
    }
}

/// An answer without a body, which every status but 204 has to say.
fn response(status: u16) -> String {
    let reason = match status {
        204 => "No Content",
        400 => "Bad Request",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        _ => "Not Found",
    };
    let length = if status == 204 { "" } else { "content-length: 0\r\n" };
    let allow = if status == 405 { format!("allow: {CALLBACK_METHODS}\r\n") } else { String::new() };
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!("HTTP/1.1 {status} {reason}\r\nconnection: close\r\ndate: {date}\r\n{length}{allow}\r\n")
}

/// Closes a connection so that the other side hears the answer: it is reset where something unread is left.
async fn drain(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let (mut scratch, mut drained) = ([0; 1024], 0);
    while drained < MOST_DRAINED {
        match stream.read(&mut scratch).await? {
            0 => break,
            read => drained += read,
        }
    }
    Ok(())
}
