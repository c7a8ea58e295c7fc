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
    let Some(text) = callback_url else { return Ok(None) };
    let problem = match url::Url::parse(text) {
        // Other parsers than ours read it, at the service and on its way.
        _ if text.contains(|c: char| c.is_whitespace() || c.is_control()) => "contains spaces or control characters",
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "is not an http(s) URL",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "must not contain user information",
        Ok(_) => return Ok(Some(text.to_owned())),
        Err(_) => "is not an http(s) URL",
    };
    Err(Error::invalid(vec![format!("callback_url {problem}")]))
}
