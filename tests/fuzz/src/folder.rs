//! A folder that others write into, between the calls of a job that keeps its pictures and its checkpoint there: each call
//! ends, touches nothing outside, and what it says is done is there, whole.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    time::Duration,
};

use fastrand::Rng;
use rustix::fs::{CWD, FileType, Mode};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use xiezhen::{Client, ErrorKind, Job, RunOptions};

use crate::{
    mutate::mutated,
    targets::{Target, ensure},
};

const WORDS: &[&str] = &[
    "link picture\n",
    "loop picture\n",
    "pipe picture\n",
    "folder picture\n",
    "socket picture\n",
    "hard picture\n",
    "other picture\n",
    "link job.json\n",
    "pipe job.json\n",
    "large job.json\n",
    "folder job.json\n",
    "hard job.json\n",
    "link job.json.lock\n",
    "loop job.json.lock\n",
    "pipe job.json.lock\n",
    "hard job.json.lock\n",
    "socket job.json.lock\n",
    "link .hidden\n",
    "pipe .hidden\n",
    "gone picture\n",
    "gone job.json\n",
    "empty job.json\n",
    "moved .\n",
    "again\n",
];
/// Of the checkpoint's and the first picture's temporary names, these are the parts that can be foreseen.
const HIDDEN: [&str; 2] = [".job.json-abcdef.tmp", ".portrait-abcdef.tmp"];
const PICTURE: &[u8] = include_bytes!("../../pictures/corpus/white.png");
const OTHER: &[u8] = include_bytes!("../../pictures/corpus/black.png");

/// A job whose task has ended, and the service that says so and serves its picture.
pub(crate) struct Folder {
    runtime: tokio::runtime::Runtime,
    client: Client,
    job: String,
    /// What the picture is called.
    picture: String,
    room: PathBuf,
}

