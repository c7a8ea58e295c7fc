//! Callbacks: their addresses, what comes to them, and the receiver.

use std::{
    ffi::{CString, c_char},
    ptr::{null, null_mut},
    sync::Arc,
};

use xiezhen_core::{Callbacks, Hint, Received, Receiver, Result};

use crate::{
    blocking::block_on_future,
    client::xiezhen_client,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{
        Arguments, borrow, bytes, c_text, each, free, handle, lossy, maybe_text, out, pointer, read_or, slice, text,
        texts,
    },
    strings::xiezhen_string,
    version::maybe_ms,
};

/// Makes the callback addresses of creates, and recognises what comes back. Threads may share it.
///
/// Nothing has to be stored to verify an address. A callback is a hint: it makes a poll happen now, and nothing of it is
/// believed. Whoever learns an address can cause a poll a second, and nothing else.
pub struct xiezhen_callbacks {
    pub(crate) core: Callbacks,
    public_url: CString,
}

/// Callbacks to addresses below `public_url`: `https://`, or `http://` on this machine; without user information, query or
/// fragment. NULL: the environment's XIEZHEN_CALLBACK_URL.
///
/// The first of `secrets` signs, and all are accepted, so that they can be rotated; each has at least 16 bytes. NULL and 0:
/// the environment's XIEZHEN_CALLBACK_SECRET, in which commas separate several.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_callbacks_new(
    public_url: *const c_char,
    secrets: *const *const c_char,
    secret_count: usize,
    callbacks: *mut *mut xiezhen_callbacks,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let is_given = !secrets.is_null() || secret_count > 0;
        let secrets = is_given.then(|| texts(secrets, secret_count, "secrets")).transpose();
        let public_url = maybe_text(public_url, "public_url");
        let (public_url, secrets, callbacks) = (public_url, secrets, out(callbacks, "callbacks")).all()?;
        let secrets = secrets.map(|secrets| secrets.into_iter().map(Into::into).collect());
        let core = Callbacks::from_parts(public_url, secrets, &|name| std::env::var(name).ok())?;
        *callbacks = handle(xiezhen_callbacks { public_url: c_text(core.public_url()), core });
        Ok(())
    })
}

/// Where addresses begin, without a trailing slash.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_callbacks_public_url(callbacks: *const xiezhen_callbacks) -> *const c_char {
    read_or(callbacks, null(), |callbacks| callbacks.public_url.as_ptr())
}

/// The address for a single call: `xiezhen_call_options_set_callback_url`. What is sent to it comes back as a hint with this
/// `key`. Jobs make their own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_callbacks_url(
    callbacks: *const xiezhen_callbacks,
    key: *const c_char,
    url: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (callbacks, key, url) = (borrow(callbacks, "callbacks"), text(key, "key"), out(url, "url")).all()?;
        *url = handle(xiezhen_string::new(&callbacks.core.url(key)?));
        Ok(())
    })
}

/// Reads one request that came to a server of your own, and says what to answer. Nobody is told of its hint: see
/// `xiezhen_callbacks_deliver` and `xiezhen_notify_hint`.
///
/// `target` is the path with its query, or the whole URL; only the path's last part and the query count. `header_names` and
/// `header_values` are `header_count` each; NULL and 0 if you have none. Of a body, pass at most 64 KiB and one byte; NULL
/// and 0 if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_receive(
    callbacks: *const xiezhen_callbacks,
    method: *const c_char,
    target: *const c_char,
    header_names: *const *const c_char,
    header_values: *const *const c_char,
    header_count: usize,
    body: *const u8,
    body_size: usize,
    received: *mut *mut xiezhen_received,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        // What a stranger sends need not be UTF-8, and is no mistake of the caller's.
        let texts = |list, name| match header_count {
            0 => Ok(Vec::new()),
            count => each(slice(list, count, name)?, name, |item, name| lossy(*item, name)),
        };
        let headers = (texts(header_names, "header_names"), texts(header_values, "header_values")).all();
        let request = (lossy(method, "method"), lossy(target, "target"), headers, bytes(body, body_size, "body")).all();
        let (callbacks, request, received) =
            (borrow(callbacks, "callbacks"), request, out(received, "received")).all()?;
        let (method, target, (names, values), body) = request;
        let headers: Vec<_> = names.into_iter().zip(values).collect();
        *received = handle(xiezhen_received::from(callbacks.core.receive(&method, &target, &headers, body)));
        Ok(())
    })
}

