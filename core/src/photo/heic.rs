//! HEIC, what iPhones make; only where a build has the decoder.

use std::panic::catch_unwind;

use heifer::Options;
use image::{RgbImage, metadata::Orientation};

use super::decode::{Picture, check_size};

/// Decodes a HEIC, upright and as sRGB: the library turns it as the container says, and what EXIF says again is nothing
/// more to turn.
pub(super) fn decode(content: &[u8], max_pixels: u64) -> Result<Picture, String> {
    // One thread, so that one decode at a time is one.
    let options = Options { max_threads: 1, max_pixels };
    let decoded = catch_unwind(|| heifer::decode_srgb_rgba8(content, &options));
    let picture =
        decoded.map_err(|_| "can't be decoded".to_owned())?.map_err(|error| format!("can't be decoded: {error}"))?;
    let (width, height) = (picture.width, picture.height);
    check_size(width.into(), height.into())?;
    let pixels = RgbImage::from_raw(width, height, picture.into_rgb8()).ok_or("can't be decoded")?;
    Ok(Picture { pixels, orientation: Orientation::NoTransforms, profile: None, is_converted: true })
}
