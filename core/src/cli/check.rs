//! `xiezhen check`: what is known of photos before anything is sent, as a table, as JSON or as a page.

use std::path::{Path, PathBuf};

use super::{
    folders::expanded,
    page::{beginning, counted, figure, text as escaped, write},
    print, text,
};
use crate::{
    error::Result,
    photo::{Illustrated, Photo, PhotoPlan, PhotoReport, Rules, illustrated},
};

/// Checks photos and folders of them. True if none is refused.
pub(super) async fn check(photos: &[PathBuf], html: Option<&Path>, json: bool, rules: Rules) -> Result<bool> {
    let photos: Vec<Photo> = expanded(photos)?.into_iter().map(Photo::path).collect();
    let checked = illustrated(photos, rules, html.is_some()).await?;
    if let Some(path) = html {
        write(path, &page(&checked))?;
    }
    let reports: Vec<&PhotoReport> = checked.iter().map(|one| &one.report).collect();
    if json {
        print::json(&reports)?;
    } else {
        let rows: Vec<_> = reports.iter().enumerate().map(|(index, report)| row(index + 1, report)).collect();
        print::result(&print::table(&rows))?;
    }
    Ok(reports.iter().all(|report| report.problems.is_empty()))
}

fn row(number: usize, report: &PhotoReport) -> [String; 6] {
    let size = report.size.map(|(width, height)| format!("{width} × {height}"));
    [
        number.to_string(),
        print::plain(&name(report)),
        report.format.clone().unwrap_or_default(),
        size.unwrap_or_default(),
        report.bytes.map(|bytes| format!("{} KiB", bytes.div_ceil(1024))).unwrap_or_default(),
        print::plain(&verdict(report)),
    ]
}

fn name(report: &PhotoReport) -> String {
    report.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
}

/// In one line: what becomes of it, and what is to be said of it without its reasons.
fn verdict(report: &PhotoReport) -> String {
    let becomes = match report.plan {
        Some(PhotoPlan::AsIs) => text::photo_as_it_is(),
        Some(PhotoPlan::Cleaned) => text::photo_cleaned(),
        Some(PhotoPlan::Prepared) => text::photo_prepared(),
        None => text::photo_refused(),
    };
    let short = |remark: &String| remark.split(": a model").next().unwrap_or_default().to_owned();
    let said = report.problems.iter().cloned().chain(report.remarks.iter().map(short));
    std::iter::once(becomes).chain(said).collect::<Vec<_>>().join("; ")
}

/// The bad ones first.
fn page(checked: &[Illustrated]) -> String {
    let refused = checked.iter().filter(|one| !one.report.problems.is_empty()).count();
    let remarked = checked.iter().filter(|one| is_remarked(&one.report)).count();
    let facts = format!("{} · {refused} refused · {remarked} with remarks", counted(checked.len(), "photo"));
    let mut page = beginning("Photos", &facts, "data:");
    let groups: [(&str, fn(&PhotoReport) -> bool); 3] = [
        ("Refused", |report| !report.problems.is_empty()),
        ("With remarks", is_remarked),
        ("Good", |report| report.problems.is_empty() && report.remarks.is_empty()),
    ];
    for (title, belongs) in groups {
        let members: Vec<_> = checked.iter().enumerate().filter(|(_, one)| belongs(&one.report)).collect();
        if members.is_empty() {
            continue;
        }
        page.push_str(&format!("<section>\n<h2>{title}</h2>\n<div class=\"pictures\">\n"));
        for (index, one) in members {
            let name = name(&one.report);
            figure(&mut page, &name, one.thumbnail.as_deref(), &caption(index + 1, &name, &one.report));
        }
        page.push_str("</div>\n</section>\n");
    }
    page.push_str("</html>\n");
    page
}

fn is_remarked(report: &PhotoReport) -> bool {
    report.problems.is_empty() && !report.remarks.is_empty()
}

fn caption(number: usize, name: &str, report: &PhotoReport) -> String {
    let [_, _, format, size, bytes, _] = row(number, report);
    let facts: Vec<_> = [format, size, bytes].into_iter().filter(|fact| !fact.is_empty()).collect();
    let plan = report.plan.map_or("refused", |plan| match plan {
        PhotoPlan::AsIs => "sent as it is",
        PhotoPlan::Cleaned => "cleaned of its metadata",
        PhotoPlan::Prepared => "prepared",
    });
    let said = report.problems.iter().chain(&report.remarks);
    let said: String = said.map(|one| format!("<p class=\"wrong\">{}</p>", escaped(one))).collect();
    format!("<b>{number}</b> {}<p>{} · {plan}</p>{said}", escaped(name), escaped(&facts.join(" · ")))
}
