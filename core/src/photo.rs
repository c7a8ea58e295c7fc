//! A photo of the person: where it comes from, the checks that it passes, and what is sent of it.

mod check;
mod clean;
mod colour;
mod decode;
mod file;
#[cfg(feature = "heic")]
mod heic;
mod prepare;
mod quality;
mod report;
mod scale;
mod threads;

use std::{
    fmt,
    io::{self, BufReader, Cursor, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

#[cfg(feature = "internals")]
pub(crate) use self::check::{cleaned, scaled};
pub(crate) use self::{
    check::{Comparison, Findings, Rules},
    file::PhotoFile,
    threads::PhotoThreads,
};
pub use self::{
    check::{PhotoPlan, Preparation},
    report::{PhotoReport, check_photos},
};
#[cfg(feature = "cli")]
pub(crate) use self::{
    check::{Remark, SMALL, thumbnail, thumbnail_of},
    report::{Illustrated, illustrated},
};
use crate::{
    digest, disk,
    error::{Error, ErrorKind, Result},
    picture::{self, Format},
    spelling::{Spelling, spell},
    text,
};

/// A photo: a file that is read when it is sent, or bytes in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo(pub(crate) Source);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Path(PathBuf),
    Bytes(Bytes),
}

impl fmt::Debug for Source {
    /// A photo's bytes are nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&text::shown(path)),
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
    /// Of what is sent: made, it is another one.
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    /// SHA-256 of the photo as it was given, in hex: what it is known by.
    pub(crate) sha256: String,
    pub(crate) findings: Findings,
}

/// Where a checked photo is read.
#[derive(Clone)]
pub(crate) enum Content {
    File(PhotoFile),
    Bytes(Bytes),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.path().display()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// How many photos a model is trained from (docs/service.md, step 1).
pub(crate) const PER_MODEL: std::ops::RangeInclusive<usize> = 8..=20;

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
        } else if path.to_str().is_some_and(|text| text.starts_with("https://") || text.starts_with("http://")) {
            "is a URL where a path belongs: fetch it, and give the bytes".into()
        } else if is_encoded(path) {
            "is the text of a picture where its path belongs: decode it, and give the bytes".into()
        } else {
            format!("can't be read: {error}").into()
        }
    }
}

/// Whether what was given for a path is a `data:` URL, or a picture in base64.
fn is_encoded(path: &Path) -> bool {
    // Longer than any name that a file system takes.
    const LONG: usize = 256;
    let text = path.as_os_str().as_encoded_bytes();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=\r\n".contains(byte);
    text.starts_with(b"data:") || (text.len() >= LONG && text.iter().all(is_base64))
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => f.write_str(&spell(problem, Spelling::Snake)),
            Self::Busy(error) => error.fmt(f),
        }
    }
}

impl CheckedPhoto {
    /// Opens, reads and decodes the photo, on this thread.
    pub(crate) fn check(photo: &Photo, rules: Rules) -> Result<Self, Rejection> {
        Self::check_with(photo, rules, None, false)
    }

    /// The same of a photo whose digest may be known.
    pub(crate) fn check_again(photo: &Photo, rules: Rules, known: Option<&str>) -> Result<Self, Rejection> {
        Self::check_with(photo, rules, known, false)
    }

    fn check_with(photo: &Photo, rules: Rules, known: Option<&str>, with_thumbnail: bool) -> Result<Self, Rejection> {
        let content = Content::of(photo, rules)?;
        let whole = content.read()?;
        let bytes = whole.len() as u64;
        let sha256 = sha256(&whole);
        if known.is_some_and(|known| known != sha256) {
            return Err("has changed since the job began".into());
        }
        let findings = Findings::of(&whole, rules, with_thumbnail)?;
        Ok(Self { content, format: findings.format, bytes, sha256, findings })
    }

    /// All of it, for fuzzing.
    #[cfg(feature = "internals")]
    pub(crate) fn whole(&self) -> Result<Vec<u8>, Rejection> {
        self.content.read().map(|whole| whole.to_vec())
    }

