//! The threads that photos are read and decoded on: few, and the same ones again. A decoder takes much memory for a moment,
//! which stays with its thread's allocator: on whichever thread of a pool is free, that is as much for each of them.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use super::interrupted;
use crate::error::Result;

/// A large photo takes 200 MB and more.
const MOST: usize = 4;
/// What nobody needs for so long ends.
const IDLE: Duration = Duration::from_secs(10);
/// Where nothing is taken up for so long, all threads may hang with their files.
const PATIENCE: Duration = Duration::from_secs(2);

type Work = Box<dyn FnOnce(&Shared) + Send>;

/// The threads of one client, which end with it.
pub(crate) struct PhotoThreads(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wanted: Condvar,
    /// How many threads there are as long as none hangs.
    at_once: usize,
    patience: Duration,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// What waits or is under way.
    unfinished: usize,
    threads: usize,
    /// When work was taken up last.
    taken: Option<Instant>,
    is_closed: bool,
}

impl Default for PhotoThreads {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl PhotoThreads {
    fn with_patience(patience: Duration) -> Self {
        // The system's files are read for it: once.
        let at_once = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        Self(Arc::new(Shared { state: Mutex::default(), wanted: Condvar::new(), at_once, patience }))
    }

    /// Does it there. An error is a defect: the work has panicked.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, mut outcome) = oneshot::channel();
        self.0.submit(Box::new(move |shared| {
            // For a caller who has gone, nothing is begun.
            let done = (!answer.is_closed()).then(|| catch_unwind(AssertUnwindSafe(work)));
            // Before the caller can come with more.
            shared.state().unfinished -= 1;
            if let Some(Ok(done)) = done {
                let _ = answer.send(done);
            }
        }));
        loop {
            match timeout(self.0.patience, &mut outcome).await {
                Ok(done) => return done.map_err(interrupted),
                Err(_) => self.0.relieve(),
            }
        }
    }
}

impl Drop for PhotoThreads {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.wanted.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(self: &Arc<Self>, work: Work) {
        let mut state = self.state();
        state.waiting.push_back(work);
        state.unfinished += 1;
        if state.threads < state.unfinished.min(self.at_once) {
            self.add(&mut state);
        }
        self.wanted.notify_one();
        if state.threads == 0 {
            // None can be had: perhaps the runtime has one.
            let shared = self.clone();
            drop(spawn_blocking(move || shared.work_off()));
        }
    }

    /// One more where all hang.
    fn relieve(self: &Arc<Self>) {
        let mut state = self.state();
        if !state.waiting.is_empty() && state.taken.is_none_or(|taken| taken.elapsed() >= self.patience) {
            self.add(&mut state);
            state.taken = Some(Instant::now());
        }
    }

    fn add(self: &Arc<Self>, state: &mut State) {
        let shared = self.clone();
        let begun = thread::Builder::new().name("photo".into()).spawn(move || shared.stay());
        state.threads += usize::from(begun.is_ok());
    }

    /// Does all that waits.
    fn work_off(&self) {
        while let Some(work) = self.take() {
            work(self);
        }
    }

    fn take(&self) -> Option<Work> {
        let mut state = self.state();
        let work = state.waiting.pop_front()?;
        state.taken = Some(Instant::now());
        Some(work)
    }

    /// A thread's life.
    fn stay(&self) {
        loop {
            self.work_off();
            let nothing_comes = |state: &mut State| state.waiting.is_empty() && !state.is_closed;
            let rested = self.wanted.wait_timeout_while(self.state(), IDLE, nothing_comes);
            let (mut state, _) = rested.unwrap_or_else(PoisonError::into_inner);
            if state.waiting.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn the_same_thread_serves_who_comes_later() {
        let threads = PhotoThreads::default();
        let first = threads.run(|| thread::current().id()).await.unwrap();
        for _ in 0..20 {
            assert_eq!(threads.run(|| thread::current().id()).await.unwrap(), first);
        }
    }

    #[tokio::test]
    async fn a_panic_is_its_callers_alone() {
        let threads = PhotoThreads::default();
        let panicking = threads.run(|| -> () { std::panic::resume_unwind(Box::new("a decoder's")) }).await;
        assert_eq!(panicking.unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(threads.run(|| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_hangs_holds_up_nobody() {
        let (threads, end) =
            (Arc::new(PhotoThreads::with_patience(Duration::from_millis(20))), Arc::new(Barrier::new(MOST + 1)));
        let hanging: Vec<_> = (0..MOST)
            .map(|_| {
                let (threads, end) = (threads.clone(), end.clone());
                tokio::spawn(async move { threads.run(move || end.wait()).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(threads.run(|| 1).await.unwrap(), 1);
        end.wait();
        for one in hanging {
            one.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn threads_end_with_their_owner() {
        let threads = PhotoThreads::default();
        threads.run(|| ()).await.unwrap();
        let shared = Arc::downgrade(&threads.0);
        drop(threads);
        while shared.strong_count() > 0 {
            thread::yield_now();
        }
    }
}
