//! A photo of the person: where it comes from, and the checks that it passes before it is sent.

mod file;

use std::{
    io::{self, BufReader, Cursor, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;

pub(crate) use self::file::PhotoFile;
use crate::{
    digest, disk,
    error::{Error, ErrorKind, Result},
    picture::{self, Format},
};

/// Below this, on its shorter side, a photo trains badly.
const SMALL: usize = 256;

/// A photo: a file that is read when it is sent, or bytes in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo(pub(crate) Source);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Path(PathBuf),
    Bytes(Bytes),
}

impl std::fmt::Debug for Source {
    /// A photo's bytes are nobody's business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl Photo {
    /// A photo on disk.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Source::Path(path.into()))
    }

    /// A photo in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Source::Bytes(bytes.into()))
    }
}

impl From<&str> for Photo {
    fn from(path: &str) -> Self {
        Self::path(path)
    }
}

impl From<String> for Photo {
    fn from(path: String) -> Self {
        Self::path(path)
    }
}

impl From<&Path> for Photo {
    fn from(path: &Path) -> Self {
        Self::path(path)
    }
}

impl From<PathBuf> for Photo {
    fn from(path: PathBuf) -> Self {
        Self::path(path)
    }
}

impl From<Vec<u8>> for Photo {
    fn from(bytes: Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

impl From<Bytes> for Photo {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

/// A photo that may be sent. A file stays open until it is: what is sent is what was checked.
#[derive(Clone, Debug)]
pub(crate) struct CheckedPhoto {
    pub(crate) content: Content,
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    /// SHA-256 of the content, in hex: what a photo is known by.
    pub(crate) sha256: String,
    size: Option<(usize, usize)>,
}

/// Where a checked photo is read.
#[derive(Clone)]
pub(crate) enum Content {
    File(PhotoFile),
    Bytes(Bytes),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.path().display()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// Why a photo can't be sent.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// What is wrong with it, in a few words.
    Problem(String),
    /// Nothing is known to be wrong with it: this machine is short of something for now.
    Busy(Error),
}

impl From<String> for Rejection {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

impl From<&str> for Rejection {
    fn from(problem: &str) -> Self {
        Self::Problem(problem.to_owned())
    }
}

impl Rejection {
    fn of(error: io::Error, path: &Path) -> Self {
        if disk::is_out_of_files(&error) {
            Self::Busy(Error::io("can't open the photo", path, error))
        } else if disk::is_irregular(&error) {
            "is not a file".into()
        } else {
            format!("can't be read: {error}").into()
        }
    }
}

impl CheckedPhoto {
    /// Opens and reads the photo, on this thread.
    pub(crate) fn check(photo: &Photo, max_bytes: u64) -> Result<Self, Rejection> {
        match &photo.0 {
            Source::Bytes(bytes) => {
                check_len(bytes.len() as u64, max_bytes)?;
                let content = Content::Bytes(bytes.clone());
                Self::of(content, bytes.len() as u64, picture::inspect(Cursor::new(bytes)), &**bytes)
                    .map_err(|error| format!("can't be read: {error}"))?
            }
            Source::Path(path) => {
                let file = PhotoFile::open(path).map_err(|error| Rejection::of(error, path))?;
                check_len(file.len(), max_bytes)?;
                let seen = picture::inspect(BufReader::new(file.reader().take(file.len())));
                Self::of(Content::File(file.clone()), file.len(), seen, file.reader().take(file.len()))
                    .map_err(|error| Rejection::of(error, path))?
            }
        }
    }

    fn of(
        content: Content,
        bytes: u64,
        seen: Option<(Format, Option<(usize, usize)>)>,
        whole: impl Read,
    ) -> io::Result<Result<Self, Rejection>> {
        let Some((format, size)) = seen else {
            return Ok(Err("is no picture; JPEG, PNG, WebP and BMP are accepted".into()));
        };
        if !format.is_photo() {
            let problem =
                format!("is a {} picture; JPEG, PNG, WebP and BMP are accepted: convert it first", format.name());
            return Ok(Err(problem.into()));
        }
        Ok(Ok(Self { content, format, bytes, sha256: digest::of(whole)?, size }))
    }

    /// The same for one photo, off the async threads, as an error.
    pub(crate) async fn check_one(photo: Photo, max_bytes: u64) -> Result<Self> {
        let name = photo.name();
        let checked = tokio::task::spawn_blocking(move || Self::check(&photo, max_bytes)).await;
        checked.map_err(interrupted)?.map_err(|rejection| match rejection {
            Rejection::Problem(problem) => Error::invalid(vec![format!("{name} {problem}")]),
            Rejection::Busy(error) => error,
        })
    }

    /// Whether it is too small to train well.
    pub(crate) fn is_small(&self) -> bool {
        self.size.is_some_and(|(width, height)| width.min(height) < SMALL)
    }
}

/// Before anything is read: a large file may take long to make sense of.
fn check_len(bytes: u64, max_bytes: u64) -> Result<(), Rejection> {
    if bytes == 0 {
        return Err("is empty".into());
    }
    if bytes > max_bytes {
        return Err(format!("has {bytes} bytes; at most {max_bytes} (max_photo_bytes) are accepted").into());
    }
    Ok(())
}

impl Photo {
    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match &self.0 {
            Source::Path(path) => format!("photo {}", path.display()),
            Source::Bytes(_) => "photo (bytes)".into(),
        }
    }
}

/// A blocking task ends early only if it panics or the runtime goes away.
pub(crate) fn interrupted(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, format!("work on a local file was interrupted: {error}")).with_source(error)
}
