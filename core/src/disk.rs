//! Files that appear whole or not at all: a temporary file, fsync, rename, fsync of the folder.

use std::{ffi::OsString, fs::File, io, io::Write, path::Path};

/// What a temporary file's name has between its target's name and its ending.
const RANDOM: usize = 6;
const ENDING: &str = ".tmp";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner only.
    Owner,
    /// Whoever the umask lets.
    Usual,
}

/// Writes `content` under the name `path`: after a crash at any instant, this or what was there before is on disk.
pub(crate) fn write(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let folder = folder(path);
    let mut builder = tempfile::Builder::new();
    let prefix = prefix(path);
    builder.prefix(&prefix).rand_bytes(RANDOM).suffix(ENDING);
    // The library's own default is for the owner only.
    #[cfg(unix)]
    if readers == Readers::Usual {
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // On Unix the folder is a file of its own, and the new name is in it.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes what a killed process has left of writing `path`. Nobody else may be writing it. Failing does no harm.
pub(crate) fn sweep(path: &Path) {
    let prefix = prefix(path);
    for entry in std::fs::read_dir(folder(path)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let ours = |rest: &[u8]| rest.len() == RANDOM + ENDING.len() && rest.ends_with(ENDING.as_bytes());
        if rest.is_some_and(ours) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The folder that `path` is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What temporary files of `path` begin with: hidden, and told apart from those of any other.
fn prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push("-");
    prefix
}
