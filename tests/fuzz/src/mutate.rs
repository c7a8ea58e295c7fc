//! Makes new inputs of known ones: bits, pieces, numbers at their limits, words of the format.

use fastrand::Rng;

/// Numbers at which arithmetic goes wrong, and texts at which readers do.
const EDGES: &[&str] = &[
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "1e999",
    "-0.0",
    "0.1",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"写真\"",
    "[[[[[[[[",
    "\u{feff}",
    "\u{0}",
    "<html>",
];

/// One input out of `seeds`, changed once or a few times; `words` are put in among the edges.
pub(crate) fn mutated(random: &mut Rng, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = random.choice(seeds).cloned().unwrap_or_default();
    // One in sixteen stays as it is: targets have something to say of right inputs too.
    for _ in 0..random.u32(0..16).min(random.u32(0..16)) {
        step(random, &mut bytes, seeds, words);
    }
    bytes
}

fn step(random: &mut Rng, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
    match random.u32(0..10) {
        0 => {
            let at = place(random, bytes);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.u32(0..8);
            }
        }
        1 => {
            let at = place(random, bytes);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        2 => bytes.truncate(place(random, bytes)),
        3 => drop(bytes.drain(range(random, bytes, 32))),
        4 => {
            let piece: Vec<u8> = bytes.drain(range(random, bytes, 64)).collect();
            let at = place(random, bytes);
            bytes.splice(at..at, piece.repeat(2));
        }
        5 => {
            let other = random.choice(seeds).cloned().unwrap_or_default();
            let at = place(random, bytes);
            bytes.truncate(at);
            bytes.extend(other.iter().skip(place(random, &other)));
        }
        6 => {
            let at = place(random, bytes);
            let noise: Vec<u8> = (0..random.usize(1..16)).map(|_| random.u8(..)).collect();
            bytes.splice(at..at, noise);
        }
        7 | 8 => number(random, bytes),
        _ => {
            let list = if random.bool() { words } else { EDGES };
            let word = random.choice(list).copied().unwrap_or_default();
            let at = place(random, bytes);
            bytes.splice(at..at, word.bytes());
        }
    }
}

/// Puts an edge where a JSON value stands; the commonest way into arithmetic.
fn number(random: &mut Rng, bytes: &mut Vec<u8>) {
    let starts: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at + 1).collect();
    let Some(&start) = random.choice(&starts) else { return };
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(rest.len());
    let edge = random.choice(EDGES).copied().unwrap_or_default();
    bytes.splice(start..start + length, edge.bytes());
}

fn place(random: &mut Rng, bytes: &[u8]) -> usize {
    random.usize(0..=bytes.len())
}

fn range(random: &mut Rng, bytes: &[u8], most: usize) -> std::ops::Range<usize> {
    let start = place(random, bytes);
    start..(start + random.usize(0..=most)).min(bytes.len())
}
