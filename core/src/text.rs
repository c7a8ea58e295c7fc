//! Text from elsewhere, made fit to be read: nothing in it steers a terminal, turns its writing around, or goes on and on.

use std::{borrow::Cow, path::Path};

/// Control characters, and those that change the direction of what stands beside them or show nothing at all.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}')
}

/// The same text with such characters written out, as `\u{1b}`.
pub(crate) fn escaped(text: String) -> String {
    if !text.contains(steers) {
        return text;
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if steers(c) { clean.extend(c.escape_unicode()) } else { clean.push(c) }
    }
    clean
}

/// What is quoted in a message has at most so many characters.
const QUOTED: usize = 200;
/// No word of a message is longer: what a gateway signed, all in one, is shorter, and a whole photo is not.
const WORD: usize = 600;

/// What a message says: escaped, and no word in it longer than anybody reads. A word may be a whole photo.
pub(crate) fn readable(text: String) -> String {
    let text = escaped(text);
    let short = |word| without_middle(word, WORD);
    if text.split(' ').all(|word| matches!(short(word), Cow::Borrowed(_))) {
        return text;
    }
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

/// What is quoted in a message, without its middle if it is long: a whole photo may be given where a path belongs.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    without_middle(text, QUOTED)
}

fn without_middle(text: &str, most: usize) -> Cow<'_, str> {
    const END: usize = 60;
    // Bytes are at least as many as characters.
    if text.len() <= most || text.chars().count() <= most {
        return Cow::Borrowed(text);
    }
    let start: String = text.chars().take(most - END - 1).collect();
    let end: Vec<char> = text.chars().rev().take(END).collect();
    Cow::Owned(format!("{start}…{}", end.iter().rev().collect::<String>()))
}

/// A path, as it is quoted in a message.
pub(crate) fn shown(path: &Path) -> String {
    shortened(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_quoted_without_its_middle() {
        assert_eq!(shortened(&"写".repeat(200)), "写".repeat(200));
        let short = shortened(&format!("begin{}end", "写".repeat(300))).into_owned();
        assert_eq!(short.chars().count(), 200);
        assert!(short.starts_with("begin") && short.ends_with("end") && short.contains('…'), "{short}");
    }
}
