//! Ctrl-C: work stops at once, but a create under way is not left without its answer unless one insists.

use std::{future::Future, pin::pin, time::Duration};

use super::print;
use crate::{
    client::Client,
    error::{Error, Result},
};

/// Does `work` until it ends or Ctrl-C is pressed.
pub(super) async fn unless_interrupted<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        outcome = work => outcome,
        () = pressed() => Err(Error::cancelled(what)),
    }
}

/// Waits for the answer of a create whose caller is gone, and says so if that takes a moment. Ctrl-C ends it.
pub(super) async fn settle(client: &Client) {
    /// Longer than a create that was just answered needs to be written down.
    const MOMENT: Duration = Duration::from_millis(200);
    let mut settled = pin!(client.settle());
    if tokio::time::timeout(MOMENT, &mut settled).await.is_ok() {
        return;
    }
    print::say("xiezhen: a create is under way and may be paid for: waiting for its answer (Ctrl-C quits at once)");
    tokio::select! {
        () = settled => {}
        () = pressed() => {}
    }
}

async fn pressed() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Where signals can't be heard, they can't interrupt.
        std::future::pending::<()>().await;
    }
}
