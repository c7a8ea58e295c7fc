//! Callbacks in the command: a receiver beside a run, and one that only shows what comes in.

#![allow(clippy::doc_markdown, reason = "these texts are printed as help")]

use std::net::SocketAddr;

use clap::Args;

use super::{print, text};
use crate::{
    callback::{Callbacks, Receiver},
    error::Result,
};

/// Where callbacks come in.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Callbacks")]
pub(super) struct Receiving {
    /// Where the service can reach --listen when a task ends: a tunnel or a reverse proxy leads there
    /// [default: XIEZHEN_CALLBACK_URL, or --listen itself on loopback]
    #[arg(long, value_name = "URL", requires = "listen")]
    pub(super) callback: Option<String>,
    /// Receive callbacks here, such as 127.0.0.1:8787: ends are known at once, with fewer queries
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
}

impl Receiving {
    /// Opens the receiver that is asked for. Without a secret, this run's own will do: what comes to addresses of another
    /// run is not ours, and polling goes on.
    pub(super) async fn open(&self) -> Result<Option<(Callbacks, Receiver)>> {
        let Some(address) = &self.listen else { return Ok(None) };
        let callbacks = callbacks(self.callback.as_deref(), address)?;
        let receiver = callbacks.listen(address).await?;
        Ok(Some((callbacks, receiver)))
    }
}

/// Without a public address, a service of this machine reaches the receiver where it listens.
fn callbacks(public_url: Option<&str>, address: &str) -> Result<Callbacks> {
    let local = || {
        let address = address.parse::<SocketAddr>().ok();
        address.filter(|address| address.ip().is_loopback()).map(|address| format!("http://{address}"))
    };
    let own = || format!("{}{}", uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let variable = |name: &str| {
        let set = std::env::var(name).ok().filter(|value| !value.is_empty());
        match name {
            "XIEZHEN_CALLBACK_SECRET" => set.or_else(|| Some(own())),
            "XIEZHEN_CALLBACK_URL" => set.or_else(local),
            _ => set,
        }
    };
    Callbacks::from_parts(public_url, None, &variable)
}

/// `xiezhen listen`: each hint as a line of JSON, until it is interrupted.
pub(super) async fn show_hints(public_url: Option<&str>, address: &str) -> Result<()> {
    let callbacks = callbacks(public_url, address)?;
    let receiver = callbacks.listen(address).await?;
    print::say(&text::listening_on(receiver.address()));
    print::say(&format!("  curl -i -d '{{\"task_id\": \"1\"}}' {}", callbacks.url("test")?));
    while let Some(hint) = receiver.next().await {
        print::json(&hint)?;
    }
    Ok(())
}
