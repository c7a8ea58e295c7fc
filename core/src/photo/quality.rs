//! What makes a good picture a bad photo to train from: blur, darkness, glare, and being there twice.
//!
//! Measured on a small copy: what is seen there is what a model sees. Thresholds are set so that the ten photos of
//! `tests/photos` pass, crops of one portrait as they are.

use image::{GrayImage, RgbImage, metadata::Orientation};

use super::prepare::upright;

/// The copy that is measured has at most as many points as a square of this side.
const MEASURED: usize = 384;
/// Blurring a sharp picture takes most of its contrast, blurring a blurred one little: the part that is left.
const BLURRED: f32 = 0.58;
/// A dark photo has nine tenths of its points below this, a bright one above that.
const DARK: u8 = 56;
const BRIGHT: u8 = 200;
/// Below this spread, nothing is on the picture to compare.
const FLAT: f32 = 4.0;
/// The fingerprint's points a row, and rows.
const GRID: usize = 16;
/// How many of the fingerprint's 256 comparisons may differ between pictures that are nearly the same.
const NEARLY: u32 = 28;

/// What a picture looks like, whatever its size and type.
#[derive(Clone, Debug)]
pub(super) struct Looks {
    pub(super) is_blurred: bool,
    pub(super) is_dark: bool,
    pub(super) is_bright: bool,
    fingerprint: Option<Fingerprint>,
}

impl Looks {
    /// Measures a picture that has to be turned like this.
    pub(super) fn of(picture: &RgbImage, orientation: Orientation) -> Self {
        let luma = Luma::of(upright(shrunk(picture), orientation));
        let tenth = luma.percentile(10);
        let nine_tenths = luma.percentile(90);
        let is_flat = luma.spread() < FLAT;
        Self {
            is_blurred: !is_flat && luma.blur() > BLURRED,
            is_dark: nine_tenths < DARK,
            is_bright: tenth > BRIGHT,
            fingerprint: (!is_flat).then(|| Fingerprint::of(&luma)),
        }
    }

    /// Whether two pictures show nearly the same, one of them mirrored or not.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (&self.fingerprint, &other.fingerprint) {
            (Some(one), Some(other)) => one.distance(other) <= NEARLY,
            _ => false,
        }
    }
}

/// How light a small copy is at each point: the means of square blocks. What is left over at two edges is left out.
///
/// Slices are taken apart by patterns here and below: builds for tests, which are not optimised, are quick at that.
fn shrunk(picture: &RgbImage) -> GrayImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let side = (width * height).isqrt().div_ceil(MEASURED).clamp(1, width.min(height).max(1));
    let (columns, rows) = (width / side, height / side);
    let mut points = Vec::with_capacity(columns * rows);
    let mut sums = vec![0_u32; columns];
    let area = (side * side) as u32;
    for band in picture.as_raw().chunks_exact((3 * width * side).max(1)) {
        sums.fill(0);
        for row in band.chunks_exact(3 * width) {
            for (sum, mut block) in sums.iter_mut().zip(row.chunks_exact(3 * side)) {
                let mut light = 0;
                while let [red, green, blue, rest @ ..] = block {
                    light += 77 * u32::from(*red) + 150 * u32::from(*green) + 29 * u32::from(*blue);
                    block = rest;
                }
                *sum += light >> 8;
            }
        }
        points.extend(sums.iter().map(|sum| (sum / area) as u8));
    }
    GrayImage::from_raw(columns as u32, rows as u32, points).unwrap_or_default()
}

/// How light each point is.
struct Luma {
    width: usize,
    height: usize,
    points: Vec<u8>,
    /// How many points are so light.
    counts: [u32; 256],
}

impl Luma {
    fn of(picture: GrayImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let points = picture.into_raw();
        let mut counts = [0; 256];
        for point in &points {
            if let Some(count) = counts.get_mut(usize::from(*point)) {
                *count += 1;
            }
        }
        Self { width: width.max(1), height: height.max(1), points, counts }
    }

