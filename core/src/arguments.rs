//! What single calls are given, checked before anything is sent.

use crate::error::{Error, Result};

/// Refuses an id that can't be one.
pub(crate) fn check_id(name: &str, id: &str) -> Result<()> {
    refuse(if id.trim().is_empty() { vec![format!("{name} is empty")] } else { Vec::new() })
}

pub(crate) fn refuse(problems: Vec<String>) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
}

/// Refuses an address that the service can't call.
pub(crate) fn check_callback_url(callback_url: Option<&str>) -> Result<Option<String>> {
    let is_known = |url: &str| url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    match callback_url {
        Some(url) if !is_known(url) => Err(Error::invalid(vec!["callback_url is not an http(s) URL".into()])),
        url => Ok(url.map(str::to_owned)),
    }
}
