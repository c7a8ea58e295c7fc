//! What makes a job this one and no other: photos, styles, and the model if one was given.

use std::{collections::HashSet, fmt::Write as _};

use sha2::{Digest as _, Sha256};

#[cfg(feature = "cli")]
use super::{Job, Stage, record::PortraitRecord};
use super::{JobPhoto, record::Record, style_name};
#[cfg(feature = "cli")]
use crate::file_work::FileWork;

/// Its digest; where only the service has the photo, the service's path of it.
fn identity_of_photo(photo: &JobPhoto) -> Option<&str> {
    photo.sha256.as_deref().or(photo.uploaded.as_deref())
}

impl Record {
    /// [`same_order`](Self::same_order) as a text: equal if and only if that is so. `None` while a photo was never read.
    pub(super) fn identity(&self) -> Option<String> {
        let mut photos: Vec<&str> = self.photos.iter().map(identity_of_photo).collect::<Option<_>>()?;
        photos.sort_unstable();
        let mut styles: Vec<_> =
            self.portraits.iter().map(|portrait| style_name::normalized(&portrait.style)).collect();
        styles.sort_unstable();
        let model = if self.training.is_none() { self.user_id.as_deref() } else { None };
        let digest = Sha256::digest(serde_json::json!([photos, styles, model]).to_string());
        Some(digest.iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }

    /// What makes it this job and no other: photos, styles, and the model if one was given.
    pub(super) fn same_order(&self, other: &Self) -> Result<(), &'static str> {
        let digests = |record: &Self| {
            let mut digests: Vec<_> =
                record.photos.iter().map(|photo| identity_of_photo(photo).map(str::to_owned)).collect();
            digests.sort();
            digests
        };
        let styles = |record: &Self| -> HashSet<String> {
            record.portraits.iter().map(|portrait| style_name::normalized(&portrait.style)).collect()
        };
        let model = |record: &Self| if record.training.is_none() { record.user_id.clone() } else { None };
        if model(self) != model(other) {
            Err("another user model")
        } else if self.training.is_some() && digests(self) != digests(other) {
            Err("other photos")
        } else if styles(self) != styles(other) {
            Err("other styles")
        } else {
            Ok(())
        }
    }

    /// Whether it asks for no photo, style or model that the other job lacks: an order that was carried out stays so when
    /// photos are put away, or fewer styles are asked for.
    #[cfg(feature = "cli")]
    fn asks_nothing_new(&self, other: &Self) -> bool {
        let has_photo = |photo: &JobPhoto| {
            let asked = identity_of_photo(photo);
            asked.is_some() && other.photos.iter().any(|known| identity_of_photo(known) == asked)
        };
        let has_style = |asked: &PortraitRecord| {
            let asked = style_name::normalized(&asked.style);
            let by_id = |known: &PortraitRecord| known.style_id.as_deref().map(style_name::normalized);
            let is_it = |known: &PortraitRecord| {
                style_name::normalized(&known.style) == asked || by_id(known).as_ref() == Some(&asked)
            };
            other.portraits.iter().any(is_it)
        };
        let same_model = self.training.is_some() || self.user_id == other.user_id;
        same_model && self.photos.iter().all(has_photo) && self.portraits.iter().all(has_style)
    }
}

#[cfg(feature = "cli")]
impl Job {
    /// Whether all that it asks for is in a job that is done. Reads the photos that were never read.
    pub(crate) async fn is_done_by(&self, other: &Self) -> bool {
        other.stage() == Stage::Done && self.digest_photos(&FileWork::new()).await.is_ok() && {
            let other = other.known(Clone::clone);
            self.known(|record| record.asks_nothing_new(&other))
        }
    }

    /// Whether a run of this one would go on with the other.
    pub(crate) fn is_same_order(&self, other: &Self) -> bool {
        let other = other.known(Clone::clone);
        self.known(|record| record.same_order(&other).is_ok())
    }

    /// Whether it asks for no photo and no model that the other job lacks: what differs, if anything does, are styles.
    pub(crate) fn is_of_the_same_person(&self, other: &Self) -> bool {
        let other = other.known(Clone::clone);
        self.known(|record| Record { portraits: Vec::new(), ..record.clone() }.asks_nothing_new(&other))
    }
}
