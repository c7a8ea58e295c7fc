//! `xiezhen styles --html`: a page of all styles with their template pictures, which needs nobody once it is written.

use std::{collections::BTreeMap, path::Path};

use futures_util::{StreamExt, stream};

use super::{
    page::{begin_section, beginning, end_section, figure, text as escaped, write},
    text,
};
use crate::{client::Client, error::Result, task::Style};

/// How many templates are fetched at a time.
const AT_ONCE: usize = 8;

/// Writes the page. A style whose picture can't be had shows its name.
pub(super) async fn gallery(client: &Client, styles: &[Style], path: &Path) -> Result<()> {
    let fetch = |style: &Style| {
        let (client, style) = (client.clone(), style.clone());
        async move {
            let template = client.template(&style.template).await;
            (style, template)
        }
    };
    let fetched: Vec<_> = stream::iter(styles.iter().map(fetch)).buffered(AT_ONCE).collect().await;
    write(path, page(&fetched)).await
}

fn page(styles: &[(Style, Option<Vec<u8>>)]) -> String {
    let mut by_sex: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for one in styles {
        by_sex.entry(&one.0.sex).or_default().push(one);
    }
    let mut page = beginning(&text::styles(), &text::styles_facts(styles.len()), "data:");
    for (sex, styles) in by_sex {
        begin_section(&mut page, &escaped(sex));
        for (style, template) in styles {
            let caption = format!("<b>{}</b><p>{}</p>", escaped(&style.name), escaped(&style.style));
            figure(&mut page, &style.name, template.as_deref(), &caption);
        }
        end_section(&mut page);
    }
    page.push_str("</html>\n");
    page
}
