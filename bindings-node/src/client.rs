//! The calls of a client. Each is begun here and returns its ticket; its outcome comes as a message.

use std::{collections::HashMap, pin::Pin, sync::Arc};

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, Either, Function, Promise, ToNapiValue, Uint8Array},
    threadsafe_function::UnknownReturnValue,
};
use napi_derive::napi;
use xiezhen::{Error, ErrorKind, Event, Job, KeyedJob, OnEvent, SaveError};

use crate::{
    calls::Calls,
    error::{Failure, or_throw},
    event::RawEvent,
    job::{self, JobHandle, JobMemory, text},
    log::{Listener, LogRecord, listen},
    mailbox::{Callback, Sender, Ticket, callback},
    options::{
        AdvanceSettings, ChangedOptions, ClientOptions, Problems, RunManySettings, RunSettings, duration, retries,
    },
    receiver::CallbacksHandle,
    values::{Created, Style, Task},
};

/// How the wait for one of many tasks ended.
#[napi(object, object_from_js = false)]
pub struct Ended {
    /// Which, from 0.
    pub index: u32,
    /// The task, if it ended well, partly too.
    pub task: Option<Task>,
    /// Why not.
    pub error: Option<Failure>,
}

impl Ended {
    fn new(index: usize, outcome: xiezhen::Result<xiezhen::Task>) -> Self {
        let error = outcome.as_ref().err().map(Failure::from);
        Self { index: index as u32, task: outcome.ok().map(Into::into), error }
    }
}

/// What is told of one of many jobs: an event, or its end.
#[napi(object, object_from_js = false)]
pub struct JobProgress {
    /// Which, from 0.
    pub index: u32,
    /// What happened; absent at the end.
    pub event: Option<RawEvent>,
    /// Why it failed, if this is its end and it did.
    pub failure: Option<Failure>,
}

impl JobProgress {
    fn of(index: usize, event: Option<RawEvent>) -> Self {
        Self { index: index as u32, event, failure: None }
    }
}

/// A client of the core.
#[napi(js_name = "Client")]
pub struct ClientHandle {
    pub(crate) client: xiezhen::Client,
    listener: Option<Listener>,
}

