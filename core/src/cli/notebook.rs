//! What a notebook shows of styles, portraits and jobs: parts of a page without scripts, whose pictures are in them. Nothing
//! is fetched, neither here nor by whoever looks at it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::page::{counted, figure, text};
use crate::{
    job::Job,
    photo,
    task::{Style, TaskState},
};

/// More pictures, or rows, than this are counted and not shown.
const MOST: usize = 60;

/// What is shown of a portrait.
#[derive(Clone, Debug)]
pub struct ShownPortrait {
    /// The style, as the job asked for it.
    pub style: String,
    /// The task's state.
    pub state: Option<TaskState>,
    /// What went wrong.
    pub error: Option<String>,
    /// The pictures on disk.
    pub files: Vec<PathBuf>,
}

/// A table of styles, with links to their templates.
#[must_use]
pub fn styles(styles: &[Style]) -> String {
    let mut page = begin();
    page.push_str("<table><tr><th>name</th><th>sex</th><th>style</th><th>template</th></tr>\n");
    for Style { name, style, template, sex } in styles.iter().take(MOST) {
        let is_address = ["https://", "http://"].iter().any(|scheme| template.starts_with(scheme));
        let link = if is_address {
            format!("<a href=\"{}\" target=\"_blank\" rel=\"noopener noreferrer\">picture</a>", text(template))
        } else {
            String::new()
        };
        let (name, sex, style) = (text(name), text(sex), text(style));
        _ = writeln!(page, "<tr><td>{name}</td><td>{sex}</td><td><code>{style}</code></td><td>{link}</td></tr>");
    }
    page.push_str("</table>\n");
    rest(&mut page, styles.len(), "style");
    end(page)
}

/// Portraits with thumbnails of their pictures.
#[must_use]
pub fn portraits(portraits: &[ShownPortrait]) -> String {
    let mut page = begin();
    let pictures = add_portraits(&mut page, portraits);
    rest(&mut page, pictures, "picture");
    end(page)
}

/// A job: what it is about, its portraits, its photos.
#[must_use]
pub fn job(job: &Job) -> String {
    let shown: Vec<ShownPortrait> = job.portraits().into_iter().map(ShownPortrait::from).collect();
    let photos = job.photos();
    let mut facts = vec![job.stage().name().to_owned(), counted(photos.len(), "photo"), counted(shown.len(), "style")];
    facts.extend(job.user_id().map(|user_id| format!("model {}", text(&user_id))));
    let mut page = begin();
    _ = writeln!(page, "<p><b>Job</b> {} · {}</p>", text(&job.id()), facts.join(" · "));
    if let Some(error) = job.error() {
        wrong(&mut page, error.message());
    }
    let mut pictures = add_portraits(&mut page, &shown);
    let paths: Vec<&Path> = photos.iter().filter_map(|photo| photo.path.as_deref()).collect();
    if !paths.is_empty() {
        add_pictures(&mut page, "photos", &paths, pictures);
        pictures += paths.len();
    }
    rest(&mut page, pictures, "picture");
    end(page)
}

impl From<crate::job::Portrait> for ShownPortrait {
    fn from(portrait: crate::job::Portrait) -> Self {
        let error = portrait.error.map(|error| error.message().to_owned());
        Self { style: portrait.style, state: portrait.state, error, files: portrait.files }
    }
}

/// Adds portraits, and returns how many pictures they have.
fn add_portraits(page: &mut String, portraits: &[ShownPortrait]) -> usize {
    let mut pictures = 0;
    for portrait in portraits {
        let state = portrait.state.map(|state| format!(" · {}", state.name())).unwrap_or_default();
        let files: Vec<&Path> = portrait.files.iter().map(PathBuf::as_path).collect();
        add_pictures(page, &format!("{}{state}", portrait.style), &files, pictures);
        if let Some(error) = &portrait.error {
            wrong(page, error);
        }
        pictures += files.len();
    }
    pictures
}

/// Adds pictures under a title, as long as not too many are `shown` already.
fn add_pictures(page: &mut String, title: &str, files: &[&Path], shown: usize) {
    _ = writeln!(page, "<p><b>{}</b></p>\n<div class=\"pictures\">", text(title));
    for file in files.iter().take(MOST.saturating_sub(shown)) {
        let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        figure(page, &name, photo::thumbnail_of(file).as_deref(), &text(&name));
    }
    page.push_str("</div>\n");
}

fn wrong(page: &mut String, what: &str) {
    _ = writeln!(page, "<p class=\"wrong\">{}</p>", text(what));
}

fn rest(page: &mut String, count: usize, what: &str) {
    if count > MOST {
        _ = writeln!(page, "<p>and {} more</p>", counted(count - MOST, what));
    }
}

/// The styles of elements count inside this part of the page only.
fn begin() -> String {
    "<div class=\"xiezhen\">\n<style>\n\
     .xiezhen .pictures{display:flex;flex-wrap:wrap;gap:8px}\n\
     .xiezhen figure{margin:0;width:160px;font-size:11px;overflow-wrap:anywhere}\n\
     .xiezhen img{width:160px;height:160px;object-fit:contain;background:#8882}\n\
     .xiezhen .missing{width:160px;height:160px;background:#8882}\n\
     .xiezhen .wrong{color:#c22}\n\
     </style>\n"
        .to_owned()
}

fn end(mut page: String) -> String {
    page.push_str("</div>\n");
    page
}
