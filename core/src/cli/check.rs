//! `xiezhen check`: what is known of photos before anything is sent, as a table, as JSON or as a page.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{
    folders::expanded,
    page::{begin_section, beginning, end_section, figure, text as escaped, write as write_page},
    print, text,
};
use crate::{
    error::Result,
    photo::{Illustrated, PER_MODEL, Photo, PhotoPlan, PhotoReport, Remark, Rules, SMALL, illustrated},
};

/// Checks photos and folders of them. True if none is refused.
pub(super) async fn check(photos: &[PathBuf], html: Option<&Path>, json: bool, rules: Rules) -> Result<bool> {
    let photos: Vec<Photo> = expanded(photos)?.into_iter().map(Photo::path).collect();
    let checked = illustrated(photos, rules, html.is_some()).await?;
    if let Some(path) = html {
        write_page(path, page(&checked)).await?;
    }
    let reports: Vec<&PhotoReport> = checked.iter().map(|one| &one.report).collect();
    if json {
        print::json(&reports)?;
    } else {
        let rows: Vec<_> = checked.iter().enumerate().map(|(index, one)| row(index + 1, one)).collect();
        print::result(&print::table(&rows))?;
    }
    if !PER_MODEL.contains(&checked.len()) {
        print::say(&text::model_takes(checked.len()));
    }
    Ok(reports.iter().all(|report| report.problems.is_empty()))
}

fn row(number: usize, checked: &Illustrated) -> [String; 6] {
    let report = &checked.report;
    let size = report.size.map(|(width, height)| format!("{width} × {height}"));
    [
        number.to_string(),
        print::plain(&name(report)),
        report.format.clone().unwrap_or_default(),
        size.unwrap_or_default(),
        report.bytes.map(|bytes| format!("{} KiB", bytes.div_ceil(1024))).unwrap_or_default(),
        print::plain(&verdict(checked)),
    ]
}

fn name(report: &PhotoReport) -> String {
    report.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
}

fn becomes(report: &PhotoReport) -> String {
    match report.plan {
        Some(PhotoPlan::AsIs) => text::photo_as_it_is(),
        Some(PhotoPlan::Cleaned) => text::photo_cleaned(),
        Some(PhotoPlan::Prepared) => text::photo_prepared(),
        None => text::photo_refused(),
    }
}

/// In one line: what becomes of it, and what is to be said of it without its reasons.
fn verdict(checked: &Illustrated) -> String {
    let Illustrated { report, remarks, .. } = checked;
    let said = report.problems.iter().cloned().chain(remarks.iter().map(|remark| what(*remark)));
    std::iter::once(becomes(report)).chain(said).collect::<Vec<_>>().join("; ")
}

fn what(remark: Remark) -> String {
    match remark {
        Remark::Small(width, height) => text::photo_is_small(width, height),
        Remark::Blurred => text::photo_is_blurred(),
        Remark::Dark => text::photo_is_dark(),
        Remark::Bright => text::photo_is_bright(),
        Remark::SameAs(number) => text::photo_is_same_as(number),
        Remark::NearlySameAs(number) => text::photo_is_nearly_same_as(number),
    }
}

fn why(remark: Remark) -> String {
    match remark {
        Remark::Small(..) => text::large_photos(SMALL),
        Remark::Blurred => text::sharp_photos(),
        Remark::Dark | Remark::Bright => text::well_lit_photos(),
        Remark::SameAs(_) | Remark::NearlySameAs(_) => text::different_photos(),
    }
}

/// The bad ones first.
fn page(checked: &[Illustrated]) -> String {
    let numbered = || checked.iter().enumerate().map(|(index, one)| (index + 1, one));
    let refused: Vec<_> = numbered().filter(|(_, one)| !one.report.problems.is_empty()).collect();
    let remarked: Vec<_> = numbered().filter(|(_, one)| is_remarked(&one.report)).collect();
    let good: Vec<_> = numbered().filter(|(_, one)| is_good(&one.report)).collect();
    let facts = text::photos_facts(checked.len(), refused.len(), remarked.len());
    let mut page = beginning(&text::photos(), &facts, "data:");
    for (title, members) in
        [(text::refused_photos(), refused), (text::remarked_photos(), remarked), (text::good_photos(), good)]
    {
        if members.is_empty() {
            continue;
        }
        begin_section(&mut page, &title);
        for (number, one) in members {
            let name = name(&one.report);
            figure(&mut page, &name, one.thumbnail.as_deref(), &caption(number, &name, one));
        }
        end_section(&mut page);
    }
    page.push_str("</html>\n");
    page
}

fn is_good(report: &PhotoReport) -> bool {
    report.problems.is_empty() && report.remarks.is_empty()
}

fn is_remarked(report: &PhotoReport) -> bool {
    report.problems.is_empty() && !report.remarks.is_empty()
}

fn caption(number: usize, name: &str, checked: &Illustrated) -> String {
    let Illustrated { report, remarks, .. } = checked;
    let [_, _, format, size, bytes, _] = row(number, checked);
    let facts: Vec<_> = [format, size, bytes].into_iter().filter(|fact| !fact.is_empty()).collect();
    let mut caption =
        format!("<b>{number}</b> {}<p>{} · {}</p>", escaped(name), escaped(&facts.join(" · ")), becomes(report));
    let remarks = remarks.iter().map(|remark| text::with_reason(what(*remark), why(*remark)));
    for one in report.problems.iter().cloned().chain(remarks) {
        _ = write!(caption, "<p class=\"wrong\">{}</p>", escaped(&one));
    }
    caption
}