#[napi]
impl ClientHandle {
    /// Checks the options, which this environment of Node fills in. Connects to nobody yet.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        options: ClientOptions,
        environment: HashMap<String, String>,
        on_log: Option<Function<'_, LogRecord, UnknownReturnValue>>,
    ) -> napi::Result<Self> {
        Ok(Self {
            client: or_throw(env, options.build(environment))?,
            listener: on_log.as_ref().map(listen).transpose()?,
        })
    }

    /// A client of the same connections under other options. They close together.
    #[napi(catch_unwind)]
    pub fn with_options(&self, env: &Env, changes: ChangedOptions) -> napi::Result<Self> {
        Ok(Self { client: or_throw(env, changes.of(&self.client))?, listener: None })
    }

    /// Where requests go.
    #[napi(getter, catch_unwind)]
    pub fn base_url(&self) -> &str {
        self.client.base_url()
    }

    /// Uploads one photo.
    #[napi(catch_unwind)]
    pub fn upload_file(
        &self,
        env: &Env,
        calls: &Calls,
        photo: Either<String, Uint8Array>,
        timeout_ms: Option<f64>,
        max_retries: Option<f64>,
    ) -> napi::Result<Ticket> {
        let (client, photo) = (self.within(env, timeout_ms, max_retries)?, job::photo(photo));
        calls.start(env, |_| async move { client.upload_file(photo).await })
    }

    /// Starts training a user model.
    #[napi(catch_unwind)]
    pub fn create_user_model(
        &self,
        env: &Env,
        calls: &Calls,
        img_set: Vec<String>,
        callback_url: Option<String>,
        timeout_ms: Option<f64>,
        max_retries: Option<f64>,
    ) -> napi::Result<Ticket> {
        let client = self.within(env, timeout_ms, max_retries)?;
        calls.start(env, |_| async move {
            client.create_user_model(&img_set, callback_url.as_deref()).await.map(Created::from)
        })
    }

    /// The styles that pictures can be generated in.
    #[napi(catch_unwind)]
    pub fn list_styles(
        &self,
        env: &Env,
        calls: &Calls,
        timeout_ms: Option<f64>,
        max_retries: Option<f64>,
    ) -> napi::Result<Ticket> {
        let client = self.within(env, timeout_ms, max_retries)?;
        calls.start(env, |_| async move {
            let styles = client.list_styles().await?;
            Ok(styles.into_iter().map(Style::from).collect::<Vec<_>>())
        })
    }

    /// Starts generating pictures of a trained model in one style.
    #[napi(catch_unwind)]
    pub fn create_task(
        &self,
        env: &Env,
        calls: &Calls,
        user_id: String,
        style: String,
        callback_url: Option<String>,
        timeout_ms: Option<f64>,
        max_retries: Option<f64>,
    ) -> napi::Result<Ticket> {
        let client = self.within(env, timeout_ms, max_retries)?;
        calls.start(env, |_| async move {
            client.create_task(&user_id, &style, callback_url.as_deref()).await.map(Created::from)
        })
    }

    /// One look at a task.
    #[napi(catch_unwind)]
    pub fn query_task(
        &self,
        env: &Env,
        calls: &Calls,
        task_id: String,
        timeout_ms: Option<f64>,
        max_retries: Option<f64>,
    ) -> napi::Result<Ticket> {
        let client = self.within(env, timeout_ms, max_retries)?;
        calls.start(env, |_| async move { client.query_task(&task_id).await.map(Task::from) })
    }

    /// Looks at a task until it has ended.
    #[napi(catch_unwind)]
    pub fn wait_task(
        &self,
        env: &Env,
        calls: &Calls,
        task_id: String,
        timeout_ms: Option<f64>,
    ) -> napi::Result<Ticket> {
        let timeout = or_throw(env, duration("timeoutMs", timeout_ms))?;
        calls.wait(env, |completion| {
            self.client.begin_wait(&task_id, timeout, |outcome| completion.send(outcome.map(Task::from)))
        })
    }

    /// The same for many: tells of each as it ends, and resolves when all have.
    #[napi(catch_unwind)]
    pub fn wait_many(
        &self,
        env: &Env,
        calls: &Calls,
        task_ids: Vec<String>,
        timeout_ms: Option<f64>,
    ) -> napi::Result<Ticket> {
        let timeout = or_throw(env, duration("timeoutMs", timeout_ms))?;
        let client = self.client.clone();
        calls.start(env, |sender| async move {
            client
                .wait_many(&task_ids, timeout, |index, outcome| {
                    let outcome = outcome.clone();
                    sender.send(move |_| Ok(Ended::new(index, outcome)));
                })
                .await?;
            Ok(())
        })
    }

    /// "Look at this task now", because a callback came.
    #[napi(catch_unwind)]
    pub fn notify(&self, env: &Env, task_id: String) -> napi::Result<()> {
        or_throw(env, self.client.notify(&task_id))
    }

    /// The same for a hint, as its JSON has it.
    #[napi(catch_unwind)]
    pub fn notify_hint(&self, env: &Env, hint: String) -> napi::Result<()> {
        or_throw(env, xiezhen::Hint::from_json(&hint).and_then(|hint| self.client.notify_hint(&hint)))
    }

    /// Fetches the pictures of a task that has ended.
    #[napi(catch_unwind)]
    pub fn save_results(
        &self,
        env: &Env,
        calls: &Calls,
        task: Task,
        save_to: String,
        name: Option<String>,
        timeout_ms: Option<f64>,
        max_retries: Option<f64>,
    ) -> napi::Result<Ticket> {
        let (client, task) = (self.within(env, timeout_ms, max_retries)?, xiezhen::Task::from(task));
        calls.start(env, |_| async move {
            let files = client.save_results(&task, save_to, name.as_deref()).await?;
            Ok(files.into_iter().map(text).collect::<Vec<_>>())
        })
    }

    /// Does what is due of a job; resolves with the milliseconds until more is. `save` resolves with whether it saved, or
    /// with the newest state where somebody else has stored one meanwhile.
    #[napi(catch_unwind)]
    pub fn advance(
        &self,
        env: &Env,
        calls: &Calls,
        job: &JobHandle,
        save: Function<'_, (), Promise<Either<bool, String>>>,
        settings: AdvanceSettings,
        events: bool,
        callback: Option<ClassInstance<'_, CallbacksHandle>>,
        woken: Option<Vec<String>>,
    ) -> napi::Result<Ticket> {
        let mut options = settings.into_core();
        options.callback = core_of(callback);
        options.woken = or_throw(env, hints(&woken.unwrap_or_default()))?;
        self.begin_advance(env, calls, job, &save, options, events)
    }

    /// `advance` of a job that is in a store: it ends if its photos or styles are refused. `woken` are hints as JSON.
    #[napi(catch_unwind)]
    pub fn advance_stored(
        &self,
        env: &Env,
        calls: &Calls,
        job: &JobHandle,
        save: Function<'_, (), Promise<Either<bool, String>>>,
        settings: AdvanceSettings,
        key: String,
        woken: Vec<String>,
        events: bool,
        callback: Option<ClassInstance<'_, CallbacksHandle>>,
    ) -> napi::Result<Ticket> {
        let mut options = settings.into_core().stored(&job.job, &key, &woken);
        options.callback = core_of(callback);
        self.begin_advance(env, calls, job, &save, options, events)
    }

    /// Brings a job to its end; tells of `events` if they are wanted.
    #[napi(catch_unwind)]
    pub fn run(
        &self,
        env: &Env,
        calls: &Calls,
        job: &JobHandle,
        settings: RunSettings,
        events: bool,
        callback: Option<ClassInstance<'_, CallbacksHandle>>,
    ) -> napi::Result<Ticket> {
        let mut options = or_throw(env, settings.into_core())?.callback(core_of(callback));
        let (client, core) = (self.client.clone(), job.job.clone());
        calls.start(env, |sender| {
            options.on_event = Some(spread(options.on_event.take(), sender, events, job));
            async move { client.run(&core, options).await }
        })
    }

    /// Brings many jobs to their end, each known by its key or its identity. Tells of their events, if those are wanted,
    /// and of each end; resolves when all have ended.
    #[napi(catch_unwind)]
    pub fn run_many(
        &self,
        env: &Env,
        calls: &Calls,
        jobs: Vec<ClassInstance<'_, JobHandle>>,
        keys: Option<Vec<String>>,
        settings: RunManySettings,
        events: bool,
        callback: Option<ClassInstance<'_, CallbacksHandle>>,
    ) -> napi::Result<Ticket> {
        let options = or_throw(env, settings.into_core())?.callback(core_of(callback));
        let memories: Vec<_> = jobs.iter().map(|job| (job.job.clone(), job.memory.clone())).collect();
        let keys = keys.map_or_else(|| vec![None; jobs.len()], |keys| keys.into_iter().map(Some).collect());
        let keyed = keys.into_iter().zip(jobs.iter().map(|job| job.job.clone()));
        let keyed: Vec<KeyedJob> =
            keyed.map(|(key, job)| key.map_or(job.clone().into(), |key| (key, job).into())).collect();
        let client = self.client.clone();
        calls.start(env, |sender| async move {
            let tell = sender.clone();
            let options = options.on_event(move |index, event| {
                if let Some((job, memory)) = memories.get(index) {
                    emit(&tell, event, events, job, memory, move |event| JobProgress::of(index, Some(event)));
                }
            });
            let options = options.on_end(move |index, ended| {
                let failure = ended.as_ref().err().map(Failure::from);
                sender.send(move |_| Ok(JobProgress { failure, ..JobProgress::of(index, None) }));
            });
            client.run_many(keyed, options).await.map(drop)
        })
    }

    /// Takes over a task for a job's create whose outcome is unknown, once the service says that it is of the right kind.
    #[napi(catch_unwind)]
    pub fn adopt(
        &self,
        env: &Env,
        calls: &Calls,
        job: &JobHandle,
        task_id: String,
        user_id: Option<String>,
        style: Option<String>,
    ) -> napi::Result<Ticket> {
        let (client, core) = (self.client.clone(), job.job.clone());
        calls.start(env, |_| async move { client.adopt(&core, &task_id, user_id.as_deref(), style.as_deref()).await })
    }

    /// Resolves once every create in flight has its answer, and that is saved.
    #[napi(catch_unwind)]
    pub fn wait_for_creates(&self, env: &Env, calls: &Calls) -> napi::Result<Ticket> {
        let client = self.client.clone();
        calls.start(env, |_| async move {
            client.wait_for_creates().await;
            Ok(())
        })
    }

    /// Cancels what is under way and frees the connections. Later calls are refused.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.client.close();
        self.listener = None;
    }
}