/// Hands a hint to the jobs of this process that run with these callbacks: their task is polled now. A receiver does it by
/// itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_callbacks_deliver(
    callbacks: *const xiezhen_callbacks,
    hint: *const xiezhen_hint,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (callbacks, hint) = (borrow(callbacks, "callbacks"), borrow(hint, "hint")).all()?;
        callbacks.core.deliver(&hint.core);
        Ok(())
    })
}

/// Receives callbacks on `address` ("127.0.0.1:8787"; port 0 takes a free one), and hands them to the jobs that run with
/// these callbacks. Plain HTTP: a reverse proxy or a tunnel makes it public.
///
/// 64 connections at most, 5 s for head and body, one request a connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_callbacks_listen(
    callbacks: *const xiezhen_callbacks,
    address: *const c_char,
    receiver: *mut *mut xiezhen_receiver,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (callbacks, address) = (borrow(callbacks, "callbacks"), text(address, "address"));
        let (callbacks, address, receiver) = (callbacks, address, out(receiver, "receiver")).all()?;
        let (callbacks, address) = (callbacks.core.clone(), address.to_owned());
        let core = block_on_future(async move { callbacks.listen(&address).await })?;
        *receiver = handle(xiezhen_receiver { address: c_text(&core.address().to_string()), core: Arc::new(core) });
        Ok(())
    })
}

/// Frees callbacks. Jobs that run with them, and receivers, go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_callbacks_free(callbacks: *mut xiezhen_callbacks) {
    free(callbacks);
}

/// What a server of your own is to answer, and what it was told.
pub struct xiezhen_received {
    status: u16,
    hint: Option<xiezhen_hint>,
}

impl From<Received> for xiezhen_received {
    fn from(received: Received) -> Self {
        Self { status: received.status, hint: received.hint.map(xiezhen_hint::new) }
    }
}

/// The HTTP status: 204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too
/// long.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_received_status(received: *const xiezhen_received) -> i32 {
    read_or(received, 0, |received| received.status.into())
}

/// The hint; NULL where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_received_hint(received: *const xiezhen_received) -> *const xiezhen_hint {
    read_or(received, null(), |received| received.hint.as_ref().map_or(null(), |hint| hint))
}

/// Frees what was received, and its hint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_received_free(received: *mut xiezhen_received) {
    free(received);
}

/// A callback that came: a reason to poll now, and never more than that.
pub struct xiezhen_hint {
    pub(crate) core: Hint,
    key: CString,
    slot: Option<CString>,
    task_ids: Vec<CString>,
    user_id: Option<CString>,
}

impl xiezhen_hint {
    fn new(core: Hint) -> Self {
        Self {
            key: c_text(&core.key),
            slot: core.slot.as_deref().map(c_text),
            task_ids: core.task_ids.iter().map(|id| c_text(id)).collect(),
            user_id: core.user_id.as_deref().map(c_text),
            core,
        }
    }
}

/// A hint as `xiezhen_hint_to_json` wrote it, in another process. Only take it from where nobody else can write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_from_json(
    json: *const c_char,
    hint: *mut *mut xiezhen_hint,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (json, hint) = (text(json, "json"), out(hint, "hint")).all()?;
        *hint = handle(xiezhen_hint::new(Hint::from_json(json)?));
        Ok(())
    })
}

/// The hint as JSON, for another process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_to_json(
    hint: *const xiezhen_hint,
    json: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (hint, json) = (borrow(hint, "hint"), out(json, "json")).all()?;
        *json = handle(xiezhen_string::new(&hint.core.to_json()));
        Ok(())
    })
}

