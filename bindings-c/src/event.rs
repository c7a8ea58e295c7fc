//! Progress, as a handle with accessors: each event has some of the fields.

use std::{
    collections::HashMap,
    ffi::{CString, c_char, c_void},
    ptr::null,
};

use serde_json::Value;
use xiezhen_core::Event;

use crate::{
    error::xiezhen_error,
    ffi::{c_path, c_text, pointer, read_or},
    task::xiezhen_state,
    version::XIEZHEN_NONE,
};

/// What an event is about; beside it, the accessors that have something to say.
///
/// cbindgen:prefix-with-name=false
/// cbindgen:rename-all=None
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum xiezhen_eventtype {
    /// Something that this header does not name.
    XIEZHEN_EVENT_UNKNOWN = 0,
    /// Bytes of a photo were sent: `index`, `bytes_sent`, `bytes`.
    XIEZHEN_EVENT_PHOTO_UPLOADING = 1,
    /// A photo was uploaded: `index`, `path`.
    XIEZHEN_EVENT_PHOTO_UPLOADED = 2,
    /// The training was started, found in progress by a run, or has reached another state: `task_id`, `state`.
    XIEZHEN_EVENT_TRAINING = 3,
    /// The user model is there: `user_id`.
    XIEZHEN_EVENT_TRAINED = 4,
    /// A generation was started, found in progress by a run, or has reached another state: `style`, `task_id`, `state`.
    XIEZHEN_EVENT_GENERATING = 5,
    /// A style's pictures are ready at the service: `style`, `count`.
    XIEZHEN_EVENT_GENERATED = 6,
    /// A picture is on disk: `style`, `path`.
    XIEZHEN_EVENT_SAVED = 7,
    /// A call failed and is retried: `call`, `error`, `delay_ms`.
    XIEZHEN_EVENT_RETRYING = 8,
    /// The service gave a state that it does not document; the job keeps waiting: `task_id`, `raw_state`.
    XIEZHEN_EVENT_UNKNOWN_STATE = 9,
    /// Something that a person should know and that stops nothing: `message`.
    XIEZHEN_EVENT_NOTICE = 10,
    /// The job is done.
    XIEZHEN_EVENT_FINISHED = 11,
}

/// Something that happened to a job. It lives for the callback only, or as long as its completion.
pub struct xiezhen_event {
    event: Event,
    /// The fields, under the names that they have in every language.
    fields: Value,
    texts: HashMap<String, CString>,
    json: Option<CString>,
    error: Option<xiezhen_error>,
}

/// Called for each event. Returning anything but 0 stops the call: `XIEZHEN_CANCELLED`.
pub type xiezhen_on_event = Option<unsafe extern "C" fn(event: *const xiezhen_event, user_data: *mut c_void) -> i32>;

impl xiezhen_event {
    pub(crate) fn new(event: Event) -> Self {
        let fields = serde_json::to_value(&event).unwrap_or(Value::Null);
        let texts = fields.as_object().into_iter().flatten();
        let mut texts: HashMap<_, _> =
            texts.filter_map(|(name, value)| Some((name.clone(), c_text(value.as_str()?)))).collect();
        if let Event::Saved { path, .. } = &event {
            // As JSON shows it, it need not be the file's.
            texts.insert("path".into(), c_path(path));
        }
        let json = serde_json::to_string(&event).ok().map(|json| c_text(&json));
        let error = match &event {
            Event::Retrying { error, .. } => Some(xiezhen_error::new(error.clone())),
            _ => None,
        };
        Self { event, fields, texts, json, error }
    }
}

fn field_text(event: *const xiezhen_event, name: &str) -> *const c_char {
    read_or(event, null(), |event| pointer(event.texts.get(name)))
}

fn number(event: *const xiezhen_event, name: &str) -> u64 {
    read_or(event, 0, |event| event.fields.get(name).and_then(Value::as_u64).unwrap_or(0))
}

