//! The options of clients.

use std::{
    ffi::{c_char, c_void},
    time::Duration,
};

use log::LevelFilter;
use xiezhen_core::{ClientBuilder, OptionChanges, PollSchedule, Result};

use crate::{
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow_mut, free, handle, refuse, text},
    log::{LogCallback, xiezhen_on_log},
};

/// What a client is made with.
#[derive(Clone, Default)]
pub struct xiezhen_client_options {
    pub(crate) builder: ClientBuilder,
    /// What is set, in the form in which it changes a client that is there.
    pub(crate) changes: OptionChanges,
    pub(crate) headers: Vec<(String, String)>,
    /// What is set, and can't change.
    pub(crate) fixed: Vec<&'static str>,
    pub(crate) log: Option<LogCallback>,
}

/// Options of which none is set.
#[unsafe(no_mangle)]
pub extern "C" fn xiezhen_client_options_new() -> *mut xiezhen_client_options {
    handle(xiezhen_client_options::default())
}

/// Frees options; clients made with them are not affected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_free(options: *mut xiezhen_client_options) {
    free(options);
}

/// Sets one option that a client has for its life.
fn set(
    options: *mut xiezhen_client_options,
    name: &'static str,
    error: *mut *mut xiezhen_error,
    change: impl FnOnce(ClientBuilder) -> Result<ClientBuilder>,
) -> xiezhen_status {
    boundary(error, || {
        let options = borrow_mut(options, "options");
        let builder = options.as_ref().map(|options| options.builder.clone()).unwrap_or_default();
        let (options, builder) = (options, change(builder)).all()?;
        options.builder = builder;
        options.fixed.push(name);
        Ok(())
    })
}

/// Sets one option that `xiezhen_client_with_options` may change.
fn set_both(
    options: *mut xiezhen_client_options,
    error: *mut *mut xiezhen_error,
    change: impl FnOnce(ClientBuilder, OptionChanges) -> Result<(ClientBuilder, OptionChanges)>,
) -> xiezhen_status {
    boundary(error, || {
        let options = borrow_mut(options, "options");
        let now =
            options.as_ref().map(|options| (options.builder.clone(), options.changes.clone())).unwrap_or_default();
        let (options, changed) = (options, change(now.0, now.1)).all()?;
        (options.builder, options.changes) = changed;
        Ok(())
    })
}

/// Where the API is. A path prefix is kept and signed; user information, a query or a fragment is refused. There is no
/// default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_base_url(
    options: *mut xiezhen_client_options,
    base_url: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "base_url", error, |builder| Ok(builder.base_url(text(base_url, "base_url")?)))
}

/// The AppCode of the purchase: one of the two credentials. One that is set switches the environment's off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_app_code(
    options: *mut xiezhen_client_options,
    app_code: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "app_code", error, |builder| Ok(builder.app_code(text(app_code, "app_code")?)))
}

/// The AppKey that signs requests, together with the AppSecret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_app_key(
    options: *mut xiezhen_client_options,
    app_key: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "app_key", error, |builder| Ok(builder.app_key(text(app_key, "app_key")?)))
}

/// The AppSecret of the AppKey.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_app_secret(
    options: *mut xiezhen_client_options,
    app_secret: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "app_secret", error, |builder| Ok(builder.app_secret(text(app_secret, "app_secret")?)))
}

/// The timeout of a whole call, retries included: 60 s by default. Uploads and downloads may take as long as bytes move.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_timeout_ms(
    options: *mut xiezhen_client_options,
    timeout_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set_both(options, error, |builder, changes| {
        Ok((builder.timeout(Duration::from_millis(timeout_ms)), changes.timeout(Duration::from_millis(timeout_ms))))
    })
}

/// The timeout for making one connection: 10 s by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_connect_timeout_ms(
    options: *mut xiezhen_client_options,
    connect_timeout_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "connect_timeout", error, |builder| {
        Ok(builder.connect_timeout(Duration::from_millis(connect_timeout_ms)))
    })
}

/// How often a call that may be repeated is retried: 4 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_max_retries(
    options: *mut xiezhen_client_options,
    max_retries: u32,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set_both(options, error, |builder, changes| {
        Ok((builder.max_retries(max_retries), changes.max_retries(max_retries)))
    })
}

/// The rate limit of this client: gateway calls in any one second, 10 by default. `INFINITY` means no limit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_requests_per_second(
    options: *mut xiezhen_client_options,
    requests_per_second: f64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "requests_per_second", error, |builder| Ok(builder.requests_per_second(requests_per_second)))
}

/// How many photos of a job are uploaded at a time: 4 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_upload_concurrency(
    options: *mut xiezhen_client_options,
    upload_concurrency: usize,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "upload_concurrency", error, |builder| Ok(builder.upload_concurrency(upload_concurrency)))
}

/// The largest photo that is sent, in bytes: 5 MiB by default. A larger one is prepared, or refused if that is off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_max_photo_bytes(
    options: *mut xiezhen_client_options,
    max_photo_bytes: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "max_photo_bytes", error, |builder| Ok(builder.max_photo_bytes(max_photo_bytes)))
}

