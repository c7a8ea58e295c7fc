//! What the service says: tasks, styles, and what a create answered.

use std::{
    ffi::{CString, c_char},
    ptr::null,
};

use xiezhen_core::{Created, Style, Task};

use crate::ffi::{c_text, free, pointer, read_or};

/// The state of a task.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum xiezhen_state {
    /// None, or a number that the service does not document: see `xiezhen_task_raw_state`.
    Unknown = 0,
    /// Queued.
    Waiting = 1,
    /// Being worked on.
    Running = 2,
    /// Done.
    Succeeded = 3,
    /// Done, with something missing.
    PartlySucceeded = 4,
    /// Given up by the service.
    Failed = 5,
}

/// What a task is for.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum xiezhen_kind {
    /// A number that the service does not document.
    Unknown = 0,
    /// Trains a user model.
    Training = 1,
    /// Generates pictures.
    Generation = 2,
}

/// A task of the service, which takes minutes.
pub struct xiezhen_task {
    reason: Option<CString>,
    pub(crate) task: Task,
    id: CString,
    results: Vec<CString>,
}

impl xiezhen_task {
    pub(crate) fn new(task: Task) -> Self {
        Self {
            id: c_text(&task.id),
            reason: task.reason.as_deref().map(c_text),
            results: task.result_paths.iter().map(|path| c_text(path)).collect(),
            task,
        }
    }
}

/// The task's id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_id(task: *const xiezhen_task) -> *const c_char {
    read_or(task, null(), |task| task.id.as_ptr())
}

/// Its state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_state(task: *const xiezhen_task) -> xiezhen_state {
    read_or(task, xiezhen_state::Unknown, |task| task.task.state.into())
}

/// The state as the service wrote it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_raw_state(task: *const xiezhen_task) -> i64 {
    read_or(task, 0, |task| task.task.raw_state)
}

/// What it is for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_kind(task: *const xiezhen_task) -> xiezhen_kind {
    read_or(task, xiezhen_kind::Unknown, |task| task.task.kind.into())
}

/// Whether it has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_is_terminal(task: *const xiezhen_task) -> bool {
    read_or(task, false, |task| task.task.state.is_terminal())
}

/// Why the service gave it up, where it said so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_reason(task: *const xiezhen_task) -> *const c_char {
    read_or(task, null(), |task| pointer(task.reason.as_ref()))
}

/// How many pictures it has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_result_path_count(task: *const xiezhen_task) -> usize {
    read_or(task, 0, |task| task.results.len())
}

/// The address of one of its pictures; NULL beyond the last. They expire: `xiezhen_save_results` asks for new ones.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_result_path(task: *const xiezhen_task, index: usize) -> *const c_char {
    read_or(task, null(), |task| pointer(task.results.get(index)))
}

/// Frees a task that a call returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_task_free(task: *mut xiezhen_task) {
    free(task);
}

/// What a create answered.
pub struct xiezhen_created {
    task_id: CString,
    user_id: CString,
}

impl xiezhen_created {
    pub(crate) fn new(created: &Created) -> Self {
        Self { task_id: c_text(&created.task_id), user_id: c_text(&created.user_id) }
    }
}

/// The task that was started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_created_task_id(created: *const xiezhen_created) -> *const c_char {
    read_or(created, null(), |created| created.task_id.as_ptr())
}

/// The user model that it belongs to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_created_user_id(created: *const xiezhen_created) -> *const c_char {
    read_or(created, null(), |created| created.user_id.as_ptr())
}

/// Frees what a create answered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_created_free(created: *mut xiezhen_created) {
    free(created);
}

/// A style that pictures can be generated in.
pub struct xiezhen_style {
    name: CString,
    style: CString,
    template: CString,
    sex: CString,
}

/// The styles that the service offers.
pub struct xiezhen_styles(Vec<xiezhen_style>);

impl xiezhen_styles {
    pub(crate) fn new(styles: &[Style]) -> Self {
        let style = |style: &Style| xiezhen_style {
            name: c_text(&style.name),
            style: c_text(&style.style),
            template: c_text(&style.template),
            sex: c_text(&style.sex),
        };
        Self(styles.iter().map(style).collect())
    }
}

/// How many styles there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_styles_count(styles: *const xiezhen_styles) -> usize {
    read_or(styles, 0, |styles| styles.0.len())
}

/// One of the styles; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_styles_at(styles: *const xiezhen_styles, index: usize) -> *const xiezhen_style {
    read_or(styles, null(), |styles| styles.0.get(index).map_or(null(), |style| style))
}

/// Frees the styles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_styles_free(styles: *mut xiezhen_styles) {
    free(styles);
}

/// What people call the style. A job takes it in place of the id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_style_name(style: *const xiezhen_style) -> *const c_char {
    read_or(style, null(), |style| style.name.as_ptr())
}

/// The style's id, as `xiezhen_create_task` takes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_style_style(style: *const xiezhen_style) -> *const c_char {
    read_or(style, null(), |style| style.style.as_ptr())
}

/// The address of a sample picture.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_style_template(style: *const xiezhen_style) -> *const c_char {
    read_or(style, null(), |style| style.template.as_ptr())
}

/// Whom it is for, in the vendor's words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_style_sex(style: *const xiezhen_style) -> *const c_char {
    read_or(style, null(), |style| style.sex.as_ptr())
}
