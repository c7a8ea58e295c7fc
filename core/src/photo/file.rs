//! A photo on disk: its name is resolved and opened once. From then on the descriptor is the photo, never the name.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    disk::{self, Links},
    error::{Error, ErrorKind},
    text,
};

/// An open photo. Clones share the descriptor, which is closed with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct PhotoFile(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    /// Always there until it is let go of.
    file: Option<File>,
    identity: Identity,
}

impl Opened {
    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::Error::other("it is closed"))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        disk::let_go(self.file.take());
    }
}

/// What a file keeps as long as nobody writes to it, or puts another in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    len: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and when the file last changed, which its owner can't set.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Identity {
    fn of(about: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;

        Self {
            len: about.len(),
            modified: about.modified().ok(),
            #[cfg(unix)]
            inode: (about.dev(), about.ino(), about.ctime(), about.ctime_nsec()),
        }
    }
}

impl PhotoFile {
    /// Opens a regular file. Links are followed here, and never again.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let (file, about) = disk::open_regular(path, Links::Follow)?;
        Ok(Self(Arc::new(Opened { path: path.to_owned(), file: Some(file), identity: Identity::of(&about) })))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// The size when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.0.identity.len
    }

    /// Whether nothing was written to it since it was opened.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        Ok(Identity::of(&self.0.file()?.metadata()?) == self.0.identity)
    }

    /// What is said where it has been written to.
    pub(crate) fn changed(&self) -> Error {
        let path = self.path();
        let message = format!(
            "the photo {} has changed since it was checked; call again when nothing writes to it any more",
            text::shown(path)
        );
        Error::new(ErrorKind::Io, message).with_path(path)
    }

    /// Reads at `offset`: several readers of one descriptor don't disturb each other.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let file = self.0.file()?;
        loop {
            #[cfg(unix)]
            let read = std::os::unix::fs::FileExt::read_at(file, buffer, offset);
            #[cfg(windows)]
            let read = std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// The content from its beginning.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { file: self, offset: 0 }
    }
}

/// Reads a photo with an offset of its own.
pub(crate) struct Reader<'a> {
    file: &'a PhotoFile,
    offset: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
            SeekFrom::End(by) => self.file.len().checked_add_signed(by),
        };
        self.offset = offset.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.offset)
    }
}
