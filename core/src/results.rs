//! Pictures on disk: fetched several at a time, whole or not at all, under names of our own.

mod picture;
mod whole;

use std::{
    collections::{HashMap, HashSet},
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use icu_normalizer::ComposingNormalizerBorrowed;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use self::picture::Picture;
use crate::{
    digest,
    disk::{self, Links},
    error::{Error, ErrorKind, Result},
    task::Task,
    text,
    transport::{
        Transport, backoff,
        download::{FailedDownload, Place},
    },
};

/// How many pictures of a task are fetched at a time.
const AT_ONCE: usize = 4;
/// A server that asks for a longer pause is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How much of a file's name the style may take.
const STYLE_BYTES: usize = 60;
/// An address longer than this is none.
const LONGEST_URL: usize = 8 << 10;

/// A picture on disk, as it was when it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl SavedFile {
    /// Whether this very content is there, in a file of its own: never through a link. Reads it on this thread.
    pub(crate) fn is_whole(&self) -> bool {
        let Ok((file, about)) = disk::open_regular(&self.path, Links::Refuse) else { return false };
        about.len() == self.bytes && digest::of(file).is_ok_and(|digest| digest == self.sha256)
    }
}

/// What happens meanwhile.
pub(crate) enum Progress<'a> {
    Saved(&'a Path),
    /// Why, and after what pause.
    Retrying(&'a Error, Duration),
    Notice(String),
}

/// The pictures of one task, and where they go.
pub(crate) struct Results<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) folder: &'a Path,
    /// The files are called after it.
    pub(crate) style: &'a str,
    pub(crate) task_id: &'a str,
    /// What is there already, if it is still what was saved.
    pub(crate) known: &'a [SavedFile],
    pub(crate) on_progress: &'a (dyn Fn(Progress<'_>) + Send + Sync),
}

/// What is on disk, in the order of the addresses, and the first thing that went wrong.
pub(crate) struct Saved {
    pub(crate) files: Vec<SavedFile>,
    /// The addresses that were tried last.
    pub(crate) urls: Vec<String>,
    pub(crate) error: Option<Error>,
}

