//! Callbacks: their addresses, what comes to them, and the receiver.

use std::{collections::HashMap, sync::Arc};

use napi::{Env, bindgen_prelude::Uint8Array};
use napi_derive::napi;
use xiezhen::Callbacks;

use crate::{calls::Calls, error::or_throw, mailbox::Ticket, options::duration};

/// A callback that came, as JavaScript sees it.
#[napi(object)]
pub struct RawHint {
    /// The job's id, the store's key, or what `Callbacks.url` was given.
    pub key: String,
    /// `t` for the training, a style's index for its generation; absent for a single call.
    pub slot: Option<String>,
    /// Which create of that slot it belongs to; 0 for a single call.
    pub attempt: u32,
    /// Whatever looked like a task's id.
    pub task_ids: Vec<String>,
    /// What looked like the user's id, if there was only one.
    pub user_id: Option<String>,
    /// Whether the address was made with one of our secrets. The content is a stranger's all the same.
    pub verified: bool,
}

impl From<xiezhen::Hint> for RawHint {
    fn from(hint: xiezhen::Hint) -> Self {
        Self {
            key: hint.key,
            slot: hint.slot,
            attempt: hint.attempt,
            task_ids: hint.task_ids,
            user_id: hint.user_id,
            verified: hint.verified,
        }
    }
}

/// What a receiver is to answer, and what it was told.
#[napi(object, object_from_js = false)]
pub struct RawReceived {
    /// 204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too long.
    pub status: u16,
    /// The hint, where there is one.
    pub hint: Option<RawHint>,
}

/// A hint as its JSON has it.
#[napi(catch_unwind)]
pub fn hint_from_text(env: &Env, text: String) -> napi::Result<RawHint> {
    or_throw(env, xiezhen::Hint::from_json(&text)).map(RawHint::from)
}

/// How much of a body a receiver reads, but for one byte more.
#[napi]
pub const MAX_CALLBACK_BYTES: u32 = xiezhen::MAX_CALLBACK_BYTES as u32;
/// The methods that a receiver accepts, as the header `Allow` has them.
#[napi]
pub const CALLBACK_METHODS: &str = xiezhen::CALLBACK_METHODS;

/// Callbacks of the core.
#[napi(js_name = "Callbacks")]
pub struct CallbacksHandle {
    pub(crate) callbacks: Callbacks,
}

#[napi]
impl CallbacksHandle {
    /// Checks address and secrets, which this environment of Node fills in.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        public_url: Option<String>,
        secrets: Option<Vec<String>>,
        environment: HashMap<String, String>,
    ) -> napi::Result<Self> {
        let secrets = secrets.map(|secrets| secrets.into_iter().map(Into::into).collect());
        let look_up = |name: &str| environment.get(name).cloned();
        Ok(Self { callbacks: or_throw(env, Callbacks::from_parts(public_url.as_deref(), secrets, &look_up))? })
    }

    /// Where addresses begin.
    #[napi(getter, catch_unwind)]
    pub fn public_url(&self) -> &str {
        self.callbacks.public_url()
    }

    /// The address for a single call.
    #[napi(catch_unwind)]
    pub fn url(&self, env: &Env, key: String) -> napi::Result<String> {
        or_throw(env, self.callbacks.url(&key))
    }

    /// Reads one request that came to a receiver.
    #[napi(catch_unwind)]
    pub fn receive(
        &self,
        method: String,
        target: String,
        headers: Vec<(String, String)>,
        body: Uint8Array,
    ) -> RawReceived {
        let received = self.callbacks.receive(&method, &target, &headers, &body);
        RawReceived { status: received.status, hint: received.hint.map(Into::into) }
    }

    /// Hands a hint, as its JSON has it, to the jobs that run with these callbacks.
    #[napi(catch_unwind)]
    pub fn deliver(&self, env: &Env, hint: String) -> napi::Result<()> {
        self.callbacks.deliver(&or_throw(env, xiezhen::Hint::from_json(&hint))?);
        Ok(())
    }

    /// Receives callbacks on an address.
    #[napi(catch_unwind)]
    pub fn listen(&self, env: &Env, calls: &Calls, address: String) -> napi::Result<Ticket> {
        let callbacks = self.callbacks.clone();
        calls.start(env, |_| async move {
            let receiver = callbacks.listen(&address).await?;
            Ok(ReceiverHandle { receiver: Arc::new(receiver) })
        })
    }
}

/// A receiver of the core.
#[napi(js_name = "Receiver")]
pub struct ReceiverHandle {
    receiver: Arc<xiezhen::Receiver>,
}

#[napi]
impl ReceiverHandle {
    /// Where it listens.
    #[napi(getter, catch_unwind)]
    pub fn address(&self) -> String {
        self.receiver.address().to_string()
    }

    /// The next hint; nothing once the receiver is closed, or if none comes in time.
    #[napi(catch_unwind)]
    pub fn next(&self, env: &Env, calls: &Calls, timeout_ms: Option<f64>) -> napi::Result<Ticket> {
        let timeout = or_throw(env, duration("timeoutMs", timeout_ms))?;
        let receiver = self.receiver.clone();
        calls.start(env, |_| async move { Ok(receiver.next_within(timeout).await.map(RawHint::from)) })
    }

    /// Stops listening.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.receiver.close();
    }
}
