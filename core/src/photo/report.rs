//! Photos checked by themselves: no client, no upload.

use super::{
    CheckedPhoto, Photo, PhotoPlan, PhotoThreads, Rejection, Source,
    check::{Comparison, Remark, Rules},
};
use crate::{
    error::Result,
    table::{Bytes, LocalPath, Size, define_values},
};

/// What is known of photos.
#[doc(hidden)]
#[macro_export]
macro_rules! photo_values {
    ($with:ident) => {
        $with! {
            /// What is known of a photo before it is sent.
            PhotoReport {
                /// The file, unless the photo was given as bytes.
                path: Option<LocalPath>,
                /// The type by its content, such as `jpeg`, if it is a picture.
                format: Option<String>,
                /// Width and height when upright, if they are known.
                size: Option<Size>,
                /// The size of the file, if it can be read.
                bytes: Option<Bytes>,
                /// What is done to it before it is sent: `as_is`, `cleaned` or `prepared`, unless it is refused.
                plan: Option<PhotoPlan>,
                /// Why it is refused. Each follows the photo's name: `is empty`.
                problems: Vec<String>,
                /// What makes it train badly. Nothing of this stops it.
                remarks: Vec<String>,
            }
        }
    };
}
photo_values!(define_values);

impl Eq for PhotoReport {}

/// A report, and a small JPEG of the photo for a page that shows it.
pub(crate) struct Illustrated {
    pub(crate) report: PhotoReport,
    /// The report's, for the command, which speaks other languages too.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only the command translates them"))]
    pub(crate) remarks: Vec<Remark>,
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "for pages, which only the command draws"))]
    pub(crate) thumbnail: Option<Vec<u8>>,
}

/// Looks at photos as a job would, one after the other on a thread of its own: decodes each, says what would be done to
/// it, whether it would be refused, and what makes it train badly. Needs no client, and sends nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> xiezhen::Result<()> {
/// let reports = xiezhen::check_photos(["../tests/photos/01.jpg", "README.md"]).await?;
/// assert_eq!(reports[0].plan, Some(xiezhen::PhotoPlan::AsIs));
/// assert!(!reports[1].problems.is_empty());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Internal`](crate::ErrorKind::Internal) for a defect only: what is wrong with a photo is in its report.
pub async fn check_photos<P: Into<Photo>>(photos: impl IntoIterator<Item = P>) -> Result<Vec<PhotoReport>> {
    let photos = photos.into_iter().map(Into::into).collect();
    Ok(illustrated(photos, Rules::default(), false).await?.into_iter().map(|one| one.report).collect())
}

/// [`check_photos`] for a client with other limits, with thumbnails if they are asked for.
pub(crate) async fn illustrated(photos: Vec<Photo>, rules: Rules, thumbnails: bool) -> Result<Vec<Illustrated>> {
    let mut comparison = Comparison::default();
    let mut reports = Vec::with_capacity(photos.len());
    let thread = PhotoThreads::default();
    for (index, photo) in photos.into_iter().enumerate() {
        // Between two photos, a caller who goes away ends it.
        let check = move || {
            let checked = CheckedPhoto::check_with(&photo, rules, None, thumbnails);
            (photo, checked)
        };
        let (photo, checked) = thread.run(check).await?;
        reports.push(report(index + 1, &photo, checked, &mut comparison));
    }
    Ok(reports)
}

fn report(
    number: usize,
    photo: &Photo,
    checked: Result<CheckedPhoto, Rejection>,
    comparison: &mut Comparison,
) -> Illustrated {
    let path = match &photo.0 {
        Source::Path(path) => Some(path.clone()),
        Source::Bytes(_) => None,
    };
    let nothing = PhotoReport {
        path,
        format: None,
        size: None,
        bytes: None,
        plan: None,
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    match checked {
        Ok(checked) => {
            let mut remarks = checked.findings.remarks();
            remarks.extend(comparison.add(number, &checked.sha256, &checked.findings));
            let report = PhotoReport {
                format: Some(checked.findings.format.name().to_owned()),
                size: Some(checked.findings.size),
                bytes: Some(checked.bytes),
                plan: Some(checked.findings.plan),
                remarks: remarks.iter().map(ToString::to_string).collect(),
                ..nothing
            };
            Illustrated { report, remarks, thumbnail: checked.findings.thumbnail }
        }
        Err(rejection) => {
            let outline = photo.outline();
            let report = PhotoReport {
                format: outline.format.map(|format| format.name().to_owned()),
                size: outline.size,
                bytes: outline.bytes,
                problems: vec![rejection.to_string()],
                ..nothing
            };
            Illustrated { report, remarks: Vec::new(), thumbnail: None }
        }
    }
}
