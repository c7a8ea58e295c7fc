//! The contact sheet: one page beside the pictures that shows photos, styles and results.
//!
//! Addresses are percent-encoded relative paths of local files; `page.rs` has the rest of what keeps it harmless.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::page::{MARK, beginning, counted, text};
use crate::{
    disk::{self, FileMode},
    error::{Error, Result},
    job::{Job, Portrait},
    task::TaskState,
};

/// Writes the sheet of a job that saves pictures. Returns where it is, or none if there is none to write.
pub(super) fn write(job: &Job) -> Result<Option<PathBuf>> {
    let Some(folder) = job.save_to().filter(|_| !job.portraits().is_empty()) else { return Ok(None) };
    let page = page(job, &folder);
    let path = free_name(&folder, &page)?;
    let written = fs::create_dir_all(&folder).and_then(|()| disk::write(&path, page.as_bytes(), FileMode::Usual));
    written.map_err(|error| failed(&path, error))?;
    Ok(Some(path))
}

/// `index.html`, or a name beside it if that is the sheet of another job.
fn free_name(folder: &Path, page: &str) -> Result<PathBuf> {
    let mut path = folder.join("index.html");
    let mut number = 1;
    loop {
        let before = match fs::read(&path) {
            Ok(before) => before,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(failed(&path, error)),
        };
        let before = String::from_utf8_lossy(&before);
        if !before.contains(MARK) {
            let message = "there is a page that is not a contact sheet; it was left as it is";
            return Err(failed(&path, io::Error::new(io::ErrorKind::AlreadyExists, message)));
        }
        if shows_all_of(page, &before) {
            return Ok(path);
        }
        number += 1;
        path = folder.join(format!("index-{number}.html"));
    }
}

/// Whether every picture of the sheet `before` is on this one too.
fn shows_all_of(page: &str, before: &str) -> bool {
    let mut pictures = before.split("<figure>").skip(1).filter_map(|rest| rest.split('>').next());
    pictures.all(|picture| page.contains(&format!("<figure>{picture}>")))
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::io("can't write the contact sheet", path, error)
}

fn page(job: &Job, folder: &Path) -> String {
    let (photos, portraits) = (job.photos(), job.portraits());
    let mut facts = Vec::new();
    if !photos.is_empty() {
        facts.push(format!("{} photos", photos.len()));
    }
    facts.push(counted(portraits.len(), "style"));
    facts.push(counted(portraits.iter().map(|portrait| portrait.files.len()).sum(), "picture"));
    if let Some(user_id) = job.user_id() {
        facts.push(format!("model {}", text(&user_id)));
    }

    let mut page = beginning("Portraits", &facts.join(" · "), "'self' file:");
    for portrait in &portraits {
        section(&mut page, portrait, folder);
    }
    if !photos.is_empty() {
        page.push_str("<section>\n<h2>Photos</h2>\n<div class=\"photos\">\n");
        for (index, photo) in photos.iter().enumerate() {
            if let Some(path) = &photo.path {
                let (address, number) = (address(path, folder), index + 1);
                _ = writeln!(
                    page,
                    "<a href=\"{address}\"><img loading=\"lazy\" src=\"{address}\" alt=\"photo {number}\"></a>"
                );
            }
        }
        page.push_str("</div>\n</section>\n");
    }
    page.push_str("</html>\n");
    page
}

/// One style and its pictures.
fn section(page: &mut String, portrait: &Portrait, folder: &Path) {
    let style = text(&portrait.style);
    _ = writeln!(page, "<section>\n<h2>{style}</h2>");
    if portrait.state == Some(TaskState::PartlySucceeded) {
        page.push_str("<p class=\"wrong\">partly succeeded: the service made only some of the pictures</p>\n");
    }
    if let Some(error) = &portrait.error {
        _ = writeln!(page, "<p class=\"wrong\">{}</p>", text(error.message()));
    }
    page.push_str("<div class=\"pictures\">\n");
    for (index, file) in portrait.files.iter().enumerate() {
        let (address, number) = (address(file, folder), index + 1);
        let name = file.file_name().map(|name| text(&name.to_string_lossy())).unwrap_or_default();
        _ = writeln!(
            page,
            "<figure><a href=\"{address}\"><img loading=\"lazy\" src=\"{address}\" alt=\"{style} {number}\"></a>\
             <figcaption>{name}</figcaption></figure>"
        );
    }
    page.push_str("</div>\n</section>\n");
}

/// Where a file really is: `..` after a link leads elsewhere than it seems.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// The address of a local file as seen from `folder`: relative, so that the folders can move together.
pub(super) fn address(path: &Path, folder: &Path) -> String {
    let (path, folder) = (&real(path), &real(folder));
    let common = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    if common == 0 {
        // Another drive.
        return format!("file:///{}", steps(path.components()));
    }
    let up = "../".repeat(folder.components().count() - common);
    format!("{up}{}", steps(path.components().skip(common)))
}

fn steps<'a>(components: impl Iterator<Item = Component<'a>>) -> String {
    let step = |component: Component<'_>| encoded(component.as_os_str().as_encoded_bytes());
    components.filter(|component| *component != Component::RootDir).map(step).collect::<Vec<_>>().join("/")
}

/// Everything but letters, digits and four marks as `%XX`: no scheme, no quote, no query can come of it.
fn encoded(name: &[u8]) -> String {
    name.iter().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
