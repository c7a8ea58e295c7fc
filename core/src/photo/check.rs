//! What is found out about a photo's content before anything is sent.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::{Deserialize, Serialize};

use super::{
    clean::Pieces,
    decode::{Picture, unaccepted},
    prepare::{LEAST_BYTES, LONGEST_SIDE, prepare},
    quality::Looks,
};
use crate::{
    picture::{self, Format},
    table::define_enums,
};

/// With fewer points than a square of this side has, a photo trains badly.
pub(crate) const SMALL: u32 = 512;
/// However wide it is, a strip shows too little.
const NARROW: u32 = 256;
/// The long side of a photo's thumbnail.
pub(crate) const THUMBNAIL: u32 = 320;
/// Larger files are not looked into.
pub(super) const MOST_GIVEN: u64 = 128 << 20;

/// The words for photos.
#[doc(hidden)]
#[macro_export]
macro_rules! photo_enums {
    ($with:ident) => {
        $with! {
            /// What is done to a photo before it is sent.
            PhotoPlan {
                /// Nothing.
                AsIs "as_is",
                /// Location and other metadata are taken out; no pixel changes.
                Cleaned "cleaned",
                /// It is made into an upright sRGB JPEG that is small enough.
                Prepared "prepared",
            }
        }
    };
}
photo_enums!(define_enums);

/// How a photo was made into what is sent. Noted in a job, so that a later version of this library sends the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    plan: PhotoPlan,
    version: u32,
}

impl Preparation {
    /// Changes when the same photo becomes another file.
    const VERSION: u32 = 1;

    pub(crate) const fn new(plan: PhotoPlan) -> Self {
        Self { plan, version: Self::VERSION }
    }

    /// What was done, if this version can do it again.
    pub(crate) const fn plan(self) -> Option<PhotoPlan> {
        if self.version == Self::VERSION { Some(self.plan) } else { None }
    }

    pub(crate) fn problem(self) -> String {
        let (noted, known) = (self.version, Self::VERSION);
        format!("was prepared by version {noted} of that, and this library has version {known}: go on with a newer one")
    }
}

/// What photos have to be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// At most so many bytes are sent.
    pub(crate) max_bytes: u64,
    /// Whether photos are cleaned and prepared where they need it.
    pub(crate) prepare: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_bytes: 5 << 20, prepare: true }
    }
}

/// What stops nothing, but trains badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    Small(u32, u32),
    Blurred,
    Dark,
    Bright,
    /// The number of a photo before this one.
    SameAs(usize),
    NearlySameAs(usize),
}

impl fmt::Display for Remark {
    /// To follow the photo's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(width, height) => {
                write!(f, "is small ({width} × {height} pixels): a model trains better from {SMALL} × {SMALL} and more")
            }
            Self::Blurred => f.write_str("is blurred: a model trains better from sharp photos"),
            Self::Dark => f.write_str("is too dark: a model trains better from well-lit photos"),
            Self::Bright => f.write_str("is too bright: a model trains better from well-lit photos"),
            Self::SameAs(number) => {
                write!(f, "is the same as photo {number}: a model trains better from different photos")
            }
            Self::NearlySameAs(number) => {
                write!(f, "is nearly the same as photo {number}: a model trains better from different photos")
            }
        }
    }
}

/// A photo that may be sent, as far as its content is concerned.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    pub(crate) format: Format,
    /// Width and height when upright.
    pub(crate) size: (u32, u32),
    pub(crate) plan: PhotoPlan,
    looks: Looks,
    /// A small JPEG of it, if one was asked for.
    pub(crate) thumbnail: Option<Vec<u8>>,
}

impl Findings {
    /// Decodes the photo; says what is wrong with it in a few words.
    pub(crate) fn of(content: &[u8], rules: Rules, with_thumbnail: bool) -> Result<Self, String> {
        let format = picture::Format::of(content)
            .ok_or("is no picture; JPEG, PNG, WebP and BMP are accepted, GIF and TIFF converted")?;
        if !rules.prepare && !format.is_photo() {
            return Err(unaccepted(format));
        }
        let picture = decoded(content, format)?;
        let plan = plan(content, format, &picture, rules);
        let size = picture.upright_size();
        let looks = Looks::of(&picture.pixels, picture.orientation);
        let thumbnail = with_thumbnail.then(|| prepare(picture, THUMBNAIL, u64::MAX)).transpose()?;
        Ok(Self { format, size, plan, looks, thumbnail })
    }

    /// What can be said of it alone.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        let (width, height) = self.size;
        let is_small = u64::from(width) * u64::from(height) < u64::from(SMALL).pow(2) || width.min(height) < NARROW;
        let all = [
            (is_small, Remark::Small(width, height)),
            (self.looks.is_blurred, Remark::Blurred),
            (self.looks.is_dark, Remark::Dark),
            (self.looks.is_bright, Remark::Bright),
        ];
        all.into_iter().filter(|(applies, _)| *applies).map(|(_, remark)| remark).collect()
    }
}

