//! Pictures: from whatever host the service names, without any credential.

use bytes::Bytes;
use reqwest::{StatusCode, Url};

use super::{Transport, body::StallTimer, broken, read};
use crate::{
    error::{Error, ErrorKind},
    gateway,
};

/// Pictures above this are refused.
const MAX_PICTURE: usize = 64 << 20;

impl Transport {
    /// Fetches a picture: no credential goes along, and what is not moving for too long is given up.
    pub(crate) async fn download(&self, url: &Url) -> Result<Bytes, (Option<StatusCode>, Error)> {
        // Never closed: there is always a permit to wait for.
        let _turn = self.downloads.acquire().await;
        let stall = self.options.limits.stall_limit;
        let timer = StallTimer::new();
        let fetch = async {
            let client = self.connections.downloads(url).map_err(|error| (None, error))?;
            let sent = client.get(url.clone()).send().await;
            let mut response = sent.map_err(|error| (None, broken("no answer", error)))?;
            let status = response.status();
            if !status.is_success() {
                let message = format!("HTTP {}", status.as_u16());
                let kind = match status.as_u16() {
                    429 => ErrorKind::RateLimited,
                    408 | 500.. => ErrorKind::Transport,
                    _ => ErrorKind::Api,
                };
                let error = Error::new(kind, message).with_http_status(status.as_u16());
                return Err((Some(status), error.with_retry_after(gateway::retry_after(response.headers()))));
            }
            let body = read(&mut response, MAX_PICTURE, || timer.reset()).await;
            body.map_err(|(_, error)| (None, error))
        };
        tokio::select! {
            outcome = fetch => outcome,
            () = timer.elapsed(stall) => {
                Err((None, Error::new(ErrorKind::Timeout, format!("nothing arrived for {stall:?}"))))
            }
        }
    }
}
