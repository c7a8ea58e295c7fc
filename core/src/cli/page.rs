//! What our pages have in common. Names and paths come from outside: text is escaped, and a policy in the page itself keeps
//! scripts and other machines out.

use std::{fmt::Write as _, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::language::Language;
use crate::{
    disk::{self, FileMode},
    error::{Error, Result},
    photo::interrupted,
};

/// A page is not read further.
const MOST: u64 = 16 << 20;

/// By this a page is known to be ours: another one is never overwritten.
pub(super) const MARK: &str = r#"<meta name="generator" content="xiezhen">"#;

/// What the address of an embedded picture begins with.
pub(super) const EMBEDDED: &str = "data:image/jpeg;base64,";

/// The beginning of a page whose pictures come from `images` only. Title and facts are HTML already.
pub(super) fn beginning(title: &str, facts: &str, images: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{MARK}\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; img-src {images}; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{css}</style>\n\
         <header>\n<h1>{title}</h1>\n<p>{facts}</p>\n</header>\n",
        css = include_str!("sheet.css"),
        language = Language::current().code(),
    )
}

/// The beginning of a part of the page with figures in it. The title is HTML already.
pub(super) fn begin_section(page: &mut String, title: &str) {
    _ = writeln!(page, "<section>\n<h2>{title}</h2>\n<div class=\"pictures\">");
}

pub(super) fn end_section(page: &mut String) {
    page.push_str("</div>\n</section>\n");
}

/// A figure: its picture, a small JPEG that becomes a part of the page, or the name in its place; and HTML below it.
pub(super) fn figure(page: &mut String, name: &str, thumbnail: Option<&[u8]>, caption: &str) {
    let name = text(name);
    let picture = match thumbnail {
        Some(jpeg) => format!("<img src=\"{}\" alt=\"{name}\">", embedded(jpeg)),
        None => format!("<div class=\"missing\">{name}</div>"),
    };
    _ = writeln!(page, "<figure>{picture}<figcaption>{caption}</figcaption></figure>");
}

/// The page that is there; `None` if nothing is.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    match disk::read_text(path, MOST) {
        Ok(page) => Ok(Some(page)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The address of a small JPEG that becomes a part of the page.
pub(super) fn embedded(jpeg: &[u8]) -> String {
    format!("{EMBEDDED}{}", STANDARD.encode(jpeg))
}

/// Writes a page where nothing is, or another page of ours.
pub(super) async fn write(path: &Path, page: String) -> Result<()> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || write_now(&path, &page)).await.map_err(interrupted)?
}

fn write_now(path: &Path, page: &str) -> Result<()> {
    let failed = |error| Error::io("can't write the page", path, error);
    match read(path).map_err(failed)? {
        Some(before) if !before.contains(MARK) => {
            let message = "there is a file that is not a page of xiezhen; it was left as it is";
            return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, message)));
        }
        _ => {}
    }
    disk::write(path, page.as_bytes(), FileMode::Usual).map_err(failed)
}

/// Text for an element or a quoted attribute.
pub(super) fn text(raw: &str) -> String {
    let mut escaped = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
