//! Pictures, decoded to the last pixel and within limits: what can't be decoded here is not sent.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, Limits, RgbImage,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder},
    error::{LimitErrorKind, UnsupportedErrorKind},
    metadata::Orientation,
};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

use super::{clean::Pieces, colour};
use crate::picture::Format;

/// Beyond this many pixels a picture is refused before room is made for them: 64 MP, what large phones make.
const MOST_PIXELS: u64 = 1 << 26;
/// What a decoder may take, the pixels of the largest picture at 16 bit with transparency included.
const MOST_MEMORY: u64 = 8 * MOST_PIXELS + (64 << 20);
/// A JPEG that repaints the picture more often keeps a processor busy, and shows nobody more.
const MOST_SCANS: usize = 100;

const CUT_SHORT: &str = "is cut short: it ends before its picture does";

/// A decoded picture, 8 bit and opaque.
pub(super) struct Picture {
    pub(super) pixels: RgbImage,
    /// How it has to be turned to stand upright.
    pub(super) orientation: Orientation,
    /// The colour profile of the pixels, if they are not known to be sRGB.
    pub(super) profile: Option<Vec<u8>>,
    /// Whether the file holds more than these pixels: other colours, finer ones, transparency, more pictures.
    pub(super) is_converted: bool,
}

impl Picture {
    /// Width and height when upright.
    pub(super) fn upright_size(&self) -> (u32, u32) {
        let (width, height) = self.pixels.dimensions();
        let turned =
            [Orientation::Rotate90, Orientation::Rotate270, Orientation::Rotate90FlipH, Orientation::Rotate270FlipH];
        if turned.contains(&self.orientation) { (height, width) } else { (width, height) }
    }

    /// Decodes a file of this format; says what is wrong with it in a few words.
    pub(super) fn decode(content: &[u8], format: Format) -> Result<Self, String> {
        if matches!(format, Format::Jpeg | Format::Png | Format::WebP) {
            let pieces = Pieces::of(content, format).ok_or(CUT_SHORT)?;
            if pieces.scans() > MOST_SCANS {
                return Err(format!("is painted in {} passes; at most {MOST_SCANS} are accepted", pieces.scans()));
            }
        }
        let source = Cursor::new(content);
        match format {
            Format::Jpeg => jpeg(content),
            Format::Png => {
                let decoder = PngDecoder::with_limits(source, limits()).map_err(described)?;
                let is_animated = decoder.is_apng().map_err(described)?;
                any(decoder, is_animated)
            }
            Format::WebP => {
                let decoder = WebPDecoder::new(source).map_err(described)?;
                let is_animated = decoder.has_animation();
                any(decoder, is_animated)
            }
            Format::Bmp => any(BmpDecoder::new(source).map_err(described)?, false),
            Format::Gif => any(GifDecoder::new(source).map_err(described)?, false),
            Format::Tiff => any(TiffDecoder::new(source).map_err(described)?, false),
            #[cfg(feature = "heic")]
            Format::Heic => super::heic::decode(content, MOST_PIXELS, check_size).map(|pixels| Self {
                pixels,
                orientation: Orientation::NoTransforms,
                profile: None,
                is_converted: true,
            }),
            other => Err(unaccepted(other)),
        }
    }
}

/// Why a type is refused, and what to do.
pub(super) fn unaccepted(format: Format) -> String {
    let cure = match format {
        Format::Heic => {
            "this build has no decoder for it: convert it to JPEG, set the phone's camera to \"most compatible\", or build \
             with the feature heic"
        }
        Format::Avif | Format::JpegXl => "convert it to JPEG first",
        _ => "JPEG, PNG, WebP and BMP are accepted, GIF and TIFF converted: convert it first",
    };
    format!("is {} picture; {cure}", format.with_article())
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

/// Refuses a picture before there is room for its pixels.
pub(super) fn check_size(width: u64, height: u64) -> Result<(), String> {
    if width == 0 || height == 0 {
        Err("has no pixels".into())
    } else if width.saturating_mul(height) > MOST_PIXELS {
        let most = MOST_PIXELS / 1_000_000;
        Err(format!("has {width} × {height} pixels; at most {most} million are accepted"))
    } else {
        Ok(())
    }
}

/// Whatever the `image` library decodes.
fn any(mut decoder: impl ImageDecoder, is_animated: bool) -> Result<Picture, String> {
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into())?;
    decoder.set_limits(limits()).map_err(described)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().ok().flatten();
    let picture = DynamicImage::from_decoder(decoder).map_err(described)?;
    let colour = picture.color();
    let is_fine = colour.bytes_per_pixel() > colour.channel_count();
    let (pixels, was_transparent) = opaque(picture);
    Ok(Picture { pixels, orientation, profile, is_converted: is_animated || is_fine || was_transparent })
}

/// The picture on white, and whether that made a difference.
fn opaque(picture: DynamicImage) -> (RgbImage, bool) {
    if !picture.color().has_alpha() {
        return (picture.into_rgb8(), false);
    }
    let picture = picture.into_rgba8();
    let mut was_transparent = false;
    let mut pixels = Vec::with_capacity(picture.len() / 4 * 3);
    for [red, green, blue, alpha] in picture.as_raw().as_chunks::<4>().0 {
        was_transparent |= *alpha != u8::MAX;
        let on_white = |colour: u8| {
            let (colour, alpha) = (u32::from(colour), u32::from(*alpha));
            ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        pixels.extend([on_white(*red), on_white(*green), on_white(*blue)]);
    }
    (RgbImage::from_raw(picture.width(), picture.height(), pixels).unwrap_or_default(), was_transparent)
}

fn described(error: ImageError) -> String {
    match error {
        ImageError::Unsupported(error) => match error.kind() {
            UnsupportedErrorKind::Color(colour) => format!("has colours that can't be read: {colour:?}"),
            _ => format!("can't be decoded: {error}"),
        },
        ImageError::Limits(error) if error.kind() == LimitErrorKind::InsufficientMemory => {
            "takes more memory to decode than is accepted".into()
        }
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => CUT_SHORT.into(),
        error => format!("can't be decoded: {error}"),
    }
}

fn jpeg(content: &[u8]) -> Result<Picture, String> {
    let refused = |error: DecodeErrors| match error {
        DecodeErrors::ExhaustedData => CUT_SHORT.to_owned(),
        error => format!("can't be decoded: {error}"),
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MOST_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    // A copy, as the decoder of TIFF has it: of what borrows, the compiler would make another decoder, of 65 KB.
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(content.to_vec()), options);
    decoder.decode_headers().map_err(refused)?;
    let (width, height) = decoder.dimensions().ok_or("has no pixels")?;
    check_size(width as u64, height as u64)?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let profile = decoder.icc_profile();
    let ink = decoder.input_colorspace().filter(|colours| matches!(colours, ColorSpace::CMYK | ColorSpace::YCCK));
    if let Some(ink) = ink {
        // As they are: the library turns some of them into their opposite.
        decoder.set_options(options.jpeg_set_out_colorspace(ink));
    }
    let mut samples = decoder.decode().map_err(refused)?;
    let mut profile = profile;
    if let Some(ink) = ink {
        samples = colour::from_ink(samples, ink == ColorSpace::YCCK, profile.take().as_deref());
    }
    let pixels = RgbImage::from_raw(width as u32, height as u32, samples);
    Ok(Picture {
        pixels: pixels.ok_or("can't be decoded: its colours are of an unknown kind")?,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        profile,
        is_converted: ink.is_some(),
    })
}
