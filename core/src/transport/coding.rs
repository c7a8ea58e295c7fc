//! Answers that somebody on the way has compressed, though none were asked for (design §5.8).

use std::io::Read;

use bytes::Bytes;
use flate2::read::{GzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use crate::error::{Error, ErrorKind, Result};

/// The content, decoded if it is coded by gzip or deflate, and at most `limit` bytes of it.
pub(crate) fn decode(headers: &HeaderMap, content: Bytes, limit: usize) -> Result<Bytes> {
    let coding = headers.get(CONTENT_ENCODING).map_or("", |coding| coding.to_str().unwrap_or("?")).trim();
    match coding.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(content),
        "gzip" | "x-gzip" => whole(GzDecoder::new(content.as_ref()), limit),
        "deflate" => whole(ZlibDecoder::new(content.as_ref()), limit),
        _ => {
            let shown: String = coding.chars().filter(|c| !c.is_control()).take(40).collect();
            let message = format!(
                "the answer is coded as {shown:?}, which was not asked for: gzip and deflate are read, nothing else; \
                 see which proxy on the way compresses"
            );
            Err(Error::new(ErrorKind::Protocol, message))
        }
    }
}

/// A small answer may unfold to any size: no more is read than is wanted.
fn whole(coded: impl Read, limit: usize) -> Result<Bytes> {
    let mut content = Vec::new();
    let broken = |error| Error::new(ErrorKind::Protocol, format!("the compressed answer can't be decoded: {error}"));
    coded.take(limit as u64 + 1).read_to_end(&mut content).map_err(broken)?;
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
