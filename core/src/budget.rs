//! The client's budget: at most so many gateway calls in any one second.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Hands out the times at which a request may go out, in the order in which they were asked for.
pub(crate) struct Budget {
    /// At most `granted.capacity` requests in any `window`.
    window: Duration,
    in_a_window: usize,
    granted: Mutex<VecDeque<Instant>>,
    queue: tokio::sync::Mutex<()>,
}

impl Budget {
    pub(crate) fn new(requests_per_second: f64) -> Self {
        // One second's worth at once, but no memory for more than a thousand: of larger budgets, a whole fraction of it.
        let windows = (requests_per_second / 1000.0).ceil().max(1.0);
        let in_a_window = (requests_per_second / windows).floor().max(1.0);
        // A fraction is rounded down: a second must not see the next window's share too.
        let window = if requests_per_second < 1.0 { 1.0 / requests_per_second } else { 1.0 / windows };
        Self {
            window: Duration::try_from_secs_f64(window).unwrap_or_default(),
            in_a_window: in_a_window as usize,
            granted: Mutex::default(),
            queue: tokio::sync::Mutex::default(),
        }
    }

    const fn is_lifted(&self) -> bool {
        self.window.is_zero()
    }

    /// Reserves the next free time; it may be later than `now`.
    pub(crate) fn reserve(&self, now: Instant) -> Instant {
        if self.is_lifted() {
            return now;
        }
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let at = if granted.len() < self.in_a_window {
            now
        } else {
            granted.pop_front().map_or(now, |oldest| now.max(oldest + self.window))
        };
        granted.push_back(at);
        at
    }

    /// Waits for the next free time. Only the first in the queue has reserved one: whoever gives up takes nothing away.
    pub(crate) async fn acquire(&self) {
        if self.is_lifted() {
            return;
        }
        let _first = self.queue.lock().await;
        let now = Instant::now();
        let at = self.reserve(now);
        if at > now {
            tokio::time::sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_sees_more_than_its_share() {
        let budget = Budget::new(10.9);
        let start = Instant::now();
        let times: Vec<Duration> = (0..35).map(|_| budget.reserve(start) - start).collect();
        assert_eq!(times[9], Duration::ZERO, "a second's worth goes out at once");
        for (first, later) in times.iter().zip(times.iter().skip(10)) {
            assert!(*later >= *first + Duration::from_secs(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_nothing_away() {
        let budget = Budget::new(10.0);
        let all = futures_util::future::join_all((0..2000).map(|_| budget.acquire()));
        assert!(tokio::time::timeout(Duration::from_secs(5), all).await.is_err());
        let before = Instant::now();
        budget.acquire().await;
        assert!(before.elapsed() <= Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn slower_than_one_a_second_and_without_end() {
        let slow = Budget::new(0.5);
        let start = Instant::now();
        assert_eq!(slow.reserve(start), start);
        assert_eq!(slow.reserve(start) - start, Duration::from_secs(2));

        let lifted = Budget::new(f64::INFINITY);
        for _ in 0..10_000 {
            assert_eq!(lifted.reserve(start), start);
        }
    }
}
