//! CPU time and memory of this process.
#![allow(unsafe_code)]

use std::time::{Duration, Instant};

use serde::Serialize;

/// What a piece of work cost.
#[derive(Serialize)]
pub(crate) struct Spent {
    /// CPU time in µs.
    cpu: f64,
    /// How far the peak of the resident memory rose, in bytes.
    growth: u64,
    seconds: f64,
}

/// What was there before a piece of work.
pub(crate) struct Before {
    cpu: Duration,
    resident: u64,
    at: Instant,
}

impl Before {
    pub(crate) fn now() -> Self {
        // From here on, the peak counts anew.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { resident: status("VmRSS:"), cpu: cpu(), at: Instant::now() }
    }

    pub(crate) fn spent(self) -> Spent {
        Spent {
            cpu: cpu().saturating_sub(self.cpu).as_secs_f64() * 1e6,
            growth: status("VmHWM:").saturating_sub(self.resident),
            seconds: self.at.elapsed().as_secs_f64(),
        }
    }
}

/// User and system time that this process has taken.
fn cpu() -> Duration {
    // SAFETY: `usage` is a plain structure that the call fills in.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// A line of this process's status, in bytes.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}
