//! CPU time and memory of this process, and ratios of alternating rounds.
#![allow(unsafe_code)]

use std::{future::Future, time::Duration};

/// User and system time that this process has taken.
pub(crate) fn cpu() -> Duration {
    // SAFETY: `usage` is a plain structure that the call fills in.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Resident memory in bytes.
pub(crate) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * 4096
}

/// The most memory that was ever resident, since the last [`forget_peak`].
pub(crate) fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or_default() * 1024
}

/// Starts measuring the peak anew.
pub(crate) fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// CPU time of one piece of work, divided by how often it was done.
pub(crate) async fn cost<F: Future>(times: usize, work: F) -> f64 {
    let before = cpu();
    work.await;
    cpu().saturating_sub(before).as_secs_f64() / times as f64
}

/// Ours and theirs of each round, and the median ratio.
#[derive(Default)]
pub(crate) struct Rounds(Vec<(f64, f64)>);

impl Rounds {
    pub(crate) fn add(&mut self, ours: f64, theirs: f64) {
        self.0.push((ours, theirs));
    }

    /// Prints medians in microseconds, the ratio of each round as its median and spread, and the target.
    pub(crate) fn report(&self, what: &str, target: &str) {
        let sorted = |values: Vec<f64>| {
            let mut values = values;
            values.sort_by(f64::total_cmp);
            values
        };
        let at = |values: &[f64], share: f64| {
            values.get(((values.len().saturating_sub(1)) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
        };
        let ours = sorted(self.0.iter().map(|round| round.0 * 1e6).collect());
        let theirs = sorted(self.0.iter().map(|round| round.1 * 1e6).collect());
        let ratios = sorted(self.0.iter().map(|round| round.0 / round.1).collect());
        println!(
            "| {what} | {:.1} µs | {:.1} µs | {:.3} ({:.3}–{:.3}) | {target} |",
            at(&ours, 0.5),
            at(&theirs, 0.5),
            at(&ratios, 0.5),
            at(&ratios, 0.0),
            at(&ratios, 1.0),
        );
    }
}
