//! What single calls are given, checked before anything is sent.

use crate::error::{Error, Result};

/// Refuses an id that can't be one.
pub(crate) fn check_id(name: &str, id: &str) -> Result<()> {
    refuse(if id.trim().is_empty() { vec![format!("{name} is empty")] } else { Vec::new() })
}

pub(crate) fn refuse(problems: Vec<String>) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
}

/// Adds the address that the service may call when the task ends.
pub(crate) fn with_callback(mut body: serde_json::Value, callback_url: Option<&str>) -> Result<serde_json::Value> {
    let Some(callback_url) = callback_url else { return Ok(body) };
    let known = url::Url::parse(callback_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !known {
        return Err(Error::invalid(vec!["callback_url is no http(s) address".into()]));
    }
    if let Some(fields) = body.as_object_mut() {
        fields.insert("callback_url".into(), callback_url.into());
    }
    Ok(body)
}
