//! The calls of a client. Each is begun here and returns its ticket; its outcome comes as a message.

use std::collections::HashMap;

use napi::{
    Env,
    bindgen_prelude::{Either, Function, Uint8Array},
    threadsafe_function::UnknownReturnValue,
};
use napi_derive::napi;

use crate::{
    calls::Calls,
    error::{Failure, or_throw},
    job::{self, JobHandle},
    log::{Listener, LogRecord, listen},
    mailbox::Ticket,
    options::{ChangedOptions, ClientOptions, Problems, duration, retries},
    values::{IntoJs, Task},
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
        Self { index: index as u32, task: outcome.ok().into_js(), error }
    }
}

/// A client of the core.
#[napi(js_name = "Client")]
pub struct ClientHandle {
    pub(crate) client: xiezhen::Client,
    listener: Option<Listener>,
}

// napi has to have seen the struct before it sees more methods of it.
mod jobs;

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
            client.create_user_model(&img_set, callback_url.as_deref()).await.map(IntoJs::into_js)
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
        calls.start(env, |_| async move { Ok(client.list_styles().await?.into_js()) })
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
            client.create_task(&user_id, &style, callback_url.as_deref()).await.map(IntoJs::into_js)
        })
    }

    /// One poll of a task.
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
        calls.start(env, |_| async move { client.query_task(&task_id).await.map(IntoJs::into_js) })
    }

    /// Polls a task until it has ended.
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
            self.client.begin_wait(&task_id, timeout, |outcome| completion.send(outcome.map(IntoJs::into_js)))
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
        let client = self.client.begun();
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

    /// "Poll this task now", because a callback came.
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
            Ok(files.into_js())
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
        let (client, core) = (self.client.begun(), job.job.clone());
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

    /// Cancels all calls in flight and frees the connections. Later calls are refused.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.client.close();
        self.listener = None;
    }
}

impl ClientHandle {
    /// The client, for a call that may take this long and be repeated so often if its caller says so.
    fn within(&self, env: &Env, timeout_ms: Option<f64>, max_retries: Option<f64>) -> napi::Result<xiezhen::Client> {
        let mut problems = Problems::default();
        let (timeout, retries) =
            (problems.note(duration("timeoutMs", timeout_ms)), problems.note(retries(max_retries)));
        let client = self.client.with_timeout(timeout).with_max_retries(retries).begun();
        or_throw(env, problems.and(Ok(client)))
    }
}
