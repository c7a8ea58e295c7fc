//! A job's photos before they are sent: all read once, all problems reported together.

use std::time::Instant;

use tokio::sync::{AcquireError, OwnedSemaphorePermit};

use super::{Job, JobPhoto, State, record::Record, work::Work};
use crate::{
    disk,
    error::{Error, ErrorKind, Result},
    file_work::FileWork,
    photo::{CheckedPhoto, Comparison, PER_MODEL, Photo, Preparation, Rejection, Rules, Source},
    session::Session,
    text,
    transport::backoff,
};

/// A photo that is still to be uploaded, under its index in the job, with the right to keep it open.
pub(super) type Due = Vec<(usize, CheckedPhoto, OwnedSemaphorePermit)>;

impl Job {
    /// Checks the photos that are not uploaded, and notes their digests. Returns them, with what a person
    /// should know about them.
    pub(super) async fn check_photos(&self, session: &Session) -> Result<(Due, Vec<String>)> {
        out_of_files_waited_out(|| self.try_to_check_photos(session)).await
    }

    async fn try_to_check_photos(&self, session: &Session) -> Result<(Due, Vec<String>)> {
        let rules = session.options.limits.photo_rules();
        let due = self.known(|record| record.photos.iter().filter(|photo| photo.uploaded.is_none()).count());
        // More than a model is trained from are refused, and opened one after the other.
        let permits = due.min(*PER_MODEL.end()) as u32;
        let permit = session.transport.open_photos.clone().acquire_many_owned(permits).await.map_err(closed)?;
        let (record, sources) = {
            let state = self.state();
            (state.record.clone(), state.sources.clone())
        };
        let mut survey = Survey::of(record, permit);
        for (index, source) in sources.into_iter().enumerate() {
            // One at a time; between two, a caller who goes away ends it.
            let one = move || {
                survey.photo(index, source, rules);
                survey
            };
            survey = session.transport.photo_threads.run(one).await?;
        }
        let (digests, due, notices) = survey.into_result()?;
        self.edit(|record| note(record, digests));
        Ok((due, notices))
    }

    /// Notes the digests of photos that were not read yet, and no more: enough to tell whether this is another job.
    pub(super) async fn digest_photos(&self, files: &FileWork) -> Result<()> {
        out_of_files_waited_out(|| self.try_to_digest_photos(files)).await
    }

    async fn try_to_digest_photos(&self, files: &FileWork) -> Result<()> {
        let sources = self.state().sources.clone();
        let unread = self.known(|record| record.photos.iter().map(|photo| photo.sha256.is_none()).collect::<Vec<_>>());
        let digest = move || {
            let mut problems = Vec::new();
            let mut digests = Vec::new();
            for (index, (source, _)) in sources.into_iter().zip(unread).enumerate().filter(|(_, (_, unread))| *unread) {
                let Some(source) = source else { continue };
                let photo = Photo(source);
                match photo.digest() {
                    Ok((digest, bytes)) => digests.push((index, digest, bytes)),
                    Err(Rejection::Problem(problem)) => {
                        problems.push(format!("photo {} ({:?}) {problem}", index + 1, photo.0));
                    }
                    Err(Rejection::Busy(error)) => return Err(error),
                }
            }
            if problems.is_empty() { Ok(digests) } else { Err(Error::invalid(problems)) }
        };
        let digests = files.run(digest).await??;
        self.edit(|record| {
            for (index, digest, bytes) in digests {
                if let Some(photo) = record.photos.get_mut(index) {
                    (photo.sha256, photo.bytes) = (Some(digest), Some(bytes));
                }
            }
        });
        Ok(())
    }

    /// The same on this thread; what can't be read is left to the check.
    pub(super) fn note_digests(&self) {
        let unread: Vec<(usize, Source)> = {
            let state = self.state();
            let photos = state.record.photos.iter().zip(&state.sources).enumerate();
            let unread = photos.filter(|(_, (photo, _))| photo.sha256.is_none() && photo.uploaded.is_none());
            unread.filter_map(|(index, (_, source))| Some((index, source.clone()?))).collect()
        };
        for (index, source) in unread {
            if let Ok((digest, bytes)) = Photo(source).digest()
                && let Some(photo) = self.state().record.photos.get_mut(index)
            {
                (photo.sha256, photo.bytes) = (Some(digest), Some(bytes));
            }
        }
    }

