//! The runtime that this process shares between all clients of a binding, and what a fork does to it.
//!
//! A forked child has none of the parent's threads. Its runtime is made anew, and the clients notice by the
//! generation that their connections belong to somebody else. The parent's runtime is leaked in the child: dropping
//! it would wait for threads that do not exist.

/// How often this process's line of ancestors has forked since the first use of the runtime.
#[cfg(not(feature = "process"))]
pub(crate) const fn generation() -> u32 {
    0
}

#[cfg(feature = "process")]
pub use self::{
    running::{Running, Said, Teller, start},
    shared::runtime,
};
#[cfg(feature = "process")]
pub(crate) use shared::generation;

#[cfg(feature = "process")]
mod shared {
    #![allow(unsafe_code)]

    use std::{
        ptr::null_mut,
        sync::{
            Once,
            atomic::{AtomicPtr, AtomicU32, Ordering},
        },
    };

    use tokio::runtime::{Builder, Runtime};

    use crate::error::{Error, ErrorKind, Result};

    static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(null_mut());
    static GENERATION: AtomicU32 = AtomicU32::new(0);

    pub(crate) fn generation() -> u32 {
        GENERATION.load(Ordering::Acquire)
    }

    /// The runtime of this process, made when first asked for. One thread is plenty for waiting on
    /// the network, and half as dear as two that wake each other.
    pub fn runtime() -> Result<&'static Runtime> {
        // SAFETY: the pointer is null or came from `Box::into_raw` below, and is never freed.
        if let Some(runtime) = unsafe { RUNTIME.load(Ordering::Acquire).as_ref() } {
            return Ok(runtime);
        }
        notice_forks();
        let built = Builder::new_multi_thread().worker_threads(1).thread_name("xiezhen").enable_all().build();
        let built = built.map_err(|error| {
            Error::new(ErrorKind::Internal, format!("no runtime can be started: {error}")).with_source(error)
        })?;
        let fresh = Box::into_raw(Box::new(built));
        match RUNTIME.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: `fresh` is ours and from now on never freed.
            Ok(_) => Ok(unsafe { &*fresh }),
            Err(winner) => {
                // SAFETY: `fresh` was never published; `winner` is another thread's, published and never freed.
                unsafe { Box::from_raw(fresh) }.shutdown_background();
                // SAFETY: as above.
                Ok(unsafe { &*winner })
            }
        }
    }

    #[cfg(unix)]
    fn notice_forks() {
        /// Runs in the child between `fork` and whatever comes next: nothing but atomics is allowed here.
        extern "C" fn forked() {
            RUNTIME.store(null_mut(), Ordering::Release);
            GENERATION.fetch_add(1, Ordering::AcqRel);
        }
        static HOOK: Once = Once::new();
        // SAFETY: the handler is async-signal-safe and lives as long as the program.
        HOOK.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(forked));
        });
    }

    #[cfg(not(unix))]
    fn notice_forks() {
        let _ = Once::new();
    }
}

#[cfg(feature = "process")]
mod running {
    use std::{
        future::Future,
        sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
        time::Duration,
    };

    use tokio::task::AbortHandle;

    use super::runtime;
    use crate::error::{Error, ErrorKind, Result};

    /// Carries what a call has to tell, in order, to the thread that made it.
    pub struct Teller<M>(Sender<Said<(), M>>);

    impl<M> Clone for Teller<M> {
        fn clone(&self) -> Self {
            Self(self.0.clone())
        }
    }

    impl<M> Teller<M> {
        /// Tells the caller. False if it has gone away.
        pub fn tell(&self, message: M) -> bool {
            self.0.send(Said::Message(message)).is_ok()
        }
    }

    /// What the caller of a running call hears next.
    pub enum Said<T, M> {
        /// Something on the way.
        Message(M),
        /// The end.
        Done(Result<T>),
        /// Nothing within the caller's patience.
        Nothing,
    }

    /// A call that runs on the process's runtime while its caller's thread waits, and stops when this is dropped.
    pub struct Running<T, M> {
        messages: Receiver<Said<(), M>>,
        outcome: Receiver<Result<T>>,
        abort: AbortHandle,
    }

    /// Starts a call. `work` is given the means to speak to the caller's thread: callbacks run there, never on a
    /// thread of the runtime.
    pub fn start<T, M, F>(work: impl FnOnce(Teller<M>) -> F) -> Result<Running<T, M>>
    where
        T: Send + 'static,
        M: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (sender, messages) = channel();
        let (finish, outcome) = channel();
        // Calls are futures of kilobytes, and every layer that takes one by value holds it twice.
        let work = Box::pin(work(Teller(sender.clone())));
        let task = runtime()?.spawn(async move {
            // The receiver is gone only if nobody wants the outcome.
            let _ = finish.send(work.await);
            let _ = sender.send(Said::Done(Ok(())));
        });
        Ok(Running { messages, outcome, abort: task.abort_handle() })
    }

    impl<T, M> Running<T, M> {
        /// Stops the call and waits, for as long as `patience`, until it has let go of what it held.
        pub fn stop(self, patience: Duration) {
            self.abort.abort();
            // Disconnected when the call is dropped: there is nothing to read.
            let _ = self.outcome.recv_timeout(patience);
        }

        /// Waits for what the call says next, for as long as `patience`.
        pub fn next(&self, patience: Duration) -> Said<T, M> {
            match self.messages.recv_timeout(patience) {
                Ok(Said::Message(message)) => Said::Message(message),
                Ok(Said::Done(_)) | Err(RecvTimeoutError::Disconnected) => {
                    Said::Done(self.outcome.try_recv().unwrap_or_else(|_| Err(defect())))
                }
                Ok(Said::Nothing) | Err(RecvTimeoutError::Timeout) => Said::Nothing,
            }
        }
    }

    impl<T, M> Drop for Running<T, M> {
        fn drop(&mut self) {
            self.abort.abort();
        }
    }

    /// A call that ended without an outcome has panicked.
    pub(super) fn defect() -> Error {
        Error::new(ErrorKind::Internal, "the call ended without an outcome: a defect of xiezhen; please report it")
    }
}
