//! What comes out of a queue: what a call reports before it ends, and how it ended.

use std::{
    cell::Cell,
    ffi::{CString, c_char, c_void},
    path::PathBuf,
    ptr::{null, null_mut, with_exposed_provenance_mut},
    time::Duration,
};

use tokio::sync::oneshot;
use xiezhen_core::{Created, Job, Result, SaveError, Style, Task};

use crate::{
    call::Message,
    error::{boundary, xiezhen_error, xiezhen_status},
    event::xiezhen_event,
    ffi::{borrow, c_text, free, pointer, read_or, refuse},
    job::xiezhen_job,
    outcomes::{xiezhen_errors, xiezhen_outcomes},
    strings::xiezhen_strings,
    task::{xiezhen_created, xiezhen_styles, xiezhen_task},
    version::XIEZHEN_NONE,
};

/// What a begun call gave.
pub(crate) enum Outcome {
    Nothing,
    Path(String),
    Created(Created),
    Styles(Vec<Style>),
    Task(Task),
    Outcomes(Vec<Result<Task>>),
    Files(Vec<PathBuf>),
    Jobs(Vec<Result<Job>>),
    Next(Option<Duration>),
}

/// What a begun call reports: an event, a job to store, one task of several that has ended, or, last of all, how the call itself
/// ended. The accessors of what it is not return NULL.
#[derive(Default)]
pub struct xiezhen_completion {
    tag: usize,
    is_last: bool,
    error: Option<xiezhen_error>,
    event: Option<xiezhen_event>,
    job: Option<xiezhen_job>,
    reply: Cell<Option<oneshot::Sender<Result<(), SaveError>>>>,
    index: usize,
    is_job_end: bool,
    path: Option<CString>,
    created: Option<xiezhen_created>,
    styles: Option<xiezhen_styles>,
    task: Option<xiezhen_task>,
    outcomes: Option<xiezhen_outcomes>,
    files: Option<xiezhen_strings>,
    errors: Option<xiezhen_errors>,
    next: Option<Duration>,
}

impl xiezhen_completion {
    /// What a call reports before it ends.
    pub(crate) fn said(tag: usize, message: Message) -> Self {
        let mut said = Self { tag, ..Self::default() };
        match message {
            Message::Event(event) => said.event = Some(xiezhen_event::new(event)),
            Message::Save(job, reply) => {
                said.job = Some(xiezhen_job::new(job));
                said.reply = Cell::new(Some(reply));
            }
            Message::Ended(index, outcome) => {
                said.index = index;
                match outcome {
                    Ok(task) => said.task = Some(xiezhen_task::new(task)),
                    Err(error) => said.error = Some(xiezhen_error::new(error)),
                }
            }
            Message::JobEvent(index, event) => {
                said.index = index;
                said.event = Some(xiezhen_event::new(event));
            }
            Message::JobEnded(index, outcome) => {
                said.index = index;
                said.error = outcome.err().map(xiezhen_error::new);
                said.is_job_end = true;
            }
        }
        said
    }

    /// The end of a call.
    pub(crate) fn last(tag: usize, outcome: Result<Outcome>) -> Self {
        let mut last = Self { tag, is_last: true, ..Self::default() };
        match outcome {
            Err(error) => last.error = Some(xiezhen_error::new(error)),
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::Path(path)) => last.path = Some(c_text(&path)),
            Ok(Outcome::Created(created)) => last.created = Some(xiezhen_created::new(&created)),
            Ok(Outcome::Styles(styles)) => last.styles = Some(xiezhen_styles::new(&styles)),
            Ok(Outcome::Task(task)) => last.task = Some(xiezhen_task::new(task)),
            Ok(Outcome::Outcomes(outcomes)) => last.outcomes = Some(xiezhen_outcomes::new(outcomes)),
            Ok(Outcome::Jobs(jobs)) => last.errors = Some(xiezhen_errors::new(jobs)),
            Ok(Outcome::Files(files)) => last.files = Some(xiezhen_strings::of_paths(&files)),
            Ok(Outcome::Next(next)) => last.next = next,
        }
        last
    }
}

fn part<T>(completion: *const xiezhen_completion, read: impl FnOnce(&xiezhen_completion) -> Option<&T>) -> *const T {
    read_or(completion, null(), |completion| read(completion).map_or(null(), |part| part))
}

