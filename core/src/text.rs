//! Text from elsewhere, made fit to be read: nothing in it steers a terminal, or turns its writing around.

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
