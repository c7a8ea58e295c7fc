//! The calls of a client, each a promise.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{Either, Function, Promise, PromiseRaw, Uint8Array},
    threadsafe_function::UnknownReturnValue,
};
use napi_derive::napi;
use xiezhen::{Error, ErrorKind, OnEvent, SaveJob};

use crate::{
    error::{Failure, or_throw},
    event::RawEvent,
    job::{self, JobHandle, text},
    log::{Listener, LogRecord, listen},
    options::{AdvanceSettings, ClientOptions, RunSettings, duration},
    promise::{Callback, Cancel, Teller, callback, promise},
    values::{Created, Style, Task},
};

/// How the wait for one of many tasks ended.
#[napi(object, object_from_js = false)]
pub struct Ended {
    /// Which, from 0.
    pub index: u32,
    /// The task, if it succeeded.
    pub task: Option<Task>,
    /// Why not.
    pub error: Option<Failure>,
}

impl Ended {
    fn new(index: usize, outcome: &xiezhen::Result<xiezhen::Task>) -> Self {
        let error = outcome.as_ref().err().map(Failure::from);
        Self { index: index as u32, task: outcome.clone().ok().map(Into::into), error }
    }
}

/// A client of the core.
#[napi(js_name = "Client")]
pub struct ClientHandle {
    client: xiezhen::Client,
    listener: Option<Listener>,
}

