//! A picture without what it says beside its pixels: location, maker's notes, thumbnails, films. Whole pieces of the
//! file are left out, so that no pixel changes.

use std::ops::Range;

use memchr::memchr;

use crate::picture::Format;

const ICC: &[u8] = b"ICC_PROFILE\0";
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Of the chunks that a PNG can do without, those that decide how its pixels look.
const PNG_LOOKS: [&[u8]; 8] = [b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"pHYs"];
const WEBP_PIXELS: [&[u8]; 6] = [b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"];
/// The flags of a WebP that announce EXIF and XMP.
const WEBP_METADATA: u8 = 0x08 | 0x04;

/// The pieces of a file that make up its picture, in their order.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    kept: Vec<Range<usize>>,
    /// How many passes over the picture a JPEG makes.
    scans: usize,
}

impl Pieces {
    /// Takes a file apart; `None` if it ends before its picture does, or is not built as its type is.
    /// A BMP has no place for metadata and is one piece.
    pub(super) fn of(content: &[u8], format: Format) -> Option<Self> {
        match format {
            Format::Jpeg => jpeg(content),
            Format::Png => png(content),
            Format::WebP => webp(content),
            _ => Some(Self { kept: std::iter::once(0..content.len()).collect(), scans: 0 }),
        }
    }

    pub(super) const fn scans(&self) -> usize {
        self.scans
    }

    /// How long the picture is without everything else.
    pub(super) fn len(&self) -> usize {
        self.kept.iter().map(Range::len).sum()
    }

    /// The picture alone.
    pub(super) fn join(&self, content: &[u8], format: Format) -> Vec<u8> {
        let mut joined = Vec::with_capacity(self.len());
        self.kept.iter().filter_map(|range| content.get(range.clone())).for_each(|piece| joined.extend(piece));
        if format == Format::WebP {
            mend_webp(&mut joined);
        }
        joined
    }

    fn keep(&mut self, range: Range<usize>) {
        match self.kept.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.kept.push(range),
        }
    }
}

fn number<const N: usize>(content: &[u8], at: usize) -> Option<[u8; N]> {
    content.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn jpeg(content: &[u8]) -> Option<Pieces> {
    const START: u8 = 0xd8;
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;

    let mut pieces = Pieces::default();
    if number(content, 0)? != [0xff, START] {
        return None;
    }
    pieces.keep(0..2);
    let mut at = 2;
    loop {
        let start = at;
        if *content.get(at)? != 0xff {
            return None;
        }
        // Any number of 0xff may stand before a marker.
        while *content.get(at)? == 0xff {
            at += 1;
        }
        let marker = *content.get(at)?;
        at += 1;
        if marker == END {
            pieces.keep(start..at);
            return Some(pieces);
        }
        if matches!(marker, 0x01 | 0xd0..=0xd7) {
            pieces.keep(start..at);
            continue;
        }
        let length = usize::from(u16::from_be_bytes(number(content, at)?));
        let segment = content.get(at + 2..at.checked_add(length.max(2))?)?;
        at += length.max(2);
        if marker == SCAN {
            pieces.scans += 1;
            at = end_of_scan(content, at)?;
            pieces.keep(start..at);
        } else if has_pixels(marker, segment) {
            pieces.keep(start..at);
        }
    }
}

/// Of applications' own segments and comments, those without which the pixels would look different.
fn has_pixels(marker: u8, segment: &[u8]) -> bool {
    match marker {
        // Longer, it has a thumbnail.
        0xe0 => segment.starts_with(b"JFIF\0") && segment.len() <= 14,
        0xe2 => segment.starts_with(ICC),
        0xee => segment.starts_with(b"Adobe"),
        0xe1..=0xfe => false,
        _ => true,
    }
}

/// Where the coded data that begins at `at` ends.
fn end_of_scan(content: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr(0xff, content.get(at..)?)?;
        match content.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

fn png(content: &[u8]) -> Option<Pieces> {
    let mut pieces = Pieces::default();
    if !content.starts_with(PNG_SIGNATURE) {
        return None;
    }
    pieces.keep(0..PNG_SIGNATURE.len());
    let mut at = PNG_SIGNATURE.len();
    loop {
        let length = u32::from_be_bytes(number(content, at)?) as usize;
        let name = content.get(at + 4..at + 8)?;
        let end = at.checked_add(length)?.checked_add(12).filter(|end| *end <= content.len())?;
        let is_critical = name.first().is_some_and(u8::is_ascii_uppercase);
        if is_critical || PNG_LOOKS.contains(&name) {
            pieces.keep(at..end);
        }
        if name == b"IEND" {
            return Some(pieces);
        }
        at = end;
    }
}

fn webp(content: &[u8]) -> Option<Pieces> {
    let mut pieces = Pieces::default();
    if number(content, 0)? != *b"RIFF" || number(content, 8)? != *b"WEBP" {
        return None;
    }
    let end = (u32::from_le_bytes(number(content, 4)?) as usize).checked_add(8)?;
    if end > content.len() {
        return None;
    }
    pieces.keep(0..12);
    let mut at = 12;
    let mut has_picture = false;
    while at < end {
        let length = u32::from_le_bytes(number(content, at + 4)?) as usize;
        let name = content.get(at..at + 4)?;
        // Chunks begin at even places; the last one's filling is missing at times.
        let next = at.checked_add(length)?.checked_add(8 + length % 2)?;
        let next = if next == end + 1 { end } else { next };
        if next > end {
            return None;
        }
        if name == b"VP8X" || WEBP_PIXELS.contains(&name) {
            pieces.keep(at..next);
        }
        has_picture |= [b"VP8 ", b"VP8L", b"ANMF"].iter().any(|pixels| name == *pixels);
        at = next;
    }
    // Decoders find one behind that end, too; without it, nothing would be left to send.
    has_picture.then_some(pieces)
}

/// Lets the header say what is there now.
fn mend_webp(joined: &mut [u8]) {
    let length = (joined.len() as u32).saturating_sub(8).to_le_bytes();
    if let Some(place) = joined.get_mut(4..8) {
        place.copy_from_slice(&length);
    }
    if joined.get(12..16) == Some(b"VP8X")
        && let Some(flags) = joined.get_mut(20)
    {
        *flags &= !WEBP_METADATA;
    }
}
