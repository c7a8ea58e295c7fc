//! A bad network: refuses, resets, stalls, cuts and throttles at random.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::{Instant, sleep, timeout_at},
};

use crate::Outcome;

/// What becomes of a connection, after so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Pass,
    Reset,
    Stall,
    Cut,
    Throttle,
}

const BAD: [Fate; 4] = [Fate::Reset, Fate::Stall, Fate::Cut, Fate::Throttle];
/// Nobody waits longer for a network that stands still.
const STANDSTILL: Duration = Duration::from_secs(5);

/// A port that leads to the simulator, most of the time.
pub(crate) struct Proxy {
    pub(crate) url: String,
    /// No faults from now on.
    pub(crate) calm: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    closed_port: AtomicU64,
    fates: [AtomicU64; 4],
}

impl Proxy {
    /// On the runtime that is entered.
    pub(crate) fn start(upstream: &str, seed: u64) -> Outcome<Self> {
        let upstream: SocketAddr = upstream.trim_start_matches("http://").trim_end_matches('/').parse()?;
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = listener.local_addr()?;
        let proxy = Self {
            url: format!("http://{address}"),
            calm: Arc::default(),
            open: Arc::default(),
            counts: Arc::default(),
        };
        let random = Arc::new(Mutex::new(Rng::with_seed(seed ^ 0x5eed)));
        tokio::spawn(listen(listener, upstream, random, proxy.calm.clone(), proxy.open.clone(), proxy.counts.clone()));
        Ok(proxy)
    }

    /// Returns when no connection is left, of those included that nobody had accepted yet.
    pub(crate) async fn drained(&self) -> std::io::Result<()> {
        let address: SocketAddr = self.url.trim_start_matches("http://").parse().map_err(std::io::Error::other)?;
        // Accepted behind all others, or thrown away with them where the port is closed.
        let mut last = loop {
            match TcpStream::connect(address).await {
                Ok(stream) => break stream,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        };
        let _ = last.shutdown().await;
        let _ = last.read_to_end(&mut Vec::new()).await;
        while self.open.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    pub(crate) fn report(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let fates: Vec<String> = BAD
            .iter()
            .zip(&self.counts.fates)
            .map(|(fate, number)| format!("{} {fate:?}", count(number)).to_lowercase())
            .collect();
        let (all, closed) = (count(&self.counts.connections), count(&self.counts.closed_port));
        format!("{all} connections: {}; port closed {closed} times", fates.join(", "))
    }
}

fn bind(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

fn draw<T>(random: &Mutex<Rng>, draw: impl FnOnce(&mut Rng) -> T) -> T {
    draw(&mut random.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Accepts, and closes the port now and then: connections are refused meanwhile.
async fn listen(
    mut listener: tokio::net::TcpListener,
    upstream: SocketAddr,
    random: Arc<Mutex<Rng>>,
    calm: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    counts: Arc<Counts>,
) {
    let Ok(address) = listener.local_addr() else { return };
    loop {
        let until = Instant::now() + Duration::from_millis(draw(&random, |random| random.u64(500..4000)));
        while let Ok(accepted) = timeout_at(until, listener.accept()).await {
            let Ok((stream, _)) = accepted else { continue };
            let (fate, up, down) = draw(&random, |random| {
                let bad = random.u32(0..100) < 30 && !calm.load(Ordering::Relaxed);
                let fate = if bad { random.choice(BAD).unwrap_or(Fate::Cut) } else { Fate::Pass };
                // Either the request or the answer is hit; anywhere, ends and beginnings included.
                let never = usize::MAX;
                if random.bool() { (fate, random.usize(0..16_000), never) } else { (fate, never, random.usize(0..600)) }
            });
            counts.connections.fetch_add(1, Ordering::Relaxed);
            if let Some((_, count)) = BAD.iter().zip(&counts.fates).find(|(bad, _)| **bad == fate) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            open.fetch_add(1, Ordering::SeqCst);
            let open = open.clone();
            tokio::spawn(async move {
                let _ = carry(stream, upstream, fate, up, down).await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
        if !calm.load(Ordering::Relaxed) {
            drop(listener);
            counts.closed_port.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(draw(&random, |random| random.u64(50..400)))).await;
            listener = loop {
                match bind(address) {
                    Ok(listener) => break listener,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            };
        }
    }
}

/// Both directions, until one ends; then both sockets are closed.
async fn carry(client: TcpStream, upstream: SocketAddr, fate: Fate, up: usize, down: usize) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let hit = tokio::select! {
        hit = copy(&mut client_read, &mut server_write, fate, up) => hit,
        hit = copy(&mut server_read, &mut client_write, fate, down) => hit,
    };
    match (hit, fate) {
        (true, Fate::Reset) => {
            // Both sides hear of it at once, whatever is still in the buffers.
            client_write.as_ref().set_zero_linger()?;
            server_write.as_ref().set_zero_linger()?;
        }
        (true, Fate::Stall) => {
            // The one who gives up first ends it; what the client sends is not read.
            let _ = timeout_at(Instant::now() + STANDSTILL, server_read.readable()).await;
        }
        _ => {}
    }
    Ok(())
}

/// Bytes one way; true when `limit` was reached, where the connection meets its fate.
async fn copy(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, fate: Fate, limit: usize) -> bool {
    let mut buffer = vec![0; if fate == Fate::Throttle { 700 } else { 16 << 10 }];
    let mut left = limit;
    loop {
        let Ok(read) = from.read(&mut buffer).await else { return false };
        let bound = if matches!(fate, Fate::Pass | Fate::Throttle) { read } else { read.min(left) };
        if read == 0 || to.write_all(buffer.get(..bound).unwrap_or_default()).await.is_err() {
            return false;
        }
        if bound < read {
            return true;
        }
        left = left.saturating_sub(read);
        if fate == Fate::Throttle && limit != usize::MAX {
            sleep(Duration::from_millis(20)).await;
        }
    }
}
