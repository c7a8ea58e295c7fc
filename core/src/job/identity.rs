//! What makes a job this one and no other: photos, styles, and the model if one was given.

use std::{collections::HashSet, fmt::Write as _};

use sha2::{Digest as _, Sha256};

use super::{JobPhoto, record::Record, style_name};

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
}
