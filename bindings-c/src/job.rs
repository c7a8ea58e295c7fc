//! Jobs: one customer's whole order. A handle changes in place as its job advances.

use std::{
    ffi::c_char,
    sync::{Mutex, PoisonError},
};

use xiezhen_core::{Error, ErrorKind, Job, Result, SaveError};

use crate::{
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, free, handle, maybe_text, out, read_or, refuse, slice_mut, text},
    job_options::xiezhen_job_options,
    photo::xiezhen_photo,
    portrait::{xiezhen_job_photo_list, xiezhen_portraits},
    strings::{xiezhen_string, xiezhen_strings},
};

/// What a job is busy with.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum xiezhen_stage {
    /// A stage that this header does not name.
    Unknown = 0,
    /// Photos are checked and uploaded.
    Uploading = 1,
    /// The user model is being trained.
    Training = 2,
    /// Pictures are being generated.
    Generating = 3,
    /// Pictures are being fetched.
    Saving = 4,
    /// Everything that was ordered is there.
    Done = 5,
    /// Something went wrong; see the error that was returned, and each portrait's.
    Failed = 6,
}

/// One customer's whole order: from photos and styles to pictures on disk.
pub struct xiezhen_job {
    pub(crate) core: Job,
    /// What a store said to have instead, where this is what a `xiezhen_save` was given.
    newest: Mutex<Option<String>>,
}

impl xiezhen_job {
    pub(crate) fn new(core: Job) -> Self {
        Self { core, newest: Mutex::default() }
    }

    /// How storing the job went, as a `xiezhen_save` says it.
    pub(crate) fn stored(&self, returned: i32) -> Result<(), SaveError> {
        match (returned, self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()) {
            (_, Some(newest)) => Err(SaveError::Conflict { newest }),
            (0, None) => Ok(()),
            (number, None) => {
                let message = format!("the job could not be saved: save returned {number}");
                Err(Error::new(ErrorKind::Io, message).into())
            }
        }
    }
}

/// A job. Nothing is read or checked until it runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_new(
    options: *const xiezhen_job_options,
    job: *mut *mut xiezhen_job,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (options, job) = (borrow(options, "options"), out(job, "job")).all()?;
        let options = options.clone();
        *job = handle(xiezhen_job::new(Job::from_parts(
            options.photos,
            options.uploaded,
            options.styles,
            options.user_id,
        )));
        Ok(())
    })
}

/// A job as `xiezhen_job_to_json` wrote it. Photos given as bytes have to be given again, in a new job with the same
/// checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_from_json(
    json: *const c_char,
    job: *mut *mut xiezhen_job,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (json, job) = (text(json, "json"), out(job, "job")).all()?;
        *job = handle(xiezhen_job::new(Job::from_json(json)?));
        Ok(())
    })
}

/// The job that a checkpoint file holds, without taking the checkpoint.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_read_checkpoint(
    path: *const c_char,
    job: *mut *mut xiezhen_job,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (path, job) = (text(path, "path"), out(job, "job")).all()?;
        *job = handle(xiezhen_job::new(Job::read_checkpoint(path)?));
        Ok(())
    })
}

/// The job as JSON, without photos' bytes and without any credential: any process that holds it can go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_to_json(
    job: *const xiezhen_job,
    json: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (job, json) = (borrow(job, "job"), out(json, "json")).all()?;
        *json = handle(xiezhen_string::new(&job.core.to_json()?));
        Ok(())
    })
}

/// The job's own id: a UUID that it was made with, and that its JSON keeps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_id(
    job: *const xiezhen_job,
    id: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    give(job, id, "id", error, |job| Some(xiezhen_string::new(&job.id())))
}

/// How often the job was saved: of two states of one job, the one with the larger number knows more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_revision(job: *const xiezhen_job) -> u64 {
    read_or(job, 0, |job| job.core.revision())
}

/// What the job is busy with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_stage(job: *const xiezhen_job) -> xiezhen_stage {
    read_or(job, xiezhen_stage::Unknown, |job| job.core.stage().into())
}

/// Gives what a job may have. Jobs change while others read, so it is a copy.
fn give<T>(
    job: *const xiezhen_job,
    place: *mut *mut T,
    name: &str,
    error: *mut *mut xiezhen_error,
    read: impl FnOnce(&Job) -> Option<T>,
) -> xiezhen_status {
    boundary(error, || {
        let (job, place) = (borrow(job, "job"), out(place, name)).all()?;
        let known = read(&job.core);
        *place = known.map_or(std::ptr::null_mut(), handle);
        Ok(())
    })
}

/// The user model; NULL until the service has named it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_user_id(
    job: *const xiezhen_job,
    user_id: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    give(job, user_id, "user_id", error, |job| job.user_id().as_deref().map(xiezhen_string::new))
}

