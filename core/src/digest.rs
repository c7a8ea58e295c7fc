//! SHA-256 in hex: what content is known by.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// The digest of all that `content` yields.
pub(crate) fn of(mut content: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = content.read(&mut chunk)?;
        match chunk.get(..read) {
            None | Some([]) => return Ok(hex(hash)),
            Some(part) => hash.update(part),
        }
    }
}

/// The digest of what was put into `hash`.
pub(crate) fn hex(hash: Sha256) -> String {
    use std::fmt::Write;

    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
