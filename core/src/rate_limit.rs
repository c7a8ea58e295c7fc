//! The client's rate limiter: at most so many gateway calls in any one second.

mod shared;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use self::shared::SharedPermits;
pub use self::shared::{ReservePermits, ReservedPermits};

/// Where a client's permits come from, if not from itself; set once for all its sessions.
#[derive(Clone, Default)]
pub(crate) struct SharedRate(Arc<OnceLock<ReservePermits>>);

impl SharedRate {
    pub(crate) fn set(&self, reserve: ReservePermits) {
        let _ = self.0.set(reserve);
    }
}

impl std::fmt::Debug for SharedRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SharedRate").field(&self.0.get().is_some()).finish()
    }
}

/// Lets requests out, in the order in which they were asked for.
pub(crate) struct RateLimiter {
    /// At most so many requests in any `window`.
    window: Duration,
    in_a_window: usize,
    /// When the last of them went out.
    taken: Mutex<VecDeque<Instant>>,
    queue: tokio::sync::Mutex<()>,
    shared_rate: SharedRate,
    shared: OnceLock<SharedPermits>,
}

impl RateLimiter {
    #[cfg(test)]
    pub(crate) fn new(requests_per_second: f64) -> Self {
        Self::sharing(requests_per_second, SharedRate::default())
    }

    /// One that asks others for permits once it is told whom.
    pub(crate) fn sharing(requests_per_second: f64, shared_rate: SharedRate) -> Self {
        // One second's worth at once, but no memory for more than a thousand: of higher rates, a whole fraction of it.
        let windows = (requests_per_second / 1000.0).ceil().max(1.0);
        let in_a_window = (requests_per_second / windows).floor().max(1.0);
        // A fraction is rounded down: a second must not see the next window's share too.
        let window = if requests_per_second < 1.0 { 1.0 / requests_per_second } else { 1.0 / windows };
        Self {
            window: Duration::try_from_secs_f64(window).unwrap_or_default(),
            in_a_window: in_a_window as usize,
            taken: Mutex::default(),
            queue: tokio::sync::Mutex::default(),
            shared_rate,
            shared: OnceLock::new(),
        }
    }

    const fn is_unlimited(&self) -> bool {
        self.window.is_zero()
    }

    fn shared(&self) -> Option<&SharedPermits> {
        let reserve = self.shared_rate.0.get()?;
        Some(self.shared.get_or_init(|| SharedPermits::new(reserve.clone())))
    }

    /// Takes a permit now, if there is one and nobody waits for it.
    pub(crate) fn try_acquire(&self, now: Instant) -> bool {
        if self.shared().is_some() {
            return false;
        }
        self.is_unlimited() || self.queue.try_lock().is_ok_and(|_first| self.take(now).is_ok())
    }

    /// Waits for a permit and takes it. A permit is taken when it is used and no sooner: whoever gives up takes none away.
    pub(crate) async fn acquire(&self) {
        if let Some(shared) = self.shared() {
            return shared.acquire(&self.queue).await;
        }
        if self.is_unlimited() {
            return;
        }
        let _first = self.queue.lock().await;
        while let Err(free_at) = self.take(Instant::now()) {
            tokio::time::sleep_until(free_at).await;
        }
    }

    /// Takes a permit, or says when there will be one.
    fn take(&self, now: Instant) -> Result<(), Instant> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= self.in_a_window
            && let Some(oldest) = taken.front()
        {
            let free_at = *oldest + self.window;
            if free_at > now {
                return Err(free_at);
            }
            taken.pop_front();
        }
        taken.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_its_share() {
        for (requests_per_second, share) in [(10.0, 10), (10.9, 10), (1001.0, 1001), (2500.0, 2500)] {
            let limiter = RateLimiter::new(requests_per_second);
            let start = Instant::now();
            let mut times = Vec::new();
            for _ in 0..share * 3 {
                limiter.acquire().await;
                times.push(start.elapsed());
            }
            for (first, later) in times.iter().zip(times.iter().skip(share)) {
                assert!(*later >= *first + Duration::from_secs(1), "{requests_per_second}: {first:?} {later:?}");
            }
            assert!(start.elapsed() < Duration::from_secs(4));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_nothing_away() {
        let limiter = RateLimiter::new(10.0);
        let call = async |n: u32| {
            tokio::time::sleep(Duration::from_millis(50) * n).await;
            tokio::time::timeout(Duration::from_secs(1), limiter.acquire()).await.is_ok()
        };
        // Twice as many as there are permits, for a minute.
        let admitted = join_all((0..1200).map(call)).await;
        for (second, calls) in admitted.chunks(20).enumerate() {
            let admitted = calls.iter().filter(|admitted| **admitted).count();
            assert!(admitted >= 8, "{admitted} in second {second}");
        }
        let before = Instant::now();
        limiter.acquire().await;
        assert!(before.elapsed() <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn slower_than_one_a_second_and_without_end() {
        let slow = RateLimiter::new(0.5);
        let start = Instant::now();
        assert!(slow.try_acquire(start));
        assert!(!slow.try_acquire(start));
        slow.acquire().await;
        assert_eq!(start.elapsed(), Duration::from_secs(2));

        let unlimited = RateLimiter::new(f64::INFINITY);
        assert!((0..10_000).all(|_| unlimited.try_acquire(start)));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_overtaken() {
        let limiter = RateLimiter::new(1.0);
        limiter.acquire().await;
        let waiting = limiter.acquire();
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut waiting).await.is_err());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!limiter.try_acquire(Instant::now()), "somebody was there before");
        waiting.await;
    }
}
