//! A job's photos, sent: each is stored as soon as it is confirmed, and never sent again.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{photos::Due, runner::JobRunner};
use crate::{
    call::Call,
    error::Result,
    event::Event,
    photo::{CheckedPhoto, PhotoPlan},
    transport::{Payload, Request},
};

impl JobRunner {
    /// Uploads the photos, several at a time.
    pub(super) async fn upload(&self, due: Due) -> Result<()> {
        // A progress bar needs the total from the start.
        for (index, photo, _) in &due {
            self.emit(Event::PhotoUploading { index: *index, bytes_sent: 0, bytes: photo.bytes });
        }
        let at_once = self.session.options.limits.upload_concurrency;
        let one = |(index, photo, permit)| async move {
            // Until the photo is closed.
            let _permit = permit;
            self.upload_one(index, photo).await
        };
        let uploaded = stream::iter(due.into_iter().map(one)).buffer_unordered(at_once).try_collect().await;
        if uploaded.is_err() {
            // Others may have been confirmed, and cut off before they were saved. The first error is the one to tell.
            let _ = self.save().await;
        }
        uploaded
    }

    async fn upload_one(&self, index: usize, photo: CheckedPhoto) -> Result<()> {
        let photo = self.made(index, photo).await?;
        let payload = Payload::Photo { photo, on_bytes: self.on_bytes(index) };
        let subject = format!("of photo {}", index + 1);
        let request = Request::new(Call::UploadFile, subject, payload).on_retry(self.on_retry());
        let path: String = self.session.transport.call(request).await?;
        self.job.edit(|record| {
            if let Some(photo) = record.photos.get_mut(index) {
                photo.uploaded = Some(path.clone());
            }
        });
        // Before anything that a sibling's failure could cut off.
        self.emit(Event::PhotoUploaded { index, path });
        self.save().await?;
        self.job.forget_bytes(index);
        Ok(())
    }

    /// What is sent of a photo. Its progress is told anew where that is another size.
    async fn made(&self, index: usize, photo: CheckedPhoto) -> Result<CheckedPhoto> {
        let given = photo.bytes;
        let _one_at_a_time = match photo.findings.plan {
            PhotoPlan::AsIs => None,
            PhotoPlan::Cleaned | PhotoPlan::Prepared => self.session.transport.preparing.acquire().await.ok(),
        };
        let max_bytes = self.session.options.limits.max_photo_bytes;
        let made = photo.made(&self.session.transport.photo_threads, format!("photo {}", index + 1), max_bytes).await?;
        if made.bytes != given {
            self.emit(Event::PhotoUploading { index, bytes_sent: 0, bytes: made.bytes });
        }
        Ok(made)
    }
}
