//! Files that appear whole or not at all: a temporary file, fsync, rename, fsync of the folder.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tempfile::NamedTempFile;

/// What a temporary file's name has between its target's name and its ending.
const RANDOM: usize = 6;
const ENDING: &str = ".tmp";
/// A cleanup may run between the creation of a file and its lock.
const TRIES: usize = 5;

/// How long a file is tried again that can't be opened because too many are.
pub(crate) const OUT_OF_FILES: Duration = Duration::from_secs(60);

/// The permissions of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileMode {
    /// Its owner only.
    Owner,
    /// Whoever the umask lets.
    Usual,
}

/// Writes `content` under the name `path`: after a crash at any instant, this or what was there before is on disk.
pub(crate) fn write(path: &Path, content: &[u8], mode: FileMode) -> io::Result<()> {
    let mut incoming = Incoming::create(path, mode)?;
    incoming.file().write_all(content)?;
    incoming.keep_as(path)
}

/// Lets go of what has files open, off the async threads: a file system that hangs makes closing and removing wait, too.
pub(crate) fn let_go<T: Send + 'static>(what: T) {
    match tokio::runtime::Handle::try_current() {
        // Nobody waits for it.
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(what))),
        Err(_) => drop(what),
    }
}

/// A file that is being written under a temporary name; gone if it is not kept.
pub(crate) struct Incoming(NamedTempFile<File>);

impl Incoming {
    /// Makes the temporary file of one that is to be called like `path`.
    pub(crate) fn create(path: &Path, mode: FileMode) -> io::Result<Self> {
        let began = Instant::now();
        let mut tries = 1;
        loop {
            match Self::try_to_create(path, mode) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES && folder(path).is_dir() => {
                    tries += 1;
                }
                // What is not written may be billed again. Other files may be closed meanwhile.
                Err(error) if is_out_of_files(&error) && began.elapsed() < OUT_OF_FILES => {
                    thread::sleep(Duration::from_millis(50));
                }
                created => return created,
            }
        }
    }

    fn try_to_create(path: &Path, mode: FileMode) -> io::Result<Self> {
        let prefix = format!("{}-", hidden(path));
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).rand_bytes(RANDOM).suffix(ENDING);
        // The library's own opening hides the error's number.
        let temporary = builder.make_in(folder(path), |temporary| create_new(temporary, mode))?;
        // Says that somebody is writing it. A file system without locks lets nobody remove it either. Not a shared lock: on
        // Windows nobody writes under one, who holds it neither.
        if matches!(temporary.as_file().try_lock(), Err(TryLockError::WouldBlock)) {
            // Somebody takes it for what a killed process left.
            return Err(io::ErrorKind::NotFound.into());
        }
        temporary.path().symlink_metadata()?;
        Ok(Self(temporary))
    }

    pub(crate) fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Gives it its name. What stood there before is gone, a link itself and not what it led to.
    pub(crate) fn keep_as(self, path: &Path) -> io::Result<()> {
        self.0.as_file().sync_all()?;
        self.0.persist(path)?;
        // On Unix the folder is a file of its own, and the new name is in it.
        if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
    }
}

/// Makes a file that was not there.
fn create_new(path: &Path, mode: FileMode) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if mode == FileMode::Owner { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// Removes what killed processes have left of writing `path`.
pub(crate) fn remove_stale_temp_files(path: &Path) {
    remove_all_stale_temp_files(folder(path), &format!("{}-", hidden(path)));
}

/// Removes what killed processes have left of writing files whose temporary names begin with `prefix`, and leaves alone
/// what somebody is writing. Failing does no harm.
pub(crate) fn remove_all_stale_temp_files(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(prefix.as_bytes()) && name.ends_with(ENDING.as_bytes()) {
            let path = entry.path();
            if open_regular(&path, Links::Refuse).is_ok_and(|(file, _)| file.try_lock().is_ok()) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Whether a link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Follow,
    Refuse,
}

/// Opens a regular file for reading, and nothing else: a pipe would wait for its other end, a device has no end.
pub(crate) fn open_regular(path: &Path, links: Links) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true);
    let about = match links {
        Links::Follow => path.metadata()?,
        Links::Refuse => path.symlink_metadata()?,
    };
    check_regular(&about)?;
    let file = without_waiting(&mut options, links).open(path)?;
    // Another file may have come between.
    let about = file.metadata()?;
    check_regular(&about)?;
    Ok((file, about))
}

/// The text of a regular file of at most `most` bytes.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let (file, about) = open_regular(path, Links::Follow)?;
    let mut text = String::new();
    // One that grows meanwhile says so only when it is read.
    if about.len() <= most {
        file.take(most + 1).read_to_string(&mut text)?;
    }
    if about.len() > most || text.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {} MiB", most >> 20)));
    }
    Ok(text)
}

/// Opening waits for nobody, whatever stands under the name.
pub(crate) fn without_waiting(options: &mut OpenOptions, links: Links) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        let follow = if links == Links::Follow { 0 } else { libc::O_NOFOLLOW };
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | libc::O_NOCTTY | follow);
    }
    #[cfg(not(unix))]
    let _ = links;
    options
}

pub(crate) fn check_regular(about: &Metadata) -> io::Result<()> {
    if about.is_file() { Ok(()) } else { Err(io::Error::other(Irregular)) }
}

/// A pipe, a device, a folder or a link where a file belongs.
#[derive(Debug)]
struct Irregular;

impl std::fmt::Display for Irregular {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it is not a regular file")
    }
}

impl std::error::Error for Irregular {}

/// Whether it is about something that is not a regular file.
pub(crate) fn is_irregular(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Irregular>)
}

/// Whether this process or machine has too many files open for now.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// The folder that `path` is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What names of temporary files begin with: a dot, and the name of the file that they become.
pub(crate) fn hidden(path: &Path) -> String {
    format!(".{}", path.file_name().unwrap_or_default().to_string_lossy())
}
