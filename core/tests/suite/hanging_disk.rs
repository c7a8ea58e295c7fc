//! A file system in memory that can be made to hang, as a network's does whose server is gone: FUSE, spoken by hand.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const ROOT: u64 = 1;
/// What the kernel's requests are called (linux/fuse.h).
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const UNLINK: u32 = 10;
const RENAME: u32 = 12;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const READDIR: u32 = 28;
const RELEASEDIR: u32 = 29;
const FSYNCDIR: u32 = 30;
const CREATE: u32 = 35;
const BATCH_FORGET: u32 = 42;
const RENAME2: u32 = 45;

const MISSING: i32 = -2;
const UNKNOWN: i32 = -38;
/// A pipe in the way is no file system.
const DIRECT: u32 = 1;

/// Mounted at a folder of its own, and gone when dropped, with an error for whoever still waits for it.
pub(crate) struct HangingDisk {
    folder: tempfile::TempDir,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    files: Mutex<BTreeMap<u64, (String, Vec<u8>)>>,
    /// Hangs from the first request of this kind on; 0 is any.
    hangs_at: Mutex<Option<u32>>,
    hangs: AtomicBool,
    unanswered: AtomicUsize,
}

/// Until when a file system works.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Now,
    Read,
    Write,
    Unlink,
}

impl HangingDisk {
    /// None where this machine lets nobody mount one.
    pub(crate) fn mount() -> Option<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse").ok()?;
        let folder = tempfile::tempdir().unwrap();
        // The device goes along as the descriptor 0.
        let options = "fd=0,rootmode=40000,user_id=0,group_id=0";
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", options, "hanging"]).arg(folder.path());
        let mounted = mount.stdin(Stdio::from(device.try_clone().unwrap())).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            return None;
        }
        let state = Arc::<State>::default();
        let serving = state.clone();
        thread::spawn(move || serving.serve(device));
        Some(Self { folder, state })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file there.
    pub(crate) fn add(&self, name: &str, content: Vec<u8>) -> PathBuf {
        self.state.add(name, content);
        self.path().join(name)
    }

    pub(crate) fn hang(&self, until: Until) {
        let at = match until {
            Until::Now => 0,
            Until::Read => READ,
            Until::Write => WRITE,
            Until::Unlink => UNLINK,
        };
        *self.state.hangs_at.lock().unwrap() = Some(at);
    }

    /// How many requests wait for an answer that never comes.
    pub(crate) fn unanswered(&self) -> usize {
        self.state.unanswered.load(Ordering::SeqCst)
    }

    /// Ends every wait for it with an error after this time, lest a test that fails waits for ever.
    pub(crate) fn end_after(&self, limit: Duration) {
        let (path, state) = (self.path().to_owned(), Arc::downgrade(&self.state));
        thread::spawn(move || {
            let end = std::time::Instant::now() + limit;
            while state.strong_count() > 1 && std::time::Instant::now() < end {
                thread::sleep(Duration::from_millis(100));
            }
            abort(&path);
        });
    }
}

/// Whoever waits for it gets an error, and then it goes away, if need be at the second try.
fn abort(path: &Path) {
    for how in ["-f", "-l", "-l"] {
        let _ = Command::new("umount").arg(how).arg(path).stderr(Stdio::null()).status();
    }
}

impl Drop for HangingDisk {
    fn drop(&mut self) {
        abort(self.path());
    }
}

impl State {
    fn add(&self, name: &str, content: Vec<u8>) -> u64 {
        let mut files = self.files.lock().unwrap();
        let node = files.last_key_value().map_or(ROOT, |(node, _)| *node) + 1;
        files.insert(node, (name.to_owned(), content));
        node
    }

    fn node(&self, name: &str) -> Option<u64> {
        self.files.lock().unwrap().iter().find(|(_, (known, _))| known == name).map(|(node, _)| *node)
    }