impl ClientHandle {
    fn begin_advance(
        &self,
        env: &Env,
        calls: &Calls,
        job: &JobHandle,
        save: &Function<'_, (), Promise<Either<bool, String>>>,
        mut options: xiezhen::AdvanceOptions,
        events: bool,
    ) -> napi::Result<Ticket> {
        let save = saving(callback(save)?);
        let (client, core) = (self.client.clone(), job.job.clone());
        calls.start(env, |sender| {
            options.on_event = Some(spread(options.on_event.take(), sender, events, job));
            async move {
                let due = client.advance(&core, save, options).await?;
                Ok(due.map(|pause| pause.as_secs_f64() * 1000.0))
            }
        })
    }

    /// The client, for a call that may take this long and be repeated so often if its caller says so.
    fn within(&self, env: &Env, timeout_ms: Option<f64>, max_retries: Option<f64>) -> napi::Result<xiezhen::Client> {
        let mut problems = Problems::default();
        let (timeout, retries) =
            (problems.note(duration("timeoutMs", timeout_ms)), problems.note(retries(max_retries)));
        let client = self.client.with_timeout(timeout).with_max_retries(retries);
        or_throw(env, problems.and(Ok(client)))
    }
}

/// Events for whoever wants them: the progress bars, and the caller.
fn spread(bars: Option<OnEvent>, sender: Sender, wanted: bool, job: &JobHandle) -> OnEvent {
    let (job, memory) = (job.job.clone(), job.memory.clone());
    Arc::new(move |event| {
        if let Some(bars) = &bars {
            bars(event.clone());
        }
        emit(&sender, event, wanted, &job, &memory, |event| event);
    })
}

