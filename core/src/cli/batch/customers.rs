//! Who the customers are: the sub-folders of a folder, or the lines of a manifest.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use crate::{
    cli::{arguments::Batch, folders::inside, text},
    error::{Error, Result},
    job::Job,
    photo::Photo,
};

const COLUMNS: [&str; 4] = ["key", "folder", "user_id", "styles"];

/// One customer's order.
pub(super) struct Customer {
    pub(super) key: String,
    pub(super) job: Job,
    /// What is in the folder and no photo.
    pub(super) left_out: Vec<String>,
}

/// Everybody, or everything that is wrong with them: nothing is begun then.
pub(super) fn read(batch: &Batch) -> Result<Vec<Customer>> {
    let mut problems = Vec::new();
    let customers = match (&batch.manifest, &batch.folder) {
        (Some(manifest), _) => of_manifest(manifest, batch, &mut problems),
        (None, Some(folder)) => of_folder(folder, batch, &mut problems),
        (None, None) => Vec::new(),
    };
    if customers.is_empty() && problems.is_empty() {
        let from = batch.manifest.as_deref().or(batch.folder.as_deref()).unwrap_or(Path::new(""));
        problems.push(format!("there is no customer in {}", from.display()));
    }
    if problems.is_empty() { Ok(customers) } else { Err(Error::invalid(problems)) }
}

fn of_folder(folder: &Path, batch: &Batch, problems: &mut Vec<String>) -> Vec<Customer> {
    let mut customers = Vec::new();
    for (name, path) in entries(folder, problems) {
        if path.is_dir() && !name.starts_with('.') {
            customers.extend(customer(name, Some(&path), None, &batch.styles, problems));
        }
    }
    customers
}

/// Lines of `key,folder,user_id,styles`, in any order; styles have semicolons between them, and none means those of the
/// command. A folder is relative to the manifest's.
fn of_manifest(manifest: &Path, batch: &Batch, problems: &mut Vec<String>) -> Vec<Customer> {
    let refuse = |error: csv::Error| format!("manifest {}: {error}", manifest.display());
    let mut lines = match csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(manifest) {
        Ok(lines) => lines,
        Err(error) => {
            problems.push(refuse(error));
            return Vec::new();
        }
    };
    let unknown = |name: &&str| !COLUMNS.contains(name);
    let headers = lines.headers().cloned().unwrap_or_default();
    for name in headers.iter().filter(unknown) {
        problems.push(format!("manifest: there is no column {name:?}; there are {}", COLUMNS.join(", ")));
    }
    if !headers.iter().any(|name| name == "key") {
        problems.push("manifest: the column key is missing".to_owned());
    }
    let beside = manifest.parent().unwrap_or(Path::new(""));
    let (mut customers, mut seen) = (Vec::new(), HashSet::new());
    for (index, line) in lines.deserialize::<BTreeMap<String, String>>().enumerate() {
        let number = index + 2;
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                problems.push(refuse(error));
                continue;
            }
        };
        let cell = |name: &str| line.get(name).map(String::as_str).filter(|cell| !cell.is_empty());
        let Some(key) = cell("key") else {
            problems.push(format!("manifest, line {number}: there is no key"));
            continue;
        };
        if !seen.insert(key.to_owned()) {
            problems.push(format!("manifest, line {number}: key {key:?} was there before"));
        }
        let styles = cell("styles").map_or_else(
            || batch.styles.clone(),
            |styles| styles.split(';').map(|style| style.trim().to_owned()).collect(),
        );
        let folder = cell("folder").map(|folder| beside.join(folder));
        if folder.is_some() == cell("user_id").is_some() {
            problems.push(format!("manifest, line {number}: give either a folder or a user_id"));
            continue;
        }
        customers.extend(customer(key.to_owned(), folder.as_deref(), cell("user_id"), &styles, problems));
    }
    customers
}

fn customer(
    key: String,
    folder: Option<&Path>,
    user_id: Option<&str>,
    styles: &[String],
    problems: &mut Vec<String>,
) -> Option<Customer> {
    let (mut photos, mut left_out) = (Vec::new(), Vec::new());
    if let Some(folder) = folder {
        if !folder.is_dir() {
            problems.push(format!("{key}: there is no folder {}", folder.display()));
            return None;
        }
        match inside(folder) {
            Ok((pictures, others)) => {
                let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
                photos.extend(pictures.into_iter().map(|path| Photo::path(absolute(path))));
                left_out.extend(others.iter().map(|path| text::left_out(path.display())));
            }
            Err(error) => problems.push(format!("{} can't be read: {error}", folder.display())),
        }
    }
    let job = Job::from_parts(photos, Vec::new(), styles.to_vec(), user_id.map(str::to_owned));
    Some(Customer { key, job, left_out })
}

/// What is in a folder, in the order of the names.
fn entries(folder: &Path, problems: &mut Vec<String>) -> Vec<(String, PathBuf)> {
    let read = std::fs::read_dir(folder).and_then(|entries| {
        let entry = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        };
        entries.map(entry).collect::<std::io::Result<Vec<_>>>()
    });
    match read {
        Ok(mut entries) => {
            entries.sort();
            entries
        }
        Err(error) => {
            problems.push(format!("{} can't be read: {error}", folder.display()));
            Vec::new()
        }
    }
}
