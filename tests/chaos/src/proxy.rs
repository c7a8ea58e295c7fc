//! A bad network: refuses, resets, stalls, cuts and throttles at random.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
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
/// Between the steps of a connection that is throttled.
const DRIP: Duration = Duration::from_millis(2);
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
        tokio::spawn(listen(listener, upstream, seed, proxy.calm.clone(), proxy.open.clone(), proxy.counts.clone()));
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

/// What happens to a connection: its fate, and where it meets it.
#[derive(Clone, Copy, Debug)]
struct Plan {
    fate: Fate,
    /// Bytes of the request and of the answer that pass unharmed.
    up: usize,
    down: usize,
    /// Bytes at a time, where it is throttled.
    step: usize,
}

impl Plan {
    /// Follows from the seed and the connection's number alone.
    fn of(seed: u64, connection: u64, calm: bool) -> Self {
        let mut random = numbered(seed ^ 0x5eed, connection);
        let bad = random.u32(0..100) < 30 && !calm;
        let fate = if bad { random.choice(BAD).unwrap_or(Fate::Cut) } else { Fate::Pass };
        // Either the request or the answer is hit; anywhere, ends and beginnings included.
        let never = usize::MAX;
        let (up, down) = if random.bool() { (random.usize(0..16_000), never) } else { (never, random.usize(0..600)) };
        Self { fate, up, down, step: random.usize(1..=50) }
    }
}

fn numbered(seed: u64, number: u64) -> Rng {
    Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number)
}

/// Accepts, and closes the port now and then: connections are refused meanwhile.
async fn listen(
    mut listener: tokio::net::TcpListener,
    upstream: SocketAddr,
    seed: u64,
    calm: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    counts: Arc<Counts>,
) {
    let Ok(address) = listener.local_addr() else { return };
    for opening in 0.. {
        let mut random = numbered(seed ^ 0x0905, opening);
        let until = Instant::now() + Duration::from_millis(random.u64(500..4000));
        while let Ok(accepted) = timeout_at(until, listener.accept()).await {
            let Ok((stream, _)) = accepted else { continue };
            let number = counts.connections.fetch_add(1, Ordering::Relaxed);
            let plan = Plan::of(seed, number, calm.load(Ordering::Relaxed));
            if let Some((_, count)) = BAD.iter().zip(&counts.fates).find(|(bad, _)| **bad == plan.fate) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            open.fetch_add(1, Ordering::SeqCst);
            let open = open.clone();
            tokio::spawn(async move {
                let _ = carry(stream, upstream, plan).await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
        if !calm.load(Ordering::Relaxed) {
            drop(listener);
            counts.closed_port.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(random.u64(50..400))).await;
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
async fn carry(client: TcpStream, upstream: SocketAddr, plan: Plan) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let hit = tokio::select! {
        hit = copy(&mut client_read, &mut server_write, plan, plan.up) => hit,
        hit = copy(&mut server_read, &mut client_write, plan, plan.down) => hit,
    };
    match (hit, plan.fate) {
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
async fn copy(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, plan: Plan, limit: usize) -> bool {
    let throttled = plan.fate == Fate::Throttle && limit != usize::MAX;
    let mut buffer = vec![0; if throttled { plan.step } else { 16 << 10 }];
    let mut left = limit;
    loop {
        let Ok(read) = from.read(&mut buffer).await else { return false };
        if throttled {
            sleep(DRIP).await;
        }
        let bound = if matches!(plan.fate, Fate::Pass | Fate::Throttle) { read } else { read.min(left) };
        if read == 0 || to.write_all(buffer.get(..bound).unwrap_or_default()).await.is_err() {
            return false;
        }
        if bound < read {
            return true;
        }
        left = left.saturating_sub(read);
    }
}
