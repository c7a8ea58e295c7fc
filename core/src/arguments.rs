//! What single calls are given, checked before anything is sent.

use crate::error::{Error, Result};

/// Refuses an id that can't be one.
pub(crate) fn check_id(name: &str, id: &str) -> Result<()> {
    refuse(id_problem(name, id))
}

/// What is wrong with an id.
pub(crate) fn id_problem(name: &str, id: &str) -> Option<String> {
    id.trim().is_empty().then(|| format!("‹{name}› is empty"))
}

/// Refuses a call for all of its problems together.
pub(crate) fn refuse(problems: impl IntoIterator<Item = String>) -> Result<()> {
    let problems: Vec<String> = problems.into_iter().collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
}

/// What is wrong with an address that the service is to call.
pub(crate) fn callback_url_problem(callback_url: Option<&str>) -> Option<String> {
    let text = callback_url?;
    let problem = match url::Url::parse(text) {
        // Other parsers than ours read it, at the service and on its way.
        _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => "contains spaces or control characters",
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "is not an http(s) URL",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "must not contain user information",
        Ok(_) => return None,
        Err(_) => "is not an http(s) URL",
    };
    Some(format!("‹callback_url› {problem}"))
}
