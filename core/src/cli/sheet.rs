//! The contact sheet: one page beside the pictures that shows photos, styles and results.
//!
//! Addresses are percent-encoded relative paths of local files; `page.rs` has the rest of what keeps it harmless. A
//! picture that is clicked is shown large by a style sheet: no script is needed for the target of a link.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs, io,
    path::{Component, Path, PathBuf, Prefix},
    time::Duration,
};

use futures_util::{StreamExt, stream};

use super::{
    page::{self, EMBEDDED, MARK, beginning, embedded, text as escaped},
    text,
};
use crate::{
    client::Client,
    disk::{self, FileMode},
    error::{Error, Result},
    job::{Job, Portrait},
    photo::interrupted,
    task::{Style, TaskState},
};

/// How many templates are fetched at a time, and for how long: the pictures are there already.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_secs(20);

/// The addresses of templates, small and embedded, by the style's id as a page has it.
pub(super) type Templates = HashMap<String, String>;

/// The templates of the jobs' styles; those that have not come soon are left out.
///
/// A job that went on may never have listed its styles: they are listed now, and quietly not if that can't be done. Where
/// nothing was done, nobody is asked: the sheet that is there has them.
pub(super) async fn templates(client: &Client, jobs: &[&Job]) -> Templates {
    let mut templates = Templates::new();
    let of_job = |job: &&Job| job.portraits().into_iter().filter_map(|portrait| portrait.style_id);
    let asked: Vec<String> = jobs.iter().flat_map(of_job).collect();
    let fetch = |style: Style| async move {
        let template = client.template(&style.template).await?;
        Some((escaped(&style.style), embedded(&template)))
    };
    let all = async {
        let is_asked = !asked.is_empty() && client.calls() > 0;
        let listed = if is_asked { client.styles_for_pages(&asked).await } else { None };
        let wanted: Vec<Style> = listed
            .iter()
            .flat_map(|listed| listed.iter())
            .filter(|style| asked.contains(&style.style))
            .cloned()
            .collect();
        let mut fetched = stream::iter(wanted.into_iter().map(fetch)).buffer_unordered(AT_ONCE);
        while let Some(one) = fetched.next().await {
            templates.extend(one);
        }
    };
    let _ = tokio::time::timeout(PATIENCE, all).await;
    templates
}

/// Writes the sheet of a job that saves pictures. Returns where it is, or none if there is none to write.
pub(super) async fn write(job: &Job, templates: Templates) -> Result<Option<PathBuf>> {
    let job = job.clone();
    tokio::task::spawn_blocking(move || write_now(&job, templates)).await.map_err(interrupted)?
}

fn write_now(job: &Job, templates: Templates) -> Result<Option<PathBuf>> {
    let Some(folder) = job.save_to().filter(|_| !job.portraits().is_empty()) else { return Ok(None) };
    let (path, before) = free_name(&folder, &page(job, &folder, &templates))?;
    let page = page(job, &folder, &known(&before, templates));
    let written = fs::create_dir_all(&folder).and_then(|()| disk::write(&path, page.as_bytes(), FileMode::Usual));
    written.map_err(|error| failed(&path, error))?;
    Ok(Some(path))
}

/// `index.html` and what it holds, or a name beside it if that is the sheet of another job.
fn free_name(folder: &Path, page: &str) -> Result<(PathBuf, String)> {
    let mut path = folder.join("index.html");
    let mut number = 1;
    loop {
        let before = page::read(&path).map_err(|error| failed(&path, error))?;
        let Some(before) = before else { return Ok((path, String::new())) };
        if !before.contains(MARK) {
            let message = "there is a page that is not a contact sheet; it was left as it is";
            return Err(failed(&path, io::Error::new(io::ErrorKind::AlreadyExists, message)));
        }
        if shows_all_of(page, &before) {
            return Ok((path, before));
        }
        number += 1;
        path = folder.join(format!("index-{number}.html"));
    }
}

/// What the addresses of the results on a sheet stand behind.
const FILE: &str = "<figcaption><a href=\"";

/// Whether every picture of the sheet `before` is on this one too.
fn shows_all_of(page: &str, before: &str) -> bool {
    let mut files = before.split(FILE).skip(1).filter_map(|rest| rest.split('"').next());
    files.all(|file| page.contains(&format!("{FILE}{file}\"")))
}

/// What the template of a style stands behind.
fn template_mark(style_id: &str) -> String {
    format!("<img class=\"template\" data-style=\"{}\" src=\"", escaped(style_id))
}

/// These templates, and those of the sheet `before`: of a job that is done, nobody asks for the styles any more.
fn known(before: &str, mut templates: Templates) -> Templates {
    let mark = template_mark("");
    let mark = mark.split_at(mark.find("\" src").unwrap_or_default()).0;
    for rest in before.split(mark).skip(1) {
        let mut quoted = rest.split('"').step_by(2);
        let (Some(style_id), Some(address)) = (quoted.next(), quoted.next()) else { continue };
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if address.strip_prefix(EMBEDDED).is_some_and(|picture| picture.bytes().all(is_base64)) {
            templates.entry(style_id.to_owned()).or_insert_with(|| address.to_owned());
        }
    }
    templates
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::io("can't write the contact sheet", path, error)
}

/// A picture on the sheet, and the words for it.
struct Shown {
    address: String,
    name: String,
}

