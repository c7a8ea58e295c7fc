//! Promises of core futures, what stops them, and callbacks that speak to JavaScript on the way.

use std::{future::Future, sync::Arc};

use napi::{
    Env, Status,
    bindgen_prelude::{FromNapiValue, Function, JsValuesTupleIntoVec, PromiseRaw, ToNapiValue},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue},
};
use napi_derive::napi;
use tokio_util::sync::CancellationToken;
use xiezhen::{Error, Result};

use crate::error::thrown;

/// What a thread has under way. A thread is an environment of Node: a worker that is terminated leaves no call behind.
#[derive(Default)]
struct Environment(CancellationToken);

impl Drop for Environment {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

thread_local! {
    static ENVIRONMENT: Environment = Environment::default();
}

fn environment() -> CancellationToken {
    ENVIRONMENT.try_with(|environment| environment.0.clone()).unwrap_or_default()
}

/// Stops the calls that it was given to.
#[napi]
pub struct Cancel(CancellationToken);

#[napi]
impl Cancel {
    /// One that has stopped nothing yet.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(environment().child_token())
    }

    /// Stops them now.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// Runs `future` on napi's runtime; the promise is rejected with what it fails with, or when it is cancelled.
pub(crate) fn promise<'env, T, F>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    future: F,
) -> napi::Result<PromiseRaw<'env, T>>
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let token = cancel.map_or_else(environment, |cancel| cancel.0.clone());
    // Held once, not once for each layer that takes it by value: there may be ten thousand.
    let future = Box::pin(future);
    let race = async move {
        Ok(tokio::select! {
            biased;
            () = token.cancelled() => Err(Error::cancelled("the call")),
            outcome = future => outcome,
        })
    };
    env.spawn_future_with_callback(race, |env, outcome| outcome.map_err(|error| thrown(env, &error)))
}

/// A callback of the caller. Weak: it keeps no process alive, the promise that it belongs to does.
pub(crate) type Callback<A, R> = ThreadsafeFunction<A, R, A, Status, false, true>;

/// Makes a function callable from any thread.
pub(crate) fn callback<A, R>(function: &Function<'_, A, R>) -> napi::Result<Callback<A, R>>
where
    A: JsValuesTupleIntoVec + 'static,
    R: FromNapiValue,
{
    function.build_threadsafe_function().callee_handled::<false>().weak::<true>().build()
}

/// Tells a callback of the caller one thing after the other.
pub(crate) struct Teller<T: ToNapiValue + 'static>(Arc<Callback<Option<T>, UnknownReturnValue>>);

impl<T: ToNapiValue + 'static> Clone for Teller<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ToNapiValue + 'static> Teller<T> {
    pub(crate) fn new(function: &Function<'_, Option<T>, UnknownReturnValue>) -> napi::Result<Self> {
        Ok(Self(Arc::new(callback(function)?)))
    }

    pub(crate) fn tell(&self, what: T) {
        // Fails only if the environment is ending: nobody is left to be told.
        self.0.call(Some(what), ThreadsafeFunctionCallMode::NonBlocking);
    }

    /// Returns when the callback has been told everything: it hears `null` last.
    pub(crate) async fn flush(&self) {
        let _ = self.0.call_async(None).await;
    }
}