    /// Until it is unmounted.
    fn serve(&self, mut device: File) {
        let mut request = vec![0; 2 << 20];
        loop {
            let length = match device.read(&mut request) {
                Ok(length) => length,
                Err(error) if matches!(error.raw_os_error(), Some(2 | 4 | 11)) => continue,
                Err(_) => return,
            };
            let (operation, unique, node) = (u32_at(&request, 4), u64_at(&request, 8), u64_at(&request, 16));
            if matches!(operation, FORGET | BATCH_FORGET) {
                continue;
            }
            let hangs_at = *self.hangs_at.lock().unwrap();
            if hangs_at.is_some_and(|at| at == 0 || at == operation) {
                self.hangs.store(true, Ordering::SeqCst);
            }
            // Whoever unmounts it asks about its root; each program that any test starts closes its copies of open files.
            let is_ours = (operation, node) == (GETATTR, ROOT) || operation == FLUSH;
            if self.hangs.load(Ordering::SeqCst) && !is_ours {
                self.unanswered.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            let (error, body) = match self.answer(operation, node, &request[40..length]) {
                Ok(body) => (0, body),
                Err(error) => (error, Vec::new()),
            };
            let mut answer = Answer::default().u32(16 + body.len() as u32).i32(error).u64(unique).0;
            answer.extend(body);
            let _ = device.write_all(&answer);
        }
    }

    fn answer(&self, operation: u32, node: u64, argument: &[u8]) -> Result<Vec<u8>, i32> {
        let mut words = argument.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let mut name = || words.next().unwrap_or_default();
        match operation {
            INIT => {
                Ok(Answer::default().u32(7).u32(31).u32(65536).u32(0).u32(0x9_000c).u32(1 << 20).u32(1).zeros(36).0)
            }
            LOOKUP => self.node(&name()).map(|node| self.entry(node).0).ok_or(MISSING),
            GETATTR => Ok(self.attributes(Answer::default().zeros(16), node).0),
            SETATTR => {
                // Bit 3: the size.
                if u32_at(argument, 0) & 8 != 0
                    && let Some((_, content)) = self.files.lock().unwrap().get_mut(&node)
                {
                    content.resize(u64_at(argument, 16) as usize, 0);
                }
                Ok(self.attributes(Answer::default().zeros(16), node).0)
            }
            CREATE => {
                let name = String::from_utf8_lossy(&argument[16..]).trim_end_matches('\0').to_owned();
                Ok(self.entry(self.add(&name, Vec::new())).zeros(8).u32(DIRECT).u32(0).0)
            }
            OPEN => Ok(Answer::default().zeros(8).u32(DIRECT).u32(0).0),
            OPENDIR => Ok(Answer::default().zeros(16).0),
            READ => {
                let files = self.files.lock().unwrap();
                let (_, content) = files.get(&node).ok_or(MISSING)?;
                let from = (u64_at(argument, 8) as usize).min(content.len());
                let to = (from + u32_at(argument, 16) as usize).min(content.len());
                Ok(content[from..to].to_vec())
            }
            WRITE => {
                let (offset, piece) = (u64_at(argument, 8) as usize, &argument[40..]);
                let mut files = self.files.lock().unwrap();
                let (_, content) = files.get_mut(&node).ok_or(MISSING)?;
                let end = content.len().max(offset + piece.len());
                content.resize(end, 0);
                content[offset..offset + piece.len()].copy_from_slice(piece);
                Ok(Answer::default().u32(piece.len() as u32).u32(0).0)
            }
            UNLINK => {
                let name = name();
                let node = self.node(&name).ok_or(MISSING)?;
                // Whoever has it open goes on reading it.
                self.files.lock().unwrap().entry(node).and_modify(|(name, _)| name.clear());
                Ok(Vec::new())
            }
            RENAME | RENAME2 => {
                let names = &argument[if operation == RENAME { 8 } else { 16 }..];
                let mut names = names.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
                let (from, to) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
                let node = self.node(&from).ok_or(MISSING)?;
                let replaced = self.node(&to);
                let mut files = self.files.lock().unwrap();
                if let Some(replaced) = replaced {
                    files.remove(&replaced);
                }
                files.entry(node).and_modify(|(name, _)| *name = to);
                Ok(Vec::new())
            }
            READDIR | RELEASE | RELEASEDIR | FSYNC | FSYNCDIR | FLUSH => Ok(Vec::new()),
            _ => Err(UNKNOWN),
        }
    }

    /// A name's answer: nothing of it may be remembered.
    fn entry(&self, node: u64) -> Answer {
        self.attributes(Answer::default().u64(node).zeros(32), node)
    }

    fn attributes(&self, answer: Answer, node: u64) -> Answer {
        const FOLDER: u32 = 0o40_777;
        const FILE: u32 = 0o100_666;
        let size = self.files.lock().unwrap().get(&node).map_or(0, |(_, content)| content.len());
        let mode = if node == ROOT { FOLDER } else { FILE };
        answer.u64(node).u64(size as u64).zeros(8 + 3 * 8 + 3 * 4).u32(mode).u32(1).zeros(3 * 4).u32(4096).u32(0)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[derive(Default)]
struct Answer(Vec<u8>);

impl Answer {
    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn i32(mut self, value: i32) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn zeros(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }
}
