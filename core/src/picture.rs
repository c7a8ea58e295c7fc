//! Pictures by their content: what they are, how large, and what such files are called.

use std::io::{BufRead, Seek};

use imagesize::{Compression, ImageType};

/// A type of picture, told by its first bytes and never by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
    Tiff,
    Heic,
    Avif,
    JpegXl,
    /// Recognised, and of no use here.
    Other,
}

impl Format {
    /// The type of a picture that begins like this; `None` if it is not a picture.
    pub(crate) fn of(content: &[u8]) -> Option<Self> {
        imagesize::image_type(content).ok().map(Self::from)
    }

    /// The types that a portrait service is known to take.
    pub(crate) const fn is_photo(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::WebP | Self::Bmp)
    }

    /// The name, the same in every language.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Heic => "heic",
            Self::Avif => "avif",
            Self::JpegXl => "jpeg_xl",
            Self::Other => "other",
        }
    }

    /// As a sentence calls it.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Jpeg => "a JPEG",
            Self::Png => "a PNG",
            Self::WebP => "a WebP",
            Self::Bmp => "a BMP",
            Self::Gif => "a GIF",
            Self::Tiff => "a TIFF",
            Self::Heic => "a HEIC",
            Self::Avif => "an AVIF",
            Self::JpegXl => "a JPEG XL",
            Self::Other => "some other",
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Gif => "gif",
            Self::Tiff => "tif",
            Self::Heic => "heic",
            Self::Avif => "avif",
            Self::JpegXl => "jxl",
            Self::Other => "img",
        }
    }

    pub(crate) const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Heic => "image/heic",
            Self::Avif => "image/avif",
            Self::JpegXl => "image/jxl",
            Self::Other => "application/octet-stream",
        }
    }

    /// What files of ours may be called; a picture that is on disk has one of these.
    pub(crate) const EXTENSIONS: [&str; 10] = ["jpg", "png", "webp", "bmp", "gif", "tif", "heic", "avif", "jxl", "img"];
}

impl From<ImageType> for Format {
    fn from(kind: ImageType) -> Self {
        match kind {
            ImageType::Jpeg => Self::Jpeg,
            ImageType::Png => Self::Png,
            ImageType::Webp => Self::WebP,
            ImageType::Bmp => Self::Bmp,
            ImageType::Gif => Self::Gif,
            ImageType::Tiff => Self::Tiff,
            ImageType::Jxl => Self::JpegXl,
            ImageType::Heif(Compression::Av1) => Self::Avif,
            ImageType::Heif(_) => Self::Heic,
            _ => Self::Other,
        }
    }
}

/// The type, and width and height where the header tells them.
pub(crate) fn inspect(mut content: impl BufRead + Seek) -> Option<(Format, Option<(usize, usize)>)> {
    inspect_any(&mut content)
}

/// Whatever it reads from: otherwise the compiler would make a copy of all formats for each.
trait Content: BufRead + Seek {}
impl<T: BufRead + Seek> Content for T {}

fn inspect_any(mut content: &mut dyn Content) -> Option<(Format, Option<(usize, usize)>)> {
    let kind = imagesize::reader_type(&mut content).ok()?;
    content.rewind().ok()?;
    let size = imagesize::reader_size(&mut content).ok().map(|size| (size.width, size.height));
    Some((kind.into(), size))
}
