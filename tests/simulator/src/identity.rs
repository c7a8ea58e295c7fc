//! Ids and chances that are the same whenever the seed and the wishes are the same.

use sha2::{Digest, Sha256};

/// The source of everything that looks random in one space.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    seed: u64,
    space: String,
}

impl Identity {
    pub(crate) fn new(seed: u64, space: &str) -> Self {
        Self { seed, space: space.to_owned() }
    }

    fn digest(&self, about: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(self.space.as_bytes());
        for part in about {
            hash.update([0]);
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }

    /// A UUID (of version 4 by its looks).
    pub(crate) fn uuid(&self, about: &[&str]) -> String {
        let digest = self.digest(about);
        let (head, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let bits = u128::from_be_bytes(*head);
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let text = format!("{bits:032x}");
        let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
        parts.map(|(from, to)| text.get(from..to).unwrap_or_default()).join("-")
    }

    /// The first UUID about this that is not taken: order of arrival matters only between equal wishes.
    pub(crate) fn fresh_uuid(&self, about: &[&str], taken: impl Fn(&str) -> bool) -> String {
        let mut occurrence = 0_u64;
        loop {
            let count = occurrence.to_string();
            let mut parts = about.to_vec();
            parts.push(&count);
            let id = self.uuid(&parts);
            if !taken(&id) {
                return id;
            }
            occurrence += 1;
        }
    }

    /// A number in 0..1.
    pub(crate) fn chance(&self, about: &[&str]) -> f64 {
        self.number(about) as f64 / (u64::MAX as f64)
    }

    /// Any number.
    pub(crate) fn number(&self, about: &[&str]) -> u64 {
        let digest = self.digest(about);
        digest.first_chunk::<8>().map_or(0, |head| u64::from_be_bytes(*head))
    }

    /// A short signature for a URL.
    pub(crate) fn url_signature(&self, about: &[&str]) -> String {
        format!("{:016x}", self.number(about))
    }
}

/// Small, fast, repeatable noise.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in 0..1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 24) as f32
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Lower-case hex of a SHA-256.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