impl Results<'_> {
    /// Saves every picture that is not there yet. If addresses have expired, `ask_again` brings new ones.
    pub(crate) async fn save(&self, urls: &[String], ask_again: impl Future<Output = Result<Task>>) -> Saved {
        let most = self.transport.options().limits.max_pictures;
        if urls.len() > most {
            let message = format!("task {} has {} pictures; at most {most} (‹max_pictures›)", self.task_id, urls.len());
            let error = Error::new(ErrorKind::Protocol, message).with_task_id(self.task_id);
            let urls = urls.iter().take(most).cloned().collect();
            return Saved { files: self.known.to_vec(), urls, error: Some(error) };
        }
        if let Err(error) = self.make_folder().await {
            return Saved { files: Vec::new(), urls: urls.to_vec(), error: Some(error) };
        }
        self.remove_stale_temp_files().await;
        self.notice_http(urls);
        let first = self.pass(urls, self.known).await;
        if !first.iter().any(|outcome| matches!(outcome, Err(failure) if failure.expired)) {
            return collect(first, urls.to_vec());
        }
        match ask_again.await {
            Ok(task) if (urls.len()..=most).contains(&task.result_paths.len()) => {
                let saved: Vec<_> = first.into_iter().filter_map(Result::ok).collect();
                collect(self.pass(&task.result_paths, &saved).await, task.result_paths)
            }
            // Fewer addresses than pictures that were promised are no replacement.
            Ok(_) => collect(first, urls.to_vec()),
            Err(error) => Saved { error: Some(error), ..collect(first, urls.to_vec()) },
        }
    }

    async fn make_folder(&self) -> Result<()> {
        let folder = self.folder.to_owned();
        let make = move || {
            fs::create_dir_all(&folder).map_err(|error| Error::io("can't make the folder for pictures", &folder, error))
        };
        self.transport.files.run(make).await?
    }

    /// Once for all pictures: a folder of many customers takes a while to look through.
    async fn remove_stale_temp_files(&self) {
        let (folder, prefix) = (self.folder.to_owned(), disk::hidden(Path::new(&self.stem())));
        // Failing does no harm.
        let _ = self.transport.files.run(move || disk::remove_all_stale_temp_files(&folder, &prefix)).await;
    }

    /// Says which hosts are asked in the clear.
    fn notice_http(&self, urls: &[String]) {
        let hosts: HashSet<String> = urls.iter().filter_map(|url| self.transport.asks_in_the_clear(url)).collect();
        for host in hosts {
            let message = format!(
                "pictures of task {} come from http://{host}: whoever is on the way sees and changes them; \
                 require_https_results refuses such addresses",
                self.task_id
            );
            tracing::warn!(task_id = self.task_id, host, "pictures come over http");
            (self.on_progress)(Progress::Notice(message));
        }
    }

    /// What the names of all files of this task begin with.
    fn stem(&self) -> String {
        format!("{}-{}-", file_name(self.style), short_digest(&self.transport.options().host(), self.task_id))
    }

    async fn pass(&self, urls: &[String], known: &[SavedFile]) -> Vec<Result<SavedFile, Missed>> {
        let known: HashMap<&Path, &SavedFile> = known.iter().map(|file| (file.path.as_path(), file)).collect();
        let one = |(index, url): (usize, String)| {
            let known = &known;
            async move { self.picture(index + 1, &url, known).await }
        };
        stream::iter(urls.iter().cloned().enumerate().map(one)).buffered(AT_ONCE).collect().await
    }

    /// Saves the `n`th picture, unless it is there as it was saved.
    async fn picture(&self, n: usize, url: &str, known: &HashMap<&Path, &SavedFile>) -> Result<SavedFile, Missed> {
        let stem = self.folder.join(format!("{}{n}", self.stem()));
        if let Some(file) = self.kept(&stem, known).await {
            return Ok(file);
        }
        let place = format!("picture {n} of task {}", self.task_id);
        let saved = self.fetch(url, &stem).await.map_err(|missed| missed.at(&place, self.task_id))?;
        (self.on_progress)(Progress::Saved(&saved.path));
        Ok(saved)
    }

    /// The file of this stem that was saved before, if it is still whole.
    async fn kept(&self, stem: &Path, known: &HashMap<&Path, &SavedFile>) -> Option<SavedFile> {
        let named = crate::picture::Format::EXTENSIONS.iter().map(|extension| with_extension(stem, extension));
        let file = named.into_iter().find_map(|path| known.get(path.as_path()).copied())?.clone();
        self.transport.files.run(move || file.is_whole().then_some(file)).await.ok()?
    }

    async fn fetch(&self, url: &str, stem: &Path) -> Result<SavedFile, Missed> {
        let parsed = Some(url).filter(|url| url.len() <= LONGEST_URL).and_then(|url| Url::parse(url).ok());
        let Some(url) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            let shown: String = url.chars().take(100).collect();
            let message = format!("the service gave {shown:?}, which is not an http(s) URL");
            return Err(Error::new(ErrorKind::Protocol, message).into());
        };
        let mut left = self.transport.longest_download();
        let mut retries = 0;
        loop {
            let mut place = self.transport.download_place(&url).await;
            let began = Instant::now();
            let outcome = self.attempt(&url, stem, &mut place, began + left).await;
            drop(place);
            left = left.saturating_sub(began.elapsed());
            let FailedDownload { status, error } = match outcome {
                Ok(saved) => return Ok(saved),
                Err(failed) => failed,
            };
            let transient = matches!(
                error.kind(),
                ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::RateLimited | ErrorKind::Io
            );
            if !(transient && error.is_retryable()) || retries >= self.transport.options().limits.max_retries {
                let expired = !transient && status.is_some_and(|status| status.is_client_error());
                return Err(Missed { error, expired });
            }
            retries += 1;
            let pause = error.retry_after().unwrap_or_else(|| backoff(retries));
            if left.is_zero() || pause > LONGEST_PAUSE {
                return Err(error.into());
            }
            (self.on_progress)(Progress::Retrying(&error, pause));
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(
        &self,
        url: &Url,
        stem: &Path,
        place: &mut Place,
        until: Instant,
    ) -> Result<SavedFile, FailedDownload> {
        let mut picture = Picture::create(self.transport.files.clone(), stem.to_owned()).await?;
        match self.transport.download(url, place, until, &mut picture).await {
            Ok(()) => Ok(picture.save().await?),
            Err(failed) => {
                picture.discard().await;
                Err(failed)
            }
        }
    }
}

/// A picture that is not there.
struct Missed {
    error: Error,
    /// The address may have been good once.
    expired: bool,
}

impl Missed {
    fn at(self, place: &str, task_id: &str) -> Self {
        Self { error: self.error.within(place).with_task_id(task_id), ..self }
    }
}

