//! The calls that an environment of Node has in flight: each has a ticket, with which its promise is found in
//! `lib/call.ts` when its messages are taken out.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use napi::{
    Env,
    bindgen_prelude::{Array, Function, ToNapiValue},
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
    mailbox::{Completion, Mailbox, Sender, Ticket, callback, lock},
};

/// Stops a call when it is dropped.
#[expect(dead_code, reason = "held to be dropped")]
enum Stop {
    Task(AbortOnDropHandle<()>),
    Wait(Wait),
}

/// What one environment has in flight. It ends with the environment: a worker that is terminated leaves no call behind.
#[napi]
pub struct Calls {
    mailbox: Arc<Mailbox>,
    /// By ticket; empty while a call is begun, and once it was stopped.
    stops: Mutex<Slab<Option<Stop>>>,
    /// Calls whose end was taken out. JavaScript has read it only when it takes out more: until then no other call may
    /// have one of these tickets.
    ended: Mutex<Vec<Ticket>>,
}

#[napi]
impl Calls {
    /// Calls whose messages are to be taken out when `wake` is called.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake: Function<'_, (), UnknownReturnValue>) -> napi::Result<Self> {
        let mailbox = Arc::new(Mailbox::new(callback(&wake)?));
        Ok(Self { mailbox, stops: Mutex::default(), ended: Mutex::default() })
    }

    /// Takes messages out for a millisecond: ticket, kind and value of each go into `taken`, which is empty. True if there
    /// may be more: take them in another turn of the loop.
    #[napi(catch_unwind)]
    pub fn take(&self, env: &Env, mut taken: Array<'_>) -> napi::Result<bool> {
        for ticket in std::mem::take(&mut *lock(&self.ended)) {
            lock(&self.stops).try_remove(ticket as usize);
        }
        self.mailbox.take(env, &mut taken, |ticket| {
            self.stop(ticket);
            lock(&self.ended).push(ticket);
        })
    }

    /// Stops a call; that it was cancelled is told when it has let go of what it held.
    #[napi(catch_unwind)]
    pub fn stop(&self, ticket: Ticket) {
        // Not under the lock: it may post a message.
        let stop = lock(&self.stops).get_mut(ticket as usize).and_then(Option::take);
        drop(stop);
    }
}

impl Calls {
    fn open(&self, env: &Env) -> napi::Result<(Ticket, Completion)> {
        self.mailbox.begin(env)?;
        let ticket = lock(&self.stops).insert(None) as Ticket;
        Ok((ticket, Completion::new(self.mailbox.clone(), ticket)))
    }

    fn in_flight(&self, ticket: Ticket, stop: Stop) -> Ticket {
        if let Some(slot) = lock(&self.stops).get_mut(ticket as usize) {
            *slot = Some(stop);
        }
        ticket
    }

    /// Starts a call on the runtime and returns its ticket.
    pub(crate) fn start<T, F>(&self, env: &Env, work: impl FnOnce(Sender) -> F) -> napi::Result<Ticket>
    where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (ticket, mut completion) = self.open(env)?;
        // Held once, not once for each layer that takes it by value.
        let work = Box::pin(work(completion.sender()));
        let task = spawn(async move {
            // Dropped last: a call that is stopped has let go of everything when that is told.
            let completion = completion;
            let outcome = work.await;
            completion.send(outcome);
        });
        let task = or_throw(env, task)?;
        Ok(self.in_flight(ticket, Stop::Task(AbortOnDropHandle::new(task))))
    }

    /// Starts a wait, which needs no task of the runtime, and returns its ticket.
    pub(crate) fn wait(&self, env: &Env, begin: impl FnOnce(Completion) -> Result<Wait>) -> napi::Result<Ticket> {
        let runtime = or_throw(env, runtime())?;
        let (ticket, completion) = self.open(env)?;
        let within = runtime.enter();
        let wait = or_throw(env, begin(completion))?;
        drop(within);
        Ok(self.in_flight(ticket, Stop::Wait(wait)))
    }
}
