//! An orderly exit waits for billed calls that were sent, until their answers are stored.

use std::{
    ffi::c_int,
    io::{self, Write},
    sync::{LazyLock, Once},
    thread,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use xiezhen_core::process;

use crate::{ffi::contain, log::LogCallback};

/// Whoever waits longer than this is told why.
const MOMENT: Duration = Duration::from_secs(2);
/// What storing an answer may take, beyond the timeout of the call.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// The process is ending.
static ENDING: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// Ends when nobody will store a job any more, because the process is ending.
pub(crate) async fn unanswered() {
    ENDING.cancelled().await;
    tokio::time::sleep(PATIENCE).await;
}

/// Waits while creates are in flight that nobody else waits for. Says so through `logs`, or on stderr if there are none.
pub(crate) fn wait_for_creates(in_flight: impl Fn() -> bool, logs: &[LogCallback]) {
    let say = |text: &str| match logs {
        [] => say_on_stderr(text),
        logs => logs.iter().for_each(|log| log.warn(text)),
    };
    wait_while(in_flight, say);
}

fn wait_while(in_flight: impl Fn() -> bool, say: impl Fn(&str)) {
    let (began, mut said) = (Instant::now(), false);
    while in_flight() {
        let end = process::billed_calls().unwrap_or_default().saturating_add(PATIENCE);
        let waited = began.elapsed();
        if waited > end {
            return;
        }
        if waited > MOMENT && !said {
            said = true;
            let left = end.saturating_sub(waited).as_secs();
            say(&format!("waiting for the answer of a billed call that was sent, for at most {left} s more"));
        }
        thread::sleep(PAUSE);
    }
}

fn say_on_stderr(text: &str) {
    // It may be closed.
    let _ = writeln!(io::stderr(), "xiezhen: {text}");
}

/// From now on, `exit` and the return from `main` wait for billed calls in flight.
pub(crate) fn wait_at_exit() {
    unsafe extern "C" {
        fn atexit(function: extern "C" fn()) -> c_int;
    }
    extern "C" fn ending() {
        let _ = contain(|| {
            ENDING.cancel();
            wait_while(|| process::billed_calls().is_some(), say_on_stderr);
        });
    }
    static ONCE: Once = Once::new();
    // SAFETY: the function is there for as long as the library, which is never unloaded, and lets no panic out.
    ONCE.call_once(|| unsafe {
        atexit(ending);
    });
}