fn page(job: &Job, folder: &Path, templates: &Templates) -> String {
    let (photos, portraits) = (job.photos(), job.portraits());
    let files: usize = portraits.iter().map(|portrait| portrait.files.len()).sum();
    let mut facts = Vec::new();
    if !photos.is_empty() {
        facts.push(text::photos_of(photos.len()));
    }
    facts.push(text::styles_of(portraits.len()));
    facts.push(text::pictures_of(files));
    if let Some(user_id) = job.user_id() {
        facts.push(text::model_is(escaped(&user_id)));
    }

    let mut page = beginning(&text::portraits(), &facts.join(" · "), "'self' file: data:");
    let mut shown = Vec::new();
    for portrait in &portraits {
        section(&mut page, portrait, folder, templates, &mut shown);
    }
    if photos.iter().any(|photo| photo.path.is_some()) {
        _ = writeln!(page, "<section>\n<h2>{}</h2>\n<div class=\"photos\">", text::photos());
        for (index, photo) in photos.iter().enumerate() {
            if let Some(path) = &photo.path {
                let one = Shown { address: address(path, folder), name: text::photo_number(index + 1) };
                _ = writeln!(page, "{}", thumbnail(&one, shown.len()));
                shown.push(one);
            }
        }
        page.push_str("</div>\n</section>\n");
    }
    for (number, one) in shown.iter().enumerate() {
        large(&mut page, one, number, shown.len());
    }
    page.push_str("</html>\n");
    page
}

/// A picture that shows itself large when it is clicked.
fn thumbnail(Shown { address, name }: &Shown, number: usize) -> String {
    format!(
        "<a id=\"at-{number}\" href=\"#large-{number}\"><img loading=\"lazy\" src=\"{address}\" alt=\"{name}\"></a>"
    )
}

/// The same picture over the whole page, which is there while its link is the last that was clicked.
fn large(page: &mut String, Shown { address, name }: &Shown, number: usize, count: usize) {
    let step = |there: bool, to: usize, label: String, sign: &str| {
        let link = || format!("<a href=\"#large-{to}\" aria-label=\"{label}\" title=\"{label}\">{sign}</a>");
        if there { link() } else { "<span></span>".to_owned() }
    };
    let previous = step(number > 0, number.saturating_sub(1), text::previous(), "‹");
    let next = step(number + 1 < count, number + 1, text::next(), "›");
    let (close, file) = (text::close(), text::the_file());
    _ = writeln!(
        page,
        "<div class=\"large\" id=\"large-{number}\">\
         <a class=\"behind\" href=\"#at-{number}\" aria-label=\"{close}\"></a>\
         <img loading=\"lazy\" src=\"{address}\" alt=\"{name}\">\
         <p>{previous}<span>{name} · <a href=\"{address}\">{file}</a> · <a href=\"#at-{number}\">{close}</a></span>{next}</p></div>"
    );
}

/// One style, its template and its pictures.
fn section(page: &mut String, portrait: &Portrait, folder: &Path, templates: &Templates, shown: &mut Vec<Shown>) {
    let style = escaped(&portrait.style);
    page.push_str("<section>\n<div class=\"style\">\n");
    let id = portrait.style_id.as_deref().unwrap_or_default();
    if let Some(template) = templates.get(&escaped(id)) {
        _ = writeln!(page, "{}{template}\" alt=\"{}\">", template_mark(id), text::template_of(&style));
    }
    _ = writeln!(page, "<div>\n<h2>{style}</h2>");
    if portrait.state == Some(TaskState::PartlySucceeded) {
        _ = writeln!(page, "<p class=\"wrong\">{}</p>", text::partly_succeeded());
    }
    if let Some(error) = &portrait.error {
        _ = writeln!(page, "<p class=\"wrong\">{}</p>", escaped(error.message()));
    }
    page.push_str("</div>\n</div>\n<div class=\"pictures\">\n");
    for (index, file) in portrait.files.iter().enumerate() {
        let one = Shown { address: address(file, folder), name: format!("{style} {}", index + 1) };
        let name = file.file_name().map(|name| escaped(&name.to_string_lossy())).unwrap_or_default();
        let (thumbnail, address) = (thumbnail(&one, shown.len()), &one.address);
        _ = writeln!(page, "<figure>{thumbnail}{FILE}{address}\">{name}</a></figcaption></figure>");
        shown.push(one);
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
        // Another drive, or another machine's.
        return format!("file:{}/{}", root(path), steps(path.components().skip(1)));
    }
    let up = "../".repeat(folder.components().count() - common);
    format!("{up}{}", steps(path.components().skip(common)))
}

/// Where a path of Windows begins, as an address says it; nothing elsewhere, where all paths begin alike.
fn root(path: &Path) -> String {
    let Some(Component::Prefix(prefix)) = path.components().next() else { return "//".to_owned() };
    match prefix.kind() {
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => format!("///{}:", char::from(letter)),
        Prefix::UNC(server, share) | Prefix::VerbatimUNC(server, share) => {
            format!("//{}/{}", encoded(server.as_encoded_bytes()), encoded(share.as_encoded_bytes()))
        }
        Prefix::Verbatim(name) | Prefix::DeviceNS(name) => format!("///{}", encoded(name.as_encoded_bytes())),
    }
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
