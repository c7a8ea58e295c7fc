//! The multipart body of an upload.

use memchr::memmem;
use serde_json::{Value, json};

use crate::identity::sha256_hex;

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: &'a [u8],
}

impl Part<'_> {
    /// What the journal keeps of it.
    pub(crate) fn journalled(&self) -> Value {
        json!({
            "field": self.name,
            "filename": self.filename,
            "content_type": self.content_type,
            "bytes": self.bytes.len(),
            "sha256": sha256_hex(self.bytes),
        })
    }
}

/// The parts of a body; none if it is no multipart form.
pub(crate) fn parts<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let boundary = boundary(content_type)?;
    let opening = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.get(memmem::find(body, opening.as_bytes())? + opening.len()..)?;
    let mut found = Vec::new();
    while let Some(after) = rest.strip_prefix(b"\r\n") {
        let end = memmem::find(after, between.as_bytes())?;
        found.push(part(after.get(..end)?)?);
        rest = after.get(end + between.len()..)?;
    }
    rest.starts_with(b"--").then_some(found)
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(parameters, "boundary")
}

/// The value of `name=value` or `name="value"` in a list with semicolons.
fn parameter<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    list.split(';').find_map(|item| {
        let (key, value) = item.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"'))
    })
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let blank = memmem::find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..blank)?);
    let header = |wanted: &str| {
        let named = head.lines().filter_map(|line| line.split_once(':'));
        named.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(disposition, "name")?.to_owned(),
        filename: parameter(disposition, "filename").map(str::to_owned),
        content_type: header("content-type").map(str::to_owned),
        bytes: bytes.get(blank + 4..)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_apart() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--B\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
            \xff\xd8\r\n\r\n\r\n--B--\r\n";
        let parts = parts("multipart/form-data; boundary=\"B\"", body).unwrap();
        assert_eq!(parts[0].bytes, b"hi");
        assert_eq!((parts[1].filename.as_deref(), parts[1].bytes), (Some("a.jpg"), &b"\xff\xd8\r\n\r\n"[..]));
    }

    #[test]
    fn a_form_without_its_end_is_none() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhi";
        assert_eq!(parts("multipart/form-data; boundary=B", body), None);
    }
}
