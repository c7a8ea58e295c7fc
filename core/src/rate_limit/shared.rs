//! A rate that several processes share: permits are reserved where all of them ask (docs/design.md §10).

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::error::Result;

/// How late a permit may be used: whoever was frozen longer would send a burst.
const SHELF_LIFE: Duration = Duration::from_millis(50);
/// How long a store that can't be reached is left alone.
const PAUSE: Duration = Duration::from_millis(500);
/// No store means longer pauses than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// At most this many are reserved at once: what a killed process had reserved is lost.
const MOST: usize = 64;

/// Permits for so many requests: the first `after` a pause, the others `spacing` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedPermits {
    /// Until the first may be used.
    pub after: Duration,
    /// Between two.
    pub spacing: Duration,
}

/// Reserves permits for so many requests, for this process alone.
pub type ReservePermits =
    Arc<dyn Fn(usize) -> Pin<Box<dyn Future<Output = Result<ReservedPermits>> + Send>> + Send + Sync>;

/// The permits of one process.
pub(super) struct SharedPermits {
    reserve: ReservePermits,
    /// When each of them may be used.
    reserved: Arc<Mutex<VecDeque<Instant>>>,
    waiting: AtomicUsize,
}

/// Counts who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SharedPermits {
    pub(super) fn new(reserve: ReservePermits) -> Self {
        Self { reserve, reserved: Arc::default(), waiting: AtomicUsize::new(0) }
    }

    /// Takes the next permit once it may be used; `queue` lets one in at a time.
    pub(super) async fn acquire(&self, queue: &tokio::sync::Mutex<()>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _counted = Waiting(&self.waiting);
        let _first = queue.lock().await;
        loop {
            let Some(time) = self.next() else {
                self.reserve_for_all().await;
                continue;
            };
            tokio::time::sleep_until(time).await;
            // Only now: whoever gives up leaves it to the next.
            self.reserved().pop_front();
            if time.elapsed() <= SHELF_LIFE {
                return;
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        self.reserved().front().copied()
    }

    fn reserved(&self) -> std::sync::MutexGuard<'_, VecDeque<Instant>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves for everybody who waits. It goes on if its caller goes away: what was reserved is used by the next.
    async fn reserve_for_all(&self) {
        let count = self.waiting.load(Ordering::Relaxed).clamp(1, MOST);
        let (reserving, reserved) = ((self.reserve)(count), self.reserved.clone());
        let done = tokio::spawn(async move {
            let permits = reserving.await?;
            let first = Instant::now() + permits.after.min(LONGEST_PAUSE);
            let spacing = permits.spacing.min(LONGEST_PAUSE);
            let times = (0..count as u32).map(|number| first + spacing * number);
            reserved.lock().unwrap_or_else(PoisonError::into_inner).extend(times);
            Ok::<_, crate::Error>(())
        });
        let outcome = done.await;
        if let Ok(Ok(())) = outcome {
            return;
        }
        let why = outcome
            .map_or_else(|error| error.to_string(), |done| done.err().map_or_else(String::new, |e| e.to_string()));
        tracing::warn!("no request was sent, because the fleet's rate limit can't be read: {why}");
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use futures_util::future::join_all;

    use super::*;

    /// A store of another process: `spacing` between any two, whoever asks.
    fn store(spacing: Duration, asked: Arc<AtomicU64>) -> ReservePermits {
        let given = Arc::new(Mutex::new(Instant::now()));
        Arc::new(move |count| {
            asked.fetch_add(1, Ordering::Relaxed);
            let mut given = given.lock().unwrap();
            let first = (*given).max(Instant::now());
            *given = first + spacing * count as u32;
            let permits = ReservedPermits { after: first - Instant::now(), spacing };
            Box::pin(async move { Ok(permits) })
        })
    }

    #[tokio::test(start_paused = true)]
    async fn several_processes_stay_under_one_rate() {
        let asked = Arc::new(AtomicU64::new(0));
        let store = store(Duration::from_millis(100), asked.clone());
        let processes: Vec<_> =
            (0..4).map(|_| (SharedPermits::new(store.clone()), tokio::sync::Mutex::new(()))).collect();
        let start = Instant::now();
        let calls = processes.iter().flat_map(|(permits, queue)| {
            (0..25).map(move |_| async move {
                permits.acquire(queue).await;
                start.elapsed()
            })
        });
        let mut times = join_all(calls).await;
        times.sort();
        assert_eq!(times.len(), 100);
        for (first, later) in times.iter().zip(times.iter().skip(10)) {
            assert!(later.saturating_sub(*first) >= Duration::from_millis(999), "{first:?} {later:?}");
        }
        assert!(start.elapsed() < Duration::from_secs(11));
        assert!(asked.load(Ordering::Relaxed) < 20, "reserved together");
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_was_not_used_in_time_is_not_used() {
        let permits = SharedPermits::new(store(Duration::from_millis(10), Arc::default()));
        let queue = tokio::sync::Mutex::new(());
        join_all((0..10).map(|_| permits.acquire(&queue))).await;
        permits.reserved().extend([Instant::now(); 10]);
        // Frozen meanwhile.
        tokio::time::advance(Duration::from_secs(5)).await;
        let thawed = Instant::now();
        join_all((0..10).map(|_| permits.acquire(&queue))).await;
        assert!(thawed.elapsed() >= Duration::from_millis(90), "{:?}", thawed.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_is_waited_for() {
        let tries = Arc::new(AtomicU64::new(0));
        let counted = tries.clone();
        let permits = SharedPermits::new(Arc::new(move |_| {
            let away = counted.fetch_add(1, Ordering::Relaxed) < 3;
            Box::pin(async move {
                let permits = ReservedPermits { after: Duration::ZERO, spacing: Duration::ZERO };
                if away { Err(crate::Error::invalid(vec!["away".into()])) } else { Ok(permits) }
            })
        }));
        permits.acquire(&tokio::sync::Mutex::new(())).await;
        assert_eq!(tries.load(Ordering::Relaxed), 4);
    }
}