impl From<Error> for Missed {
    fn from(error: Error) -> Self {
        Self { error, expired: false }
    }
}

fn collect(outcomes: Vec<Result<SavedFile, Missed>>, urls: Vec<String>) -> Saved {
    let mut saved = Saved { files: Vec::new(), urls, error: None };
    for outcome in outcomes {
        match outcome {
            Ok(file) => saved.files.push(file),
            Err(missed) => {
                saved.error.get_or_insert(missed.error);
            }
        }
    }
    saved
}

/// Appended, not set: a style may have dots in its name.
fn with_extension(stem: &Path, extension: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// A style's name as part of a file's: composed, without what any file system gives a meaning, at most 60 bytes.
pub(crate) fn file_name(style: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(style.trim());
    let mut name = String::new();
    for c in composed.chars().map(|c| if is_unsafe(c) { '_' } else { c }) {
        if name.len() + c.len_utf8() > STYLE_BYTES {
            break;
        }
        name.push(c);
    }
    let name = name.trim_end_matches(['.', ' ']);
    // A file that begins with `.` is hidden; one that begins with `-` is an option to whoever types `*`.
    match name.strip_prefix(['.', '-']) {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => "portrait".into(),
        None => name.into(),
    }
}

/// Separators, what shells and Windows reserve, control characters, and those that turn text around.
fn is_unsafe(c: char) -> bool {
    text::steers(c) || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// Ten characters that differ for any two tasks of any two hosts.
fn short_digest(host: &str, task_id: &str) -> String {
    const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = Sha256::new().chain_update(host).chain_update([0]).chain_update(task_id).finalize();
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let letter = |n: u32| BASE32.get((bits >> (59 - 5 * n)) as usize % BASE32.len()).copied().map(char::from);
    (0..10).filter_map(letter).collect()
}

/// A small picture in memory, without any credential; none if it can't be had soon.
#[cfg(feature = "cli")]
pub(crate) async fn fetch_small(transport: &Transport, url: &str) -> Option<Vec<u8>> {
    use crate::transport::coding::Receiver;

    const MOST: usize = 8 << 20;
    const PATIENCE: Duration = Duration::from_secs(15);

    struct InMemory(Vec<u8>);

    impl Receiver for InMemory {
        async fn receive(&mut self, piece: bytes::Bytes) -> Result<()> {
            if self.0.len() + piece.len() > MOST {
                return Err(Error::new(ErrorKind::Protocol, "the picture is too large for a page"));
            }
            self.0.extend_from_slice(&piece);
            Ok(())
        }
    }

    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let mut picture = InMemory(Vec::new());
    let mut place = transport.download_place(&url).await;
    let until = tokio::time::Instant::now() + PATIENCE;
    transport.download(&url, &mut place, until, &mut picture).await.ok()?;
    Some(picture.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_safe_and_readable() {
        assert_eq!(file_name("仙气十足"), "仙气十足");
        assert_eq!(file_name("cafe\u{301}"), "café");
        assert_eq!(file_name("../../etc/passwd"), "_._.._etc_passwd");
        assert_eq!(file_name("a:b*c?\u{202e}gpj"), "a_b_c__gpj");
        assert_eq!(file_name("  "), "portrait");
        assert_eq!(file_name("name. "), "name");
        assert_eq!(file_name("-rf"), "_rf");
        assert_eq!(file_name(".-x"), "_-x");
    }

    #[test]
    fn tasks_and_hosts_have_names_of_their_own() {
        // As `printf 'host\0task' | sha256sum | xxd -r -p | base32` begins.
        assert_eq!(short_digest("host", "task"), "ntymg2o57r");
        let alike = ["T0000000000101", "T0000000000102", "019368ab-1111", "019368ab-2222", "../x", "---x"];
        let names: HashSet<String> =
            alike.iter().flat_map(|id| [short_digest("a.example", id), short_digest("b.example", id)]).collect();
        assert_eq!(names.len(), 2 * alike.len());
    }

    proptest! {
        #[test]
        fn any_style_gives_a_name_that_stays_in_its_folder(style: String) {
            let name = file_name(&style);
            prop_assert!(!name.is_empty() && name.len() <= STYLE_BYTES);
            let path = Path::new("folder").join(format!("{name}-12345678-1.png"));
            prop_assert_eq!(path.parent(), Some(Path::new("folder")));
            prop_assert!(!name.starts_with(['.', '-']));
        }
    }
}
