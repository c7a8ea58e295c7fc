//! What options are checked for, one by one. A problem begins with the option's name and quotes no secret.

use std::path::Path;

use reqwest::header::HeaderValue;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ClientBuilder, is_loopback};
use crate::credential::Credential;

impl ClientBuilder {
    /// The one credential: the caller's, or the environment's if the caller gave none.
    pub(super) fn credential(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Credential, String> {
        let given = self.app_code.is_some() || self.app_key.is_some() || self.app_secret.is_some();
        let (code, key, secret) = if given {
            (self.app_code.clone(), self.app_key.clone(), self.app_secret.clone())
        } else {
            let secret = |name: &str| environment(name).map(SecretString::from);
            (secret("XIEZHEN_APP_CODE"), secret("XIEZHEN_APP_KEY"), secret("XIEZHEN_APP_SECRET"))
        };

        match (code, key, secret) {
            (Some(code), None, None) => {
                check_secret("app_code", code.expose_secret())?;
                Credential::app_code(code).ok_or_else(|| unprintable("app_code"))
            }
            (None, Some(key), Some(secret)) => {
                check_secret("app_key", key.expose_secret())?;
                check_secret("app_secret", secret.expose_secret())?;
                Ok(Credential::AppKey { key, secret })
            }
            (None, None, None) => {
                Err("no credential: ‹pass app_code, or app_key with app_secret, or set› XIEZHEN_APP_CODE, or \
                     XIEZHEN_APP_KEY with XIEZHEN_APP_SECRET"
                    .into())
            }
            (None, Some(_), None) => Err("‹app_key› was given without ‹app_secret›".into()),
            (None, None, Some(_)) => Err("‹app_secret› was given without ‹app_key›".into()),
            (Some(_), ..) => Err("both ‹app_code› and ‹app_key› or ‹app_secret› were given: choose one".into()),
        }
    }
}

/// The HTTP library takes more than that, and says so late (a missing scheme) or asks no proxy at all (`ftp`).
pub(super) fn is_proxy(text: &str) -> bool {
    let known = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host());
    known && reqwest::Proxy::all(text).is_ok()
}

pub(super) fn check_base_url(text: &str, allow_http: bool) -> Result<Url, String> {
    let mut url = Url::parse(text.trim())
        .map_err(|error| format!("‹base_url› is not a URL: {error}; it begins with https:// and names a host"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("‹base_url› must begin with https:// (or http://) and name a host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("‹base_url› must not contain user information: credentials go into ‹app_code› or ‹app_key›".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("‹base_url› must not contain a query or a fragment".into());
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return Err("‹base_url› is http://, which shows the credential to whoever listens: use https://, or \
                    allow it with ‹allow_http›"
            .into());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn check_secret(name: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err(format!("‹{name}› is empty"));
    }
    let printable = HeaderValue::from_str(value).is_ok() && value.is_ascii() && value.trim() == value;
    if printable { Ok(()) } else { Err(unprintable(name)) }
}

fn unprintable(name: &str) -> String {
    format!("‹{name}› contains characters that a header can't carry, such as a line break at its end")
}

/// The certificates of a PEM file.
pub(super) fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let refuse = |why: String| format!("{}: {why}", path.display());
    let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() && contains(&pem, b"BEGIN TRUSTED CERTIFICATE") => Err(refuse(
            "it has OpenSSL's TRUSTED CERTIFICATE form: write it anew with `openssl x509 -in FILE -out ca.pem`".into(),
        )),
        Ok(certificates) if certificates.is_empty() => Err(refuse("it contains no PEM certificate".into())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(refuse(error.to_string())),
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
