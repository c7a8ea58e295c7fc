//! One picture on its way to disk: written as it comes, so that memory holds a piece of it at most.

use std::{io::Write, path::PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{SavedFile, whole, with_extension};
use crate::{
    digest,
    disk::{self, FileMode, Incoming},
    error::{Error, ErrorKind, Result},
    file_work::FileWork,
    transport::coding::Receiver,
};

/// How much is written at a time: each writing is handed to another thread and back.
const PIECE: usize = 64 << 10;

/// A picture of which some has come.
pub(super) struct Picture {
    files: FileWork,
    /// Where it goes, without the ending that its content decides.
    stem: PathBuf,
    /// On another thread while it is written.
    written: Option<Written>,
    /// Less than is written at a time.
    begun: Vec<u8>,
}

struct Written {
    incoming: Incoming,
    hash: Sha256,
    bytes: u64,
}

impl Written {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
        self.incoming.file().write_all(piece)
    }
}

impl Picture {
    pub(super) async fn create(files: FileWork, stem: PathBuf) -> Result<Self> {
        let create = move || match Incoming::create(&stem, FileMode::Usual) {
            Ok(incoming) => Ok((stem, Written { incoming, hash: Sha256::new(), bytes: 0 })),
            Err(error) => Err(unwritten(&stem, error)),
        };
        let (stem, written) = files.run(create).await??;
        Ok(Self { files, stem, written: Some(written), begun: Vec::new() })
    }

    /// Gives it its name, if it is a whole picture.
    pub(super) async fn save(mut self) -> Result<SavedFile> {
        let rest = std::mem::take(&mut self.begun);
        self.write(rest, Bytes::new()).await?;
        let stem = self.stem.clone();
        let Some(mut written) = self.written.take() else { return Err(lost()) };
        let save = move || {
            let format =
                whole::check(written.incoming.file(), written.bytes).map_err(|error| unwritten(&stem, error))?;
            let format = format.map_err(no_picture)?;
            let path = with_extension(&stem, format.extension());
            let saved = SavedFile { path, bytes: written.bytes, sha256: digest::hex(written.hash) };
            // Others may be reading it.
            if !saved.is_whole() {
                written.incoming.keep_as(&saved.path).map_err(|error| unwritten(&saved.path, error))?;
            }
            Ok(saved)
        };
        self.files.run(save).await?
    }

    /// Removes what has come of it.
    pub(super) async fn discard(mut self) {
        let written = self.written.take();
        let _ = self.files.run(move || drop(written)).await;
    }

    async fn write(&mut self, begun: Vec<u8>, piece: Bytes) -> Result<()> {
        let (stem, written) = (self.stem.clone(), self.written.take());
        let write = move || {
            let mut written = written.ok_or_else(lost)?;
            let all = written.write(&begun).and_then(|()| written.write(&piece));
            all.map_err(|error| unwritten(&stem, error))?;
            Ok::<_, Error>(written)
        };
        self.written = Some(self.files.run(write).await??);
        Ok(())
    }
}

impl Drop for Picture {
    /// Whoever waited for it has gone away.
    fn drop(&mut self) {
        if let Some(written) = self.written.take() {
            disk::let_go(written);
        }
    }
}

impl Receiver for Picture {
    async fn receive(&mut self, piece: Bytes) -> Result<()> {
        if self.begun.len() + piece.len() < PIECE {
            self.begun.extend_from_slice(&piece);
            return Ok(());
        }
        // Many of them come at once: what is large already is not copied.
        let begun = std::mem::take(&mut self.begun);
        self.write(begun, piece).await
    }
}

/// Nothing of it is quoted: what a stranger's host sends may be anybody's.
fn no_picture(problem: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("what came {problem}"))
}

fn unwritten(path: &std::path::Path, error: std::io::Error) -> Error {
    Error::io("can't write the picture", path, error)
}

/// The thread that wrote it has panicked before.
fn lost() -> Error {
    Error::new(ErrorKind::Internal, "the file of a picture was lost")
}
