//! The runtime that this process shares between all clients of a binding, and what a fork does to it.
//!
//! A forked child has none of the parent's threads. Its runtime is made anew, and the clients notice by the
//! generation that their connections belong to somebody else. The parent's runtime is leaked in the child: dropping
//! it would wait for threads that do not exist.

#[cfg(feature = "process")]
mod host;
#[cfg(feature = "process")]
mod mailbox;
#[cfg(feature = "process")]
mod running;

#[cfg(feature = "process")]
use self::host::Host;
#[cfg(feature = "process")]
pub use self::{
    mailbox::Mailbox,
    running::{Running, Said, Teller, spawn, start},
    shared::runtime,
};
#[cfg(feature = "process")]
pub(crate) use shared::generation;
#[cfg(feature = "process")]
use shared::host;

/// Without a runtime of its own, no fork is noticed.
#[cfg(not(feature = "process"))]
pub(crate) const fn generation() -> u32 {
    0
}

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

    use tokio::runtime::Runtime;

    use super::Host;
    use crate::error::Result;

    static HOST: AtomicPtr<Host> = AtomicPtr::new(null_mut());
    static GENERATION: AtomicU32 = AtomicU32::new(0);

    /// How often this process's line of ancestors has forked since the first use of the runtime.
    pub(crate) fn generation() -> u32 {
        GENERATION.load(Ordering::Acquire)
    }

    /// The runtime of this process, made when first asked for, with one thread: plenty for waiting on the network.
    pub fn runtime() -> Result<&'static Runtime> {
        Ok(&host()?.runtime)
    }

    pub(super) fn host() -> Result<&'static Host> {
        // SAFETY: the pointer is null or came from `Box::into_raw` below, and is never freed once it was stored.
        if let Some(host) = unsafe { HOST.load(Ordering::Acquire).as_ref() } {
            return Ok(host);
        }
        notice_forks();
        let fresh = Box::into_raw(Box::new(Host::new()?));
        match HOST.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                // SAFETY: `fresh` is ours and from now on never freed.
                let host = unsafe { &*fresh };
                // Without its thread it is of no use; it may have a better chance later.
                host.attend().inspect_err(|_| HOST.store(null_mut(), Ordering::Release))?;
                Ok(host)
            }
            Err(winner) => {
                // SAFETY: `fresh` was never published; `winner` is another thread's, published and never freed.
                unsafe { Box::from_raw(fresh) }.runtime.shutdown_background();
                // SAFETY: as above.
                Ok(unsafe { &*winner })
            }
        }
    }

    #[cfg(unix)]
    fn notice_forks() {
        /// Runs in the child between `fork` and whatever comes next: nothing but atomics is allowed here.
        extern "C" fn forked() {
            HOST.store(null_mut(), Ordering::Release);
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
