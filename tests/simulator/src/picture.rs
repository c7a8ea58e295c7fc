//! Pictures made of the uploaded photos, when they are first asked for.

use crate::identity::{Noise, sha256_hex};
use crate::look::{self, Format, HEIGHT, WIDTH};
use crate::store::Store;
use crate::style::Style;
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView as _, ImageFormat, RgbImage};
use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// How many pictures are kept; one is half a megabyte.
const KEPT: usize = 256;

/// What a picture follows from: style, photo, number.
type Key = (&'static str, String, u32);

/// Drawn pictures.
#[derive(Debug, Default)]
pub(crate) struct Gallery {
    drawn: Mutex<HashMap<Key, Arc<OnceCell<Bytes>>>>,
}

impl Gallery {
    /// The `number`th picture of a style, from one of these photos.
    pub(crate) async fn picture(
        &self,
        store: &Store,
        style: &'static Style,
        photos: &[String],
        number: u32,
        seed: u64,
    ) -> Result<Bytes, String> {
        let mut noise = Noise::new(seed ^ u64::from(number).wrapping_mul(0x51_7cc1) ^ style.id.len() as u64);
        let mut sorted = photos.to_vec();
        sorted.sort_unstable();
        // Neighbouring pictures of a task show different photos.
        let first = noise_of(style.id) as usize + number as usize;
        let digest = sorted.get(first % sorted.len().max(1)).cloned().unwrap_or_default();
        let variety = noise.next();
        let cell = self.cell((style.id, digest.clone(), number));
        let drawn = cell.get_or_try_init(|| async {
            let photo = store.photo(&digest).ok_or("the photo is gone")?;
            in_background(move || {
                let photo = image::load_from_memory(&photo).map_err(|error| error.to_string())?;
                let mut picture = portrait(&photo, number, variety);
                style.look.apply(&mut picture, variety);
                encoded(picture, style.look.format)
            })
            .await
        });
        drawn.await.cloned()
    }

    /// The template of a style: a figure, no photo.
    pub(crate) async fn template(&self, style: &'static Style) -> Result<Bytes, String> {
        let cell = self.cell((style.id, String::new(), 0));
        let drawn = cell.get_or_try_init(|| {
            in_background(move || {
                let mut picture = look::figure();
                style.look.apply(&mut picture, noise_of(style.id));
                encoded(picture, Format::Png)
            })
        });
        drawn.await.cloned()
    }

    fn cell(&self, key: Key) -> Arc<OnceCell<Bytes>> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.len() >= KEPT && !drawn.contains_key(&key) {
            drawn.clear();
        }
        Arc::clone(drawn.entry(key).or_default())
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}

fn noise_of(text: &str) -> u64 {
    sha256_hex(text.as_bytes()).bytes().take(8).fold(0, |sum, byte| sum * 31 + u64::from(byte))
}

/// Another crop for every number; every second one mirrored.
fn portrait(photo: &DynamicImage, number: u32, variety: u64) -> RgbImage {
    let (width, height) = photo.dimensions();
    let mut noise = Noise::new(variety);
    let zoom = 1.0 - 0.05 * (number % 3) as f32 - 0.04 * noise.unit();
    let fit = (width as f32 / WIDTH as f32).min(height as f32 / HEIGHT as f32) * zoom;
    let crop_width = ((WIDTH as f32 * fit) as u32).clamp(1, width);
    let crop_height = ((HEIGHT as f32 * fit) as u32).clamp(1, height);
    let (spare_x, spare_y) = ((width - crop_width) as f32, (height - crop_height) as f32);
    // About the middle, rather higher than lower: that is where faces are.
    let x = (spare_x * (0.4 + 0.2 * noise.unit())) as u32;
    let y = (spare_y * (0.2 + 0.3 * noise.unit())) as u32;
    let cropped = photo.crop_imm(x, y, crop_width, crop_height);
    let sized = cropped.resize_exact(WIDTH, HEIGHT, FilterType::CatmullRom);
    if number.is_multiple_of(2) { sized.fliph().into_rgb8() } else { sized.into_rgb8() }
}

fn encoded(picture: RgbImage, format: Format) -> Result<Bytes, String> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::ImageRgb8(picture);
    let done = match format {
        Format::Png => picture.write_to(&mut bytes, ImageFormat::Png),
        Format::WebP => picture.write_to(&mut bytes, ImageFormat::WebP),
        Format::Jpeg => picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 90)),
    };
    done.map_err(|error| error.to_string())?;
    Ok(Bytes::from(bytes.into_inner()))
}

/// The file extension of a photo by its content; none if it cannot be decoded. One decoded before is not again.
pub(crate) async fn kind_of(photo: &Bytes, known: bool) -> Option<&'static str> {
    let format = image::guess_format(photo).ok()?;
    let extension = match format {
        ImageFormat::Jpeg => "jpg",
        ImageFormat::Png => "png",
        ImageFormat::WebP => "webp",
        ImageFormat::Bmp => "bmp",
        _ => return None,
    };
    let photo = photo.clone();
    let decode = move || image::load_from_memory_with_format(&photo, format).map_err(|error| error.to_string());
    if known || in_background(decode).await.is_ok() { Some(extension) } else { None }
}
