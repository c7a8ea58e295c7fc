//! Whether a file is a whole picture: its header says what and how large it is, and it ends as its type ends. Nothing is
//! decoded: that would cost more than the download.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use crate::picture::{self, Format};

/// Some programs write a little behind the end.
const TAIL: u64 = 4 << 10;
/// A header may be made of any number of segments, each of which costs a read.
const MOST_READS: u32 = 10_000;

/// The type of the picture that `file` holds, or what is wrong with it.
pub(super) fn check(file: &File, len: u64) -> io::Result<Result<Format, &'static str>> {
    let mut file = file;
    file.rewind()?;
    let header = BufReader::new(Bounded { file, reads_left: MOST_READS });
    let Some((format, size)) = picture::inspect(header) else { return Ok(Err("is not a picture")) };
    if size.is_none_or(|(width, height)| width == 0 || height == 0) {
        return Ok(Err("has a header that says no width and height"));
    }
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
    file.take(TAIL).read_to_end(&mut tail)?;
    let mut head = Vec::new();
    file.rewind()?;
    file.take(32).read_to_end(&mut head)?;
    let ends = match format {
        Format::Jpeg => contains(&tail, &[0xff, 0xd9]),
        Format::Png => contains(&tail, b"\0\0\0\0IEND\xae\x42\x60\x82"),
        Format::Gif => tail.trim_ascii_end().ends_with(&[0, 0x3b]),
        Format::WebP => u64::from(number(&head, 4).swap_bytes()) + 8 <= len,
        Format::Bmp => (26..=len).contains(&u64::from(number(&head, 2).swap_bytes())),
        Format::Heic | Format::Avif => boxes_end(file, len)?,
        Format::Tiff | Format::JpegXl | Format::Other => {
            return Ok(Err("is a picture of a type that is not known here"));
        }
    };
    Ok(if ends { Ok(format) } else { Err("is cut short: its end is missing") })
}

fn contains(tail: &[u8], mark: &[u8]) -> bool {
    tail.windows(mark.len()).any(|window| window == mark)
}

/// Four bytes as a number, the highest first; 0 where there are none.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Whether the boxes that such a file is made of end where it ends.
fn boxes_end(mut file: &File, len: u64) -> io::Result<bool> {
    let mut at = 0;
    for _ in 0..MOST_READS {
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(16).read_to_end(&mut head)?;
        let size = match number(&head, 0) {
            // Up to the end of the file, wherever that is.
            0 => return Ok(!head.is_empty()),
            1 => u64::from(number(&head, 8)) << 32 | u64::from(number(&head, 12)),
            size => u64::from(size),
        };
        at = match at.checked_add(size) {
            Some(next) if size >= 8 && next < len => next,
            next => return Ok(next == Some(len)),
        };
    }
    Ok(false)
}

/// Reads so often and no more.
struct Bounded<'a> {
    file: &'a File,
    reads_left: u32,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads_left = self.reads_left.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
        self.file.read(buffer)
    }
}

impl Seek for Bounded<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, path::Path};

    use super::*;

    fn checked(content: &[u8]) -> Result<Format, &'static str> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        check(&file, content.len() as u64).unwrap()
    }

    #[test]
    fn a_picture_of_each_type_is_whole_with_its_end_only() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pictures/corpus");
        for name in
            ["good.jpg", "progressive.jpg", "good.png", "good.webp", "small.bmp", "small.gif", "good.heic", "some.avif"]
        {
            let whole = std::fs::read(corpus.join(name)).unwrap();
            assert!(checked(&whole).is_ok(), "{name}: {:?}", checked(&whole));
            for part in [whole.len() / 2, whole.len() * 9 / 10, whole.len() - 2] {
                assert_eq!(checked(&whole[..part]), Err("is cut short: its end is missing"), "{name}, {part} bytes");
            }
        }
    }

    #[test]
    fn what_is_no_picture_or_has_no_known_end_is_no_result() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pictures/corpus");
        let read = |name: &str| std::fs::read(corpus.join(name)).unwrap();
        assert_eq!(checked(&read("good.tif")), Err("is a picture of a type that is not known here"));
        assert_eq!(checked(b"<html></html>"), Err("is not a picture"));
        assert_eq!(
            checked(&[b"\xff\xd8".as_slice(), &b"\xff\xe0\x00\x02".repeat(1 << 20), b"\xff\xd9"].concat()),
            Err("has a header that says no width and height")
        );
    }
}
