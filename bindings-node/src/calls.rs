//! The calls that an environment of Node has under way: each has a ticket, with which its promise is found in
//! `lib/call.ts` when its letters are read.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use napi::{
    Env,
    bindgen_prelude::{Function, ToNapiValue},
    threadsafe_function::UnknownReturnValue,
};
use napi_derive::napi;
use slab::Slab;
use tokio_util::task::AbortOnDropHandle;
use xiezhen::{
    Result, Wait,
    process::{runtime, spawn},
};

use crate::{
    error::or_throw,
    mailbox::{Ear, Ears, Ending, Mailbox, Teller, callback, lock},
};

/// Which call. It is used again once the call's end was read.
#[napi]
pub type Ticket = u32;

/// Stops a call when it is dropped.
#[expect(dead_code, reason = "held to be dropped")]
enum Stop {
    Task(AbortOnDropHandle<()>),
    Wait(Wait),
}

/// What one environment has under way. It ends with the environment: a worker that is terminated leaves no call behind.
#[napi]
pub struct Calls {
    mailbox: Arc<Mailbox>,
    /// By ticket; empty while a call is begun, and once it was stopped.
    stops: Mutex<Slab<Option<Stop>>>,
}

#[napi]
impl Calls {
    /// Calls whose letters are to be read when `wake` is called.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake: Function<'_, (), UnknownReturnValue>) -> napi::Result<Self> {
        let mailbox = Arc::new(Mailbox::new(callback(&wake)?));
        Ok(Self { mailbox, stops: Mutex::default() })
    }

    /// Reads letters for a millisecond: has one of these hear each. True if there may be more: read on in another turn
    /// of the loop.
    #[napi(
        catch_unwind,
        ts_args_type = "told: (ticket: Ticket, what: unknown) => void, resolved: (ticket: Ticket, value: unknown) => void, \
            rejected: (ticket: Ticket, failure: Failure) => void"
    )]
    pub fn read(&self, env: &Env, told: Ear<'_>, resolved: Ear<'_>, rejected: Ear<'_>) -> napi::Result<bool> {
        self.mailbox.read(env, &Ears { told, resolved, rejected }, |ticket| drop(self.close(ticket)))
    }

    /// Stops a call; that it was cancelled is told when it has let go of what it held.
    #[napi(catch_unwind)]
    pub fn stop(&self, ticket: Ticket) {
        // Not under the lock: it may post a letter.
        let stop = lock(&self.stops).get_mut(ticket as usize).and_then(Option::take);
        drop(stop);
    }
}

impl Calls {
    fn open(&self, env: &Env) -> napi::Result<(Ticket, Ending)> {
        self.mailbox.begin(env)?;
        let ticket = lock(&self.stops).insert(None) as Ticket;
        Ok((ticket, Ending::new(self.mailbox.clone(), ticket)))
    }

    fn under_way(&self, ticket: Ticket, stop: Stop) -> Ticket {
        if let Some(place) = lock(&self.stops).get_mut(ticket as usize) {
            *place = Some(stop);
        }
        ticket
    }

    fn close(&self, ticket: Ticket) -> Option<Stop> {
        lock(&self.stops).try_remove(ticket as usize).flatten()
    }

    /// Starts a call on the runtime and returns its ticket.
    pub(crate) fn start<T, F>(&self, env: &Env, work: impl FnOnce(Teller) -> F) -> napi::Result<Ticket>
    where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (ticket, mut ending) = self.open(env)?;
        // Held once, not once for each layer that takes it by value.
        let work = Box::pin(work(ending.teller()));
        let task = spawn(async move {
            // Dropped last: a call that is stopped has let go of everything when that is told.
            let ending = ending;
            let outcome = work.await;
            ending.tell(outcome);
        });
        let task = or_throw(env, task)?;
        Ok(self.under_way(ticket, Stop::Task(AbortOnDropHandle::new(task))))
    }

    /// Starts a wait, which needs no task of the runtime, and returns its ticket.
    pub(crate) fn wait(&self, env: &Env, begin: impl FnOnce(Ending) -> Result<Wait>) -> napi::Result<Ticket> {
        let runtime = or_throw(env, runtime())?;
        let (ticket, ending) = self.open(env)?;
        let within = runtime.enter();
        let wait = or_throw(env, begin(ending))?;
        drop(within);
        Ok(self.under_way(ticket, Stop::Wait(wait)))
    }
}
