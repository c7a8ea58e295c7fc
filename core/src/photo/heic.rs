//! HEIC, what iPhones make; only where a build has the decoder.

use std::panic::catch_unwind;

use heifer::Options;
use image::RgbImage;

/// Decodes a HEIC, upright and as sRGB: the library turns it as the container says, and what EXIF says again is nothing
/// more to turn. `check_size` is asked about width and height.
pub(super) fn decode(
    content: &[u8],
    max_pixels: u64,
    check_size: impl Fn(u64, u64) -> Result<(), String>,
) -> Result<RgbImage, String> {
    // One thread, so that one decode at a time is one.
    let options = Options { max_threads: 1, max_pixels };
    let decoded = catch_unwind(|| heifer::decode_srgb_rgba8(content, &options));
    let picture =
        decoded.map_err(|_| "can't be decoded".to_owned())?.map_err(|error| format!("can't be decoded: {error}"))?;
    let (width, height) = (picture.width, picture.height);
    check_size(width.into(), height.into())?;
    RgbImage::from_raw(width, height, picture.into_rgb8()).ok_or_else(|| "can't be decoded".to_owned())
}