/// The training's task; NULL until it was created.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_training_task_id(
    job: *const xiezhen_job,
    task_id: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    give(job, task_id, "task_id", error, |job| job.training_task_id().as_deref().map(xiezhen_string::new))
}

/// The folder for pictures; NULL until a run has said so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_save_to(
    job: *const xiezhen_job,
    save_to: *mut *mut xiezhen_string,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    give(job, save_to, "save_to", error, |job| job.save_to().as_deref().map(xiezhen_string::of_path))
}

/// Why the job fails, or has failed: an unknown outcome before all else, then what went wrong first. NULL if nothing did. The
/// error is yours to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_error(
    job: *const xiezhen_job,
    job_error: *mut *mut xiezhen_error,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    give(job, job_error, "job_error", error, |job| job.error().map(xiezhen_error::new))
}

/// What `xiezhen_job_adopt` can take a task over for, because the outcome of its create is unknown: NULL for the training, and
/// styles as the job was given them, for `xiezhen_job_adopt_portrait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_adoptable(
    job: *const xiezhen_job,
    adoptable: *mut *mut xiezhen_strings,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    give(job, adoptable, "adoptable", error, |job| Some(xiezhen_strings::of_maybe(&job.adoptable())))
}

/// The portraits as they are now: one a style, in the order given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_portraits(
    job: *const xiezhen_job,
    portraits: *mut *mut xiezhen_portraits,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (job, portraits) = (borrow(job, "job"), out(portraits, "portraits")).all()?;
        *portraits = handle(xiezhen_portraits::new(job.core.portraits()));
        Ok(())
    })
}

/// The photos as they are now, in the order given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_photos(
    job: *const xiezhen_job,
    photos: *mut *mut xiezhen_job_photo_list,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (job, photos) = (borrow(job, "job"), out(photos, "photos")).all()?;
        *photos = handle(xiezhen_job_photo_list::new(&job.core.photos()));
        Ok(())
    })
}

/// Finds the photos that are still to be uploaded and that this process can't read. Their indices, from 0, are written to `indices`,
/// which has room for as many as there are photos (at most 20), and their number to `count`. `xiezhen_job_give_photo` gives them back.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_missing_photos(
    job: *const xiezhen_job,
    indices: *mut usize,
    room: usize,
    count: *mut usize,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let indices = slice_mut(indices, room, "indices");
        let (job, indices, count) = (borrow(job, "job"), indices, out(count, "count")).all()?;
        let missing = job.core.missing_photos();
        if missing.len() > indices.len() {
            return Err(refuse(format!(
                "indices has room for {}, and {} photos are missing",
                indices.len(),
                missing.len()
            )));
        }
        *count = missing.len();
        indices.iter_mut().zip(missing).for_each(|(place, index)| *place = index);
        Ok(())
    })
}

/// Gives a photo back that `xiezhen_job_missing_photos` named, from 0. It is read, and refused if it is not the same photo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_give_photo(
    job: *const xiezhen_job,
    index: usize,
    photo: *const xiezhen_photo,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (job, photo) = (borrow(job, "job"), borrow(photo, "photo")).all()?;
        job.core.give_photo(index, photo.0.clone())
    })
}

/// For a `xiezhen_save` (and `xiezhen_completion_job`), about the job that it was given: somebody else has stored the job since it was
/// read, and `newest` is the JSON of what is stored now. The job takes that over; the answer of a create is put into it, and is stored
/// again. In any case the advance ends with `XIEZHEN_IO`, retryable. Return anything but 0 after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_conflict(
    job: *const xiezhen_job,
    newest: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (job, newest) = (borrow(job, "job"), text(newest, "newest")).all()?;
        *job.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest.to_owned());
        Ok(())
    })
}

/// Takes over a task that the vendor's side shows, for the create whose outcome is unknown. A training is adopted with
/// its `user_id`; for a generation that is NULL. Of several generations, this is the first that is unknown:
/// `xiezhen_job_adopt_portrait` says which.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_adopt(
    job: *const xiezhen_job,
    task_id: *const c_char,
    user_id: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let ids = (text(task_id, "task_id"), maybe_text(user_id, "user_id"));
        let (job, task_id, user_id) = (borrow(job, "job"), ids.0, ids.1).all()?;
        job.core.adopt(task_id, user_id)
    })
}

/// Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it). Refused
/// if that portrait's outcome is not unknown.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_adopt_portrait(
    job: *const xiezhen_job,
    task_id: *const c_char,
    style: *const c_char,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (job, task_id, style) = (borrow(job, "job"), text(task_id, "task_id"), text(style, "style")).all()?;
        job.core.adopt_portrait(task_id, style)
    })
}

/// Frees a job handle, when no call uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_job_free(job: *mut xiezhen_job) {
    free(job);
}
