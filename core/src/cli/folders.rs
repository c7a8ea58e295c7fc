//! Folders as photos: what is in them, in the order of its names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{print, text};
use crate::error::{Error, Result};

/// By its name only: what a file really is shows when it is decoded.
const EXTENSIONS: [&str; 14] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff", "heic", "heif", "avif", "jxl"];

/// Photos as they were typed, with those of each folder in its place. What else is in a folder is
/// left out, which is said; hidden files without a word.
pub(super) fn expanded(photos: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in photos {
        if path.is_dir() {
            let (found, others) = inside(path).map_err(|error| Error::io("can't read the folder", path, error))?;
            if found.is_empty() {
                return Err(Error::invalid(vec![format!("the folder {} has no photos", path.display())]));
            }
            for other in others {
                print::say(&text::left_out(print::plain(&other.display().to_string())));
            }
            all.extend(found);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

/// The pictures of a folder and what else is in it, each in the order of the names. Hidden files are in neither.
pub(super) fn inside(folder: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()) && !path.is_dir()
    };
    Ok(paths.into_iter().partition(is_picture))
}
