//! Tells a loopback address that a task has ended: once, best effort.

use crate::server::Shared;
use crate::world::World;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Host, Url};

/// Waits for the end of a task and tells it, if its address is one that may be told.
pub(crate) fn promise(shared: &Shared, world: &Arc<World>, task_id: &str, callback_url: Option<&str>) {
    let Some(url) = callback_url.and_then(loopback) else { return };
    let (world, task_id, stop) = (Arc::clone(world), task_id.to_owned(), shared.stop.clone());
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        let Some(state) = end_of(&world, &task_id).await else { return };
        let body = json!({"task_id": task_id, "state": state}).to_string();
        // Nobody there is no concern of the service's.
        let _ = tokio::time::timeout(Duration::from_secs(5), post(&url, &body)).await;
    }));
}

/// The address, if it is plain http on this machine: the simulator calls nobody else.
fn loopback(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "http")?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    is_here.then_some(url)
}

/// The state in which the task ended; none if it is gone.
async fn end_of(world: &World, task_id: &str) -> Option<i64> {
    loop {
        let changed = world.changed.notified();
        let wait = {
            let inner = world.inner();
            let task = inner.tasks.get(task_id)?;
            let now = inner.clock.now();
            if task.has_ended(now) {
                return Some(task.state(now));
            }
            inner.clock.until(task.ends).max(Duration::from_millis(1))
        };
        // Late or early, it is looked at again.
        let _ = tokio::time::timeout(wait, changed).await;
    }
}

async fn post(url: &Url, body: &str) -> std::io::Result<()> {
    let addresses = url.socket_addrs(|| None)?;
    let mut stream = TcpStream::connect(addresses.as_slice()).await?;
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let host = url.host_str().unwrap_or_default();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer).await?;
    Ok(())
}
