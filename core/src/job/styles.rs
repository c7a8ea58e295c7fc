//! A job's styles: names become ids, once, before anything is sent that costs something.

use std::collections::HashSet;

use super::{
    record::Record,
    style_name::{as_id, normalized, plain},
};
use crate::{
    error::{Error, Result},
    task::Style,
    text,
};

/// So many names are enough to see how they are written.
const SHOWN: usize = 20;

/// What can be said against a job without asking anybody.
pub(super) fn problems(record: &Record) -> Vec<String> {
    let mut problems = Vec::new();
    if record.training.is_none() {
        if record.user_id.as_ref().is_none_or(|user_id| user_id.trim().is_empty()) {
            problems.push("‹user_id› is empty".to_owned());
        }
        if !record.photos.is_empty() {
            problems.push("photos and ‹user_id› were both given: a trained model needs no photos".to_owned());
        }
        if record.portraits.is_empty() {
            problems.push("no style was given: with a trained model there is nothing else to do".to_owned());
        }
    }
    if record.photos.iter().any(|photo| photo.uploaded.as_ref().is_some_and(String::is_empty)) {
        problems.push("a path of an uploaded photo is empty".to_owned());
    }
    let mut seen = HashSet::new();
    for portrait in &record.portraits {
        if portrait.style.trim().is_empty() {
            problems.push("a style is empty".to_owned());
        } else if !seen.insert(normalized(&portrait.style)) {
            problems.push(format!("style {:?} was given twice", portrait.style));
        }
    }
    problems
}

/// Takes over what is an id already. True if names are left to be looked up.
pub(super) fn take_ids(record: &mut Record) -> bool {
    let mut names_left = false;
    for portrait in record.portraits.iter_mut().filter(|portrait| portrait.style_id.is_none()) {
        if as_id(&portrait.style).is_some() {
            portrait.style_id = Some(portrait.style.clone());
        } else {
            names_left = true;
        }
    }
    names_left
}

/// Whether each name has its id among the styles `offered`.
pub(super) fn are_known(record: &Record, offered: &[Style]) -> bool {
    let mut names = record.portraits.iter().filter(|portrait| portrait.style_id.is_none());
    names.all(|portrait| id_of(&portrait.style, offered).is_ok())
}

/// Finds the id of every name among the styles `offered`.
pub(super) fn resolve(record: &mut Record, offered: &[Style]) -> Result<()> {
    let mut problems = Vec::new();
    for portrait in record.portraits.iter_mut().filter(|portrait| portrait.style_id.is_none()) {
        match id_of(&portrait.style, offered) {
            Ok(id) => portrait.style_id = Some(id),
            Err(problem) => problems.push(problem),
        }
    }
    let mut ids = HashSet::new();
    for portrait in &record.portraits {
        if portrait.style_id.as_ref().is_some_and(|id| !ids.insert(id.to_lowercase())) {
            problems.push(format!("style {:?} was given twice, by its name and by its id", portrait.style));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    // A job that was refused is as it was: the caller may correct it.
    record.portraits.iter_mut().for_each(|portrait| portrait.style_id = None);
    Err(Error::invalid(problems))
}

fn id_of(asked: &str, offered: &[Style]) -> Result<String, String> {
    let wanted = plain(asked);
    let mut fitting: Vec<&Style> =
        offered.iter().filter(|style| plain(&style.name) == wanted || style.style == asked).collect();
    fitting.sort_by(|a, b| a.style.cmp(&b.style));
    fitting.dedup_by(|a, b| a.style == b.style);
    match fitting.as_slice() {
        [style] => Ok(style.style.clone()),
        [] => {
            let meant = nearest(&wanted, offered).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
            Err(format!("there is no style {:?}{meant}; {}", text::shortened(asked), names_of(offered)))
        }
        several => {
            let ids: Vec<String> = several.iter().map(|style| format!("{} ({})", style.style, style.sex)).collect();
            Err(format!("style {asked:?} is ambiguous: give one of the ids {}", ids.join(", ")))
        }
    }
}

/// The name that differs from what was asked in one character, or in one of four.
fn nearest<'a>(wanted: &str, offered: &'a [Style]) -> Option<&'a str> {
    let allowed = (wanted.chars().count() / 4).max(1);
    let distances = offered.iter().map(|style| (edits(wanted, &plain(&style.name)), style.name.as_str()));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, name)| name)
}

/// How many characters have to be put in, left out or changed to make one text of the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, from) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(&to) {
            let changed = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// What there is instead.
fn names_of(offered: &[Style]) -> String {
    let names: Vec<&str> = offered.iter().take(SHOWN).map(|style| style.name.as_str()).collect();
    match offered.len().saturating_sub(SHOWN) {
        _ if names.is_empty() => "the service offers none at all".to_owned(),
        0 => format!("there are {}", names.join(", ")),
        more => format!("there are {} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(count: usize) -> Vec<Style> {
        let style = |n: usize| Style {
            name: format!("N{n}"),
            style: format!("id-{n}"),
            template: String::new(),
            sex: String::new(),
        };
        (1..=count).map(style).collect()
    }

    #[test]
    fn a_slip_of_the_pen_is_seen() {
        let mut offered = offered(1);
        offered[0].name = "仙气十足".into();
        assert!(id_of("仙气实足", &offered).unwrap_err().contains("did you mean 仙气十足?"));
        assert!(!id_of("花好月圆", &offered).unwrap_err().contains("did you mean"));
        assert_eq!([edits("", "abc"), edits("kitten", "sitting"), edits("ab", "ab")], [3, 3, 0]);
    }

    #[test]
    fn who_asks_for_a_style_that_is_not_there_is_told_what_is() {
        let said = |count| id_of("none", &offered(count)).unwrap_err();
        assert_eq!(said(0), "there is no style \"none\"; the service offers none at all");
        assert_eq!(said(2), "there is no style \"none\"; there are N1, N2");
        assert!(said(SHOWN).ends_with(", N20"), "{}", said(SHOWN));
        assert!(said(SHOWN + 3).ends_with(", N20 and 3 more"), "{}", said(SHOWN + 3));
        assert_eq!(id_of("N23", &offered(23)), Ok("id-23".to_owned()));
    }
}
