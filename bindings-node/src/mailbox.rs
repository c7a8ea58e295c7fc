//! What the runtime has to tell an environment of Node: the main thread is one, each worker another.
//!
//! Letters gather in the environment's mailbox; its loop reads them in slices of a millisecond.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use napi::{
    Env, Status,
    bindgen_prelude::{FnArgs, FromNapiValue, Function, JsValuesTupleIntoVec, ToNapiValue, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue},
};
use xiezhen::{
    Error, ErrorKind, Result,
    process::{self, spawn},
};

use crate::{calls::Ticket, error::Failure};

/// How long the loop is kept at a time.
const SLICE: Duration = Duration::from_millis(1);
/// With more calls than this under way, letters gather for a moment before the loop is woken: the wake-up costs more
/// than what is told, and nobody with so many calls waits for one of them.
const FEW: usize = 32;
const MOMENT: Duration = Duration::from_millis(1);

/// A callback of JavaScript. Weak: it keeps no process alive, the calls under way do.
pub(crate) type Callback<A, R> = ThreadsafeFunction<A, R, A, Status, false, true>;

/// Makes a function callable from any thread.
pub(crate) fn callback<A, R>(function: &Function<'_, A, R>) -> napi::Result<Callback<A, R>>
where
    A: JsValuesTupleIntoVec + 'static,
    R: FromNapiValue,
{
    function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()
}

/// Hears letters of one kind: the call's ticket, and the value.
pub(crate) type Ear<'env> = Function<'env, FnArgs<(Ticket, Unknown<'env>)>, UnknownReturnValue>;

/// Who hears letters.
pub(crate) struct Ears<'env> {
    /// Of something on the way.
    pub(crate) told: Ear<'env>,
    /// Of the end, with what came of it.
    pub(crate) resolved: Ear<'env>,
    /// Of the end, with the failure.
    pub(crate) rejected: Ear<'env>,
}

/// A value of JavaScript, made on its thread.
type Value = Box<dyn for<'env> FnOnce(&'env Env) -> napi::Result<Unknown<'env>> + Send>;

/// What a letter says of its call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Told,
    Resolved,
    Rejected,
}

struct Letter {
    ticket: Ticket,
    says: Says,
    value: Value,
}

/// What has been said to one environment and is not read yet.
pub(crate) struct Mailbox {
    letters: process::Mailbox<Letter>,
    bell: Mutex<Callback<(), UnknownReturnValue>>,
    /// Calls whose end has not been read.
    under_way: AtomicUsize,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mailbox {
    /// A mailbox whose environment is called through `bell` when letters have come.
    pub(crate) fn new(bell: Callback<(), UnknownReturnValue>) -> Self {
        Self { letters: process::Mailbox::default(), bell: Mutex::new(bell), under_way: AtomicUsize::new(0) }
    }

    /// One call more is under way: the first keeps the environment alive.
    #[allow(deprecated)] // Handles that are cloned and dropped would be a new function of libuv for each call.
    pub(crate) fn begin(&self, env: &Env) -> napi::Result<()> {
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 { lock(&self.bell).refer(env) } else { Ok(()) }
    }

    #[allow(deprecated)]
    fn end(&self, env: &Env) -> napi::Result<()> {
        if self.under_way.fetch_sub(1, Ordering::Relaxed) == 1 { lock(&self.bell).unref(env) } else { Ok(()) }
    }

    /// Leaves a letter, from any thread.
    fn post(self: &Arc<Self>, letter: Letter) {
        if !self.letters.post(letter) {
            return;
        }
        if self.under_way.load(Ordering::Relaxed) <= FEW {
            return self.ring();
        }
        let mailbox = self.clone();
        let later = spawn(async move {
            tokio::time::sleep(MOMENT).await;
            mailbox.ring();
        });
        if later.is_err() {
            self.ring();
        }
    }

    fn ring(&self) {
        // Fails only if the environment is ending: nobody is left to be told.
        lock(&self.bell).call((), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Reads letters for as long as a slice, and says which calls have ended. True if there may be more.
    pub(crate) fn read(&self, env: &Env, ears: &Ears<'_>, ended: impl Fn(Ticket)) -> napi::Result<bool> {
        self.letters.read(SLICE, |Letter { ticket, says, value }| {
            if says != Says::Told {
                ended(ticket);
                self.end(env)?;
            }
            let ear = match says {
                Says::Told => &ears.told,
                Says::Resolved => &ears.resolved,
                Says::Rejected => &ears.rejected,
            };
            ear.call(FnArgs::from((ticket, value(env)?))).map(drop)
        })
    }
}

fn value<T: ToNapiValue>(make: impl FnOnce() -> T + Send + 'static) -> Value {
    Box::new(|env| make().into_unknown(env))
}

/// Tells of one call what happens on the way, and nothing after its end: then its ticket may be another call's.
#[derive(Clone)]
pub(crate) struct Teller {
    mailbox: Arc<Mailbox>,
    ticket: Ticket,
    over: Arc<Mutex<bool>>,
}

impl Teller {
    /// Tells of what `make` makes when it is read: until then it takes little room.
    pub(crate) fn tell<T: ToNapiValue>(&self, make: impl FnOnce() -> T + Send + 'static) {
        let over = lock(&self.over);
        if !*over {
            self.mailbox.post(Letter { ticket: self.ticket, says: Says::Told, value: value(make) });
        }
    }
}

/// Tells how a call ends: dropped without an outcome, the call was stopped, or has panicked.
pub(crate) struct Ending {
    mailbox: Arc<Mailbox>,
    ticket: Ticket,
    told: bool,
    /// Of the tellers, if there are any.
    over: Option<Arc<Mutex<bool>>>,
}

impl Ending {
    pub(crate) fn new(mailbox: Arc<Mailbox>, ticket: Ticket) -> Self {
        Self { mailbox, ticket, told: false, over: None }
    }

    /// Tells on the way to this end.
    pub(crate) fn teller(&mut self) -> Teller {
        let over = self.over.get_or_insert_default().clone();
        Teller { mailbox: self.mailbox.clone(), ticket: self.ticket, over }
    }

    pub(crate) fn tell<T: ToNapiValue + Send + 'static>(mut self, outcome: Result<T>) {
        self.post(outcome);
    }

    fn post<T: ToNapiValue + Send + 'static>(&mut self, outcome: Result<T>) {
        self.told = true;
        if let Some(over) = &self.over {
            *lock(over) = true;
        }
        let (says, value) = match outcome {
            Ok(outcome) => (Says::Resolved, value(|| outcome)),
            Err(error) => (Says::Rejected, value(move || Failure::from(&error))),
        };
        self.mailbox.post(Letter { ticket: self.ticket, says, value });
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let defect = || Error::new(ErrorKind::Internal, "a call has panicked: a defect of xiezhen; please report it");
        let why = if std::thread::panicking() { defect() } else { Error::cancelled("the call") };
        self.post::<()>(Err(why));
    }
}