/// What photos are compared by.
#[derive(Debug, Default)]
pub(crate) struct Comparison(Vec<(usize, String, Looks)>);

impl Comparison {
    /// Whether photo `number` is one of those before; it is compared with from now on.
    pub(crate) fn add(&mut self, number: usize, sha256: &str, findings: &Findings) -> Option<Remark> {
        let same = self.0.iter().find(|(_, known, _)| known == sha256).map(|(number, ..)| Remark::SameAs(*number));
        let like = || self.0.iter().find(|(.., looks)| looks.is_like(&findings.looks));
        let remark = same.or_else(|| like().map(|(number, ..)| Remark::NearlySameAs(*number)));
        self.0.push((number, sha256.to_owned(), findings.looks.clone()));
        remark
    }
}

/// A decoder that panics has met a picture that can't be decoded.
fn decoded(content: &[u8], format: Format) -> Result<Picture, String> {
    catch_unwind(|| Picture::decode(content, format)).unwrap_or_else(|_| Err("can't be decoded".into()))
}

fn plan(content: &[u8], format: Format, picture: &Picture, rules: Rules) -> PhotoPlan {
    let bytes = content.len() as u64;
    if !rules.prepare {
        return PhotoPlan::AsIs;
    }
    let (width, height) = picture.pixels.dimensions();
    let is_turned = picture.orientation != image::metadata::Orientation::NoTransforms;
    if !format.is_photo() || is_turned || picture.is_converted || width.max(height) > LONGEST_SIDE {
        return PhotoPlan::Prepared;
    }
    let clean = Pieces::of(content, format).map_or(bytes, |pieces| pieces.len() as u64);
    match clean {
        clean if clean > rules.max_bytes => PhotoPlan::Prepared,
        clean if clean < bytes => PhotoPlan::Cleaned,
        _ => PhotoPlan::AsIs,
    }
}

/// A small JPEG of a picture; none if it can't be decoded.
#[cfg(feature = "cli")]
pub(crate) fn thumbnail(content: &[u8]) -> Option<Vec<u8>> {
    Findings::of(content, Rules::default(), true).ok()?.thumbnail
}

/// The same of a picture on disk.
#[cfg(feature = "cli")]
pub(crate) fn thumbnail_of(path: &std::path::Path) -> Option<Vec<u8>> {
    use std::io::Read;

    let file = super::PhotoFile::open(path).ok()?;
    check_len(file.len(), Rules::default()).ok()?;
    let mut content = Vec::with_capacity(usize::try_from(file.len()).ok()?);
    file.reader().take(file.len()).read_to_end(&mut content).ok()?;
    thumbnail(&content)
}

/// Before anything is read: a large file may take long to make sense of.
pub(super) fn check_len(bytes: u64, rules: Rules) -> Result<(), String> {
    // A limit that no preparation is sure to reach is one for the photos as they are.
    let most = if rules.prepare && rules.max_bytes >= LEAST_BYTES { MOST_GIVEN } else { rules.max_bytes };
    if bytes == 0 {
        Err("is empty".into())
    } else if bytes > rules.max_bytes && bytes > most {
        let option = if most == rules.max_bytes { " (‹max_photo_bytes›)" } else { "" };
        Err(format!("has {bytes} bytes; at most {most}{option} are accepted"))
    } else {
        Ok(())
    }
}

/// Made as one that needs it, for benches.
#[cfg(feature = "internals")]
pub(crate) fn scaled(content: &[u8], side: u32) -> Result<Vec<u8>, String> {
    let format = picture::Format::of(content).ok_or("is no picture")?;
    prepare(decoded(content, format)?, side, u64::MAX)
}

/// Cleaned, for benches.
#[cfg(feature = "internals")]
pub(crate) fn cleaned(content: &[u8]) -> Result<Vec<u8>, String> {
    made(content, PhotoPlan::Cleaned, u64::MAX).map(|(cleaned, _)| cleaned)
}

/// What is sent of a photo with this plan, and its type; says what is wrong with it in a few words.
pub(super) fn made(content: &[u8], plan: PhotoPlan, max_bytes: u64) -> Result<(Vec<u8>, Format), String> {
    let format = picture::Format::of(content).ok_or("is no picture")?;
    match plan {
        PhotoPlan::AsIs => Ok((content.to_owned(), format)),
        PhotoPlan::Cleaned => {
            let pieces = Pieces::of(content, format).ok_or("is cut short")?;
            Ok((pieces.join(content, format), format))
        }
        PhotoPlan::Prepared => {
            let picture = decoded(content, format)?;
            let prepared = AssertUnwindSafe(|| prepare(picture, LONGEST_SIDE, max_bytes));
            let prepared = catch_unwind(prepared).unwrap_or_else(|_| Err("can't be prepared".into()))?;
            Ok((prepared, Format::Jpeg))
        }
    }
}
