//! Starting and stopping.

use crate::callback;
use crate::connection;
use crate::gateway::Credentials;
use crate::picture::Gallery;
use crate::settings::Settings;
use crate::space::Space;
use crate::store::Store;
use crate::world::World;
use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// The `AppCode` that is accepted unless another is set.
pub const DEFAULT_APP_CODE: &str = "simulator-app-code";
/// The `AppKey` that is accepted unless another is set.
pub const DEFAULT_APP_KEY: &str = "simulator-app-key";
/// Its secret.
pub const DEFAULT_APP_SECRET: &str = "simulator-app-secret";

/// What all spaces and connections share.
pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) credentials: Credentials,
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) gallery: Gallery,
    pub(crate) started: Instant,
    pub(crate) stop: CancellationToken,
    worlds: Mutex<HashMap<String, Arc<World>>>,
    connections: AtomicU64,
    /// Connections that are open, and work that was begun on any.
    busy: watch::Sender<usize>,
}

/// Something that is under way, for as long as this lives.
pub(crate) struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy -= 1);
    }
}

impl Shared {
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.send_modify(|busy| *busy += 1);
        Busy(Arc::clone(self))
    }

    /// The world of a prefix, made on first use.
    pub(crate) fn world(&self, prefix: &str) -> Arc<World> {
        let mut worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(world) = worlds.get(prefix) {
            return Arc::clone(world);
        }
        let world = Arc::new(World::new(prefix, self.seed, self.settings.clone()));
        worlds.insert(prefix.to_owned(), Arc::clone(&world));
        world
    }

    /// Saves every world, before what changed one is answered.
    pub(crate) async fn save(&self) -> io::Result<()> {
        let worlds = || {
            let worlds = self.worlds.lock().unwrap_or_else(PoisonError::into_inner);
            let mut all: Vec<_> = worlds.values().cloned().collect();
            all.sort_by(|one, other| one.prefix.cmp(&other.prefix));
            all
        };
        self.store.save(worlds).await
    }
}

/// How a simulator is to be.
#[must_use]
#[derive(Clone, Debug)]
pub struct Builder {
    port: u16,
    seed: u64,
    state_file: Option<PathBuf>,
    credentials: Credentials,
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 0,
            state_file: None,
            credentials: Credentials {
                code: DEFAULT_APP_CODE.to_owned(),
                key: DEFAULT_APP_KEY.to_owned(),
                secret: DEFAULT_APP_SECRET.to_owned(),
            },
            settings: Settings::default(),
        }
    }
}

impl Builder {
    /// The port on loopback; 0 takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// What ids, durations and pictures follow from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Virtual seconds that pass in a real one.
    pub fn clock_scale(mut self, scale: f64) -> Self {
        self.settings.clock_scale = scale;
        self
    }

    /// The `AppCode` that is accepted.
    pub fn app_code(mut self, code: impl Into<String>) -> Self {
        self.credentials.code = code.into();
        self
    }

    /// The `AppKey` that is accepted, and its secret.
    pub fn app_key(mut self, key: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials.key = key.into();
        self.credentials.secret = secret.into();
        self
    }

    /// Keeps tasks, users and uploads over a restart.
    pub fn state_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.state_file = Some(file.into());
        self
    }

    /// How long training takes, in virtual seconds.
    pub fn training_seconds(mut self, seconds: f64) -> Self {
        self.settings.training_seconds = seconds;
        self
    }

    /// How long generation takes, in virtual seconds.
    pub fn generation_seconds(mut self, seconds: f64) -> Self {
        self.settings.generation_seconds = seconds;
        self
    }

    /// Pictures of one generation task.
    pub fn pictures_per_task(mut self, pictures: u32) -> Self {
        self.settings.pictures_per_task = pictures;
        self
    }

    /// Changes any setting every space starts with.
    pub fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Listens, and serves until the simulator is dropped.
    pub async fn start(self) -> io::Result<Simulator> {
        self.settings.check().map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
        let (store, kept) = Store::open(self.state_file)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await?;
        let shared = Arc::new(Shared {
            url: format!("http://{}", listener.local_addr()?),
            credentials: self.credentials,
            seed: self.seed,
            settings: self.settings,
            store,
            gallery: Gallery::default(),
            started: Instant::now(),
            stop: CancellationToken::new(),
            worlds: Mutex::default(),
            connections: AtomicU64::new(0),
            busy: watch::Sender::new(0),
        });
        for space in kept {
            let world = Arc::new(World::restored(space, shared.seed, shared.settings.clone()));
            shared.worlds.lock().unwrap_or_else(PoisonError::into_inner).insert(world.prefix.clone(), world.clone());
            for task in world.tasks().iter().filter(|task| task.state < 3) {
                callback::resume(&shared, &world, &task.id, task.callback_url.as_deref());
            }
        }
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        let space = Space::new(Arc::clone(&shared), "");
        Ok(Simulator { shared, space, accepting: Some(accepting) })
    }
}

/// Takes connections until told to stop; then all of them end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
                    let busy = shared.busy();
                    let serve = connection::serve(Arc::clone(&shared), stream, number);
                    connections.spawn(async move {
                        serve.await;
                        drop(busy);
                    });
                }
                // Out of descriptors: others must end before the next can begin.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// A running service. Dropping it stops it: the listener and every connection are closed.
///
/// It is its own default space, the one without a prefix.
pub struct Simulator {
    shared: Arc<Shared>,
    space: Space,
    accepting: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Describes a simulator.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The space of this name, made on first use: `t1` lies at `/spaces/t1`; a name that begins with a slash is the
    /// prefix itself; the empty one is the default space.
    pub fn space(&self, name: &str) -> Space {
        let prefix = match name {
            "" => String::new(),
            name if name.starts_with('/') => name.trim_end_matches('/').to_owned(),
            name => format!("/spaces/{name}"),
        };
        Space::new(Arc::clone(&self.shared), &prefix)
    }

    /// Returns when all that clients sent before they left has been dealt with, and no connection is open: whoever
    /// looks at the tasks now sees what will ever come of it.
    pub async fn quiet(&self) -> io::Result<()> {
        // Connections are accepted in the order in which they were made: behind ours, none is left.
        let mut last = TcpStream::connect(self.shared.url.trim_start_matches("http://")).await?;
        last.shutdown().await?;
        last.read_to_end(&mut Vec::new()).await?;
        // The sender is held here.
        let _ = self.shared.busy.subscribe().wait_for(|busy| *busy == 0).await;
        Ok(())
    }

    /// Stops it and returns when the port is free.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        if let Some(accepting) = self.accepting.take() {
            // That it was cancelled is what was wanted.
            let _ = accepting.await;
        }
    }
}

impl Deref for Simulator {
    type Target = Space;

    fn deref(&self) -> &Space {
        &self.space
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
