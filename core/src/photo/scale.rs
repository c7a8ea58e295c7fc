//! Pictures, scaled: the one place that calls the resizer, of which the compiler makes as many copies as there are calls.

use fast_image_resize::{
    FilterType, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::U8x3,
};
use image::RgbImage;

/// The picture with this width and height, each at least 1.
pub(super) fn scaled(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let mut pixels = RgbImage::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    let source = TypedImageRef::<U8x3>::from_buffer(picture.width(), picture.height(), picture);
    if let (Ok(source), Ok(mut target)) = (source, TypedImage::<U8x3>::from_buffer(width, height, &mut pixels)) {
        // It fails only for a crop outside the picture, and there is no crop.
        let _ = Resizer::new().resize_typed(&source, &mut target, &options);
    }
    pixels
}

/// Width and height that fit into a square of this size, in proportion, never larger than they are.
pub(super) fn fitting((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let long = width.max(height);
    if long <= side {
        return (width, height);
    }
    let shrunk = |length: u32| {
        let exact = (u64::from(length) * u64::from(side) + u64::from(long) / 2) / u64::from(long);
        (exact as u32).clamp(1, side)
    };
    (shrunk(width), shrunk(height))
}
