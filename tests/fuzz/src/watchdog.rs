//! Ends the process if a case does not end, and says which it was.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// After so long, on a machine that does much else, a case is not expected to end.
const ENDLESS: Duration = Duration::from_secs(120);

/// The case that runs, and since when.
type Current = Arc<Mutex<Option<(Instant, String)>>>;

fn lock(current: &Current) -> MutexGuard<'_, Option<(Instant, String)>> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that looks at the clock.
pub(crate) struct Watchdog(Current);

impl Watchdog {
    pub(crate) fn start() -> Self {
        let current = Current::default();
        let watched = current.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(200));
                if let Some((_, again)) = lock(&watched).as_ref().filter(|(began, _)| began.elapsed() > ENDLESS) {
                    println!("FOUND a case that does not end\n  again: {again}");
                    std::process::abort();
                }
            }
        });
        Self(current)
    }

    /// Runs a case under its eyes; `again` says how to run it again.
    pub(crate) fn over<T>(&self, again: &str, case: impl FnOnce() -> T) -> T {
        *lock(&self.0) = Some((Instant::now(), again.to_owned()));
        let outcome = case();
        *lock(&self.0) = None;
        outcome
    }
}
