//! Pictures on disk: fetched several at a time, whole or not at all, under names of our own.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use icu_normalizer::ComposingNormalizerBorrowed;
use reqwest::Url;

use crate::{
    disk::{self, FileMode},
    error::{Error, ErrorKind, Result},
    photo::interrupted,
    picture::Format,
    task::Task,
    transport::{Transport, backoff},
};

/// How many pictures are fetched at a time.
const AT_ONCE: usize = 4;
/// A server that asks for a longer pause is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How much of a file's name the style may take.
const STYLE_BYTES: usize = 60;

/// The pictures of one task, and where they go.
pub(crate) struct Results<'a> {
    pub(crate) transport: &'a Transport,
    pub(crate) max_retries: u32,
    pub(crate) folder: &'a Path,
    /// The name of the style; the files are called after it.
    pub(crate) style: &'a str,
    pub(crate) task_id: &'a str,
    /// Is told of each repetition: why, and after what pause.
    pub(crate) on_retry: &'a (dyn Fn(&Error, Duration) + Send + Sync),
}

/// What is on disk, in the order of the addresses, and the first thing that went wrong.
pub(crate) struct Saved {
    pub(crate) files: Vec<PathBuf>,
    /// The addresses that were tried last.
    pub(crate) urls: Vec<String>,
    pub(crate) error: Option<Error>,
}

impl Results<'_> {
    /// Saves every picture that is not there yet. If addresses have expired, `ask_again` brings new ones.
    pub(crate) async fn save(
        &self,
        urls: &[String],
        ask_again: impl Future<Output = Result<Task>>,
        on_saved: &(dyn Fn(&Path) + Send + Sync),
    ) -> Saved {
        if let Err(error) = tokio::fs::create_dir_all(self.folder).await {
            let error = Error::io("can't make the folder for pictures", self.folder, error);
            return Saved { files: Vec::new(), urls: urls.to_vec(), error: Some(error) };
        }
        self.remove_stale_temp_files().await;
        let first = self.pass(urls, on_saved).await;
        if !first.iter().any(|outcome| matches!(outcome, Err(failure) if failure.expired)) {
            return collect(first, urls.to_vec());
        }
        match ask_again.await {
            // What is on disk by now is found there, and not fetched again.
            Ok(task) if task.result_paths.len() >= urls.len() => {
                collect(self.pass(&task.result_paths, on_saved).await, task.result_paths)
            }
            // Fewer addresses than pictures that were promised are no replacement.
            Ok(_) => collect(first, urls.to_vec()),
            Err(error) => Saved { error: Some(error), ..collect(first, urls.to_vec()) },
        }
    }

    /// Once for all pictures: a folder of many customers takes a while to look through.
    async fn remove_stale_temp_files(&self) {
        let (folder, prefix) = (self.folder.to_owned(), disk::hidden(Path::new(&self.stem())));
        // Failing does no harm.
        let _ = tokio::task::spawn_blocking(move || disk::remove_all_stale_temp_files(&folder, &prefix)).await;
    }

    /// What the names of all files of this task begin with.
    fn stem(&self) -> String {
        format!("{}-{}-", file_name(self.style), short_id(self.task_id))
    }

    async fn pass(&self, urls: &[String], on_saved: &(dyn Fn(&Path) + Send + Sync)) -> Vec<Result<PathBuf, Missed>> {
        let one = |(index, url): (usize, String)| async move { self.picture(index + 1, &url, on_saved).await };
        stream::iter(urls.iter().cloned().enumerate().map(one)).buffered(AT_ONCE).collect().await
    }

    /// Saves the `n`th picture, unless a whole file of its name is there.
    async fn picture(&self, n: usize, url: &str, on_saved: &(dyn Fn(&Path) + Send + Sync)) -> Result<PathBuf, Missed> {
        let stem = format!("{}{n}", self.stem());
        if let Some(path) = existing(self.folder, &stem) {
            return Ok(path);
        }
        let place = format!("picture {n} of task {}", self.task_id);
        let content = self.fetch(url).await.map_err(|missed| missed.at(&place, self.task_id))?;
        let format = Format::of(&content).ok_or_else(|| {
            let error =
                Error::new(ErrorKind::Protocol, "what came is no picture").with_body_start(&content, str::to_owned);
            Missed { error, expired: false }.at(&place, self.task_id)
        })?;
        let path = self.folder.join(format!("{stem}.{}", format.extension()));
        let written = tokio::task::spawn_blocking({
            let path = path.clone();
            move || write(&path, &content)
        });
        written.await.map_err(interrupted).and_then(|written| written).map_err(Missed::from)?;
        on_saved(&path);
        Ok(path)
    }

    async fn fetch(&self, url: &str) -> Result<Bytes, Missed> {
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(url) = parsed else {
            let message = format!("the service gave {:?}, which is no http(s) address", shorten(url));
            return Err(Error::new(ErrorKind::Protocol, message).into());
        };
        let mut retries = 0;
        loop {
            let (status, error) = match self.transport.download(&url).await {
                Ok(content) => return Ok(content),
                Err(failed) => failed,
            };
            // A local error is that of a connection: this process has too many files open for now.
            let transient = matches!(
                error.kind(),
                ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::RateLimited | ErrorKind::Io
            );
            if !transient || retries >= self.max_retries {
                let expired = !transient && status.is_some_and(|status| status.is_client_error());
                return Err(Missed { error, expired });
            }
            retries += 1;
            let pause = error.retry_after().unwrap_or_else(|| backoff(retries));
            if pause > LONGEST_PAUSE {
                return Err(error.into());
            }
            (self.on_retry)(&error, pause);
            tokio::time::sleep(pause).await;
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

fn collect(outcomes: Vec<Result<PathBuf, Missed>>, urls: Vec<String>) -> Saved {
    let mut saved = Saved { files: Vec::new(), urls, error: None };
    for outcome in outcomes {
        match outcome {
            Ok(path) => saved.files.push(path),
            Err(missed) => {
                saved.error.get_or_insert(missed.error);
            }
        }
    }
    saved
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    disk::write(path, content, FileMode::Usual).map_err(|error| Error::io("can't write the picture", path, error))
}

/// A whole picture of this name, whatever its type.
fn existing(folder: &Path, stem: &str) -> Option<PathBuf> {
    use std::io::Read;

    let whole = |path: &PathBuf| {
        let mut start = Vec::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
        read.is_ok() && Format::of(&start).is_some()
    };
    Format::EXTENSIONS.iter().map(|extension| folder.join(format!("{stem}.{extension}"))).find(whole)
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
    match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => "portrait".into(),
        None => name.into(),
    }
}

/// Separators, what shells and Windows reserve, control characters, and those that turn text around.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The first eight characters of a task's id, such as they may stand in a name.
fn short_id(task_id: &str) -> String {
    task_id.chars().take(8).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
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
        assert_eq!(short_id("7e1cac92-e348"), "7e1cac92");
        assert_eq!(short_id("../x"), "___x");
    }

    proptest! {
        #[test]
        fn any_style_gives_a_name_that_stays_in_its_folder(style: String) {
            let name = file_name(&style);
            prop_assert!(!name.is_empty() && name.len() <= STYLE_BYTES);
            let path = Path::new("folder").join(format!("{name}-12345678-1.png"));
            prop_assert_eq!(path.parent(), Some(Path::new("folder")));
            prop_assert!(!name.starts_with('.'));
        }
    }
}
