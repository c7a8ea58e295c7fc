//! A photo of the person: where it comes from, and the checks that it passes before it is sent.

use std::{
    fs::{File, Metadata},
    io::{BufReader, Cursor, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{
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

/// A photo that may be sent.
#[derive(Clone, Debug)]
pub(crate) struct CheckedPhoto {
    pub(crate) source: Source,
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    /// When a file was last written to, as far as its file system says.
    modified: Option<SystemTime>,
    size: Option<(usize, usize)>,
}

impl CheckedPhoto {
    /// Looks at the beginning of the photo, on this thread; says what is wrong with it in a few words.
    pub(crate) fn check(photo: &Photo, max_bytes: u64) -> Result<Self, String> {
        let (bytes, modified, seen) = match &photo.0 {
            Source::Path(path) => {
                // Opening a pipe would wait for somebody to write.
                let about = path.metadata().map_err(|error| format!("can't be read: {error}"))?;
                if !about.is_file() {
                    return Err("is not a file".into());
                }
                let file = File::open(path).map_err(|error| format!("can't be read: {error}"))?;
                (about.len(), about.modified().ok(), picture::inspect(BufReader::new(file)))
            }
            Source::Bytes(bytes) => (bytes.len() as u64, None, picture::inspect(Cursor::new(bytes))),
        };
        if bytes == 0 {
            return Err("is empty".into());
        }
        let (format, size) = seen.ok_or("is no picture; JPEG, PNG, WebP and BMP are accepted")?;
        if !format.is_photo() {
            return Err(format!(
                "is a {} picture; JPEG, PNG, WebP and BMP are accepted: convert it first",
                format.name()
            ));
        }
        if bytes > max_bytes {
            return Err(format!("has {bytes} bytes; at most {max_bytes} (max_photo_bytes) are accepted"));
        }
        Ok(Self { source: photo.0.clone(), format, bytes, modified, size })
    }

    /// The same for one photo, off the async threads, as an error.
    pub(crate) async fn check_one(photo: Photo, max_bytes: u64) -> Result<Self> {
        let name = photo.name();
        let checked = tokio::task::spawn_blocking(move || Self::check(&photo, max_bytes)).await;
        checked.map_err(interrupted)?.map_err(|problem| Error::invalid(vec![format!("{name} {problem}")]))
    }

    /// Whether it is too small to train well.
    pub(crate) fn is_small(&self) -> bool {
        self.size.is_some_and(|(width, height)| width.min(height) < SMALL)
    }

    /// Whether this is the file as it was checked: what was noted of that is not true of any other.
    pub(crate) fn is_still(&self, file: &Metadata) -> bool {
        file.len() == self.bytes && file.modified().ok() == self.modified
    }

    /// SHA-256 of the content, in hex: what a photo is known by.
    pub(crate) fn digest(&self) -> Result<String, String> {
        let mut hash = Sha256::new();
        match &self.source {
            Source::Bytes(bytes) => hash.update(bytes),
            Source::Path(path) => {
                let mut file = File::open(path).map_err(|error| format!("can't be read: {error}"))?;
                let mut chunk = vec![0; 64 << 10];
                loop {
                    let read = file.read(&mut chunk).map_err(|error| format!("can't be read: {error}"))?;
                    match chunk.get(..read) {
                        None | Some([]) => break,
                        Some(part) => hash.update(part),
                    }
                }
            }
        }
        Ok(hex(&hash.finalize()))
    }
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

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A blocking task ends early only if it panics or the runtime goes away.
pub(crate) fn interrupted(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, format!("work on a local file was interrupted: {error}")).with_source(error)
}
