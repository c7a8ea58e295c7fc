//! How many pictures are fetched at a time: of all tasks together, and of each host. A slow one gives its place up and
//! goes on beside.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::ready,
};

use bytes::Bytes;
use futures_util::FutureExt;
use reqwest::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// More would not come sooner, and each takes room.
const AT_ONCE: usize = 16;
/// One host leaves room for others.
const OF_A_HOST: usize = 8;
/// Slow ones, which take little of the line.
const SLOW: usize = 48;
/// How many have a piece in hand that is to be written: what is read ahead of it is in memory, too.
const IN_HAND: usize = 4;

/// The places of one client.
pub(crate) struct Places {
    all: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    in_hand: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { all: places(AT_ONCE), slow: places(SLOW), hosts: Mutex::default(), in_hand: places(IN_HAND) }
    }

    /// Waits for a place: first the host's, so that who waits for a busy host holds up no other.
    pub(super) async fn take(&self, host: &str) -> Place {
        let host = self.host(host).acquire_owned().await.ok();
        let all = self.all.clone().acquire_owned().await.ok();
        Place { held: Some((all, host)), slow: self.slow.clone(), slow_permit: None }
    }

    /// The next piece of an answer, once it is there and few others have one in hand, and what to hold until it is
    /// written. Who waits for a slow host has none, and keeps nobody waiting.
    pub(super) async fn piece_in_hand(
        &self,
        response: &mut Response,
    ) -> (reqwest::Result<Option<Bytes>>, Option<OwnedSemaphorePermit>) {
        let mut hand = None;
        poll_fn(|cx| {
            let free = hand.get_or_insert_with(|| self.in_hand.clone().acquire_owned().boxed());
            let held = ready!(free.poll_unpin(cx)).ok();
            hand = None;
            pin!(response.chunk()).poll(cx).map(|piece| (piece, held))
        })
        .await
    }

    fn host(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, places| Arc::strong_count(places) > 1);
        hosts.entry(host.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(OF_A_HOST))).clone()
    }
}

/// A place, until it is dropped. The semaphores are never closed: there is always a permit to wait for.
pub(crate) struct Place {
    held: Option<(Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>)>,
    slow: Arc<Semaphore>,
    slow_permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Goes on beside the others, if there is room for one more slow one.
    pub(super) fn give_up(&mut self) {
        if self.held.is_some()
            && let Ok(permit) = self.slow.clone().try_acquire_owned()
        {
            (self.held, self.slow_permit) = (None, Some(permit));
        }
    }
}
