//! Who is calling: an AppCode, or an AppKey with its secret that signs each request.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// What every gateway call accepts; set by hand because it is part of the signature.
pub(crate) const ACCEPT: &str = "application/json";

/// Proves who is calling. Neither `Debug` nor any message shows it.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// Sent as it is. The header is made anew each time: this copy is wiped when the client goes, and is the only one.
    AppCode { code: SecretString },
    /// Signs method, path and headers.
    AppKey { key: SecretString, secret: SecretString },
}

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// Path and query as sent, prefix of the base URL included.
    pub(crate) path: &'a str,
    pub(crate) content_type: &'a str,
    /// Base64 of the body's MD5; empty for multipart and for requests without a body.
    pub(crate) content_md5: &'a str,
}

impl Credential {
    /// `None` if a header can't carry the code.
    pub(crate) fn app_code(code: SecretString) -> Option<Self> {
        secret_value(code.expose_secret())?;
        Some(Self::AppCode { code })
    }

    /// `text` without the credential: what servers say may quote what they were sent. To be done before it is cut, or
    /// a part of the credential may remain at the end.
    pub(crate) fn redact(&self, text: &str) -> String {
        match self {
            Self::AppCode { code } => redacted(text, code.expose_secret()),
            Self::AppKey { key, secret } => redacted(&redacted(text, secret.expose_secret()), key.expose_secret()),
        }
    }

    /// Whether requests need a `Content-MD5`.
    pub(crate) const fn signs(&self) -> bool {
        matches!(self, Self::AppKey { .. })
    }

    /// Adds the headers that authenticate one attempt, under a nonce of its own.
    pub(crate) fn authenticate(
        &self,
        request: Signed<'_>,
        stage: Option<&'static str>,
        now_ms: u64,
        headers: &mut HeaderMap,
    ) {
        self.authenticate_as(request, stage, now_ms, || uuid::Uuid::new_v4().to_string(), headers);
    }

    fn authenticate_as(
        &self,
        request: Signed<'_>,
        stage: Option<&'static str>,
        now_ms: u64,
        nonce: impl FnOnce() -> String,
        headers: &mut HeaderMap,
    ) {
        match self {
            Self::AppCode { code } => {
                if let Some(header) = secret_value(&format!("APPCODE {}", code.expose_secret())) {
                    headers.insert(reqwest::header::AUTHORIZATION, header);
                }
                if let Some(stage) = stage {
                    headers.insert("x-ca-stage", HeaderValue::from_static(stage));
                }
            }
            Self::AppKey { key, secret } => {
                let (timestamp, nonce) = (now_ms.to_string(), nonce());
                let signed = [
                    ("x-ca-key", key.expose_secret()),
                    ("x-ca-nonce", nonce.as_str()),
                    ("x-ca-signature-method", "HmacSHA256"),
                    ("x-ca-stage", stage.unwrap_or("RELEASE")),
                    ("x-ca-timestamp", timestamp.as_str()),
                ];
                let signature = sign(secret, &string_to_sign(request, &signed));
                for (name, value) in signed {
                    if let Some(value) = secret_value(value) {
                        headers.insert(HeaderName::from_static(name), value);
                    }
                }
                if let Some(value) = secret_value(&signature) {
                    headers.insert("x-ca-signature", value);
                }
                headers.insert(
                    "x-ca-signature-headers",
                    HeaderValue::from_static("x-ca-key,x-ca-nonce,x-ca-signature-method,x-ca-stage,x-ca-timestamp"),
                );
            }
        }
    }
}