/// What it is about.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_type(event: *const xiezhen_event) -> xiezhen_eventtype {
    use xiezhen_eventtype as eventtype;
    read_or(event, eventtype::XIEZHEN_EVENT_UNKNOWN, |event| match event.event {
        Event::PhotoUploading { .. } => eventtype::XIEZHEN_EVENT_PHOTO_UPLOADING,
        Event::PhotoUploaded { .. } => eventtype::XIEZHEN_EVENT_PHOTO_UPLOADED,
        Event::Training { .. } => eventtype::XIEZHEN_EVENT_TRAINING,
        Event::Trained { .. } => eventtype::XIEZHEN_EVENT_TRAINED,
        Event::Generating { .. } => eventtype::XIEZHEN_EVENT_GENERATING,
        Event::Generated { .. } => eventtype::XIEZHEN_EVENT_GENERATED,
        Event::Saved { .. } => eventtype::XIEZHEN_EVENT_SAVED,
        Event::Retrying { .. } => eventtype::XIEZHEN_EVENT_RETRYING,
        Event::UnknownState { .. } => eventtype::XIEZHEN_EVENT_UNKNOWN_STATE,
        Event::Notice { .. } => eventtype::XIEZHEN_EVENT_NOTICE,
        Event::Finished => eventtype::XIEZHEN_EVENT_FINISHED,
        _ => eventtype::XIEZHEN_EVENT_UNKNOWN,
    })
}

/// All of it as JSON: `{"type": "saved", "style": …, "path": …}`. In a path, bytes that are not UTF-8 are
/// replaced.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_json(event: *const xiezhen_event) -> *const c_char {
    read_or(event, null(), |event| pointer(event.json.as_ref()))
}

/// Which photo, from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_index(event: *const xiezhen_event) -> usize {
    number(event, "index") as usize
}

/// Bytes of the photo sent so far.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_bytes_sent(event: *const xiezhen_event) -> u64 {
    number(event, "bytes_sent")
}

/// Bytes of the photo in all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_bytes(event: *const xiezhen_event) -> u64 {
    number(event, "bytes")
}

/// How many pictures.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_count(event: *const xiezhen_event) -> usize {
    number(event, "count") as usize
}

/// The service's path of a photo, or the file of a picture.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_path(event: *const xiezhen_event) -> *const c_char {
    field_text(event, "path")
}

/// The task.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_task_id(event: *const xiezhen_event) -> *const c_char {
    field_text(event, "task_id")
}

/// The task's state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_state(event: *const xiezhen_event) -> xiezhen_state {
    read_or(event, xiezhen_state::Unknown, |event| match event.event {
        Event::Training { state, .. } | Event::Generating { state, .. } => state.into(),
        _ => xiezhen_state::Unknown,
    })
}

/// The state as the service wrote it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_raw_state(event: *const xiezhen_event) -> i64 {
    read_or(event, 0, |event| event.fields.get("raw_state").and_then(Value::as_i64).unwrap_or(0))
}

/// The user model.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_user_id(event: *const xiezhen_event) -> *const c_char {
    field_text(event, "user_id")
}

/// The style, as the job asked for it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_style(event: *const xiezhen_event) -> *const c_char {
    field_text(event, "style")
}

/// The name of the call that is retried.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_call(event: *const xiezhen_event) -> *const c_char {
    field_text(event, "call")
}

/// Why the call failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_error(event: *const xiezhen_event) -> *const xiezhen_error {
    read_or(event, null(), |event| event.error.as_ref().map_or(null(), |error| error))
}

/// How long until the call is retried; `XIEZHEN_NONE` of any other event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_delay_ms(event: *const xiezhen_event) -> u64 {
    read_or(event, XIEZHEN_NONE, |event| match event.event {
        Event::Retrying { delay, .. } => delay.as_millis() as u64,
        _ => XIEZHEN_NONE,
    })
}

/// What a person should know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_event_message(event: *const xiezhen_event) -> *const c_char {
    field_text(event, "message")
}