impl Folder {
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        // One thread for both sides: nobody waits for another to wake up.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let host = listener.local_addr()?.to_string();
        let url = format!("http://{host}");
        let task = json!({"ret": 0, "body": {"id": "t2", "state": 3, "tsk_type": 2,
            "result_paths": [format!("{url}/1.png")]}})
        .to_string();
        runtime.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let task = task.clone();
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut head).await {
                        let asks = head.get(..length).is_some_and(|head| head.starts_with(b"POST"));
                        let body = if asks { task.as_bytes() } else { PICTURE };
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        if stream.write_all(&[head.as_bytes(), body].concat()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let client = Client::builder()
            .base_url(&url)
            .app_code("fuzz".to_owned())
            .requests_per_second(f64::INFINITY)
            .max_retries(0_u32)
            .timeout(Duration::from_secs(30))
            .build()?;
        let job = Job::with_user_id("U1", ["20057d0c-8cef-447e-88d0-a8f3490fd0b0"]).to_json()?;
        let mut job: serde_json::Value = serde_json::from_str(&job)?;
        let fields = [
            ("task_id", json!("t2")),
            ("attempt", json!(1)),
            ("style_id", json!("20057d0c-8cef-447e-88d0-a8f3490fd0b0")),
        ];
        for (field, value) in fields {
            if let Some(portrait) = job.pointer_mut("/portraits/0").and_then(serde_json::Value::as_object_mut) {
                portrait.insert(field.to_owned(), value);
            }
        }
        if let Some(job) = job.as_object_mut() {
            job.insert("host".to_owned(), host.into());
        }
        // In memory where that can be had: a disk that has to have everything takes a hundred times as long.
        let memory = Some(PathBuf::from("/dev/shm")).filter(|memory| memory.is_dir());
        let room =
            memory.unwrap_or_else(std::env::temp_dir).join(format!("xiezhen-fuzz-folder-{}", std::process::id()));
        let mut this = Self { runtime, client, job: job.to_string(), picture: String::new(), room };
        let folder = this.fresh()?;
        let saved = this.call(&folder).map_err(|error| format!("nothing was saved: {error}"))?;
        let name = saved.first().and_then(|path| path.file_name()).ok_or("nothing was saved")?;
        this.picture = name.to_string_lossy().into_owned();
        Ok(this)
    }

    /// An empty folder for pictures, beside what nobody may touch.
    fn fresh(&self) -> std::io::Result<PathBuf> {
        let _ = fs::remove_dir_all(&self.room);
        fs::create_dir_all(self.room.join("pictures"))?;
        fs::create_dir_all(self.room.join("elsewhere"))?;
        fs::write(self.room.join("secret"), "secret")?;
        Ok(self.room.join("pictures"))
    }

    fn call(&self, folder: &Path) -> Result<Vec<PathBuf>, xiezhen::Error> {
        let job = Job::from_json(&self.job)?;
        let options =
            RunOptions::default().save_to(folder).checkpoint(folder.join("job.json")).timeout(Duration::from_secs(60));
        self.runtime.block_on(self.client.run(&job, options))?;
        Ok(job.portraits().into_iter().flat_map(|portrait| portrait.files).collect())
    }

    /// What somebody else does to the folder. Whatever of it can't be done is not done.
    fn meddle(&self, folder: &Path, line: &str) {
        let Some((what, which)) = line.split_once(' ') else { return };
        let secret = self.room.join("secret");
        let name = match which {
            "picture" => self.picture.as_str(),
            ".hidden" => HIDDEN[0],
            ".hidden picture" => HIDDEN[1],
            "job.json" | "job.json.lock" => which,
            "." => "",
            _ => return,
        };
        let place = folder.join(name);
        if what != "gone" && what != "moved" && !name.is_empty() {
            let _ = fs::remove_file(&place).or_else(|_| fs::remove_dir_all(&place));
        }
        let _ = match what {
            "link" => symlink(&secret, &place),
            "loop" => symlink(&place, &place),
            "pipe" => {
                rustix::fs::mknodat(CWD, &place, FileType::Fifo, Mode::from_raw_mode(0o644), 0).map_err(Into::into)
            }
            "folder" => fs::create_dir_all(place.join("inside")),
            "socket" => UnixListener::bind(&place).map(drop),
            "hard" => fs::hard_link(&secret, &place),
            "other" => fs::write(&place, OTHER),
            "empty" => fs::write(&place, ""),
            "large" => fs::File::create(&place).and_then(|file| file.set_len(17 << 20)),
            "gone" if !name.is_empty() => fs::remove_file(&place).or_else(|_| fs::remove_dir_all(&place)),
            "moved" => fs::remove_dir_all(folder).and_then(|()| symlink(self.room.join("elsewhere"), folder)),
            _ => Ok(()),
        };
    }

    fn check(&self, folder: &Path, saved: &[PathBuf]) -> Result<(), String> {
        ensure(
            fs::read(self.room.join("secret")).is_ok_and(|secret| secret == b"secret"),
            "another's file was written",
        )?;
        // A checkpoint may be a link; its lock is beside what that leads to, so that all who come meet the same.
        let mut beside: Vec<_> = fs::read_dir(&self.room)
            .map_err(|error| error.to_string())?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name != "secret.lock")
            .collect();
        beside.sort();
        ensure(beside == ["elsewhere", "pictures", "secret"], "something was made or lost beside the folder")?;
        for path in saved {
            let about = fs::symlink_metadata(path).map_err(|error| format!("a saved file is not there: {error}"))?;
            ensure(about.is_file(), "a saved file is a link or worse")?;
            ensure(fs::read(path).is_ok_and(|content| content == PICTURE), "a saved file is another picture")?;
        }
        if saved.is_empty() {
            return Ok(());
        }
        let checkpoint = folder.join("job.json");
        let about = fs::metadata(&checkpoint).map_err(|error| format!("done, without a checkpoint: {error}"))?;
        ensure(about.permissions().mode().trailing_zeros() >= 6, "others can read the checkpoint")?;
        Job::read_checkpoint(&checkpoint).map(drop).map_err(|error| format!("done, but not readable: {error}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.room);
    }
}

impl Target for Folder {
    fn name(&self) -> &'static str {
        "folder"
    }

    fn input(&self, random: &mut Rng) -> Vec<u8> {
        // Whole lines: a word that is cut says nothing.
        let lines = (0..random.usize(1..8)).filter_map(|_| random.choice(WORDS).copied()).collect::<String>();
        mutated(random, &[lines.into_bytes()], WORDS)
    }

    /// Lines of what is done to the folder; a call at each `again`, and at the end.
    fn run(&self, input: &[u8]) -> Result<(), String> {
        let folder = self.fresh().map_err(|error| error.to_string())?;
        let lines = String::from_utf8_lossy(input);
        for turn in lines.split("again").take(3) {
            turn.lines().take(16).for_each(|line| self.meddle(&folder, line));
            match self.call(&folder) {
                Err(error) if !matches!(error.kind(), ErrorKind::Io | ErrorKind::InvalidArgument) => {
                    return Err(format!("{}: {error}", error.kind()));
                }
                Err(_) => self.check(&folder, &[])?,
                Ok(saved) => {
                    ensure(!saved.is_empty(), "done, without a picture")?;
                    self.check(&folder, &saved)?;
                }
            }
        }
        Ok(())
    }

    fn cost(&self) -> u64 {
        200
    }
}