/// `text` without `secret`. What is as short as a word of any text is taken out as a whole word only.
pub(crate) fn redacted(text: &str, secret: &str) -> String {
    const INSTEAD: &str = "[REDACTED]";
    const SHORT: usize = 6;
    if secret.is_empty() || !text.contains(secret) {
        return text.to_owned();
    }
    if secret.len() >= SHORT {
        return text.replace(secret, INSTEAD);
    }
    let in_a_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (mut clean, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(secret) {
        let before_it = before.chars().next_back().or_else(|| clean.chars().next_back());
        clean.push_str(before);
        clean.push_str(if in_a_word(before_it) || in_a_word(after.chars().next()) { secret } else { INSTEAD });
        rest = after;
    }
    clean + rest
}

/// A header value that no log prints. Values are checked when the client is built.
fn secret_value(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Base64 of the body's MD5, as `Content-MD5` wants it.
pub(crate) fn content_md5(body: &[u8]) -> String {
    STANDARD.encode(Md5::digest(body))
}

fn sign(secret: &SecretString, text: &str) -> String {
    // HMAC takes keys of any length; an empty secret is refused when the client is built.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The text that is signed (docs/gateway.md, "Authentication"). `signed` is sorted by name. The fields of an urlencoded
/// body would be signed like those of the query: no call of this API has one.
fn string_to_sign(request: Signed<'_>, signed: &[(&str, &str)]) -> String {
    use std::fmt::Write;

    let Signed { method, path, content_type, content_md5 } = request;
    // Method, Accept, Content-MD5, Content-Type, Date: a line each, empty or not.
    let mut text = format!("{method}\n{ACCEPT}\n{content_md5}\n{content_type}\n\n");
    for (name, value) in signed {
        let _ = writeln!(text, "{name}:{value}");
    }

    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parameters: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // Stable, and then the first of a name: the gateway reads no other.
    parameters.sort_by(|a, b| a.0.cmp(&b.0));
    parameters.dedup_by(|later, first| later.0 == first.0);

    text.push_str(path);
    for (index, (name, value)) in parameters.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        if !value.is_empty() {
            let _ = write!(text, "={value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "203700001";
    const SECRET: &str = "test-app-secret-0123456789abcdef";

    #[test]
    fn every_vector_of_the_gateway_is_reproduced() {
        let vectors: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../tests/signature-vectors.json")).unwrap();
        let mut checked = 0;
        for vector in &vectors {
            let text = |name: &str| vector["headers"][name].as_str().unwrap_or_default();
            // HmacSHA1 is an alternative that this client never chooses.
            if text("x-ca-signature-method") != "HmacSHA256" {
                continue;
            }
            let body: Vec<u8> = vector["body"].as_str().unwrap().chars().map(|c| c as u8).collect();
            if !text("content-md5").is_empty() {
                assert_eq!(content_md5(&body), text("content-md5"));
            }
            let signed: Vec<(&str, &str)> =
                ["x-ca-key", "x-ca-nonce", "x-ca-signature-method", "x-ca-stage", "x-ca-timestamp"]
                    .map(|name| (name, text(name)))
                    .to_vec();
            let form: Vec<(String, String)> = serde_json::from_value(vector["form"].clone()).unwrap();
            let path = with_form(vector["path"].as_str().unwrap(), &form);
            let request = Signed {
                method: vector["method"].as_str().unwrap(),
                path: &path,
                content_type: text("content-type"),
                content_md5: text("content-md5"),
            };
            let string = string_to_sign(request, &signed);
            assert_eq!(string, vector["string_to_sign"].as_str().unwrap(), "{}", vector["name"]);
            assert_eq!(sign(&SecretString::from(SECRET), &string), vector["signature"].as_str().unwrap());
            checked += 1;
        }
        assert_eq!(checked, 6);
    }

    /// The vectors have forms, which are signed as if they stood in the query.
    fn with_form(path: &str, form: &[(String, String)]) -> String {
        let mut fields = url::form_urlencoded::Serializer::new(String::new());
        let fields = fields.extend_pairs(form).finish();
        format!("{path}{}{fields}", if path.contains('?') { '&' } else { '?' })
    }

    #[test]
    fn the_published_vectors_are_reproduced() {
        let sign = |request, nonce, timestamp| {
            let signed = [("x-ca-key", "appKey"), ("x-ca-nonce", nonce), ("x-ca-timestamp", timestamp)];
            sign(&SecretString::from("appSecret"), &string_to_sign(request, &signed))
        };
        let get = Signed {
            method: "GET",
            path: "/Third/Tools/checkSign",
            content_type: "application/json",
            ..Signed::default()
        };
        assert_eq!(
            sign(get, "787dd0c2-7bd8-41cd-9c19-62c05ea524a2", "1646365291734"),
            "EdJSFAMOWyXZOpXhevZnjuS0ZafnwnCqaSk5hz+tXo8="
        );
        let form = [("nickname", "nickname"), ("room_id", "6893"), ("uuid", "uuid"), ("photo", "photo")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let post = Signed {
            method: "POST",
            path: &with_form("/Third/User/getNyAccessToken", &form),
            content_type: "application/x-www-form-urlencoded",
            ..Signed::default()
        };
        assert_eq!(
            sign(post, "ca5a6753-b76c-4fff-a9d9-e5bb643e8cdf", "1646646682418"),
            "gmf9xq0hc95Hmt+7G+OocS009ka3v1v0rvfshKzYc3w="
        );
    }

    #[test]
    fn an_attempt_carries_all_that_the_gateway_asks_for() {
        let credential = Credential::AppKey { key: SecretString::from(KEY), secret: SecretString::from(SECRET) };
        let request = Signed { method: "GET", path: "/cloud/aigc_product_brief_query", ..Signed::default() };
        let mut headers = HeaderMap::new();
        let nonce = || "11111111-1111-4111-8111-111111111111".to_owned();
        credential.authenticate_as(request, None, 1_700_000_000_000, nonce, &mut headers);
        assert_eq!(headers["x-ca-signature"], "PAQst1cJzQ03ZNEPwIGooWV1SsHmIqkuTh4uBs8Cn8g=");
        assert_eq!(headers["x-ca-key"], KEY);
        assert!(headers["x-ca-signature"].is_sensitive());
    }

    #[test]
    fn no_secret_is_printed() {
        let credential = Credential::AppKey { key: SecretString::from(KEY), secret: SecretString::from(SECRET) };
        let printed = format!("{credential:?}");
        assert!(!printed.contains(SECRET) && !printed.contains(KEY));
        assert_eq!(credential.redact(&format!("key {KEY}, secret {SECRET}")), "key [REDACTED], secret [REDACTED]");
        assert_eq!(redacted("ab abc xab 'ab'", "ab"), "[REDACTED] abc xab '[REDACTED]'");
        assert!(!format!("{:?}", Credential::app_code(SecretString::from("a-code")).unwrap()).contains("a-code"));
    }
}
