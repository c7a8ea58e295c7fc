//! Billed calls of this process whose answer is not stored yet: what its end has to wait for.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);
/// The longest that one of them may take, in milliseconds.
static LONGEST: AtomicU64 = AtomicU64::new(0);

/// A billed call, from the moment that it is sent until its answer is stored; of a job, from before its intent is saved.
pub(crate) struct BilledCall(());

impl BilledCall {
    pub(crate) fn begin(timeout: Duration) -> Self {
        let longest = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        if IN_FLIGHT.fetch_add(1, Ordering::AcqRel) == 0 {
            LONGEST.store(longest, Ordering::Release);
        } else {
            LONGEST.fetch_max(longest, Ordering::AcqRel);
        }
        Self(())
    }
}

impl Drop for BilledCall {
    fn drop(&mut self) {
        // A count that a fork has reset is not ours to lower.
        let _ = IN_FLIGHT.fetch_update(Ordering::AcqRel, Ordering::Acquire, |calls| calls.checked_sub(1));
    }
}

/// How long the billed calls in flight may still take, all clients of this process together; none if there are none.
#[cfg(feature = "process")]
#[must_use]
pub fn billed_calls() -> Option<Duration> {
    let longest = Duration::from_millis(LONGEST.load(Ordering::Acquire));
    (IN_FLIGHT.load(Ordering::Acquire) > 0).then_some(longest)
}

/// In a forked child: what is in flight is the parent's. Nothing but atomics is allowed here.
#[cfg(all(feature = "process", unix))]
pub(super) fn forget() {
    IN_FLIGHT.store(0, Ordering::Release);
}
