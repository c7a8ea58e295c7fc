//! A call that blocks its thread, which drives the library's runtime meanwhile; what the call reports is heard here.

use tokio_util::sync::CancellationToken;
use xiezhen_core::{
    Result,
    process::{self, Sender, Step},
};

use crate::{
    call::{Call, Emit, Message},
    log,
};

/// What a running call tells the thread that made it.
enum Told {
    Log(log::Line),
    Message(Message),
}

/// Makes a call that reports nothing before it ends, and waits for its end.
pub(crate) fn block_on<T: Send + 'static>(call: Call<T>) -> Result<T> {
    block_on_call(call, |_| Ok(()))
}

/// Waits for a future that is not a client's call.
pub(crate) fn block_on_future<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let mut running = process::start(|_: Sender<()>| work)?;
    loop {
        if let Step::Done(outcome) = running.next(None) {
            return outcome;
        }
    }
}

/// Makes a call and waits for its end. `hear` is given what it reports, on this thread; an error of `hear` stops the call.
pub(crate) fn block_on_call<T: Send + 'static>(
    call: Call<T>,
    mut hear: impl FnMut(Message) -> Result<()>,
) -> Result<T> {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let log = call.log();
    let mut running = process::start(|sender: Sender<Told>| {
        let lines = sender.clone();
        let emit = Emit::new(move |message| {
            sender.send(Told::Message(message));
        });
        call.start(stopped, emit, move |line| {
            lines.send(Told::Log(line));
        })
    })?;

    // The call is stopped by its token rather than dropped, so that it is gone when this returns.
    let mut refused = None;
    loop {
        match running.next(None) {
            Step::Message(Told::Log(line)) => {
                if let Some((_, log)) = &log {
                    log.tell(&line);
                }
            }
            Step::Message(Told::Message(message)) if refused.is_none() => {
                if let Err(error) = hear(message) {
                    refused = Some(error);
                    stop.cancel();
                }
            }
            Step::Message(_) | Step::Idle => {}
            Step::Done(outcome) => return refused.map_or(outcome, Err),
        }
    }
}