#[napi]
impl ClientHandle {
    /// Checks the options. Connects to nobody yet.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        options: Option<ClientOptions>,
        on_log: Option<Function<'_, LogRecord, UnknownReturnValue>>,
    ) -> napi::Result<Self> {
        let built = options.unwrap_or_default().builder().and_then(xiezhen::ClientBuilder::build);
        Ok(Self { client: or_throw(env, built)?, listener: on_log.as_ref().map(listen).transpose()? })
    }

    /// Uploads one photo.
    #[napi(catch_unwind)]
    pub fn upload_file<'env>(
        &self,
        env: &'env Env,
        photo: Either<String, Uint8Array>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (client, photo) = (self.client.clone(), job::photo(photo));
        promise(env, cancel, async move { client.upload_file(photo).await })
    }

    /// Starts training a user model.
    #[napi(catch_unwind)]
    pub fn create_user_model<'env>(
        &self,
        env: &'env Env,
        img_set: Vec<String>,
        callback_url: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Created>> {
        let client = self.client.clone();
        promise(env, cancel, async move {
            client.create_user_model(&img_set, callback_url.as_deref()).await.map(Into::into)
        })
    }

    /// The styles that pictures can be generated in.
    #[napi(catch_unwind)]
    pub fn list_styles<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<Style>>> {
        let client = self.client.clone();
        promise(env, cancel, async move { Ok(client.list_styles().await?.into_iter().map(Into::into).collect()) })
    }

    /// Starts generating pictures of a trained model in one style.
    #[napi(catch_unwind)]
    pub fn create_task<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        style: String,
        callback_url: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Created>> {
        let client = self.client.clone();
        promise(env, cancel, async move {
            client.create_task(&user_id, &style, callback_url.as_deref()).await.map(Into::into)
        })
    }

    /// One look at a task.
    #[napi(catch_unwind)]
    pub fn query_task<'env>(
        &self,
        env: &'env Env,
        task_id: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Task>> {
        let client = self.client.clone();
        promise(env, cancel, async move { client.query_task(&task_id).await.map(Into::into) })
    }

    /// Looks at a task until it has ended.
    #[napi(catch_unwind)]
    pub fn wait_task<'env>(
        &self,
        env: &'env Env,
        task_id: String,
        timeout_ms: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Task>> {
        let timeout = or_throw(env, duration("timeoutMs", timeout_ms))?;
        let client = self.client.clone();
        promise(env, cancel, async move { client.wait_task(&task_id, timeout).await.map(Into::into) })
    }

    /// The same for many; `on_end` hears of each as it ends, and `null` at last.
    #[napi(catch_unwind)]
    pub fn wait_many<'env>(
        &self,
        env: &'env Env,
        task_ids: Vec<String>,
        timeout_ms: Option<f64>,
        on_end: Option<Function<'_, Option<Ended>, UnknownReturnValue>>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<Ended>>> {
        let timeout = or_throw(env, duration("timeoutMs", timeout_ms))?;
        let teller = on_end.as_ref().map(Teller::new).transpose()?;
        let client = self.client.clone();
        promise(env, cancel, async move {
            let tell = |index: usize, outcome: &xiezhen::Result<xiezhen::Task>| {
                if let Some(teller) = &teller {
                    teller.tell(Ended::new(index, outcome));
                }
            };
            let ended = client.wait_many(&task_ids, timeout, tell).await;
            flush(teller.as_ref()).await;
            Ok(ended?.iter().enumerate().map(|(index, outcome)| Ended::new(index, outcome)).collect())
        })
    }

    /// "Look at this task now", because a callback came.
    #[napi(catch_unwind)]
    pub fn notify(&self, env: &Env, task_id: String) -> napi::Result<()> {
        or_throw(env, self.client.notify(&task_id))
    }

    /// Fetches the pictures of a task that has ended.
    #[napi(catch_unwind)]
    pub fn save_results<'env>(
        &self,
        env: &'env Env,
        task: Task,
        save_to: String,
        style: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let (client, task) = (self.client.clone(), xiezhen::Task::from(task));
        promise(env, cancel, async move {
            let files = client.save_results(&task, save_to, style.as_deref()).await?;
            Ok(files.into_iter().map(text).collect())
        })
    }

    /// Does what is due of a job; resolves with the milliseconds until more is. `save` resolves with whether it saved.
    #[napi(catch_unwind)]
    pub fn advance<'env>(
        &self,
        env: &'env Env,
        job: &JobHandle,
        save: Function<'_, (), Promise<bool>>,
        settings: AdvanceSettings,
        on_event: Option<Function<'_, Option<RawEvent>, UnknownReturnValue>>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Option<f64>>> {
        let save = saving(callback(&save)?);
        let teller = on_event.as_ref().map(Teller::new).transpose()?;
        let mut options = settings.into_core();
        options.on_event = spread(options.on_event, teller.clone());
        let (client, job) = (self.client.clone(), job.job.clone());
        promise(env, cancel, async move {
            let due = client.advance_with(&job, save, options).await;
            flush(teller.as_ref()).await;
            Ok(due?.map(|pause| pause.as_secs_f64() * 1000.0))
        })
    }

    /// Brings a job to its end; `on_event` hears `null` at last.
    #[napi(catch_unwind)]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        job: &JobHandle,
        settings: RunSettings,
        on_event: Option<Function<'_, Option<RawEvent>, UnknownReturnValue>>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let teller = on_event.as_ref().map(Teller::new).transpose()?;
        let mut options = or_throw(env, settings.into_core())?;
        options.on_event = spread(options.on_event, teller.clone());
        let (client, job) = (self.client.clone(), job.job.clone());
        promise(env, cancel, async move {
            let ended = client.run(&job, options).await;
            flush(teller.as_ref()).await;
            ended
        })
    }

    /// Cancels what is under way and frees the connections. Later calls are refused.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.client.close();
        self.listener = None;
    }
}

/// Events for whoever wants them: the progress bars, and the caller.
fn spread(bars: Option<OnEvent>, teller: Option<Teller<RawEvent>>) -> Option<OnEvent> {
    let Some(teller) = teller else { return bars };
    Some(Arc::new(move |event| {
        if let Some(bars) = &bars {
            bars(event.clone());
        }
        if let Some(event) = RawEvent::new(event) {
            teller.tell(event);
        }
    }))
}

async fn flush<T: napi::bindgen_prelude::ToNapiValue + 'static>(teller: Option<&Teller<T>>) {
    if let Some(teller) = teller {
        teller.flush().await;
    }
}

/// The caller's `save`, which says only whether it succeeded: what it threw stays in JavaScript.
fn saving(save: Callback<(), Promise<bool>>) -> SaveJob {
    let save = Arc::new(save);
    Arc::new(move |_| {
        let save = save.clone();
        Box::pin(async move {
            let failed = |why: String| Error::new(ErrorKind::Io, format!("the job could not be saved: {why}"));
            let saved = save.call_async(()).await.map_err(|error| failed(error.to_string()))?;
            let saved = saved.await.map_err(|error| failed(error.to_string()))?;
            if saved { Ok(()) } else { Err(failed("save has failed".into())) }
        })
    })
}
