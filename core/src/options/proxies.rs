//! The proxies that the caller chose: where they are, and what of them is nobody's business.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Route;
use crate::credential::redacted;

/// What is known of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    /// Their hosts, which may be anywhere.
    pub(crate) hosts: Vec<String>,
    /// Their passwords, in every way in which a proxy may echo them.
    secrets: Vec<SecretString>,
}

impl Proxies {
    /// Those of `route`; the HTTP library reads the same variables of the process.
    pub(super) fn of(route: &Route) -> Self {
        const VARIABLES: [&str; 6] =
            ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let urls: Vec<String> = match route {
            Route::Direct => Vec::new(),
            Route::Proxy(proxy) => vec![proxy.clone()],
            Route::Environment => VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).collect(),
        };
        let mut proxies = Self::default();
        for url in urls {
            // A variable may leave the scheme out.
            let parsed =
                Url::parse(&url).ok().filter(Url::has_host).or_else(|| Url::parse(&format!("http://{url}")).ok());
            if let Some(url) = parsed {
                proxies.note(&url);
            }
        }
        proxies
    }

    fn note(&mut self, url: &Url) {
        self.hosts.extend(url.host_str().map(str::to_owned));
        let Some(password) = url.password() else { return };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let both = |user: &str, password: &str| STANDARD.encode(format!("{user}:{password}"));
        self.secrets.extend(
            [
                both(&decoded(url.username()), &decoded(password)),
                both(url.username(), password),
                decoded(password),
                password.to_owned(),
            ]
            .map(SecretString::from),
        );
    }

    pub(super) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| redacted(&text, secret.expose_secret()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_told_in_no_encoding() {
        let proxies = Proxies::of(&Route::Proxy("http://me:p%40ss%3Aword@proxy.example:3128".to_owned()));
        assert_eq!(proxies.hosts, ["proxy.example"]);
        let echoes =
            ["p%40ss%3Aword", "p@ss:word", &STANDARD.encode("me:p@ss:word"), &STANDARD.encode("me:p%40ss%3Aword")];
        for echo in echoes {
            assert_eq!(proxies.redact(&format!("bad {echo}!")), "bad [REDACTED]!");
        }
        assert!(!format!("{proxies:?}").contains("word"));
    }
}
