//! Answers that somebody on the way has compressed, though none were asked for (docs/design.md §5.8).

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::{
    read::{GzDecoder, ZlibDecoder},
    write,
};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use crate::error::{Error, ErrorKind, Result};

/// Takes content in as it comes.
pub(crate) trait Receiver: Send {
    fn receive(&mut self, piece: Bytes) -> impl Future<Output = Result<()>> + Send;
}

/// How a body is coded, of the codings that are read.
enum Coding {
    Identity,
    Gzip,
    Deflate,
}

impl Coding {
    fn of(headers: &HeaderMap) -> Result<Self> {
        let coding = headers.get(CONTENT_ENCODING).map_or("", |coding| coding.to_str().unwrap_or("?")).trim();
        match coding.to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            _ => {
                let shown: String = coding.chars().filter(|c| !c.is_control()).take(40).collect();
                let message = format!(
                    "the answer is coded as {shown:?}, which was not asked for: gzip and deflate are read, nothing \
                     else; see which proxy on the way compresses"
                );
                Err(Error::new(ErrorKind::Protocol, message))
            }
        }
    }
}

/// The content, decoded if it is coded by gzip or deflate, and at most `limit` bytes of it.
pub(crate) fn decode(headers: &HeaderMap, content: Bytes, limit: usize) -> Result<Bytes> {
    match Coding::of(headers)? {
        Coding::Identity => Ok(content),
        Coding::Gzip => whole(GzDecoder::new(content.as_ref()), limit),
        Coding::Deflate => whole(ZlibDecoder::new(content.as_ref()), limit),
    }
}

/// Decodes a body as it comes, and hands it on.
pub(super) struct Decoder {
    coded: Coded,
    limit: u64,
    decoded: u64,
}

enum Coded {
    No,
    Gzip(write::GzDecoder<Vec<u8>>),
    Deflate(write::ZlibDecoder<Vec<u8>>),
}

/// How much is decoded at a time: a thousand times as much may come of it.
const PIECE: usize = 1 << 10;

impl Decoder {
    pub(super) fn new(headers: &HeaderMap, limit: u64) -> Result<Self> {
        let coded = match Coding::of(headers)? {
            Coding::Identity => Coded::No,
            Coding::Gzip => Coded::Gzip(write::GzDecoder::new(Vec::new())),
            Coding::Deflate => Coded::Deflate(write::ZlibDecoder::new(Vec::new())),
        };
        Ok(Self { coded, limit, decoded: 0 })
    }

    pub(super) fn too_large(&self) -> Error {
        Error::new(ErrorKind::Protocol, format!("the answer is larger than {} MiB", self.limit >> 20))
    }

    pub(super) async fn feed(&mut self, bytes: Bytes, to: &mut impl Receiver) -> Result<()> {
        if matches!(self.coded, Coded::No) {
            return self.hand_on(bytes, to).await;
        }
        for piece in bytes.chunks(PIECE) {
            let decoded = match &mut self.coded {
                Coded::No => Ok(Vec::new()),
                Coded::Gzip(coder) => coder.write_all(piece).map(|()| std::mem::take(coder.get_mut())),
                Coded::Deflate(coder) => coder.write_all(piece).map(|()| std::mem::take(coder.get_mut())),
            };
            self.hand_on(decoded.map_err(undecodable)?.into(), to).await?;
        }
        Ok(())
    }

    /// What is left in the decoder; an error if the coded body ends too early.
    pub(super) async fn finish(mut self, to: &mut impl Receiver) -> Result<()> {
        let rest = match std::mem::replace(&mut self.coded, Coded::No) {
            Coded::No => return Ok(()),
            Coded::Gzip(coder) => coder.finish(),
            Coded::Deflate(coder) => coder.finish(),
        };
        self.hand_on(rest.map_err(undecodable)?.into(), to).await
    }

    async fn hand_on(&mut self, bytes: Bytes, to: &mut impl Receiver) -> Result<()> {
        self.decoded += bytes.len() as u64;
        if self.decoded > self.limit {
            return Err(self.too_large());
        }
        if bytes.is_empty() { Ok(()) } else { to.receive(bytes).await }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "this is how `map_err` gives it")]
fn undecodable(error: io::Error) -> Error {
    Error::new(ErrorKind::Protocol, format!("the compressed answer can't be decoded: {error}"))
}

/// A small answer may unfold to any size: no more is read than is wanted.
fn whole(coded: impl Read, limit: usize) -> Result<Bytes> {
    let mut content = Vec::new();
    coded.take(limit as u64 + 1).read_to_end(&mut content).map_err(undecodable)?;
    if content.len() > limit {
        let message = format!("the answer is larger than {} MiB", limit >> 20);
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    Ok(content.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn decoded(coding: &'static str, content: Vec<u8>, limit: usize) -> Result<Bytes> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, coding.parse().unwrap());
        decode(&headers, content.into(), limit)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut coder = GzEncoder::new(Vec::new(), Compression::fast());
        coder.write_all(text).unwrap();
        coder.finish().unwrap()
    }

    #[test]
    fn common_codings_are_read() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"text").unwrap();
        assert_eq!(decoded("GZIP", gzip(b"text"), 4).unwrap(), "text");
        assert_eq!(decoded("deflate", zlib.finish().unwrap(), 4).unwrap(), "text");
        assert_eq!(decoded("identity", b"text".to_vec(), 4).unwrap(), "text");
    }

    #[test]
    fn what_is_cut_or_unfolds_without_end_or_is_unknown_is_refused() {
        let mut cut = gzip(b"text");
        cut.truncate(12);
        assert_eq!(decoded("gzip", cut, 100).unwrap_err().kind(), ErrorKind::Protocol);
        assert!(decoded("gzip", gzip(&vec![0; 5 << 20]), 1 << 20).unwrap_err().message().contains("larger than 1 MiB"));
        assert!(decoded("br", b"text".to_vec(), 4).unwrap_err().message().contains("\"br\""));
    }
}