/// Whether photos are cleaned of their metadata, location included, and turned, converted and scaled where the service
/// would not take them as they are. On by default. Off, every photo is sent as it is, or refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_prepare_photos(
    options: *mut xiezhen_client_options,
    prepare_photos: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "prepare_photos", error, |builder| Ok(builder.prepare_photos(prepare_photos)))
}

/// A task with more pictures than this is refused when they are to be saved. 1000 by default.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_max_pictures(
    options: *mut xiezhen_client_options,
    max_pictures: usize,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "max_pictures", error, |builder| Ok(builder.max_pictures(max_pictures)))
}

/// When trainings are polled: first `initial_ms` after their creation (at once if this client didn't create them),
/// then after pauses that grow by `factor` up to `max_ms`, each ±20 % at random. A `Retry-After` replaces the pause. By
/// default 15 s, 1.5, 60 s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_training_schedule(
    options: *mut xiezhen_client_options,
    initial_ms: u64,
    factor: f64,
    max_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set_both(options, error, |builder, changes| {
        Ok((
            builder.training_schedule(schedule(initial_ms, factor, max_ms)),
            changes.training_schedule(schedule(initial_ms, factor, max_ms)),
        ))
    })
}

/// When generations are polled: by default 3 s, 1.5, 15 s.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_generation_schedule(
    options: *mut xiezhen_client_options,
    initial_ms: u64,
    factor: f64,
    max_ms: u64,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set_both(options, error, |builder, changes| {
        Ok((
            builder.generation_schedule(schedule(initial_ms, factor, max_ms)),
            changes.generation_schedule(schedule(initial_ms, factor, max_ms)),
        ))
    })
}

fn schedule(initial_ms: u64, factor: f64, max_ms: u64) -> PollSchedule {
    PollSchedule { initial: Duration::from_millis(initial_ms), factor, max: Duration::from_millis(max_ms) }
}

/// The gateway's stage: "RELEASE" (the default), "PRE" or "TEST".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_stage(
    options: *mut xiezhen_client_options,
    stage: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set_both(options, error, |builder, changes| {
        let stage = text(stage, "stage")?;
        Ok((builder.stage(stage), changes.stage(stage)))
    })
}

/// Adds a header to every gateway call. Names that the library sends itself, and line breaks, are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_add_header(
    options: *mut xiezhen_client_options,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let texts = (text(name, "name"), text(value, "value"));
        let (options, name, value) = (borrow_mut(options, "options"), texts.0, texts.1).all()?;
        options.builder = options.builder.clone().header(name, value);
        options.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    })
}

/// A PEM file of certificate authorities that are trusted in addition to the system's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_ca_file(
    options: *mut xiezhen_client_options,
    ca_file: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "ca_file", error, |builder| Ok(builder.ca_file(text(ca_file, "ca_file")?)))
}

/// A proxy for all but loopback, in place of the environment's; "" for none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_proxy(
    options: *mut xiezhen_client_options,
    proxy: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "proxy", error, |builder| Ok(builder.proxy(text(proxy, "proxy")?)))
}

/// Allows `http://` to hosts other than this machine: whoever listens reads the credential.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_allow_http(
    options: *mut xiezhen_client_options,
    allow_http: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "allow_http", error, |builder| Ok(builder.allow_http(allow_http)))
}

/// Allows results from this machine, its network and metadata services, and redirects to them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_allow_private_results(
    options: *mut xiezhen_client_options,
    allow_private_results: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "allow_private_results", error, |builder| Ok(builder.allow_private_results(allow_private_results)))
}

/// Refuses results at `http://` addresses, which anybody on the way can read and change. Without it, a notice tells of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_require_https_results(
    options: *mut xiezhen_client_options,
    require_https_results: bool,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    set(options, "require_https_results", error, |builder| Ok(builder.require_https_results(require_https_results)))
}

/// Calls `on_log` for what is logged up to `level` (an `xiezhen_log_level`) while a call of the client is in flight. NULL
/// for none. Threads that share a client need a callback that several may call at once. `on_log` and `user_data` must live
/// as long as every client made with these options, and until the completions of its begun calls were taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_client_options_set_on_log(
    options: *mut xiezhen_client_options,
    level: i32,
    on_log: xiezhen_on_log,
    user_data: *mut c_void,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let level = match level {
            1 => Ok(LevelFilter::Error),
            2 => Ok(LevelFilter::Warn),
            3 => Ok(LevelFilter::Info),
            4 => Ok(LevelFilter::Debug),
            5 => Ok(LevelFilter::Trace),
            other => Err(refuse(format!("level {other} is no xiezhen_log_level"))),
        };
        let (options, level) = (borrow_mut(options, "options"), level).all()?;
        options.fixed.push("on_log");
        options.log = on_log.map(|tell| LogCallback { level, tell, user_data });
        Ok(())
    })
}
