//! A job on disk: written whole or not at all, readable by its owner only, and held by one process at a time.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, ErrorKind, Result},
    job::Job,
};

/// A checkpoint that this process holds. The lock is `flock` on a file beside it, on local file systems only;
/// that file is never deleted, because somebody may be waiting for it.
pub(crate) struct Checkpoint {
    path: PathBuf,
    /// Unlocks when it is closed.
    _lock: File,
}

impl Checkpoint {
    /// Takes the checkpoint, or says who has it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| Error::io("can't use the checkpoint", path, error))?;
        let folder = folder(&path);
        fs::create_dir_all(folder).map_err(|error| Error::io("can't make the checkpoint's folder", folder, error))?;

        let lock_path = beside(&path, ".lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(&lock_path).map_err(|error| Error::io("can't open the lock", &lock_path, error))?;
        match patiently(|| lock.try_lock()) {
            Ok(()) => {
                let checkpoint = Self { path, _lock: lock };
                checkpoint.sweep();
                Ok(checkpoint)
            }
            Err(TryLockError::WouldBlock) => {
                let message = format!("the checkpoint {} is in use by another run of this job", path.display());
                Err(Error::new(ErrorKind::Io, message).with_path(&path).retryable())
            }
            Err(TryLockError::Error(error)) => Err(Error::io("can't lock the checkpoint", &lock_path, error)),
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

    /// What this checkpoint's temporary files begin with.
    fn prefix(&self) -> OsString {
        let mut prefix = OsString::from(".");
        prefix.push(self.path.file_name().unwrap_or_default());
        prefix.push("-");
        prefix
    }

    /// Removes what a killed process has left; the lock says that nobody is writing. Failing does no harm.
    fn sweep(&self) {
        let prefix = self.prefix();
        let left = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) && name.as_encoded_bytes().ends_with(b".tmp")
        };
        for entry in fs::read_dir(folder(&self.path)).into_iter().flatten().flatten().filter(left) {
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Writes the job: after a crash at any instant, either this or what was there before is on disk.
    pub(crate) fn save(&self, job: &Job) -> Result<()> {
        let json = job.to_json()?;
        let write = || -> std::io::Result<()> {
            let folder = folder(&self.path);
            // Temporary files are made with mode 0600, which the checkpoint keeps.
            let mut file = tempfile::Builder::new().prefix(&self.prefix()).suffix(".tmp").tempfile_in(folder)?;
            file.write_all(json.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            sync_folder(folder)
        };
        write().map_err(|error| Error::io("can't write the checkpoint", &self.path, error))
    }
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
    let json = fs::read_to_string(path).map_err(|error| Error::io("can't read the checkpoint", path, error))?;
    Job::from_json(&json).map_err(|error| {
        let message = format!("the checkpoint {} can't be used and was left as it is: {error}", path.display());
        Error::new(ErrorKind::Io, message).with_path(path).with_source(error)
    })
}

/// Makes a rename last: on Unix the folder is a file of its own.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
