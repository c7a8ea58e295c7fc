//! The gateway's signature, rebuilt from the raw request (docs/gateway.md, "Authentication").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;
use url::form_urlencoded;

/// What of a request takes part in the signature.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// Headers that never enter the header block, whatever the list says.
const UNSIGNED: [&str; 7] =
    ["x-ca-signature", "x-ca-signature-headers", "accept", "content-md5", "content-type", "date", "host"];

impl Signed<'_> {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", text)
    }

    /// The string to sign; `key_name` is the spelling of `X-Ca-Key` when no list of signed headers was sent.
    pub(crate) fn string_to_sign(&self, key_name: &str) -> String {
        let mut whole = String::new();
        let fixed = ["accept", "content-md5", "content-type", "date"].map(|name| self.header(name));
        for part in std::iter::once(self.method).chain(fixed) {
            whole.push_str(part);
            whole.push('\n');
        }
        for name in self.signed_names(key_name) {
            whole.extend([name, ":", self.header(name), "\n"]);
        }
        whole.push_str(&self.resource());
        whole
    }

    /// The signed headers as spelt by the sender, sorted by name.
    fn signed_names<'n>(&'n self, key_name: &'n str) -> Vec<&'n str> {
        let list = match self.headers.get("x-ca-signature-headers").map(text) {
            Some(list) => list,
            None => key_name,
        };
        let mut names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        names.retain(|name| !UNSIGNED.contains(&name.to_ascii_lowercase().as_str()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The path with the parameters of query and form, decoded, sorted, the first of each name.
    fn resource(&self) -> String {
        let is_form = self.header("content-type").starts_with("application/x-www-form-urlencoded");
        let form = if is_form { self.body } else { &[] };
        let query = self.query.unwrap_or_default().as_bytes();
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query).chain(form_urlencoded::parse(form)) {
            if !parameters.iter().any(|(known, _)| *known == name) {
                parameters.push((name.into_owned(), value.into_owned()));
            }
        }
        parameters.sort();
        let shown: Vec<String> = parameters
            .into_iter()
            .map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") })
            .collect();
        if shown.is_empty() { self.path.to_owned() } else { format!("{}?{}", self.path, shown.join("&")) }
    }

    /// Whether a `Content-MD5`, if sent, is that of the body; one without a body is wrong.
    pub(crate) fn content_md5_fits(&self) -> bool {
        match self.headers.get("content-md5").map(text) {
            None => true,
            Some(_) if self.body.is_empty() => false,
            Some(sent) => sent == BASE64.encode(Md5::digest(self.body)),
        }
    }

    /// The signature of the string by the method the request names; none if it names another.
    pub(crate) fn sign(&self, secret: &str, string: &str) -> Option<String> {
        match self.header("x-ca-signature-method") {
            "" | "HmacSHA256" => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
                mac.update(string.as_bytes());
                Some(BASE64.encode(mac.finalize().into_bytes()))
            }
            "HmacSHA1" => {
                let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).ok()?;
                mac.update(string.as_bytes());
                Some(BASE64.encode(mac.finalize().into_bytes()))
            }
            _ => None,
        }
    }
}

fn text(value: &http::HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or_default().trim()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Published by alibaba/higress: `plugin_test.cc`.
    fn published(method: &str, path: &str, kind: &str, nonce: &str, time: &str, body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("accept", "application/json".parse().unwrap());
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("x-ca-key", "appKey".parse().unwrap());
        headers.insert("x-ca-nonce", nonce.parse().unwrap());
        headers.insert("x-ca-timestamp", time.parse().unwrap());
        headers.insert("x-ca-signature-headers", "x-ca-timestamp,x-ca-key,x-ca-nonce".parse().unwrap());
        let signed = Signed { method, headers: &headers, path, query: None, body: body.as_bytes() };
        signed.sign("appSecret", &signed.string_to_sign("x-ca-key")).unwrap()
    }

    #[test]
    fn the_published_signatures_come_out() {
        let get = published(
            "GET",
            "/Third/Tools/checkSign",
            "application/json",
            "787dd0c2-7bd8-41cd-9c19-62c05ea524a2",
            "1646365291734",
            "",
        );
        assert_eq!(get, "EdJSFAMOWyXZOpXhevZnjuS0ZafnwnCqaSk5hz+tXo8=");
        let post = published(
            "POST",
            "/Third/User/getNyAccessToken",
            "application/x-www-form-urlencoded",
            "ca5a6753-b76c-4fff-a9d9-e5bb643e8cdf",
            "1646646682418",
            "nickname=nickname&room_id=6893&uuid=uuid&photo=photo",
        );
        assert_eq!(post, "gmf9xq0hc95Hmt+7G+OocS009ka3v1v0rvfshKzYc3w=");
    }
}
