//! Whose checkpoint this is: a job may upload files, make folders and fetch from anywhere, and is as trusted as a program.

use std::path::Path;

use crate::error::Result;
#[cfg(unix)]
use crate::{
    disk,
    error::{Error, ErrorKind},
};

/// Refuses a checkpoint that another user owns or can change, as ssh does with its configuration. One that is not there is
/// nobody's.
#[cfg(unix)]
pub(super) fn check(checkpoint: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let refuse = |why: &str| {
        let message = format!(
            "the checkpoint {} {why}: a job is as trusted as a program. --trust uses it all the same",
            checkpoint.display()
        );
        Err(Error::new(ErrorKind::Io, message).with_path(checkpoint))
    };
    let Ok(about) = checkpoint.metadata() else { return Ok(()) };
    let is_ours = |uid: u32| uid == 0 || uid == rustix::process::geteuid().as_raw();
    if !is_ours(about.uid()) {
        return refuse("belongs to another user");
    }
    if about.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        return refuse("can be changed by other users (chmod 600 keeps them out)");
    }
    let whole = checkpoint.canonicalize().unwrap_or_else(|_| checkpoint.to_owned());
    match disk::folder(&whole).metadata() {
        Ok(folder) if folder.mode() & OTHERS_WRITE != 0 && folder.mode() & STICKY == 0 => {
            refuse("is in a folder where every user can put another in its place")
        }
        _ => Ok(()),
    }
}

/// Who owns what is not asked where it is no number: the folder's permissions are what there is.
#[cfg(not(unix))]
pub(super) fn check(_checkpoint: &Path) -> Result<()> {
    Ok(())
}
