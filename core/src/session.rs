//! What a client has under way.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument;

use crate::{
    call::Call,
    callback::Inboxes,
    caller::Caller,
    error::{Error, ErrorKind, Result},
    options::Options,
    process,
    task::{Created, Style, Task, TaskKind},
    transport::{Request, Transport, unix_ms},
    wait::{Scheduler, Schedules, TaskSource},
};

/// What a client has under way in one process: a forked child gets another one.
pub(crate) struct Session {
    pub(crate) options: Arc<Options>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) scheduler: Scheduler<Transport>,
    /// Where jobs wait for callbacks that somebody else received.
    pub(crate) inboxes: Arc<Inboxes>,
    /// Tasks that this client has created, or adopted for one: no callback can make them anything else's.
    taken: Arc<Mutex<HashSet<String>>>,
    /// The process it belongs to, counted in forks.
    generation: u32,
    pub(crate) closing: CancellationToken,
    pub(crate) creates: TaskTracker,
    /// Those of them whose caller has gone.
    pub(crate) left_creates: TaskTracker,
    /// The styles, as they were listed last.
    styles: tokio::sync::Mutex<Option<(Instant, Arc<[Style]>)>>,
    /// One moment on both clocks: times that are written down follow the steady one.
    began: (Instant, u64),
}

impl Session {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        let transport = Arc::new(Transport::new(options.clone()));
        // `TaskTracker::wait` returns only once the tracker is closed; closing does not reject new tasks.
        let (creates, left_creates) = (TaskTracker::new(), TaskTracker::new());
        creates.close();
        left_creates.close();
        Self {
            scheduler: Scheduler::new(transport.clone(), schedules(&options)),
            transport,
            options,
            inboxes: Arc::default(),
            taken: Arc::default(),
            generation: process::generation(),
            closing: CancellationToken::new(),
            creates,
            left_creates,
            styles: tokio::sync::Mutex::default(),
            began: (Instant::now(), unix_ms(SystemTime::now())),
        }
    }

    /// One that was never used, and holds no connection; creates under way are still waited for.
    pub(crate) fn unused(&self) -> Self {
        let fresh = Self::new(self.options.clone());
        Self { creates: self.creates.clone(), left_creates: self.left_creates.clone(), ..fresh }
    }

    /// The same connections, limits and creates, under other options; its waits are its own.
    pub(crate) fn under(&self, options: Arc<Options>) -> Self {
        let transport = Arc::new(self.transport.under(options.clone()));
        Self {
            scheduler: Scheduler::new(transport.clone(), schedules(&options)),
            transport,
            options,
            inboxes: self.inboxes.clone(),
            taken: self.taken.clone(),
            generation: self.generation,
            closing: self.closing.clone(),
            creates: self.creates.clone(),
            left_creates: self.left_creates.clone(),
            styles: tokio::sync::Mutex::default(),
            began: self.began,
        }
    }

    /// Whether it is this process's: a forked child inherits the parent's.
    pub(crate) fn is_ours(&self) -> bool {
        self.generation == process::generation()
    }

    /// Milliseconds since 1970, never going back.
    pub(crate) fn now_ms(&self) -> u64 {
        self.began.1 + self.began.0.elapsed().as_millis() as u64
    }

    pub(crate) async fn query(&self, task_id: &str) -> Result<Task> {
        self.transport.call(Request::query(task_id)?).await
    }

    /// The styles on offer. Those that were listed a while ago serve, unless they lack what is wanted: many jobs want the
    /// same, and there may be new ones.
    pub(crate) async fn styles(&self, request: Request, suffices: impl Fn(&[Style]) -> bool) -> Result<Arc<[Style]>> {
        const KEPT: Duration = Duration::from_secs(10 * 60);
        // Whoever comes meanwhile waits for the same answer.
        let mut kept = self.styles.lock().await;
        if let Some((listed, styles)) = &*kept
            && listed.elapsed() < KEPT
            && suffices(styles)
        {
            return Ok(styles.clone());
        }
        let styles: Vec<Style> = self.transport.call(request).await?;
        let styles: Arc<[Style]> = styles.into();
        *kept = Some((Instant::now(), styles.clone()));
        Ok(styles)
    }

    /// A create, on a connection of its own.
    pub(crate) async fn create(&self, request: Request) -> Result<Created> {
        let call = request.call;
        let created: Created = self.transport.call(request).await?;
        let kind = if call == Call::CreateUserModel { TaskKind::Training } else { TaskKind::Generation };
        self.scheduler.remember(&created.task_id, kind);
        self.take_task(&created.task_id);
        tracing::info!(%call, task_id = created.task_id, user_id = created.user_id, "created");
        Ok(created)
    }

    /// Whether a task is known to be something's.
    pub(crate) fn is_taken(&self, task_id: &str) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).contains(task_id)
    }

    /// Notes that a task is something's; false if it was something's before.
    pub(crate) fn take_task(&self, task_id: &str) -> bool {
        const MOST: usize = 1 << 16;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= MOST {
            taken.clear();
        }
        taken.insert(task_id.to_owned())
    }

    /// Runs `work` to its end even if the caller goes away; `work` is given the means to see that.
    pub(crate) async fn detached<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
        &self,
        work: impl FnOnce(Caller) -> F,
    ) -> Result<T> {
        let caller = Caller::default();
        let _leaves = caller.presence();
        let left = Arc::new(OnceLock::new());
        let _leaves_behind = LeavesBehind { tracker: &self.left_creates, left: left.clone() };
        let work = work(caller).in_current_span();
        let create = self.creates.spawn(async move {
            let ended = work.await;
            drop(left);
            ended
        });
        let ended = create.await;
        ended.map_err(|error| {
            let message = format!("a create was interrupted: {error}; its outcome is unknown");
            Error::new(ErrorKind::OutcomeUnknown, message).with_source(error)
        })?
    }
}

/// Whoever waits for a create: once this is dropped, what is still in flight is left behind.
struct LeavesBehind<'a> {
    tracker: &'a TaskTracker,
    /// The create's own until it has ended.
    left: Arc<OnceLock<TaskTrackerToken>>,
}

impl Drop for LeavesBehind<'_> {
    fn drop(&mut self) {
        let _ = self.left.set(self.tracker.token());
    }
}

impl TaskSource for Transport {
    async fn poll(&self, task_id: &str) -> Result<Task> {
        self.poll_task(task_id).await
    }

    fn try_acquire(&self, now: Instant) -> bool {
        self.limiter.try_acquire(now)
    }

    async fn acquire(&self) {
        self.limiter.acquire().await;
    }
}

/// When each kind of task is polled.
pub(crate) fn schedules(options: &Options) -> Schedules {
    Schedules { training: options.limits.training_schedule, generation: options.limits.generation_schedule }
}