    /// Which job it is, by its photos and styles: reads the photos that were never read.
    pub(crate) async fn identity(&self, files: &FileWork) -> Result<String> {
        if self.known(Record::identity).is_none() {
            self.digest_photos(files).await?;
        }
        let unread = || Error::new(ErrorKind::Internal, "a photo was checked but has no digest");
        self.known(Record::identity).ok_or_else(unread)
    }

    /// The photos, by their index from 0, that are still to be uploaded and can't be read here: give them with
    /// [`give_photo`](Self::give_photo) for the job to go on.
    pub fn missing_photos(&self) -> Vec<usize> {
        let state = self.state();
        if !state.record.training.as_ref().is_some_and(Work::is_fresh) {
            return Vec::new();
        }
        let is_missing = |(photo, source): &(&JobPhoto, &Option<Source>)| {
            let here = match source {
                Some(Source::Bytes(_)) => true,
                Some(Source::Path(path)) => path.metadata().is_ok_and(|about| about.is_file()),
                None => false,
            };
            photo.uploaded.is_none() && !here
        };
        let photos = state.record.photos.iter().zip(&state.sources).enumerate();
        photos.filter(|(_, photo)| is_missing(photo)).map(|(index, _)| index).collect()
    }

    /// Gives a photo of the job again, where it can't be read or was given as bytes: the same content, by its digest.
    /// Reads it.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if there is no such photo, or it is another one.
    pub fn give_photo(&self, index: usize, photo: impl Into<Photo>) -> Result<()> {
        let photo = photo.into();
        let number = index.saturating_add(1);
        let refuse = |problem: String| Error::invalid(vec![format!("photo {number} {problem}")]);
        let count = self.known(|record| record.photos.len());
        if index >= count {
            return Err(refuse(format!("is not one of this job's {count}")));
        }
        let (sha256, bytes) = match photo.digest() {
            Ok(digest) => digest,
            Err(Rejection::Problem(problem)) => return Err(refuse(problem)),
            Err(Rejection::Busy(error)) => return Err(error),
        };
        let mut state = self.state();
        let State { record, sources } = &mut *state;
        let (Some(known), Some(source)) = (record.photos.get_mut(index), sources.get_mut(index)) else {
            return Err(refuse(format!("is not one of this job's {count}")));
        };
        if known.sha256.as_ref().is_some_and(|known| *known != sha256) {
            return Err(refuse("is another one than the job was made with: their digests differ".into()));
        }
        known.sha256 = Some(sha256);
        known.bytes = Some(bytes);
        known.path = match &photo.0 {
            Source::Path(path) => Some(path.clone()),
            Source::Bytes(_) => None,
        };
        *source = Some(photo.0);
        Ok(())
    }

    /// Lets go of a photo's bytes, which the service has and the store knows to be there.
    pub(super) fn forget_bytes(&self, index: usize) {
        if let Some(source) = self.state().sources.get_mut(index)
            && matches!(source, Some(Source::Bytes(_)))
        {
            *source = None;
        }
    }

    /// How many bytes of photos the job holds: a language that collects garbage has to know.
    #[doc(hidden)]
    pub fn bytes_held(&self) -> u64 {
        let size = |source: &Option<Source>| match source {
            Some(Source::Bytes(bytes)) => bytes.len() as u64,
            _ => 0,
        };
        self.state().sources.iter().map(size).sum()
    }

    /// Takes over what a stored job knows, and keeps where this one's photos can be read.
    pub(super) fn take_over(&self, stored: &Self) {
        let stored = {
            let state = stored.state();
            State { record: state.record.clone(), sources: state.sources.clone() }
        };
        let mut state = self.state();
        let given = std::mem::replace(&mut *state, stored);
        for (photo, source) in given.record.photos.iter().zip(given.sources) {
            let State { record, sources } = &mut *state;
            let same = record.photos.iter_mut().zip(sources).filter(|(known, _)| known.sha256 == photo.sha256);
            for (known, place) in same {
                known.path.clone_from(&photo.path);
                place.clone_from(&source);
            }
        }
    }
}

/// Digest, size and preparation of a photo, under its index.
type Digests = Vec<(usize, String, u64, Preparation)>;

