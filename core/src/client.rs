//! The client: the five calls, waiting, jobs, and results. Everything else is behind it.

mod jobs;
mod run_events;
mod run_many;
mod waits;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use serde_json::json;

pub use self::{
    run_events::RunEvents,
    run_many::{KeyedJob, OnJobEnd, OnJobEvent, RunManyOptions},
    waits::Wait,
};
use crate::{
    arguments::{callback_url_problem, check_id, id_problem, refuse},
    call::Call,
    error::{Error, ErrorKind, Result},
    options::{ClientBuilder, OptionChanges, Options},
    photo::{CheckedPhoto, PER_MODEL, Photo},
    process::BilledCall,
    rate_limit::ReservePermits,
    results::Results,
    session::Session,
    task::{Created, Style, Task},
    transport::{CallLimits, Payload, Request},
};

/// A connection to the service: where, who, limits. Cheap to clone, safe to share between threads.
///
/// Dropping the future of any call stops the call, except a create under way: that runs on to its own
/// timeout, because its answer may be all that tells of something paid.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    /// Of single calls of this handle, rather than the options.
    limits: CallLimits,
    /// What the calls of this handle belong to, if they have [begun](Self::begun).
    begun: Option<Arc<Session>>,
}

struct Shared {
    options: Arc<Options>,
    session: ArcSwap<Session>,
    family: Arc<Family>,
}

/// Clients of the same connections: those that [`Client::with_options`] made of one, and that one. They close together.
#[derive(Default)]
struct Family {
    members: ArcSwap<Vec<Weak<Shared>>>,
    closed: AtomicBool,
}

impl Shared {
    fn close(&self) {
        let session = self.session.load();
        if session.is_ours() {
            session.closing.cancel();
            session.scheduler.close();
            self.session.store(Arc::new(session.unused()));
        }
    }
}

impl Drop for Shared {
    /// A child leaves what it inherited alone: even dropping the parent's connections would touch them.
    fn drop(&mut self) {
        let session = self.session.load_full();
        if !session.is_ours() {
            std::mem::forget(session);
        }
    }
}

impl Client {
    /// Collects the options of a client.
    ///
    /// ```
    /// let client = xiezhen::Client::builder().base_url("https://api.example.com").app_code("code").build()?;
    /// # Ok::<(), xiezhen::Error>(())
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client as the environment describes it: see [`ClientBuilder`].
    pub fn from_env() -> Result<Self> {
        Self::builder().build()
    }

    fn new(options: Options) -> Self {
        let options = Arc::new(options);
        let session = ArcSwap::from_pointee(Session::new(options.clone()));
        Self::of_family(Shared { options, session, family: Arc::default() })
    }

    fn of_family(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        shared.family.members.rcu(|members| {
            let mut living: Vec<_> = members.iter().filter(|one| one.strong_count() > 0).cloned().collect();
            living.push(Arc::downgrade(&shared));
            living
        });
        Self { shared, limits: CallLimits::default(), begun: None }
    }

    /// A client of the same connections, rate limit and uploads at a time, under other options. They close together;
    /// each polls for its own waits.
    pub fn with_options(&self, changes: OptionChanges) -> Result<Self> {
        let options = Arc::new(changes.apply(&self.shared.options)?);
        let session = ArcSwap::from_pointee(self.session()?.under(options.clone()));
        Ok(Self::of_family(Shared { options, session, family: self.shared.family.clone() }))
    }

