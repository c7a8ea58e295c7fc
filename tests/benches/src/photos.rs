//! A photo as a phone makes it: made smaller, and cleaned.

use std::hint::black_box;

use xiezhen::internals::{clean_photo, scale_photo};

use crate::{
    Failure, Order,
    measure::{Before, Spent},
};

/// The long side of what is encoded.
const SIDE: u32 = 2048;

/// Decoded, scaled, turned upright, in sRGB, encoded.
pub(crate) fn scale(order: &Order) -> Result<Spent, Failure> {
    again(order, |photo| scale_photo(photo, SIDE))
}

/// Without its metadata.
pub(crate) fn clean(order: &Order) -> Result<Spent, Failure> {
    again(order, clean_photo)
}

fn again(order: &Order, work: impl Fn(&[u8]) -> Result<Vec<u8>, String>) -> Result<Spent, Failure> {
    let photo = std::fs::read(&order.rest)?;
    black_box(work(&photo)?);
    let before = Before::now();
    for _ in 0..order.times {
        black_box(work(black_box(&photo))?);
    }
    Ok(before.spent())
}