/// What the call was begun with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_tag(completion: *const xiezhen_completion) -> *mut c_void {
    read_or(completion, null_mut(), |completion| with_exposed_provenance_mut(completion.tag))
}

/// Whether the call has ended: nothing more comes of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_is_last(completion: *const xiezhen_completion) -> bool {
    read_or(completion, false, |completion| completion.is_last)
}

/// How the call, or the task of several, ended; `XIEZHEN_OK` for anything else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_status(completion: *const xiezhen_completion) -> xiezhen_status {
    read_or(completion, xiezhen_status::XIEZHEN_OK, |completion| {
        completion.error.as_ref().map_or(xiezhen_status::XIEZHEN_OK, xiezhen_error::status)
    })
}

/// Why the call, or the task of several, failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_error(completion: *const xiezhen_completion) -> *const xiezhen_error {
    part(completion, |completion| completion.error.as_ref())
}

/// An event of a run or an advance.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_event(completion: *const xiezhen_completion) -> *const xiezhen_event {
    part(completion, |completion| completion.event.as_ref())
}

/// The job that an advance wants to be stored: say by `xiezhen_completion_saved` how that went. It is the job as it was at that
/// moment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_job(completion: *const xiezhen_completion) -> *const xiezhen_job {
    part(completion, |completion| completion.job.as_ref())
}

/// Answers `xiezhen_completion_job`, as the return value of a `xiezhen_save` does: 0 if the job was stored. The advance waits for
/// this; a completion that is freed without an answer says that the job could not be stored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_saved(
    completion: *mut xiezhen_completion,
    returned: i32,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let completion = borrow(completion, "completion")?;
        let (Some(job), Some(reply)) = (&completion.job, completion.reply.take()) else {
            return Err(refuse("completion asks for no job to be stored, or was answered".into()));
        };
        // Nobody takes it if the call was stopped meanwhile.
        let _ = reply.send(job.stored(returned));
        Ok(())
    })
}

/// Which of several this is about: `xiezhen_begin_wait_many`, `xiezhen_begin_run_many`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_index(completion: *const xiezhen_completion) -> usize {
    read_or(completion, 0, |completion| completion.index)
}

/// The service's path of the photo: `xiezhen_begin_upload_file`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_path(completion: *const xiezhen_completion) -> *const c_char {
    read_or(completion, null(), |completion| pointer(completion.path.as_ref()))
}

/// What a create answered: `xiezhen_begin_create_user_model`, `xiezhen_begin_create_task`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_created(completion: *const xiezhen_completion) -> *const xiezhen_created {
    part(completion, |completion| completion.created.as_ref())
}

/// The styles: `xiezhen_begin_list_styles`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_styles(completion: *const xiezhen_completion) -> *const xiezhen_styles {
    part(completion, |completion| completion.styles.as_ref())
}

/// The task: `xiezhen_begin_query_task`, `xiezhen_begin_wait`, and each that ends of `xiezhen_begin_wait_many`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_task(completion: *const xiezhen_completion) -> *const xiezhen_task {
    part(completion, |completion| completion.task.as_ref())
}

/// How each task ended: `xiezhen_begin_wait_many`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_outcomes(completion: *const xiezhen_completion) -> *const xiezhen_outcomes {
    part(completion, |completion| completion.outcomes.as_ref())
}

/// The files of pictures: `xiezhen_begin_save_results`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_files(completion: *const xiezhen_completion) -> *const xiezhen_strings {
    part(completion, |completion| completion.files.as_ref())
}

/// Whether a job of `xiezhen_begin_run_many` has ended, and how (`xiezhen_completion_status`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_is_job_end(completion: *const xiezhen_completion) -> bool {
    read_or(completion, false, |completion| completion.is_job_end)
}

/// What went wrong with each job: `xiezhen_begin_run_many`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_errors(completion: *const xiezhen_completion) -> *const xiezhen_errors {
    part(completion, |completion| completion.errors.as_ref())
}

/// How long to wait before the job is advanced again: `xiezhen_begin_advance`; `XIEZHEN_NONE` when it is done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_next_ms(completion: *const xiezhen_completion) -> u64 {
    read_or(completion, XIEZHEN_NONE, |completion| {
        completion.next.map_or(XIEZHEN_NONE, |pause| pause.as_millis() as u64)
    })
}

/// Frees a completion, and what belongs to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_completion_free(completion: *mut xiezhen_completion) {
    free(completion);
}
