//! The runtime that this process shares between all clients of a binding, and what a fork does to it.
//!
//! A forked child has none of the parent's threads. Its runtime is made anew, and the clients notice by the
//! generation that their connections belong to somebody else. The parent's runtime is leaked in the child: dropping
//! it would wait for threads that do not exist.

mod billed;
#[cfg(feature = "process")]
mod blocking_call;
#[cfg(feature = "process")]
mod handover;
#[cfg(feature = "process")]
mod mailbox;
#[cfg(feature = "process")]
mod runtime_driver;

pub(crate) use self::billed::BilledCall;
#[cfg(feature = "process")]
pub(crate) use self::blocking_call::calling_thread;
#[cfg(feature = "process")]
use self::runtime_driver::RuntimeDriver;
#[cfg(feature = "process")]
pub use self::{
    billed::billed_calls,
    blocking_call::{BlockingCall, Sender, Step, spawn, start},
    mailbox::Mailbox,
    shared::{generation, runtime},
};
#[cfg(feature = "process")]
use shared::driver;

/// Without a runtime of its own, no fork is noticed.
#[cfg(not(feature = "process"))]
pub(crate) const fn generation() -> u32 {
    0
}

/// Nor is any thread known that waits for a call.
#[cfg(not(feature = "process"))]
pub(crate) const fn calling_thread() -> Option<std::thread::ThreadId> {
    None
}

/// What the hand-over is made of: `tests/loom` puts loom's in their place.
#[cfg(feature = "process")]
mod sync {
    pub(super) use std::{
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        thread,
    };

    pub(super) use tokio::sync::Notify;
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

    use super::RuntimeDriver;
    use crate::error::Result;

    static DRIVER: AtomicPtr<RuntimeDriver> = AtomicPtr::new(null_mut());
    static GENERATION: AtomicU32 = AtomicU32::new(0);

    /// How often this process's line of ancestors has forked since the first use of the runtime.
    pub fn generation() -> u32 {
        GENERATION.load(Ordering::Acquire)
    }

    /// The runtime of this process, made when first asked for, with one thread: plenty for waiting on the network.
    pub fn runtime() -> Result<&'static Runtime> {
        Ok(&driver()?.runtime)
    }

    pub(super) fn driver() -> Result<&'static RuntimeDriver> {
        // SAFETY: the pointer is null or came from `Box::into_raw` below, and is never freed once it was stored.
        if let Some(driver) = unsafe { DRIVER.load(Ordering::Acquire).as_ref() } {
            return Ok(driver);
        }
        notice_forks();
        let fresh = Box::into_raw(Box::new(RuntimeDriver::new()?));
        match DRIVER.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                // SAFETY: `fresh` is ours and from now on never freed.
                let driver = unsafe { &*fresh };
                // Without its thread it is of no use; it may have a better chance later.
                driver.start_background_thread().inspect_err(|_| DRIVER.store(null_mut(), Ordering::Release))?;
                Ok(driver)
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
            DRIVER.store(null_mut(), Ordering::Release);
            GENERATION.fetch_add(1, Ordering::AcqRel);
            super::billed::forget();
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

/// Whether this process was started with `signal` ignored, as `nohup` does with SIGHUP.
#[cfg(all(feature = "cli", unix))]
#[allow(unsafe_code)]
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: the action is a plain structure that `sigaction` fills in; nothing is changed.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
    }
}

/// Signals are the program's: none of its handlers runs on a thread of ours, and a connection that the service has
/// closed is an error, where SIGPIPE would end a program in C.
#[cfg(all(feature = "process", unix))]
mod signals {
    #![allow(unsafe_code)]

    use std::{marker::PhantomData, mem, ptr::null_mut};

    use libc::{SIG_BLOCK, SIG_SETMASK, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGPIPE, SIGSEGV, SIGSYS, SIGTRAP, sigset_t};

    /// Blocks on this thread, for good, what may as well be handled on another.
    pub(super) fn leave_to_others() {
        // SAFETY: `set` is a plain structure that `sigfillset` fills in; the mask is this thread's own.
        unsafe {
            let mut set = mem::zeroed::<sigset_t>();
            libc::sigfillset(&raw mut set);
            // What a thread has done wrong itself ends the program even where it is blocked, but unexplained.
            for signal in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP] {
                libc::sigdelset(&raw mut set, signal);
            }
            libc::pthread_sigmask(SIG_BLOCK, &raw const set, null_mut());
        }
    }

    /// While this lives, writing to a closed connection raises nothing on this thread: std says so to `send`, but there is
    /// no such flag for `writev`.
    pub(super) struct NoBrokenPipe {
        before: sigset_t,
        /// One was pending already, and is the program's.
        was_pending: bool,
        // A mask is its thread's.
        _here: PhantomData<*const ()>,
    }

    impl NoBrokenPipe {
        pub(super) fn begin() -> Self {
            let pipe = pipe();
            // SAFETY: the sets are plain structures, and the mask is this thread's own.
            unsafe {
                let mut before = mem::zeroed::<sigset_t>();
                libc::pthread_sigmask(SIG_BLOCK, &raw const pipe, &raw mut before);
                let mut pending = mem::zeroed::<sigset_t>();
                // Where it was not blocked, none can have waited.
                let was_pending = libc::sigismember(&raw const before, SIGPIPE) == 1
                    && libc::sigpending(&raw mut pending) == 0
                    && libc::sigismember(&raw const pending, SIGPIPE) == 1;
                Self { before, was_pending, _here: PhantomData }
            }
        }
    }

    impl Drop for NoBrokenPipe {
        fn drop(&mut self) {
            // SAFETY: as above; without patience, `sigtimedwait` takes what is there.
            unsafe {
                // Apple's sockets raise nothing to begin with, and there is no such call.
                #[cfg(target_vendor = "apple")]
                let _ = self.was_pending;
                #[cfg(not(target_vendor = "apple"))]
                if !self.was_pending {
                    let (pipe, at_once) = (pipe(), libc::timespec { tv_sec: 0, tv_nsec: 0 });
                    libc::sigtimedwait(&raw const pipe, null_mut(), &raw const at_once);
                }
                libc::pthread_sigmask(SIG_SETMASK, &raw const self.before, null_mut());
            }
        }
    }

    fn pipe() -> sigset_t {
        // SAFETY: a plain structure that `sigemptyset` fills in.
        unsafe {
            let mut set = mem::zeroed::<sigset_t>();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, SIGPIPE);
            set
        }
    }
}

/// Signals end no program here.
#[cfg(all(feature = "process", not(unix)))]
mod signals {
    pub(super) fn leave_to_others() {}

    pub(super) struct NoBrokenPipe;

    impl NoBrokenPipe {
        pub(super) fn begin() -> Self {
            Self
        }
    }
}
