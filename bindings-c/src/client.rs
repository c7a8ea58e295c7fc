//! Clients.

use xiezhen_core::{Client, Error};

use crate::{
    client_options::xiezhen_client_options,
    error::{boundary, xiezhen_error, xiezhen_status},
    exit::{wait_at_exit, wait_for_creates},
    ffi::{Arguments, borrow, free, handle, maybe, out, read_or},
    log::{LogCallback, next_client, open},
};

/// A client of the service: where it is, who calls it, and within which limits. Threads may share it.
pub struct xiezhen_client {
    pub(crate) core: Client,
    pub(crate) number: u64,
    pub(crate) log: Option<LogCallback>,
}

/// A client as `options` and the environment describe it. Connects to nobody yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_new(
    options: *const xiezhen_client_options,
    client: *mut *mut xiezhen_client,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let options = maybe(options).cloned().unwrap_or_default();
        let (client, core) = (out(client, "client"), options.builder.build()).all()?;
        if let Some(log) = &options.log {
            open(log.level);
        }
        wait_at_exit();
        *client = handle(xiezhen_client { core, number: next_client(), log: options.log });
        Ok(())
    })
}

/// The same client under other options: connections, rate limit and log are shared, and closing one closes both. What is not set stays
/// as it is. You may set timeout, max_retries, the schedules, stage, and headers, which replace those of the client. Anything else is
/// refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_with_options(
    client: *const xiezhen_client,
    options: *const xiezhen_client_options,
    other: *mut *mut xiezhen_client,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (client, options, other) =
            (borrow(client, "client"), borrow(options, "options"), out(other, "other")).all()?;
        let fixed =
            options.fixed.iter().map(|name| format!("{name} can't change: make another client")).collect::<Vec<_>>();
        if !fixed.is_empty() {
            return Err(Error::invalid(fixed));
        }
        let changes = options.changes.clone();
        let headers = options.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let changes = if options.headers.is_empty() { changes } else { changes.headers(headers) };
        *other =
            handle(xiezhen_client { core: client.core.with_options(changes)?, number: client.number, log: client.log });
        Ok(())
    })
}

/// Stops the calls in flight (`XIEZHEN_CANCELLED`) and frees the connections. Later calls are `XIEZHEN_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_close(client: *const xiezhen_client) {
    read_or(client, (), |client| client.core.close());
}

/// Frees a client. Close it first, and let its calls return, if other threads may be inside one.
///
/// If a create is in flight whose call was stopped, this waits until its answer is stored, at most for the create's own timeout;
/// after 2 s it says so to `on_log`, or on stderr. So do `xiezhen_queue_free`, `exit` and the return from `main`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_free(client: *mut xiezhen_client) {
    read_or(client, (), |client| wait_for_creates(|| client.core.has_left_creates(), client.log.as_slice()));
    free(client);
}
