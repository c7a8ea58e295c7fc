//! Colours of other kinds, as sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Pixels of this profile, as sRGB ones. A profile that can't be read, or is of another kind of colours, changes nothing.
pub(super) fn to_srgb(pixels: &mut [u8], profile: &[u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else { return };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let options = TransformOptions::default();
    let transform = profile.create_transform_8bit(Layout::Rgb, &ColorProfile::new_srgb(), Layout::Rgb, options);
    let Ok(transform) = transform else { return };
    // In pieces, so that no second picture is needed.
    let mut before = [0; 3 * 4096];
    for part in pixels.chunks_mut(before.len()) {
        if let Some(before) = before.get_mut(..part.len()) {
            before.copy_from_slice(part);
            // Fails for lengths that don't fit only, and these do.
            let _ = transform.transform(before, part);
        }
    }
}

/// Printers' colours as they stand in a JPEG: by Adobe's custom, the less ink the larger the number.
pub(super) fn from_ink(mut samples: Vec<u8>, is_ycck: bool, profile: Option<&[u8]>) -> Vec<u8> {
    if is_ycck {
        for [y, cb, cr, _] in samples.as_chunks_mut::<4>().0 {
            let (luma, blue, red) = (f32::from(*y), f32::from(*cb) - 128.0, f32::from(*cr) - 128.0);
            let inverted = |value: f32| 255 - value.round().clamp(0.0, 255.0) as u8;
            *y = inverted(luma + 1.402 * red);
            *cb = inverted(luma - 0.344_136 * blue - 0.714_136 * red);
            *cr = inverted(luma + 1.772 * blue);
        }
    }
    if let Some(pixels) = profile.and_then(|profile| by_profile(&samples, profile)) {
        return pixels;
    }
    let light = |ink: u8, black: u8| ((u32::from(ink) * u32::from(black) + 127) / 255) as u8;
    let pixels = samples.as_chunks::<4>().0.iter();
    pixels.flat_map(|[cyan, magenta, yellow, black]| [cyan, magenta, yellow].map(|ink| light(*ink, *black))).collect()
}

fn by_profile(samples: &[u8], profile: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    if profile.color_space != DataColorSpace::Cmyk {
        return None;
    }
    let options = TransformOptions::default();
    let transform =
        profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, options).ok()?;
    let ink: Vec<u8> = samples.iter().map(|sample| 255 - sample).collect();
    let mut pixels = vec![0; samples.len() / 4 * 3];
    transform.transform(&ink, &mut pixels).ok()?;
    Some(pixels)
}
