//! Ctrl-C: work stops at once, but a create under way is not left without its answer unless one insists.

use std::{future::Future, pin::pin, time::Duration};

#[cfg(unix)]
use tokio::signal::unix::Signal as Listener;
#[cfg(windows)]
use tokio::signal::windows::CtrlC as Listener;

use super::{print, text};
use crate::{
    client::Client,
    error::{Error, Result},
};

/// Hears Ctrl-C for one call of the command. One listener, because what is pressed between two would be lost.
pub(super) struct Interrupt(Option<Listener>);

impl Interrupt {
    pub(super) fn listen() -> Self {
        #[cfg(unix)]
        let listener = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        #[cfg(windows)]
        let listener = tokio::signal::windows::ctrl_c();
        // Where signals can't be heard, they can't interrupt.
        Self(listener.ok())
    }

    /// Does `work` until it ends or Ctrl-C is pressed.
    pub(super) async fn or<T>(&mut self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            outcome = work => outcome,
            () = self.pressed() => Err(Error::cancelled(what)),
        }
    }

    /// Waits for the answer of a create whose caller is gone, and says so if that takes a moment. Ctrl-C ends it.
    pub(super) async fn wait_for_creates(&mut self, client: &Client) {
        /// Longer than a create that was just answered needs to be written down.
        const MOMENT: Duration = Duration::from_millis(200);
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

    async fn pressed(&mut self) {
        match &mut self.0 {
            Some(listener) => _ = listener.recv().await,
            None => std::future::pending::<()>().await,
        }
    }
}
