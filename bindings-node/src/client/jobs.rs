//! Jobs: a turn, to their end, and many side by side. What happens on the way comes as messages before the outcome.

use std::{pin::Pin, sync::Arc};

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, Either, Function, Promise, ToNapiValue},
};
use napi_derive::napi;
use xiezhen::{Error, ErrorKind, Event, Job, KeyedJob, OnEvent, SaveError};

use super::ClientHandle;
use crate::{
    calls::Calls,
    error::{Failure, or_throw},
    event::RawEvent,
    job::{JobHandle, JobMemory},
    mailbox::{Callback, Sender, Ticket, callback},
    options::{AdvanceSettings, RunManySettings, RunSettings},
    receiver::CallbacksHandle,
};

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

#[napi]
impl ClientHandle {
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
        let mut options = or_throw(env, settings.into_core())?;
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
        let mut options = or_throw(env, settings.into_core())?.stored(&job.job, &key, &woken);
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
        let (client, core) = (self.client.begun(), job.job.clone());
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
        let client = self.client.begun();
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
        let (client, core) = (self.client.begun(), job.job.clone());
        calls.start(env, |sender| {
            options.on_event = Some(spread(options.on_event.take(), sender, events, job));
            async move {
                let due = client.advance(&core, save, options).await?;
                Ok(due.map(|pause| pause.as_secs_f64() * 1000.0))
            }
        })
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
