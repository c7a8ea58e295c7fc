//! The handle of a job.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use napi::{
    Env,
    bindgen_prelude::{Either, ObjectFinalize, Uint8Array},
};
use napi_derive::napi;
use xiezhen::Photo;

use crate::{
    calls::Calls,
    error::{Failure, or_throw},
    mailbox::Ticket,
    values::{Bytes, IntoJs, LocalPath, Stage, TaskState, values},
};

xiezhen::job_values!(values);

/// Looks at photos as a job would, without a client.
#[napi(catch_unwind)]
pub fn check_photos(env: &Env, calls: &Calls, photos: Vec<Either<String, Uint8Array>>) -> napi::Result<Ticket> {
    let photos: Vec<Photo> = photos.into_iter().map(photo).collect();
    calls.start(env, |_| async move { Ok(xiezhen::check_photos(photos).await?.into_js()) })
}

/// A caller's photo. Bytes are copied: the caller may change its own afterwards.
pub(crate) fn photo(given: Either<String, Uint8Array>) -> Photo {
    match given {
        Either::A(path) => Photo::path(path),
        Either::B(bytes) => Photo::bytes(bytes.to_vec()),
    }
}

/// A job of the core.
#[napi(js_name = "Job", custom_finalize)]
pub struct JobHandle {
    pub(crate) job: xiezhen::Job,
    pub(crate) memory: Arc<JobMemory>,
}

/// How many bytes of photos V8 was told that a job holds. It can't see them itself, and collects in time if it knows.
#[derive(Default)]
pub(crate) struct JobMemory(AtomicI64);

impl JobMemory {
    /// Tells V8 what the job holds now, on the thread of its environment.
    pub(crate) fn account(&self, env: &Env, job: &xiezhen::Job) -> napi::Result<()> {
        self.tell(env, job.bytes_held() as i64)
    }

    /// Whether V8 knows of any.
    pub(crate) fn is_accounted(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    fn tell(&self, env: &Env, held: i64) -> napi::Result<()> {
        let before = self.0.swap(held, Ordering::Relaxed);
        if held != before {
            env.adjust_external_memory(held - before)?;
        }
        Ok(())
    }
}

impl ObjectFinalize for JobHandle {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.memory.tell(&env, 0)
    }
}

#[napi]
impl JobHandle {
    /// A job of photos (paths, bytes, or paths at the service), or of a model that was trained before.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: &Env,
        photos: Vec<Either<String, Uint8Array>>,
        uploaded: Vec<String>,
        styles: Vec<String>,
        user_id: Option<String>,
    ) -> napi::Result<Self> {
        let photos = photos.into_iter().map(photo).collect();
        let (job, memory) = (xiezhen::Job::from_parts(photos, uploaded, styles, user_id), Arc::<JobMemory>::default());
        memory.account(env, &job)?;
        Ok(Self { job, memory })
    }

    /// A job as `toText` wrote it.
    #[napi(factory, catch_unwind)]
    pub fn from_text(env: &Env, text: String) -> napi::Result<Self> {
        Ok(Self { job: or_throw(env, xiezhen::Job::from_json(&text))?, memory: Arc::default() })
    }

    /// The job as JSON.
    #[napi(catch_unwind)]
    pub fn to_text(&self, env: &Env) -> napi::Result<String> {
        or_throw(env, self.job.to_json())
    }

    /// What the job is busy with.
    #[napi(getter, catch_unwind)]
    pub fn stage(&self) -> Stage {
        self.job.stage().into_js()
    }

    /// The user model, once the service has named it.
    #[napi(getter, catch_unwind)]
    pub fn user_id(&self) -> Option<String> {
        self.job.user_id()
    }

    /// Its own id, which it is given when it is made.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> String {
        self.job.id()
    }

    /// How often it was saved.
    #[napi(getter, catch_unwind)]
    pub fn revision(&self) -> f64 {
        self.job.revision() as f64
    }

    /// The training's task, once it was created.
    #[napi(getter, catch_unwind)]
    pub fn training_task_id(&self) -> Option<String> {
        self.job.training_task_id()
    }

    /// Where pictures are saved, once a run has said so.
    #[napi(getter, catch_unwind)]
    pub fn save_to(&self) -> Option<LocalPath> {
        self.job.save_to().into_js()
    }

    /// The photos, in the order given.
    #[napi(getter, catch_unwind)]
    pub fn photos(&self) -> Vec<JobPhoto> {
        self.job.photos().into_js()
    }

    /// One portrait a style, in the order given.
    #[napi(getter, catch_unwind)]
    pub fn portraits(&self) -> Vec<Portrait> {
        self.job.portraits().into_js()
    }

    /// What the job fails of, or has failed of.
    #[napi(getter, catch_unwind)]
    pub fn error(&self) -> Option<Failure> {
        self.job.error().into_js()
    }

    /// What `adopt` can take a task over for: `null` for the training, and styles.
    #[napi(getter, catch_unwind, ts_return_type = "(string | null)[]")]
    pub fn adoptable(&self) -> Vec<Option<String>> {
        self.job.adoptable()
    }

    /// The photos, by their index from 0, that are still to be uploaded and can't be read here.
    #[napi(catch_unwind)]
    pub fn missing_photos(&self) -> Vec<u32> {
        self.job.missing_photos().into_iter().map(|index| index as u32).collect()
    }

    /// Gives one of the job's photos again, which is checked by its digest.
    #[napi(catch_unwind)]
    pub fn give_photo(&self, env: &Env, index: u32, given: Either<String, Uint8Array>) -> napi::Result<()> {
        or_throw(env, self.job.give_photo(index as usize, photo(given)))?;
        self.memory.account(env, &self.job)
    }

    /// Takes over a task that the vendor's side shows, for the create whose outcome is unknown.
    #[napi(catch_unwind)]
    pub fn adopt(&self, env: &Env, task_id: String, user_id: Option<String>) -> napi::Result<()> {
        or_throw(env, self.job.adopt(&task_id, user_id.as_deref()))
    }

    /// Takes over a generation that the vendor's side shows, for the portrait of that style.
    #[napi(catch_unwind)]
    pub fn adopt_portrait(&self, env: &Env, task_id: String, style: String) -> napi::Result<()> {
        or_throw(env, self.job.adopt_portrait(&task_id, &style))
    }
}
