//! The gateway's stage, and headers of the caller's own.

use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// What the client or its HTTP library sends by itself, or the signature covers; beside `X-Ca-…` and `Content-…`.
const OURS: [HeaderName; 13] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::DATE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

pub(super) fn check_stage(stage: &str) -> Result<&'static str, String> {
    let known = ["RELEASE", "PRE", "TEST"].into_iter().find(|known| *known == stage);
    known.ok_or_else(|| format!("stage must be RELEASE, PRE or TEST, not {stage:?}"))
}

/// Values are secrets: no problem quotes one.
pub(super) fn check_headers(given: &[(String, SecretString)], problems: &mut Vec<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        match check(name, value.expose_secret()) {
            Ok((name, _)) if headers.contains_key(&name) => problems.push(format!("headers: {name} was given twice")),
            Ok((name, value)) => {
                headers.insert(name, value);
            }
            Err(problem) => problems.push(format!("headers: {problem}")),
        }
    }
    headers
}

fn check(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HeaderName::try_from(name).map_err(|_| format!("{name:?} can't be the name of a header"))?;
    if OURS.contains(&known) || known.as_str().starts_with("x-ca-") || known.as_str().starts_with("content-") {
        return Err(format!("{known} is the client's own"));
    }
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of {known} must be one line of printable ASCII"))?;
    value.set_sensitive(true);
    Ok((known, value))
}
