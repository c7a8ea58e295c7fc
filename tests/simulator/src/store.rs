//! What outlives the process: photos beside the state file, all else in it.

use crate::task::{Record, User};
use crate::world::World;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const VERSION: u32 = 1;

/// Photos by their digest, and the state file if there is one.
#[derive(Debug, Default)]
pub(crate) struct Store {
    file: Option<PathBuf>,
    photos: Mutex<HashMap<String, Bytes>>,
    /// One save at a time, each of the newest state.
    saving: tokio::sync::Mutex<()>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    spaces: Vec<KeptSpace>,
}

/// One space as it is saved.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeptSpace {
    pub(crate) prefix: String,
    pub(crate) virtual_now: f64,
    pub(crate) wall_ms: i64,
    /// Path to digest.
    pub(crate) uploads: HashMap<String, String>,
    pub(crate) users: HashMap<String, User>,
    pub(crate) tasks: Vec<Record>,
}

impl Store {
    /// Opens the state file, if it is there, and gives what it held.
    pub(crate) fn open(file: Option<PathBuf>) -> io::Result<(Self, Vec<KeptSpace>)> {
        let store = Self { file, ..Self::default() };
        let Some(file) = &store.file else { return Ok((store, Vec::new())) };
        fs::create_dir_all(folder(file))?;
        let kept = match fs::read(file) {
            Ok(bytes) => serde_json::from_slice::<Kept>(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((store, Vec::new())),
            Err(error) => return Err(error),
        };
        if kept.version == VERSION {
            Ok((store, kept.spaces))
        } else {
            Err(io::Error::other(format!("a state file of version {}, not {VERSION}", kept.version)))
        }
    }

    /// Whether a photo of this digest is held.
    pub(crate) fn knows(&self, digest: &str) -> bool {
        self.photos.lock().unwrap_or_else(PoisonError::into_inner).contains_key(digest)
    }

    /// Keeps a photo.
    pub(crate) fn put(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &self.file {
            let folder = folder(file);
            fs::create_dir_all(&folder)?;
            write_whole(&folder.join(digest), bytes)?;
        }
        let mut photos = self.photos.lock().unwrap_or_else(PoisonError::into_inner);
        photos.entry(digest.to_owned()).or_insert_with(|| Bytes::copy_from_slice(bytes));
        Ok(())
    }

    /// A photo, from memory or from before the restart.
    pub(crate) fn photo(&self, digest: &str) -> Option<Bytes> {
        let mut photos = self.photos.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = photos.get(digest) {
            return Some(bytes.clone());
        }
        let bytes = Bytes::from(fs::read(folder(self.file.as_deref()?).join(digest)).ok()?);
        photos.insert(digest.to_owned(), bytes.clone());
        Some(bytes)
    }

    /// Saves all spaces; without a state file, nothing.
    pub(crate) async fn save(&self, worlds: impl Fn() -> Vec<Arc<World>> + Send) -> io::Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let _saving = self.saving.lock().await;
        let kept = Kept { version: VERSION, spaces: worlds().iter().map(|world| world.kept()).collect() };
        let bytes = serde_json::to_vec(&kept)?;
        tokio::task::spawn_blocking(move || write_whole(&file, &bytes)).await.map_err(io::Error::other)?
    }
}

fn folder(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".d");
    PathBuf::from(name)
}

/// The file has either its old content or this one. Two writers of one name write the same photo.
fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = OsString::from(file);
    name.push(format!(".{:?}.tmp", std::thread::current().id()));
    let temporary = PathBuf::from(name);
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, file)
}
