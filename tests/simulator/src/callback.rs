//! Calls back: tells a loopback address of a task, in whatever way the settings ask for.

use crate::call::Call;
use crate::journal::{Auth, Entry, Moment};
use crate::server::Shared;
use crate::service;
use crate::settings::{CallbackBody, CallbackMethod, Settings};
use crate::world::World;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Host, Url, form_urlencoded};

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells of a new task as it changes; its first state before the create is answered, if the settings say so.
pub(crate) async fn announce(shared: &Arc<Shared>, world: &Arc<World>, task_id: &str, callback_url: Option<&str>) {
    let Some(caller) = Caller::new(shared, world, task_id, callback_url) else { return };
    let mut told = None;
    if caller.settings().callback_early {
        told = caller.state().map(|now| now.state);
        caller.tell().await;
    }
    caller.spawn(told);
}

/// Goes on telling of a task after a restart.
pub(crate) fn resume(shared: &Arc<Shared>, world: &Arc<World>, task_id: &str, callback_url: Option<&str>) {
    if let Some(caller) = Caller::new(shared, world, task_id, callback_url) {
        caller.spawn(None);
    }
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

/// Who calls back about one task.
struct Caller {
    shared: Arc<Shared>,
    world: Arc<World>,
    task_id: String,
    url: Url,
}

/// A task's state, and how long it will last.
struct Now {
    state: i64,
    has_ended: bool,
    lasts: Duration,
}

impl Caller {
    /// None if nobody is to be called.
    fn new(shared: &Arc<Shared>, world: &Arc<World>, task_id: &str, callback_url: Option<&str>) -> Option<Self> {
        let url = callback_url.and_then(loopback)?;
        Some(Self { shared: Arc::clone(shared), world: Arc::clone(world), task_id: task_id.to_owned(), url })
    }

    /// Follows the task until it, or the simulator, ends.
    fn spawn(self, told: Option<i64>) {
        let stop = self.shared.stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move { self.follow(told).await }));
    }

    /// None if the task is gone.
    fn state(&self) -> Option<Now> {
        let inner = self.world.inner();
        let task = inner.tasks.get(&self.task_id)?;
        let now = inner.clock.now();
        let next = if now < task.starts { task.starts } else { task.ends };
        let lasts = inner.clock.until(next).max(Duration::from_millis(1));
        Some(Now { state: task.state(now), has_ended: task.has_ended(now), lasts })
    }

    /// Follows the task to its end. `told` is the state that was told already.
    async fn follow(&self, mut told: Option<i64>) {
        loop {
            let changed = self.world.changed.notified();
            let Some(now) = self.state() else { return };
            if told != Some(now.state) && (now.has_ended || self.settings().callback_every_state) {
                told = Some(now.state);
                tokio::time::sleep(Duration::from_millis(self.settings().callback_delay_ms)).await;
                self.tell().await;
            }
            if now.has_ended {
                return;
            }
            // Late or early, it is looked at again.
            let _ = tokio::time::timeout(now.lasts, changed).await;
        }
    }

    fn settings(&self) -> Settings {
        self.world.inner().settings.clone()
    }

    /// Calls as often as the settings say, with the state of the moment.
    async fn tell(&self) {
        let settings = self.settings();
        for _ in 0..settings.callback_times {
            let Some(shown) = self.shown(&settings) else { return };
            let mut entry = self.entry(&settings, &shown);
            self.world.record(&mut entry);
            let nth = entry.seq.to_string();
            if self.world.identity.chance(&["callback", &self.task_id, &nth]) < settings.callback_loss {
                continue;
            }
            // Nobody there is no concern of the service's.
            let sent = tokio::time::timeout(PATIENCE, self.send(&settings, &shown)).await;
            entry.status = sent.ok().and_then(Result::ok);
            entry.worked = entry.status.is_some();
            self.world.update(&entry);
            self.world.tell(&entry, Moment::Answered);
        }
    }

    /// What is told, as `(name, value)` or as the query's whole answer.
    fn shown(&self, settings: &Settings) -> Option<Value> {
        let inner = self.world.inner();
        let task = inner.tasks.get(&self.task_id)?;
        if settings.callback_body == CallbackBody::Query {
            return Some(json!({"ret": 0, "body": service::shown(&self.shared, &self.world, &inner, task)}));
        }
        let state = task.state(inner.clock.now());
        let user_id = settings.callback_user_id.then_some(&task.user_id);
        Some(match (settings.callback_body, user_id) {
            (CallbackBody::Nested, None) => json!({"code": 200, "data": {"taskId": task.id, "status": state}}),
            (CallbackBody::Nested, Some(user_id)) => {
                json!({"code": 200, "data": {"taskId": task.id, "status": state, "userId": user_id}})
            }
            (_, None) => json!({"task_id": task.id, "state": state}),
            (_, Some(user_id)) => json!({"task_id": task.id, "state": state, "user_id": user_id}),
        })
    }

    /// The journal keeps the address without its last part, which may be a secret of the receiver's.
    fn entry(&self, settings: &Settings, shown: &Value) -> Entry {
        let folder = self.url.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        Entry {
            seq: 0,
            at_ms: self.shared.started.elapsed().as_millis() as u64,
            space: self.world.prefix.clone(),
            call: Call::Callback,
            method: settings.callback_method.name().to_owned(),
            path: format!("{folder}/"),
            auth: Auth::None,
            leaked_credentials: false,
            connection: 0,
            nth: 0,
            body: (settings.callback_body != CallbackBody::None).then(|| shown.clone()),
            task_id: Some(self.task_id.clone()),
            nonce: None,
            timestamp: None,
            content_md5: false,
            status: None,
            fault: None,
            worked: false,
        }
    }

    /// Sends it once, and gives the status that was answered. A redirect is an answer like any other.
    async fn send(&self, settings: &Settings, shown: &Value) -> io::Result<u16> {
        let addresses = self.url.socket_addrs(|| None)?;
        let mut stream = TcpStream::connect(addresses.as_slice()).await?;
        stream.write_all(request(&self.url, settings, shown).as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 << 10).read_to_end(&mut answer).await?;
        let status = answer.get(..12).and_then(|line| std::str::from_utf8(line).ok());
        let status = status.filter(|line| line.starts_with("HTTP/1.")).and_then(|line| line.get(9..));
        status.and_then(|status| status.parse().ok()).ok_or_else(|| io::Error::other("this is no answer of HTTP"))
    }
}

/// The bytes of one callback.
fn request(url: &Url, settings: &Settings, shown: &Value) -> String {
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target = format!("{target}?{query}");
    }
    let has_body = settings.callback_body != CallbackBody::None;
    let is_get = settings.callback_method == CallbackMethod::Get;
    let form = as_form(shown);
    let (kind, body) = match settings.callback_body {
        _ if is_get => ("", String::new()),
        CallbackBody::None => ("", String::new()),
        CallbackBody::Form => ("Content-Type: application/x-www-form-urlencoded\r\n", form.clone()),
        _ => ("Content-Type: application/json\r\n", shown.to_string()),
    };
    // Some services append without looking whether there is a query already.
    if is_get && has_body {
        target = format!("{target}?{form}");
    }
    format!(
        "{} {target} HTTP/1.1\r\nHost: {}\r\n{kind}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        settings.callback_method.name(),
        url.authority(),
        body.len()
    )
}

/// The innermost object's fields as a form has them.
fn as_form(shown: &Value) -> String {
    let inner = shown.get("data").or_else(|| shown.get("body")).unwrap_or(shown);
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in inner.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    form.finish()
}
