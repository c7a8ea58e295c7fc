//! Whoever waits for a create that may outlive them.

use tokio_util::sync::{CancellationToken, DropGuard};

/// Whoever waits for a detached create, or has gone away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller(CancellationToken);

impl Caller {
    /// The caller is gone once this is dropped.
    pub(crate) fn presence(&self) -> DropGuard {
        self.0.clone().drop_guard()
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.0.is_cancelled()
    }

    pub(crate) async fn gone(&self) {
        self.0.cancelled().await;
    }
}