    /// The same client, whose single calls (the service's five, and [`save_results`](Self::save_results)) take at
    /// most `timeout` rather than what the options say, uploads and downloads too. Waits and jobs have their own.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { limits: CallLimits { timeout: timeout.into(), ..self.limits }, ..self.clone() }
    }

    /// The same client, whose single calls are repeated at most `max_retries` times rather than as often as the options
    /// say.
    #[must_use]
    pub fn with_max_retries(&self, max_retries: impl Into<Option<u32>>) -> Self {
        Self { limits: CallLimits { max_retries: max_retries.into(), ..self.limits }, ..self.clone() }
    }

    /// The same client, for a call that has begun although it is first polled later: one that is closed in between cancels
    /// the call, as it cancels those in flight, and does not refuse it.
    #[doc(hidden)]
    #[must_use]
    pub fn begun(&self) -> Self {
        Self { begun: self.session().ok(), ..self.clone() }
    }

    /// The session of this process, unless the client is closed.
    fn session(&self) -> Result<Arc<Session>> {
        if let Some(session) = self.begun.as_ref().filter(|session| session.is_ours()) {
            return Ok(session.clone());
        }
        // In this order: a session that was loaded before the client is closed is cancelled with it.
        let session = self.shared.session.load_full();
        if self.shared.family.closed.load(Ordering::Acquire) {
            return Err(Error::invalid(vec!["the client is closed".into()]));
        }
        if session.is_ours() {
            return Ok(session);
        }
        // In a forked child: the parent's connections and waits are its own, and even dropping them would touch them.
        std::mem::forget(self.shared.session.swap(Arc::new(Session::new(self.shared.options.clone()))));
        std::mem::forget(session);
        Ok(self.shared.session.load_full())
    }

    /// Runs a call until it ends, or the client is closed.
    async fn until_closed<T, F: Future<Output = Result<T>>>(
        &self,
        what: &str,
        start: impl FnOnce(Arc<Session>) -> F,
    ) -> Result<T> {
        let session = self.session()?;
        let closing = session.closing.clone();
        tokio::select! {
            // First: a close ends the scheduler's waits too, and a call says the same however the two are polled.
            biased;
            () = closing.cancelled() => Err(Error::cancelled(what)),
            outcome = start(session) => outcome,
        }
    }

    /// The styles with these ids and others, as they were listed a while ago or are now; none if that fails: a page only
    /// lacks something then.
    #[cfg(feature = "cli")]
    pub(crate) async fn styles_for_pages(&self, ids: &[String]) -> Option<Arc<[Style]>> {
        let limits = CallLimits { max_retries: Some(1), ..self.limits };
        let request = Request::new(Call::ListStyles, "", Payload::Nothing).within(limits);
        let suffices = |listed: &[Style]| ids.iter().all(|id| listed.iter().any(|style| style.style == *id));
        self.session().ok()?.styles(request, suffices).await.ok()
    }

    /// The picture at an address of a style's template, as a small JPEG; none if it can't be had soon.
    #[cfg(feature = "cli")]
    pub(crate) async fn template(&self, url: &str) -> Option<Vec<u8>> {
        let session = self.session().ok()?;
        let picture = crate::results::fetch_small(&session.transport, url).await?;
        session.transport.photo_threads.run(move || crate::photo::thumbnail(&picture)).await.ok()?
    }

    /// Uploads one photo and returns the service's path of it (docs/service.md, step 1).
    ///
    /// The photo is streamed from disk: a file that changes meanwhile is an [`Io`](ErrorKind::Io) error. It may take as
    /// long as bytes move; 60 s without any end the attempt.
    /// Repeated on failure, which may leave an unused copy at the service.
    pub async fn upload_file(&self, photo: impl Into<Photo>) -> Result<String> {
        let photo = photo.into();
        let upload = |session: Arc<Session>| async move {
            let name = photo.name();
            let check =
                CheckedPhoto::check_one(&session.transport.photo_threads, photo, session.options.limits.photo_rules());
            let photo = match self.limits.timeout {
                None => check.await?,
                Some(timeout) => tokio::time::timeout(timeout, check).await.map_err(|_| unread(&name, timeout))??,
            };
            let payload = Payload::Photo { photo, on_bytes: None };
            let request = Request::new(Call::UploadFile, format!("of {name}"), payload);
            session.transport.call(request.within(self.limits)).await
        };
        self.until_closed("upload_file", upload).await
    }

    /// Starts training a user model from 8 to 20 uploaded photos (docs/service.md, step 2). This call is billed.
    ///
    /// Sent again only where nothing can have been carried out;
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) says that it may have.
    pub async fn create_user_model(&self, img_set: &[String], callback_url: Option<&str>) -> Result<Created> {
        let mut problems = Vec::new();
        if !PER_MODEL.contains(&img_set.len()) {
            problems.push(format!("‹img_set› has {} paths; a model is trained from 8 to 20", img_set.len()));
        }
        if img_set.iter().any(String::is_empty) {
            problems.push("‹img_set› has an empty path".into());
        }
        problems.extend(callback_url_problem(callback_url));
        refuse(problems)?;
        self.create(Call::CreateUserModel, json!({ "img_set": img_set }), callback_url).await
    }

    /// The styles that pictures can be generated in (docs/service.md, step 4).
    pub async fn list_styles(&self) -> Result<Vec<Style>> {
        let list = |session: Arc<Session>| async move {
            let request = Request::new(Call::ListStyles, "", Payload::Nothing);
            session.transport.call(request.within(self.limits)).await
        };
        self.until_closed("list_styles", list).await
    }

    /// Starts generating pictures of a trained model in one style, given by its id (docs/service.md, step 5). This call is billed.
    ///
    /// Sent again only where nothing can have been carried out;
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) says that it may have.
    pub async fn create_task(&self, user_id: &str, style: &str, callback_url: Option<&str>) -> Result<Created> {
        let ids = [id_problem("user_id", user_id), id_problem("style", style)];
        refuse(ids.into_iter().flatten().chain(callback_url_problem(callback_url)))?;
        self.create(Call::CreateTask, json!({ "user_id": user_id, "style": style }), callback_url).await
    }

    async fn create(&self, call: Call, body: serde_json::Value, callback_url: Option<&str>) -> Result<Created> {
        let request = Request::create(call, body, callback_url.map(str::to_owned))?.within(self.limits);
        let create = |session: Arc<Session>| async move {
            let (detached, timeout) = (session.clone(), self.limits.timeout.unwrap_or(session.options.limits.timeout));
            let create = |caller| async move {
                let _billed = BilledCall::begin(timeout);
                detached.create(request.on_behalf_of(caller)).await
            };
            session.detached(create).await
        };
        self.until_closed(call.name(), create).await.map_err(Error::of_create)
    }

    /// Polls a task once (docs/service.md, steps 3 and 6). A failed task is a value here, not an error.
    pub async fn query_task(&self, task_id: &str) -> Result<Task> {
        check_id("task_id", task_id)?;
        let request = Request::query(task_id)?.within(self.limits);
        let query = |session: Arc<Session>| async move { session.transport.call(request).await };
        self.until_closed("query_task", query).await.map_err(|error| error.with_task_id(task_id))
    }

    /// Fetches the pictures of a task that has ended, several at a time, into the folder `save_to`.
    ///
    /// Files are called after `name` (or `portrait`), the task and their number; they appear whole or not at all, and
    /// one that is there is kept. If addresses have expired, the task is asked once for new ones.
    pub async fn save_results(
        &self,
        task: &Task,
        save_to: impl AsRef<Path>,
        name: Option<&str>,
    ) -> Result<Vec<PathBuf>> {
        check_id("task_id", &task.id)?;
        let save = |session: Arc<Session>| async move {
            let transport = session.transport.retrying(self.limits.max_retries);
            let results = Results {
                transport: &transport,
                folder: save_to.as_ref(),
                style: name.unwrap_or_default(),
                task_id: &task.id,
                known: &[],
                on_progress: &|_| {},
            };
            let save = results.save(&task.result_paths, session.query(&task.id));
            let saved = match self.limits.timeout {
                None => save.await,
                Some(timeout) => tokio::time::timeout(timeout, save).await.map_err(|_| out_of_time(timeout))?,
            };
            saved.error.map_or_else(|| Ok(saved.files.into_iter().map(|file| file.path).collect()), Err)
        };
        self.until_closed("save_results", save).await.map_err(|error| error.with_task_id(&task.id))
    }

    /// Waits until every create under way has its answer, also those whose caller has gone away.
    pub async fn wait_for_creates(&self) {
        let session = self.shared.session.load_full();
        // A parent's creates are answered to the parent.
        if !session.is_ours() {
            return;
        }
        session.creates.wait().await;
    }

    /// Whether a create is in flight whose caller has gone away: the end of a client waits for it, where nobody else does.
    #[doc(hidden)]
    pub fn has_left_creates(&self) -> bool {
        let session = self.shared.session.load_full();
        session.is_ours() && !session.left_creates.is_empty()
    }

    /// Takes permits from where other processes take theirs too, in place of this client's `requests_per_second`: a fleet
    /// stays under one rate. Once for all clones; later calls change nothing.
    #[doc(hidden)]
    pub fn share_rate(&self, reserve: ReservePermits) {
        self.shared.options.shared_rate.set(reserve);
    }

    /// Where requests go, without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.shared.options.base_url.as_str().trim_end_matches('/')
    }

    /// Cancels what is under way and frees the connections, for all clones. Later calls are refused.
    pub fn close(&self) {
        self.shared.family.closed.store(true, Ordering::Release);
        for member in self.shared.family.members.load().iter().filter_map(Weak::upgrade) {
            member.close();
        }
    }
}

impl ClientBuilder {
    /// Checks the options, fills in the environment, and makes a client. Connects to nobody yet.
    pub fn build(self) -> Result<Client> {
        self.fill_in().map(Client::new)
    }
}

impl std::fmt::Debug for Client {
    /// Where to, and never who.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base_url", &self.shared.options.base_url.as_str()).finish_non_exhaustive()
    }
}

fn unread(photo: &str, timeout: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{photo} could not be read within {timeout:?}; nothing of it was sent"))
}

fn out_of_time(timeout: Duration) -> Error {
    let message = format!(
        "not all pictures arrived within {timeout:?}; those that did are kept: save the task's results again for the rest"
    );
    Error::new(ErrorKind::Timeout, message)
}
