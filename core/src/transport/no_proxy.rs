//! Entries of `NO_PROXY` that the HTTP library does not read: `*.example.com` and `host:port`.

use reqwest::Url;

/// Whether the environment keeps the proxy away from `url` by such an entry.
pub(super) fn bypasses(url: &Url) -> bool {
    let list = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
    list.split([',', ' ']).any(|entry| matches(entry.trim(), url))
}

fn matches(entry: &str, url: &Url) -> bool {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
    let (name, of_port) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') => (name, digits.parse().ok()),
        _ => (entry, None),
    };
    let is_wild = name.starts_with("*.");
    // What has neither is the library's to read.
    if (!is_wild && of_port.is_none()) || of_port.is_some_and(|of_port: u16| of_port != port) {
        return false;
    }
    let name = name.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    !name.is_empty() && host.strip_suffix(&name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_ports_are_read() {
        for (entry, url, expected) in [
            ("*.x.com", "https://api.x.com/", true),
            ("*.x.com", "https://a.b.x.com/", true),
            ("*.x.com", "https://evilx.com/", false),
            ("api.x.com:80", "http://api.x.com/", true),
            ("api.x.com:8080", "http://api.x.com/", false),
            ("*.X.com:443", "https://API.x.com/", true),
            // The library's own.
            ("x.com", "https://x.com/", false),
            ("[::1]:80", "http://[::1]/", false),
            ("*", "https://x.com/", false),
            ("", "https://x.com/", false),
        ] {
            assert_eq!(matches(entry, &Url::parse(url).unwrap()), expected, "{entry} for {url}");
        }
    }
}