/// The job's id, its `callback_key`, or what `xiezhen_callbacks_url` was given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_key(hint: *const xiezhen_hint) -> *const c_char {
    read_or(hint, null(), |hint| hint.key.as_ptr())
}

/// "t" for the training, a style's index for its generation; NULL for a single call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_slot(hint: *const xiezhen_hint) -> *const c_char {
    read_or(hint, null(), |hint| pointer(hint.slot.as_ref()))
}

/// Which create of that slot it belongs to; 0 for a single call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_attempt(hint: *const xiezhen_hint) -> u32 {
    read_or(hint, 0, |hint| hint.core.attempt)
}

/// How much looked like a task's id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_task_id_count(hint: *const xiezhen_hint) -> usize {
    read_or(hint, 0, |hint| hint.task_ids.len())
}

/// Something that looked like a task's id; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_task_id(hint: *const xiezhen_hint, index: usize) -> *const c_char {
    read_or(hint, null(), |hint| pointer(hint.task_ids.get(index)))
}

/// What looked like the user's id, if there was only one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_user_id(hint: *const xiezhen_hint) -> *const c_char {
    read_or(hint, null(), |hint| pointer(hint.user_id.as_ref()))
}

/// Whether the address was made with one of our secrets. The content is a stranger's all the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_verified(hint: *const xiezhen_hint) -> bool {
    read_or(hint, false, |hint| hint.core.verified)
}

/// Frees a hint that `xiezhen_hint_from_json` or `xiezhen_receiver_next` made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_hint_free(hint: *mut xiezhen_hint) {
    free(hint);
}

/// `xiezhen_notify` for a callback that another process has received, or a server of your own: the job or the task that it
/// is about is polled at once, if this client runs it or waits for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_notify_hint(
    client: *const xiezhen_client,
    hint: *const xiezhen_hint,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (client, hint) = (borrow(client, "client"), borrow(hint, "hint")).all()?;
        client.core.notify_hint(&hint.core)
    })
}

/// A small HTTP server that receives callbacks until it is closed or freed. Threads may share it.
pub struct xiezhen_receiver {
    core: Arc<Receiver>,
    address: CString,
}

/// Where it listens, with the port that was chosen for port 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_receiver_address(receiver: *const xiezhen_receiver) -> *const c_char {
    read_or(receiver, null(), |receiver| receiver.address.as_ptr())
}

/// The next hint that came, to be freed; for programs that do something of their own with it: jobs of these callbacks have it
/// already. Waits for at most `timeout_ms` (0: not at all; `XIEZHEN_NONE`: for ever); `*hint` is NULL when nothing came in time,
/// or once the receiver is closed. The last 1024 hints are kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_receiver_next(
    receiver: *const xiezhen_receiver,
    timeout_ms: u64,
    hint: *mut *mut xiezhen_hint,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (receiver, hint) = (borrow(receiver, "receiver"), out(hint, "hint")).all()?;
        let (core, patience) = (receiver.core.clone(), maybe_ms(timeout_ms));
        let next = block_on_future(async move { Ok(core.next_within(patience).await) })?;
        *hint = next.map_or(null_mut(), |next| handle(xiezhen_hint::new(next)));
        Ok(())
    })
}

/// Stops listening, and returns when the address is free. A thread in `xiezhen_receiver_next` is let go.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_receiver_close(
    receiver: *const xiezhen_receiver,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let core = borrow(receiver, "receiver")?.core.clone();
        block_on_future(async move {
            core.shut_down().await;
            Ok(())
        })
    })
}

/// Frees a receiver, and stops listening.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_receiver_free(receiver: *mut xiezhen_receiver) {
    free(receiver);
}

/// Hints for the option `woken`.
pub(crate) fn hints(hints: *const *const xiezhen_hint, count: usize) -> Result<Vec<Hint>> {
    each(slice(hints, count, "woken")?, "woken", |hint, name| Ok(borrow(*hint, name)?.core.clone()))
}
