//! `index.html` of a batch: a line for each customer, which leads to their contact sheet.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::table::Row;
use crate::{
    cli::{
        page::{beginning, text as escaped, write as write_page},
        sheet::address,
        text,
    },
    error::Result,
};

/// Writes the page; returns where it is.
pub(super) async fn write(rows: &[Row], out: &Path) -> Result<PathBuf> {
    let path = out.join("index.html");
    write_page(&path, page(rows, out)).await?;
    Ok(path)
}

fn page(rows: &[Row], out: &Path) -> String {
    let pictures: usize = rows.iter().map(Row::pictures).sum();
    let mut page = beginning(&text::customers_title(), &text::customers_facts(rows.len(), pictures), "'self' file:");
    page.push_str("<section>\n<div class=\"pictures\">\n");
    for row in rows {
        let (key, target) = (escaped(&row.key), address(&row.folder.join("index.html"), out));
        let first = row.job.iter().flat_map(crate::job::Job::portraits).flat_map(|portrait| portrait.files).next();
        let picture = first.map_or_else(String::new, |file| {
            format!("<img loading=\"lazy\" src=\"{}\" alt=\"{key}\">", address(&file, out))
        });
        let state = match &row.error {
            None => text::pictures_of(row.pictures()),
            Some(error) => {
                let advice = row.advice.as_ref().map_or_else(String::new, |advice| format!("<br>{}", escaped(advice)));
                format!("<span class=\"wrong\">{}</span>{advice}", escaped(error.message()))
            }
        };
        _ = writeln!(
            page,
            "<figure><a href=\"{target}\">{picture}</a><figcaption>{key}<br>{state}</figcaption></figure>"
        );
    }
    page.push_str("</div>\n</section>\n</html>\n");
    page
}
