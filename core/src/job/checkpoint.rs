//! A job on disk: written whole or not at all, readable by its owner only, and held by one process at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::Job;
use crate::{
    disk::{self, FileMode, Links},
    error::{Error, ErrorKind, Result},
    text,
};

/// No job is larger than this; what is, is not read.
const MOST: u64 = 16 << 20;

/// A checkpoint that this process holds. The lock is `flock` on a file beside it, on local file systems only;
/// that file is never deleted, because somebody may be waiting for it.
pub(crate) struct Checkpoint {
    /// By the name that it was asked for.
    path: PathBuf,
    /// Where it really is.
    file: PathBuf,
    /// Always there until it is let go of.
    lock: Option<File>,
    /// A save whose caller has gone away runs on: what is written last is what the job knows last.
    saving: Mutex<()>,
}

impl Checkpoint {
    /// Takes the checkpoint, or says who has it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| Error::io("can't use the checkpoint", path, error))?;
        let folder = disk::folder(&path);
        fs::create_dir_all(folder).map_err(|error| Error::io("can't make the checkpoint's folder", folder, error))?;
        let file = true_path(&path).map_err(|error| Error::io("can't use the checkpoint", &path, error))?;

        let lock_path = beside(&file, ".lock");
        let lock = open_lock(&lock_path).map_err(|error| Error::io("can't open the lock", &lock_path, error))?;
        match patiently(|| lock.try_lock()) {
            Ok(()) => {
                // The lock says that nobody else is writing.
                disk::remove_stale_temp_files(&file);
                Ok(Self { path, file, lock: Some(lock), saving: Mutex::default() })
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("the checkpoint {} is in use by another run of this job", text::shown(&path));
                Err(Error::new(ErrorKind::Io, message).with_path(&path).retryable())
            }
            Err(TryLockError::Error(error)) => Err(Error::io("can't lock the checkpoint", &lock_path, error)
                .advising("network file systems may have no locks: keep it on a local disk (‹checkpoint›)")),
        }
    }

    /// The job as it was last written; `None` if it never was.
    pub(crate) fn load(&self) -> Result<Option<Job>> {
        if self.path.try_exists().map_err(|error| Error::io("can't read the checkpoint", &self.path, error))? {
            read(&self.path).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Writes the job: after a crash at any instant, either this or what was there before is on disk.
    pub(crate) fn save(&self, job: &Job) -> Result<()> {
        let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let json = job.to_json()?;
        disk::write(&self.file, json.as_bytes(), FileMode::Owner)
            .map_err(|error| Error::io("can't write the checkpoint", &self.path, error))
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        disk::let_go(Held(self.lock.take()));
    }
}

struct Held(Option<File>);

impl Drop for Held {
    /// A child that was forked meanwhile holds a copy of the lock, which closing ours would leave in place.
    fn drop(&mut self) {
        let _ = self.0.as_ref().map(File::unlock);
    }
}

/// Makes the lock file, or opens the one that is there: never through a link, which could lead to any file of ours.
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = disk::without_waiting(&mut options, Links::Refuse).open(path)?;
    disk::check_regular(&lock.metadata()?)?;
    Ok(lock)
}

/// Tries again for a moment: a run that was just given up may still be writing its last state.
fn patiently(try_lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    let end = Instant::now() + Duration::from_millis(500);
    loop {
        match try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
            outcome => return outcome,
        }
    }
}

/// Reads a checkpoint without taking it, and leaves it as it is.
pub(crate) fn read(path: &Path) -> Result<Job> {
    let json = disk::read_text(path, MOST).map_err(|error| Error::io("can't read the checkpoint", path, error))?;
    Job::from_json(&json).map_err(|error| {
        let message = format!("the checkpoint {} can't be used and was left as it is: {error}", text::shown(path));
        Error::new(ErrorKind::Io, message).with_path(path).with_source(error)
    })
}

/// Where a checkpoint really is: whoever comes by another name, through links, meets the same lock.
fn true_path(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            Ok(fs::canonicalize(disk::folder(path))?.join(path.file_name().unwrap_or_default()))
        }
        found => found,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLES: [&str; 4] = ["a", "b", "c", "d"];

    /// A job whose generations all have an unknown outcome, so that tasks can be adopted for them.
    fn unknown() -> Job {
        let json =
            Job::with_user_id("user", STYLES).to_json().unwrap().replace("\"intent\": false", "\"intent\": true");
        let json = json.replace("\"attempt\": 0", "\"attempt\": 1");
        Job::from_json(&json.replace("\"host\": null", "\"host\": \"a.example\"")).unwrap()
    }

    #[test]
    fn what_is_written_last_is_what_the_job_knows_last() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::open(&folder.path().join("job.json")).unwrap();
        for round in 0..20 {
            let job = unknown();
            thread::scope(|scope| {
                for style in STYLES {
                    let (job, checkpoint) = (&job, &checkpoint);
                    scope.spawn(move || {
                        job.adopt_portrait(&format!("task-{style}"), style).unwrap();
                        checkpoint.save(job).unwrap();
                    });
                }
            });
            let stored = checkpoint.load().unwrap().unwrap();
            let known = stored.portraits().iter().filter(|portrait| portrait.task_id.is_some()).count();
            assert_eq!(known, STYLES.len(), "in round {round}");
        }
    }
}
