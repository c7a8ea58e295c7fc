//! Signals that end the command: work stops at once, but a create under way is not left without its answer unless one
//! insists.

use std::{future::Future, pin::pin, time::Duration};

#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

#[cfg(unix)]
use self::unix::Signal;
use super::{print, text};
use crate::{
    client::Client,
    error::{Error, Result},
    photo::interrupted,
};

/// Does what reads or writes files while signals are heard: a disk may hang.
pub(super) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(interrupted)
}

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
        let listen = |signal: u8| {
            if crate::process::is_ignored(signal.into()) { None } else { Signal::listen(signal.into()).ok() }
        };
        Self { interrupts: listen(SIGINT), terminates: listen(SIGTERM), hangs_up: listen(SIGHUP), signal: None }
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
        #[cfg(unix)]
        heard(&mut self.interrupts).await;
        #[cfg(windows)]
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
        Some(listener) => listener.recv().await,
        None => std::future::pending::<()>().await,
    }
}

/// Not tokio's signals: with those, every runtime of this process would need one pipe, which a forked child that closes what
/// it inherited does not have.
#[cfg(unix)]
mod unix {
    use std::io;

    use signal_hook::{SigId, low_level};
    use tokio::net::UnixStream;

    pub(super) struct Signal {
        pipe: UnixStream,
        id: SigId,
    }

    impl Signal {
        pub(super) fn listen(signal: i32) -> io::Result<Self> {
            let (pipe, told) = UnixStream::pair()?;
            let id = low_level::pipe::register(signal, told.into_std()?)?;
            Ok(Self { pipe, id })
        }

        /// Returns when the signal has come.
        pub(super) async fn recv(&mut self) {
            while self.pipe.readable().await.is_ok() {
                match self.pipe.try_read(&mut [0; 16]) {
                    Ok(1..) => return,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(0) | Err(_) => break,
                }
            }
            std::future::pending::<()>().await;
        }
    }

    impl Drop for Signal {
        fn drop(&mut self) {
            low_level::unregister(self.id);
        }
    }
}