/// Sends an event if it is `wanted`. V8 learns by the way what the job still holds.
fn emit<T: ToNapiValue>(
    sender: &Sender,
    event: Event,
    wanted: bool,
    job: &Job,
    memory: &Arc<JobMemory>,
    shape: impl FnOnce(RawEvent) -> T + Send + 'static,
) {
    let counts = matches!(event, Event::PhotoUploaded { .. } | Event::Training { .. });
    if !(wanted || counts && memory.is_accounted()) {
        return;
    }
    let (job, memory) = (job.clone(), memory.clone());
    sender.send(move |env| {
        if counts {
            memory.account(env, &job)?;
        }
        Ok(RawEvent::new(event).filter(|_| wanted).map(shape))
    });
}

fn core_of(callback: Option<ClassInstance<'_, CallbacksHandle>>) -> Option<xiezhen::Callbacks> {
    callback.map(|callback| callback.callbacks.clone())
}

/// Hints as their JSON has them.
fn hints(texts: &[String]) -> xiezhen::Result<Vec<xiezhen::Hint>> {
    texts.iter().map(|text| xiezhen::Hint::from_json(text)).collect()
}

/// The caller's `save`, which says only what came of it: what it threw stays in JavaScript.
fn saving(
    save: Callback<(), Promise<Either<bool, String>>>,
) -> impl Fn(Job) -> Pin<Box<dyn Future<Output = Result<(), SaveError>> + Send>> + Send + Sync + 'static {
    let save = Arc::new(save);
    move |_| {
        let save = save.clone();
        Box::pin(async move {
            let failed = |why: String| Error::new(ErrorKind::Io, format!("the job could not be saved: {why}"));
            let saved = save.call_async(()).await.map_err(|error| failed(error.to_string()))?;
            let saved = saved.await.map_err(|error| failed(error.to_string()))?;
            match saved {
                Either::A(true) => Ok(()),
                Either::A(false) => Err(failed("save has failed".into()).into()),
                Either::B(newest) => Err(SaveError::Conflict { newest }),
            }
        })
    }
}