/// Tries again while this machine is out of file descriptors.
async fn out_of_files_waited_out<T, F: Future<Output = Result<T>>>(attempt: impl Fn() -> F) -> Result<T> {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        match attempt().await {
            Err(error)
                if error.kind() == ErrorKind::Io && error.is_retryable() && began.elapsed() < disk::OUT_OF_FILES =>
            {
                tries += 1;
                tokio::time::sleep(backoff(tries)).await;
            }
            outcome => return outcome,
        }
    }
}

/// Nobody closes it.
fn closed(error: AcquireError) -> Error {
    Error::new(ErrorKind::Internal, format!("photos can't be opened any more: {error}")).with_source(error)
}

fn note(record: &mut Record, digests: Digests) {
    for (index, digest, bytes, preparation) in digests {
        if let Some(photo) = record.photos.get_mut(index) {
            photo.sha256 = Some(digest);
            photo.bytes = Some(bytes);
            photo.preparation = Some(preparation);
        }
    }
}

/// What was found about all photos.
struct Survey {
    known: Vec<JobPhoto>,
    problems: Vec<String>,
    /// A photo could not be checked for now, through no fault of its own.
    busy: Option<Error>,
    notices: Vec<String>,
    seen: Comparison,
    digests: Digests,
    due: Due,
    permits: OwnedSemaphorePermit,
}

impl Survey {
    fn of(record: Record, permits: OwnedSemaphorePermit) -> Self {
        let count = record.photos.len();
        let mut survey = Self {
            known: record.photos,
            problems: Vec::new(),
            busy: None,
            notices: Vec::new(),
            seen: Comparison::default(),
            digests: Vec::new(),
            due: Vec::new(),
            permits,
        };
        if !PER_MODEL.contains(&count) {
            let (least, most) = (PER_MODEL.start(), PER_MODEL.end());
            survey.problems.push(format!("{count} photos were given; a model is trained from {least} to {most}"));
        }
        survey
    }

    fn photo(&mut self, index: usize, source: Option<Source>, rules: Rules) {
        let Some(known) = self.known.get(index).cloned() else { return };
        if known.uploaded.is_some() {
            return;
        }
        let number = index + 1;
        let Some(source) = source else {
            let again = "give it again to go on (‹give_photo›, or make the job with it)";
            self.problems.push(match &known.path {
                Some(path) => {
                    format!(
                        "photo {number} is known by its path {} only, and may be any file: {again}",
                        text::shown(path)
                    )
                }
                None => format!("photo {number} was given as bytes: {again}"),
            });
            return;
        };
        let photo = Photo(source);
        let name = format!("photo {number} ({:?})", photo.0);
        let mut checked = match CheckedPhoto::check_again(&photo, rules, known.sha256.as_deref()) {
            Ok(checked) => checked,
            Err(Rejection::Problem(problem)) => return self.problems.push(format!("{name} {problem}")),
            Err(Rejection::Busy(error)) => {
                self.busy.get_or_insert(error);
                return;
            }
        };
        let digest = checked.sha256.clone();
        if matches!(&photo.0, Source::Path(path) if path.to_str().is_none()) {
            return self.problems.push(format!("{name} has a path that is not UTF-8: rename it, or give its bytes"));
        }
        match known.preparation.map(|noted| (noted, noted.plan())) {
            Some((_, Some(plan))) => checked.findings.plan = plan,
            Some((noted, None)) => return self.problems.push(format!("{name} {}", noted.problem())),
            None => self.remark(number, &name, &checked),
        }
        let preparation = Preparation::new(checked.findings.plan);
        self.digests.push((index, digest, checked.bytes, preparation));
        if let Some(permit) = self.permits.split(1) {
            self.due.push((index, checked, permit));
        }
    }

    /// What stops nothing, but trains badly.
    fn remark(&mut self, number: usize, name: &str, checked: &CheckedPhoto) {
        let mut remarks = checked.findings.remarks();
        remarks.extend(self.seen.add(number, &checked.sha256, &checked.findings));
        self.notices.extend(remarks.iter().map(|remark| format!("{name} {remark}")));
    }

    fn into_result(self) -> Result<(Digests, Due, Vec<String>)> {
        match self.busy {
            _ if !self.problems.is_empty() => Err(Error::invalid(self.problems)),
            Some(error) => Err(error),
            None => Ok((self.digests, self.due, self.notices)),
        }
    }
}