    fn percentile(&self, percent: usize) -> u8 {
        let wanted = (self.points.len() * percent / 100) as u32;
        let mut seen = 0;
        let reached = self.counts.iter().position(|count| {
            seen += count;
            seen > wanted
        });
        reached.unwrap_or(255) as u8
    }

    /// The standard deviation.
    fn spread(&self) -> f32 {
        let all = self.points.len().max(1) as f32;
        let sum = |of: &dyn Fn(f32) -> f32| -> f32 {
            self.counts.iter().enumerate().map(|(light, count)| of(light as f32) * *count as f32).sum()
        };
        let mean = sum(&|light| light) / all;
        (sum(&|light| (light - mean).powi(2)) / all).sqrt()
    }

    /// From 0 for sharp to 1 for blurred, across or down, whichever is worse (Crété-Roffet et al., 2007).
    fn blur(&self) -> f32 {
        left_by_blurring(&self.points, self.width).max(left_by_blurring(&self.turned(), self.height))
    }

    /// Rows as columns.
    fn turned(&self) -> Vec<u8> {
        let mut turned = vec![0; self.points.len()];
        for (y, row) in self.points.chunks_exact(self.width).enumerate() {
            for (x, point) in row.iter().enumerate() {
                if let Some(place) = turned.get_mut(x * self.height + y) {
                    *place = *point;
                }
            }
        }
        turned
    }

    /// The means of so many columns and rows.
    fn grid(&self, columns: usize, rows: usize) -> Vec<u8> {
        let mut sums = vec![(0_u32, 0_u32); columns * rows];
        for (y, row) in self.points.chunks_exact(self.width).enumerate() {
            let line = y * rows / self.height * columns;
            for (x, point) in row.iter().enumerate() {
                if let Some((sum, count)) = sums.get_mut(line + x * columns / self.width) {
                    *sum += u32::from(*point);
                    *count += 1;
                }
            }
        }
        sums.iter().map(|(sum, count)| (sum / (*count).max(1)) as u8).collect()
    }
}

/// How much of its contrast a picture keeps when it is blurred along its rows over nine points. Every other row will do.
fn left_by_blurring(points: &[u8], width: usize) -> f32 {
    let (mut contrast, mut lost) = (0_u32, 0_u32);
    for mut row in points.chunks_exact(width).step_by(2) {
        // What a box leaves of the contrast in its middle is the difference of its two ends.
        while let [first, _, _, _, one, next, _, _, _, last, ..] = row {
            let sharp = 9 * u32::from(one.abs_diff(*next));
            let soft = u32::from(first.abs_diff(*last));
            contrast += sharp;
            lost += sharp.saturating_sub(soft);
            let [_, rest @ ..] = row else { break };
            row = rest;
        }
    }
    if contrast == 0 { 0.0 } else { (contrast - lost) as f32 / contrast as f32 }
}

/// Whether each point of a coarse grid is lighter than the one to its right; the same of the mirrored picture.
#[derive(Clone, Debug)]
struct Fingerprint {
    seen: [u64; 4],
    mirrored: [u64; 4],
}

impl Fingerprint {
    fn of(luma: &Luma) -> Self {
        let grid = luma.grid(GRID + 1, GRID);
        let mirrored: Vec<u8> = grid.chunks(GRID + 1).flat_map(|row| row.iter().rev().copied()).collect();
        Self { seen: falls(&grid), mirrored: falls(&mirrored) }
    }

    fn distance(&self, other: &Self) -> u32 {
        let differing =
            |one: &[u64; 4]| one.iter().zip(&other.seen).map(|(one, other)| (one ^ other).count_ones()).sum::<u32>();
        differing(&self.seen).min(differing(&self.mirrored))
    }
}

fn falls(grid: &[u8]) -> [u64; 4] {
    let steps = grid.chunks(GRID + 1).flat_map(|row| row.iter().zip(row.iter().skip(1)).map(|(one, next)| one > next));
    let mut bits = [0_u64; 4];
    for (n, _) in steps.enumerate().filter(|(_, falls)| *falls) {
        if let Some(word) = bits.get_mut(n / 64) {
            *word |= 1 << (n % 64);
        }
    }
    bits
}
