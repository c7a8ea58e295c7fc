//! A host of pictures that answers as it likes, and a folder that others write into: what is saved is a whole picture in
//! that folder, or nothing.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use xiezhen::{Client, ErrorKind, Task, TaskKind, TaskState};

use crate::{
    corpus,
    mutate::mutated,
    targets::{Target, ensure},
};

const WORDS: &[&str] = &[
    "link\n",
    "pipe\n",
    "folder\n",
    "file\n",
    "hidden\n",
    "again\n",
    "linked folder\n",
    "content-length: ",
    "transfer-encoding: chunked\r\n",
    "content-encoding: gzip\r\n",
    "location: http://127.0.0.1:1/\r\n",
    "\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 304\r\n",
    "HTTP/1.1 101\r\n",
];

/// A client, and the host whose next answers are at hand.
pub(crate) struct Results {
    runtime: tokio::runtime::Runtime,
    client: Client,
    url: String,
    answer: Arc<Mutex<Vec<u8>>>,
    seeds: Vec<Vec<u8>>,
    /// What the files of the task are called.
    name: String,
    room: PathBuf,
}

impl Results {
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let client = Client::builder()
            .base_url(&url)
            .app_code("fuzz".to_owned())
            .requests_per_second(f64::INFINITY)
            .max_retries(0_u32)
            .timeout(Duration::from_millis(500))
            .build()?;
        let answer = Arc::<Mutex<Vec<u8>>>::default();
        let answers = answer.clone();
        runtime.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answers.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        let room = std::env::temp_dir().join(format!("xiezhen-fuzz-{}", std::process::id()));
        let mut this = Self { runtime, client, url, answer, seeds: corpus::results(), name: String::new(), room };
        this.name = this.learn_name()?;
        Ok(this)
    }

    fn learn_name(&self) -> Result<String, Box<dyn std::error::Error>> {
        let folder = self.fresh()?;
        let first = corpus::results().into_iter().next().unwrap_or_default();
        let start = first.windows(4).position(|four| four == b"HTTP").unwrap_or_default();
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).extend(first.into_iter().skip(start));
        let saved = self.runtime.block_on(self.client.save_results(&self.task(), &folder, None))?;
        let name = saved.first().and_then(|path| path.file_name()).ok_or("nothing was saved")?;
        Ok(name.to_string_lossy().into_owned())
    }

    fn task(&self) -> Task {
        Task {
            id: "7e1cac92-e348-4b7a-9c1d-000000000001".into(),
            state: TaskState::Succeeded,
            raw_state: 3,
            kind: TaskKind::Generation,
            reason: None,
            result_paths: vec![format!("{}/1.png", self.url)],
        }
    }

    /// An empty folder for pictures, beside what nobody may touch.
    fn fresh(&self) -> std::io::Result<PathBuf> {
        let _ = fs::remove_dir_all(&self.room);
        fs::create_dir_all(self.room.join("pictures"))?;
        fs::create_dir_all(self.room.join("elsewhere"))?;
        fs::write(self.room.join("secret"), "secret")?;
        Ok(self.room.join("pictures"))
    }

    /// What somebody else does to the folder.
    fn meddle(&self, folder: &Path, line: &str) {
        let secret = self.room.join("secret");
        let place = folder.join(&self.name);
        let hidden = folder.join(format!(".{}.tmp", self.name));
        // Whatever of it can't be done is not done.
        let _ = match line {
            "link" => symlink(&secret, &place),
            "link hidden" => symlink(&secret, &hidden),
            "pipe" => Command::new("mkfifo").arg(&place).stderr(Stdio::null()).status().map(drop),
            "hidden" => fs::File::create_new(&hidden).map(drop),
            "folder" => fs::create_dir(&place),
            "file" => fs::File::create_new(&place).map(drop),
            "again" => fs::remove_file(&place),
            "linked folder" => fs::remove_dir_all(folder).and_then(|()| symlink(self.room.join("elsewhere"), folder)),
            _ => Ok(()),
        };
    }

    fn check(&self, saved: &[PathBuf]) -> Result<(), String> {
        let secret = fs::read(self.room.join("secret")).unwrap_or_default();
        ensure(secret == b"secret", "a file outside of the folder was written to")?;
        let beside = fs::read_dir(&self.room).map(Iterator::count).unwrap_or_default();
        ensure(beside == 3, "something was made or lost beside the folder")?;
        for path in saved {
            let about = fs::symlink_metadata(path).map_err(|error| format!("a saved file is not there: {error}"))?;
            ensure(about.is_file(), "a saved file is a link or worse")?;
            let content = fs::read(path).map_err(|error| error.to_string())?;
            let begins: [&[u8]; 4] = [b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM"];
            ensure(begins.iter().any(|start| content.starts_with(start)), "what is saved is no picture")?;
        }
        Ok(())
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.room);
    }
}

impl Target for Results {
    fn name(&self) -> &'static str {
        "results"
    }

    fn input(&self, random: &mut Rng) -> Vec<u8> {
        mutated(random, &self.seeds, WORDS)
    }

    /// Lines of what is done to the folder, an empty one, the host's answer. Twice: the second time beside what is there.
    fn run(&self, input: &[u8]) -> Result<(), String> {
        let start = input.windows(5).position(|five| five == b"\nHTTP").map_or(0, |at| at + 1);
        let (lines, answer) = input.split_at(start);
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer.to_vec();
        let folder = self.fresh().map_err(|error| error.to_string())?;
        let lines = String::from_utf8_lossy(lines);
        for _ in 0..2 {
            lines.lines().take(16).for_each(|line| self.meddle(&folder, line));
            match self.runtime.block_on(self.client.save_results(&self.task(), &folder, None)) {
                Err(error) if error.kind() == ErrorKind::Internal => return Err(format!("internal: {error}")),
                Err(_) => self.check(&[])?,
                Ok(saved) => self.check(&saved)?,
            }
        }
        Ok(())
    }

    fn cost(&self) -> u64 {
        20
    }
}
