//! The photos of a run: how many, and how far they are.

use std::collections::BTreeMap;

use crate::event::Event;

/// The photos that are uploaded in this run.
#[derive(Default)]
pub(super) struct Uploads(BTreeMap<usize, Upload>);

#[derive(Default)]
struct Upload {
    sent: u64,
    bytes: u64,
    done: bool,
}

impl Uploads {
    /// Takes in an event that is about a photo.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::PhotoUploading { index, bytes_sent, bytes } => {
                let upload = self.0.entry(*index).or_default();
                (upload.sent, upload.bytes) = (*bytes_sent, *bytes);
            }
            Event::PhotoUploaded { index, .. } => {
                let upload = self.0.entry(*index).or_default();
                (upload.sent, upload.done) = (upload.bytes, true);
            }
            _ => {}
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn done(&self) -> usize {
        self.0.values().filter(|upload| upload.done).count()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.values().map(|upload| upload.bytes).sum()
    }

    pub(super) fn sent(&self) -> u64 {
        self.0.values().map(|upload| upload.sent).sum()
    }
}
