//! What the runtime has to tell an environment of Node: the main thread is one, each worker another.
//!
//! Messages gather in the environment's mailbox, and its loop takes them out in slices of a millisecond. JavaScript calls
//! the callbacks afterwards: were they called from here, a worker that is terminated in one of them would end the whole
//! process (Node 22 and later).

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use napi::{
    Env, Status,
    bindgen_prelude::{Array, FromNapiValue, Function, JsValuesTupleIntoVec, ToNapiValue, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue},
};
use napi_derive::napi;
use xiezhen::{
    Error, Result,
    process::{self, spawn},
};

use crate::error::Failure;

/// How long the loop is kept at a time.
const SLICE: Duration = Duration::from_millis(1);
/// With more calls than this in flight, messages gather for a moment before the loop is woken: the wake-up costs more
/// than the messages, and nobody with so many calls waits for a single one.
const FEW: usize = 32;
const MOMENT: Duration = Duration::from_millis(1);

/// Which call. It is used again once the call's end was read.
#[napi]
pub type Ticket = u32;

/// A callback of JavaScript. Weak: it keeps no process alive, the calls in flight do.
pub(crate) type Callback<A, R> = ThreadsafeFunction<A, R, A, Status, false, true>;

/// Makes a function callable from any thread.
pub(crate) fn callback<A, R>(function: &Function<'_, A, R>) -> napi::Result<Callback<A, R>>
where
    A: JsValuesTupleIntoVec + 'static,
    R: FromNapiValue,
{
    function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()
}

/// What a message says of its call.
#[napi]
#[derive(PartialEq, Eq)]
pub enum MessageKind {
    /// Something on the way.
    Progress,
    /// The end, with what came of it.
    Resolved,
    /// The end, with the failure.
    Rejected,
}

/// A value of JavaScript, made on its thread.
type Value = Box<dyn for<'env> FnOnce(&'env Env) -> napi::Result<Unknown<'env>> + Send>;

struct Message {
    ticket: Ticket,
    kind: MessageKind,
    value: Value,
}

/// What was sent to one environment and is not taken out yet.
pub(crate) struct Mailbox {
    messages: process::Mailbox<Message>,
    waker: Mutex<Callback<(), UnknownReturnValue>>,
    /// Calls whose end has not been taken out.
    in_flight: AtomicUsize,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    /// A mailbox whose environment is woken by `waker` when messages have come.
    pub(crate) fn new(waker: Callback<(), UnknownReturnValue>) -> Self {
        Self { messages: process::Mailbox::default(), waker: Mutex::new(waker), in_flight: AtomicUsize::new(0) }
    }

    /// One call more is in flight: the first keeps the environment alive.
    #[allow(deprecated)] // Handles that are cloned and dropped would be a new function of libuv for each call.
    pub(crate) fn begin(&self, env: &Env) -> napi::Result<()> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) == 0 { lock(&self.waker).refer(env) } else { Ok(()) }
    }

    #[allow(deprecated)]
    fn end(&self, env: &Env) -> napi::Result<()> {
        if self.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 { lock(&self.waker).unref(env) } else { Ok(()) }
    }

    /// Leaves a message, from any thread.
    fn post(self: &Arc<Self>, message: Message) {
        if !self.messages.push(message) {
            return;
        }
        if self.in_flight.load(Ordering::Relaxed) <= FEW {
            return self.wake();
        }
        let mailbox = self.clone();
        let later = spawn(async move {
            tokio::time::sleep(MOMENT).await;
            mailbox.wake();
        });
        if later.is_err() {
            self.wake();
        }
    }

    fn wake(&self) {
        // Fails only if the environment is ending: nobody is left to be told.
        lock(&self.waker).call((), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Takes messages out for as long as a slice: ticket, kind and value of each go into `taken`. Says which calls have
    /// ended. True if there may be more.
    pub(crate) fn take(&self, env: &Env, taken: &mut Array<'_>, ended: impl Fn(Ticket)) -> napi::Result<bool> {
        self.messages.read(SLICE, |Message { ticket, kind, value }| {
            if kind != MessageKind::Progress {
                ended(ticket);
                self.end(env)?;
            }
            let value = value(env)?;
            taken.insert(ticket)?;
            taken.insert(kind as u32)?;
            taken.insert(value)
        })
    }
}

fn value<T: ToNapiValue>(make: impl FnOnce() -> T + Send + 'static) -> Value {
    value_with(|_| Ok(make()))
}

fn value_with<T: ToNapiValue>(make: impl FnOnce(&Env) -> napi::Result<T> + Send + 'static) -> Value {
    Box::new(|env| make(env)?.into_unknown(env))
}

/// Sends what happens on the way of one call, and nothing after its end: then its ticket may be another call's.
#[derive(Clone)]
pub(crate) struct Sender {
    mailbox: Arc<Mailbox>,
    ticket: Ticket,
    over: Arc<Mutex<bool>>,
}

impl Sender {
    /// Sends what `make` makes when it is taken out: until then it takes little room.
    pub(crate) fn send<T: ToNapiValue>(&self, make: impl FnOnce(&Env) -> napi::Result<T> + Send + 'static) {
        let over = lock(&self.over);
        if !*over {
            self.mailbox.post(Message { ticket: self.ticket, kind: MessageKind::Progress, value: value_with(make) });
        }
    }
}

/// Sends how a call ends: dropped without an outcome, the call was stopped, or has panicked.
pub(crate) struct Completion {
    mailbox: Arc<Mailbox>,
    ticket: Ticket,
    sent: bool,
    /// Of the senders, if there are any.
    over: Option<Arc<Mutex<bool>>>,
}

impl Completion {
    pub(crate) fn new(mailbox: Arc<Mailbox>, ticket: Ticket) -> Self {
        Self { mailbox, ticket, sent: false, over: None }
    }

    /// Sends on the way to this end.
    pub(crate) fn sender(&mut self) -> Sender {
        let over = self.over.get_or_insert_default().clone();
        Sender { mailbox: self.mailbox.clone(), ticket: self.ticket, over }
    }

    pub(crate) fn send<T: ToNapiValue + Send + 'static>(mut self, outcome: Result<T>) {
        self.post(outcome);
    }

    fn post<T: ToNapiValue + Send + 'static>(&mut self, outcome: Result<T>) {
        self.sent = true;
        if let Some(over) = &self.over {
            *lock(over) = true;
        }
        let (kind, value) = match outcome {
            Ok(outcome) => (MessageKind::Resolved, value(|| outcome)),
            Err(error) => (MessageKind::Rejected, value(move || Failure::from(&error))),
        };
        self.mailbox.post(Message { ticket: self.ticket, kind, value });
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if self.sent {
            return;
        }
        let why = if std::thread::panicking() { Error::defect() } else { Error::cancelled("the call") };
        self.post::<()>(Err(why));
    }
}
