//! A picture made such that the service takes it: upright, sRGB, opaque, JPEG, not too large.

use image::{ImageBuffer, Pixel, RgbImage, imageops, metadata::Orientation};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{
    colour,
    decode::Picture,
    scale::{fitting, scaled},
};

/// The long side of what is sent.
pub(super) const LONGEST_SIDE: u32 = 4096;
/// Whatever is on a picture, some size of it fits into this many bytes.
pub(super) const LEAST_BYTES: u64 = 64 << 10;
/// How a picture is encoded, from the best to the smallest.
const ENCODINGS: [(u8, SamplingFactor); 4] = [
    (92, SamplingFactor::R_4_4_4),
    (92, SamplingFactor::R_4_2_0),
    (85, SamplingFactor::R_4_2_0),
    (75, SamplingFactor::R_4_2_0),
];

/// Encodes the picture in at most `max_bytes` bytes, scaled down further where no encoding is small enough.
pub(super) fn prepare(picture: Picture, side: u32, max_bytes: u64) -> Result<Vec<u8>, String> {
    let Picture { mut pixels, orientation, profile, .. } = picture;
    let (width, height) = fitting(pixels.dimensions(), side);
    if (width, height) != pixels.dimensions() {
        pixels = scaled(&pixels, width, height);
    }
    if let Some(profile) = profile {
        colour::to_srgb(&mut pixels, &profile);
    }
    pixels = upright(pixels, orientation);
    loop {
        for (quality, sampling) in ENCODINGS {
            let encoded = encode(&pixels, quality, sampling)?;
            if encoded.len() as u64 <= max_bytes {
                return Ok(encoded);
            }
        }
        let side = pixels.width().max(pixels.height()) * 3 / 4;
        if side == 0 {
            return Err(format!("can't be made smaller than {max_bytes} bytes (‹max_photo_bytes›)"));
        }
        let (width, height) = fitting(pixels.dimensions(), side);
        pixels = scaled(&pixels, width, height);
    }
}

fn encode(pixels: &RgbImage, quality: u8, sampling: SamplingFactor) -> Result<Vec<u8>, String> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(sampling);
    let size = (u16::try_from(pixels.width()), u16::try_from(pixels.height()));
    let (Ok(width), Ok(height)) = size else { return Err("is too wide or too high for a JPEG".into()) };
    encoder.encode(pixels, width, height, ColorType::Rgb).map_err(|error| format!("can't be jpeg: {error}"))?;
    Ok(jpeg)
}

/// Turned as the camera was held.
pub(super) fn upright<P: Pixel<Subpixel = u8> + 'static>(
    pixels: ImageBuffer<P, Vec<u8>>,
    orientation: Orientation,
) -> ImageBuffer<P, Vec<u8>> {
    match orientation {
        Orientation::NoTransforms => pixels,
        Orientation::Rotate90 => imageops::rotate90(&pixels),
        Orientation::Rotate180 => imageops::rotate180(&pixels),
        Orientation::Rotate270 => imageops::rotate270(&pixels),
        Orientation::FlipHorizontal => imageops::flip_horizontal(&pixels),
        Orientation::FlipVertical => imageops::flip_vertical(&pixels),
        Orientation::Rotate90FlipH => imageops::flip_horizontal(&imageops::rotate90(&pixels)),
        Orientation::Rotate270FlipH => imageops::flip_horizontal(&imageops::rotate270(&pixels)),
    }
}
