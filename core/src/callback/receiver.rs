//! A small HTTP server for callbacks, for programs that have none of their own.

use std::{collections::VecDeque, convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CONNECTION, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{CALLBACK_METHODS, Callbacks, Hint, MAX_CALLBACK_BYTES};
use crate::{
    error::{Error, ErrorKind, Result},
    process,
};

/// Strangers hold at most so many connections; others wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 64;
/// For the head of a request, and again for its body.
const PATIENCE: Duration = Duration::from_secs(5);
/// The head of a request.
const MOST_HEAD: usize = 16 << 10;
/// So much of a body that is too long is read and forgotten, so that its sender hears the answer.
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
async fn serve(stream: TcpStream, server: Arc<Server>) {
    let answer = service_fn(|request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(MOST_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), answer);
    // Head, body, and an answer that nobody reads. A stranger's mistake is not an error of ours.
    let _ = timeout(PATIENCE * 3, connection).await;
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
        let (head, body) = request.into_parts();
        let mut response = Response::new(Empty::new());
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let Ok(body) = timeout(PATIENCE, read(body)).await else {
            *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
            return response;
        };
        let Ok(body) = body else {
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        };
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let received = self.callbacks.receive(head.method.as_str(), &target, &headers, &body);
        *response.status_mut() = StatusCode::from_u16(received.status).unwrap_or(StatusCode::NOT_FOUND);
        if received.status == 405 {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(CALLBACK_METHODS));
        }
        if let Some(hint) = received.hint {
            self.callbacks.deliver(&hint);
            self.hints.push(hint);
        }
        response
    }
}

/// The body, or a little more of it than is allowed.
async fn read(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let (mut kept, mut length) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length = length.saturating_add(data.len());
        let room = (MAX_CALLBACK_BYTES + 1).saturating_sub(kept.len());
        kept.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if length > MOST_DRAINED {
            break;
        }
    }
    Ok(kept.freeze())
}
