//! Virtual time: real time, faster.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Counts virtual seconds since the space began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    virtual_start: f64,
    real_start: Instant,
    scale: f64,
}

impl Clock {
    pub(crate) fn new(virtual_start: f64, scale: f64) -> Self {
        Self { virtual_start, real_start: Instant::now(), scale }
    }

    pub(crate) fn now(&self) -> f64 {
        self.virtual_start + self.real_start.elapsed().as_secs_f64() * self.scale
    }

    /// Goes on from now at another speed.
    pub(crate) fn set_scale(&mut self, scale: f64) {
        *self = Self::new(self.now(), scale);
    }

    /// How long, in real time, until a virtual moment; at most a day, as a stopped clock never gets there.
    pub(crate) fn until(&self, moment: f64) -> Duration {
        let seconds = (moment - self.now()).max(0.0) / self.scale;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).min(Duration::from_secs(86_400))
    }
}

/// Milliseconds since 1970 on this machine's clock.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as i64)
}

/// A moment `skew_ms` from now, as the `Date` header has it.
pub(crate) fn http_date(skew_ms: i64) -> String {
    let skew = Duration::from_millis(skew_ms.unsigned_abs());
    let now = SystemTime::now();
    let shown = if skew_ms < 0 { now.checked_sub(skew) } else { now.checked_add(skew) };
    let shown = shown.filter(|moment| *moment > UNIX_EPOCH).unwrap_or(now);
    httpdate::fmt_http_date(shown)
}
