//! Signals that end the command: work stops at once, but a create under way is not left without its answer unless one
//! insists.

use std::{future::Future, pin::pin, time::Duration};

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

use super::{print, text};
use crate::{
    client::Client,
    error::{Error, Result},
};

/// Hears what ends the command: Ctrl-C, and on Unix SIGTERM and SIGHUP too. One set of listeners for one call of the
/// command, because what comes between two would be lost. Where signals can't be heard, they can't interrupt.
pub(super) struct Interrupt {
    #[cfg(unix)]
    interrupts: Option<Signal>,
    #[cfg(unix)]
    terminates: Option<Signal>,
    #[cfg(unix)]
    hangs_up: Option<Signal>,
    #[cfg(windows)]
    interrupts: Option<CtrlC>,
    /// What has ended the command, by its number.
    signal: Option<u8>,
}

impl Interrupt {
    #[cfg(unix)]
    pub(super) fn listen() -> Self {
        // The command may have been started so as to outlive these, as `nohup` does.
        let listen = |kind: SignalKind| {
            if crate::process::is_ignored(kind.as_raw_value()) { None } else { signal(kind).ok() }
        };
        Self {
            interrupts: listen(SignalKind::interrupt()),
            terminates: listen(SignalKind::terminate()),
            hangs_up: listen(SignalKind::hangup()),
            signal: None,
        }
    }

    #[cfg(windows)]
    pub(super) fn listen() -> Self {
        Self { interrupts: ctrl_c().ok(), signal: None }
    }

    /// Does `work` until it ends or a signal comes.
    pub(super) async fn or<T>(&mut self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            signal = self.signalled() => {
                self.signal = Some(signal);
                Err(Error::cancelled(what))
            }
        }
    }

    /// What to exit with, where a signal other than Ctrl-C has ended the command: 128 and its number, as shells say it.
    pub(super) fn exit_code(&self) -> Option<u8> {
        self.signal.filter(|signal| *signal != SIGINT).map(|signal| 128 + signal)
    }

    /// Waits for the answer of a create whose caller is gone, and says so if that takes a moment. Ctrl-C ends it; who asks
    /// for an end in any other way may do so more than once without meaning more.
    pub(super) async fn wait_for_creates(&mut self, client: &Client) {
        const MOMENT: Duration = Duration::from_secs(2);
        let mut answered = pin!(client.wait_for_creates());
        tokio::select! {
            () = &mut answered => return,
            () = self.pressed() => return,
            () = tokio::time::sleep(MOMENT) => {}
        }
        print::say(&text::create_in_flight());
        tokio::select! {
            () = answered => {}
            () = self.pressed() => {}
        }
    }

    async fn signalled(&mut self) -> u8 {
        #[cfg(unix)]
        tokio::select! {
            () = heard(&mut self.interrupts) => SIGINT,
            () = heard(&mut self.terminates) => SIGTERM,
            () = heard(&mut self.hangs_up) => SIGHUP,
        }
        #[cfg(windows)]
        {
            self.pressed().await;
            SIGINT
        }
    }

    async fn pressed(&mut self) {
        match &mut self.interrupts {
            Some(listener) => _ = listener.recv().await,
            None => std::future::pending::<()>().await,
        }
    }
}

const SIGINT: u8 = 2;
#[cfg(unix)]
const SIGTERM: u8 = 15;
#[cfg(unix)]
const SIGHUP: u8 = 1;

#[cfg(unix)]
async fn heard(listener: &mut Option<Signal>) {
    match listener {
        Some(listener) => _ = listener.recv().await,
        None => std::future::pending::<()>().await,
    }
}
