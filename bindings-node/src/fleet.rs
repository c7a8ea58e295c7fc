//! What `xiezhen/stores` and the integration with a task queue need of the core.

use std::{collections::HashMap, sync::Arc, time::Duration};

use napi::{
    Env,
    bindgen_prelude::{Function, Promise},
};
use napi_derive::napi;
use xiezhen::{Error, ErrorKind, ReservedPermits, store};

use crate::{client::ClientHandle, error::or_throw, mailbox::callback};

/// What the stores run, by operation.
#[napi(object, object_from_js = false)]
pub struct StoreTexts {
    /// The scripts of Redis.
    pub redis: HashMap<&'static str, &'static str>,
    /// The statements of PostgreSQL.
    pub postgres: HashMap<&'static str, &'static str>,
}

/// What the stores run, by operation.
#[napi(catch_unwind)]
pub fn store_texts() -> StoreTexts {
    StoreTexts { redis: store::REDIS.into_iter().collect(), postgres: store::POSTGRES.into_iter().collect() }
}

/// Refuses what can't be a job's key.
#[napi(catch_unwind)]
pub fn check_key(env: &Env, key: String) -> napi::Result<()> {
    or_throw(env, store::check_key(&key))
}

/// What a store has to know of a job.
#[napi(object, object_from_js = false)]
pub struct Intents {
    /// An intent waits for its answer.
    pub open: bool,
    /// The outcome of a create is unknown.
    pub unknown: bool,
}

/// What a store has to know of a job's JSON.
#[napi(catch_unwind)]
pub fn intents(json: String) -> Intents {
    let store::Intents { open, unknown } = store::Intents::read(&json);
    Intents { open, unknown }
}

/// Has the client take its permits from `reserve`, which is called with how many it needs, and resolves with the
/// microseconds until the first and between two.
#[napi(catch_unwind, ts_args_type = "client: Client, reserve: (count: number) => Promise<number[]>")]
pub fn share_rate(client: &ClientHandle, reserve: Function<'_, u32, Promise<Vec<f64>>>) -> napi::Result<()> {
    let reserve = Arc::new(callback(&reserve)?);
    client.client.share_rate(Arc::new(move |count| {
        let reserve = reserve.clone();
        Box::pin(async move {
            let failed = |why: String| Error::new(ErrorKind::Io, format!("no permits can be reserved: {why}"));
            let asked = reserve.call_async(count as u32).await.map_err(|error| failed(error.to_string()))?;
            let reserved = asked.await.map_err(|error| failed(error.to_string()))?;
            let time = |index: usize| Duration::from_micros(reserved.get(index).map_or(0, |us| us.max(0.0) as u64));
            Ok(ReservedPermits { after: time(0), spacing: time(1) })
        })
    }));
    Ok(())
}
