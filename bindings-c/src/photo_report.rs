//! What is known of photos before they are sent.

use std::{
    ffi::{CString, c_char},
    ptr::null,
};

use xiezhen_core::{Photo, PhotoReport};

use crate::{
    blocking::block_on_future,
    error::{boundary, xiezhen_error, xiezhen_status},
    ffi::{Arguments, borrow, c_path, c_text, each, free, handle, out, pointer, read_or, slice},
    photo::xiezhen_photo,
};

/// What is known of a photo before it is sent.
pub struct xiezhen_photo_report {
    path: Option<CString>,
    format: Option<CString>,
    size: (u32, u32),
    bytes: u64,
    plan: Option<CString>,
    problems: Vec<CString>,
    remarks: Vec<CString>,
}

/// What is known of several photos, in the order given.
pub struct xiezhen_photo_reports(Vec<xiezhen_photo_report>);

impl From<PhotoReport> for xiezhen_photo_report {
    fn from(report: PhotoReport) -> Self {
        let texts = |texts: Vec<String>| texts.iter().map(|text| c_text(text)).collect();
        Self {
            path: report.path.as_deref().map(c_path),
            format: report.format.as_deref().map(c_text),
            size: report.size.unwrap_or_default(),
            bytes: report.bytes.unwrap_or(0),
            plan: report.plan.map(|plan| c_text(plan.name())),
            problems: texts(report.problems),
            remarks: texts(report.remarks),
        }
    }
}

/// Checks photos as a job would: decodes each, says what would be done to it before it is sent, whether it would be
/// refused, and what makes it train badly. Needs no client, and sends nothing.
///
/// What is wrong with a photo is in its report, and is not an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_check_photos(
    photos: *const *const xiezhen_photo,
    photo_count: usize,
    reports: *mut *mut xiezhen_photo_reports,
    error: *mut *mut xiezhen_error,
) -> xiezhen_status {
    boundary(error, || {
        let (photos, reports) = (slice(photos, photo_count, "photos"), out(reports, "reports")).all()?;
        let photos: Vec<Photo> = each(photos, "photos", |photo, name| Ok(borrow(*photo, name)?.0.clone()))?;
        let checked = block_on_future(xiezhen_core::check_photos(photos))?;
        *reports = handle(xiezhen_photo_reports(checked.into_iter().map(Into::into).collect()));
        Ok(())
    })
}

/// How many reports there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_reports_count(reports: *const xiezhen_photo_reports) -> usize {
    read_or(reports, 0, |reports| reports.0.len())
}

/// One of the reports; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_reports_at(
    reports: *const xiezhen_photo_reports,
    index: usize,
) -> *const xiezhen_photo_report {
    read_or(reports, null(), |reports| reports.0.get(index).map_or(null(), |report| report))
}

/// Frees reports.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_reports_free(reports: *mut xiezhen_photo_reports) {
    free(reports);
}

/// The file; NULL if the photo was given as bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_path(report: *const xiezhen_photo_report) -> *const c_char {
    read_or(report, null(), |report| pointer(report.path.as_ref()))
}

/// The type by its content, such as "jpeg"; NULL if it is no picture.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_format(report: *const xiezhen_photo_report) -> *const c_char {
    read_or(report, null(), |report| pointer(report.format.as_ref()))
}

/// The width when upright; 0 if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_width(report: *const xiezhen_photo_report) -> u32 {
    read_or(report, 0, |report| report.size.0)
}

/// The height when upright; 0 if it is not known.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_height(report: *const xiezhen_photo_report) -> u32 {
    read_or(report, 0, |report| report.size.1)
}

/// The size of the file; 0 if it can't be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_bytes(report: *const xiezhen_photo_report) -> u64 {
    read_or(report, 0, |report| report.bytes)
}

/// What is done to it before it is sent: "as_is", "cleaned" or "prepared"; NULL if it is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_plan(report: *const xiezhen_photo_report) -> *const c_char {
    read_or(report, null(), |report| pointer(report.plan.as_ref()))
}

/// How many reasons there are to refuse it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_problem_count(report: *const xiezhen_photo_report) -> usize {
    read_or(report, 0, |report| report.problems.len())
}

/// One of the reasons, to be read after its name: "is empty"; NULL beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_problem(
    report: *const xiezhen_photo_report,
    index: usize,
) -> *const c_char {
    read_or(report, null(), |report| pointer(report.problems.get(index)))
}

/// How many remarks there are on what makes it train badly.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_remark_count(report: *const xiezhen_photo_report) -> usize {
    read_or(report, 0, |report| report.remarks.len())
}

/// One of the remarks, to be read after its name; NULL beyond the last. A remark does not stop the photo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xiezhen_photo_report_remark(
    report: *const xiezhen_photo_report,
    index: usize,
) -> *const c_char {
    read_or(report, null(), |report| pointer(report.remarks.get(index)))
}
