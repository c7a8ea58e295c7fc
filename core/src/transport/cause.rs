//! Why a connection failed, in words that say what to do: the innermost cause of a chain, where its type is known.

use std::{
    error::Error as StdError,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{CertificateError, pki_types::UnixTime};

/// The innermost cause: the outer ones only say that a request failed, and repeat the URL.
pub(super) fn in_words(error: &(dyn StdError + 'static)) -> String {
    let innermost = innermost(error);
    if let Some(rustls::Error::InvalidCertificate(problem)) = innermost.downcast_ref() {
        return certificate(problem);
    }
    let text = innermost.to_string();
    // The type of this one is not public.
    match text.strip_prefix("tunnel error: ") {
        Some("proxy authorization required") => {
            "the proxy wants a user name and a password: write them into its address, as in \
             http://user:password@proxy:3128"
                .into()
        }
        Some(why) => format!(
            "the proxy refused to connect ({why}): see HTTPS_PROXY, ALL_PROXY and the option proxy; an empty proxy \
             goes without one"
        ),
        None => text,
    }
}

pub(super) fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut cause = error;
    loop {
        // An I/O error hides the one that it was made of: its own source is already that one's.
        let hidden = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let next = hidden.map(|error| error as &(dyn StdError + 'static)).or_else(|| cause.source());
        match next {
            Some(next) => cause = next,
            None => return cause,
        }
    }
}

fn certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::UnknownIssuer => {
            "the server's certificate comes from an authority that this machine does not trust: if it is your own or \
             that of a proxy that inspects traffic, pass its certificate as ‹ca_file›, or name it in SSL_CERT_FILE"
                .into()
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the server's certificate expired on {}; this machine's clock says {}: one of the two is wrong",
            date(*not_after),
            date(*time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the server's certificate is valid from {}; this machine's clock says {}: one of the two is wrong",
            date(*not_before),
            date(*time)
        ),
        CertificateError::Expired => "the server's certificate has expired, by this machine's clock".into(),
        CertificateError::NotValidYet => "the server's certificate is not valid yet, by this machine's clock".into(),
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "the server shows an authority's own certificate as its own, which is not accepted even if ‹ca_file› has it: \
             issue a certificate for the server from that authority"
                .into()
        }
        other => format!("the server's certificate is not valid: {other}"),
    }
}

fn date(time: UnixTime) -> String {
    let since = Duration::from_secs(time.as_secs());
    httpdate::fmt_http_date(UNIX_EPOCH.checked_add(since).unwrap_or_else(SystemTime::now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_problem_is_found_below_io_errors_and_said_in_words() {
        let expired = CertificateError::ExpiredContext {
            time: UnixTime::since_unix_epoch(Duration::from_secs(1_000_000_000)),
            not_after: UnixTime::since_unix_epoch(Duration::from_secs(900_000_000)),
        };
        let inner = std::io::Error::other(rustls::Error::InvalidCertificate(expired));
        let words = in_words(&std::io::Error::other(inner));
        assert!(words.contains("expired on Thu, 09 Jul 1998") && words.contains("says Sun, 09 Sep 2001"), "{words}");
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let words = in_words(&unknown);
        assert!(words.contains("ca_file") && words.contains("SSL_CERT_FILE"), "{words}");
    }
}