    /// What is sent of it, on this thread: cleaned or prepared if that was the plan.
    pub(crate) fn make(self, max_bytes: u64) -> Result<Self, Rejection> {
        if self.findings.plan == PhotoPlan::AsIs {
            return Ok(self);
        }
        let whole = self.content.read()?;
        if let Content::File(file) = &self.content
            && sha256(&whole) != self.sha256
        {
            return Err(Rejection::Busy(file.changed()));
        }
        let (made, format) = check::made(&whole, self.findings.plan, max_bytes)?;
        Ok(Self { bytes: made.len() as u64, content: Content::Bytes(made.into()), format, ..self })
    }

    /// What is sent of a photo of a job, off the async threads.
    pub(crate) async fn made(self, threads: &PhotoThreads, name: String, max_bytes: u64) -> Result<Self> {
        if self.findings.plan == PhotoPlan::AsIs {
            return Ok(self);
        }
        threads.run(move || self.make(max_bytes)).await?.map_err(|rejection| rejection.of_photo(&name))
    }

    /// One photo checked and made, off the async threads.
    pub(crate) async fn check_one(threads: &PhotoThreads, photo: Photo, rules: Rules) -> Result<Self> {
        let name = photo.name();
        let check = move || Self::check(&photo, rules).and_then(|checked| checked.make(rules.max_bytes));
        threads.run(check).await?.map_err(|rejection| rejection.of_photo(&name))
    }
}

impl Content {
    fn of(photo: &Photo, rules: Rules) -> Result<Self, Rejection> {
        match &photo.0 {
            Source::Bytes(bytes) => {
                check::check_len(bytes.len() as u64, rules)?;
                Ok(Self::Bytes(bytes.clone()))
            }
            Source::Path(path) => {
                let file = PhotoFile::open(path).map_err(|error| Rejection::of(error, path))?;
                check::check_len(file.len(), rules)?;
                Ok(Self::File(file))
            }
        }
    }

    /// All of it: no more than it had when it was opened.
    fn read(&self) -> Result<Bytes, Rejection> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::File(file) => {
                let mut whole = Vec::with_capacity(file.len() as usize);
                let read = file.reader().take(file.len()).read_to_end(&mut whole);
                read.map_err(|error| Rejection::of(error, file.path()))?;
                Ok(whole.into())
            }
        }
    }
}

impl Photo {
    /// SHA-256 in hex, and the size; on this thread.
    pub(crate) fn digest(&self) -> Result<(String, u64), Rejection> {
        match Content::of(self, Rules { max_bytes: u64::MAX, prepare: false })? {
            Content::Bytes(bytes) => Ok((sha256(&bytes), bytes.len() as u64)),
            Content::File(file) => {
                let digest = digest::of(file.reader().take(file.len()));
                Ok((digest.map_err(|error| Rejection::of(error, file.path()))?, file.len()))
            }
        }
    }
}

fn sha256(content: &[u8]) -> String {
    digest::hex(Sha256::new_with_prefix(content))
}

/// What can be told of a photo that is refused.
#[derive(Default)]
struct Outline {
    format: Option<Format>,
    size: Option<(u32, u32)>,
    bytes: Option<u64>,
}

impl Photo {
    fn outline(&self) -> Outline {
        let seen = |bytes: u64, seen: Option<(Format, Option<(usize, usize)>)>| {
            let size = seen.and_then(|(_, size)| size);
            let size = size.and_then(|(width, height)| Some((width.try_into().ok()?, height.try_into().ok()?)));
            Outline { format: seen.map(|(format, _)| format), size, bytes: Some(bytes) }
        };
        match &self.0 {
            Source::Bytes(bytes) => seen(bytes.len() as u64, picture::inspect(Cursor::new(bytes))),
            Source::Path(path) => match PhotoFile::open(path) {
                Ok(file) => {
                    let start = BufReader::new(file.reader().take(file.len()));
                    seen(file.len(), picture::inspect(start))
                }
                Err(_) => Outline::default(),
            },
        }
    }
}

impl Rejection {
    /// The error that a single photo's refusal is.
    fn of_photo(self, name: &str) -> Error {
        match self {
            Self::Problem(problem) => Error::invalid(vec![format!("{name} {problem}")]),
            Self::Busy(error) => error,
        }
    }
}

impl Photo {
    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match &self.0 {
            Source::Path(path) => format!("photo {}", text::shown(path)),
            Source::Bytes(_) => "photo (bytes)".into(),
        }
    }
}

/// Work on another thread ends without an answer only if it panics or the runtime goes away.
pub(crate) fn interrupted(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, format!("work on a local file was interrupted: {error}")).with_source(error)
}
