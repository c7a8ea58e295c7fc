//! The handle of a job.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
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
    values::TaskState,
};

/// What a job is busy with.
#[napi(string_enum = "snake_case")]
pub enum Stage {
    /// Photos are checked and uploaded.
    Uploading,
    /// The user model is being trained.
    Training,
    /// Pictures are being generated.
    Generating,
    /// Pictures are being fetched.
    Saving,
    /// All that was ordered is there.
    Done,
    /// Something went wrong; see the error that was raised, and each portrait's.
    Failed,
}

/// A photo as a job knows it; never its bytes.
#[napi(object, object_from_js = false)]
pub struct JobPhoto {
    /// The file; absent if the photo was given as bytes.
    pub path: Option<String>,
    /// SHA-256 of the content in hex, once it was read.
    pub sha256: Option<String>,
    /// The size, once it was read.
    pub bytes: Option<f64>,
    /// The service's path of it, once it was uploaded.
    pub uploaded: Option<String>,
}

/// One style of a job, and what has become of it.
#[napi(object, object_from_js = false)]
pub struct RawPortrait {
    /// The style, as the job asked for it: a name or an id.
    pub style: String,
    /// The style's id, once it is known.
    pub style_id: Option<String>,
    /// The generation's task, once it was created.
    pub task_id: Option<String>,
    /// The task's state, as it was last seen.
    pub state: Option<TaskState>,
    /// The addresses of the pictures; they may expire.
    pub urls: Vec<String>,
    /// The pictures on disk.
    pub files: Vec<String>,
    /// What went wrong with this style.
    pub error: Option<Failure>,
}

/// What is known of a photo before it is sent.
#[napi(object, object_from_js = false)]
pub struct PhotoReport {
    /// The file; absent if the photo was given as bytes.
    pub path: Option<String>,
    /// The type by its content, such as `jpeg`; absent if it is no picture.
    pub format: Option<String>,
    /// Width and height when upright, if they are known.
    #[napi(ts_type = "[width: number, height: number]")]
    pub size: Option<Vec<u32>>,
    /// The size of the file; absent if it can't be read.
    pub bytes: Option<f64>,
    /// What is done to it before it is sent; absent if it is refused.
    #[napi(ts_type = "'as_is' | 'cleaned' | 'prepared'")]
    pub plan: Option<String>,
    /// Why it is refused. Each follows the photo's name: `is empty`.
    pub problems: Vec<String>,
    /// What makes it train badly. Nothing of this stops it.
    pub remarks: Vec<String>,
}

impl From<xiezhen::PhotoReport> for PhotoReport {
    fn from(report: xiezhen::PhotoReport) -> Self {
        Self {
            path: report.path.map(text),
            format: report.format,
            size: report.size.map(|(width, height)| vec![width, height]),
            bytes: report.bytes.map(|bytes| bytes as f64),
            plan: report.plan.map(|plan| plan.name().to_owned()),
            problems: report.problems,
            remarks: report.remarks,
        }
    }
}

/// Looks at photos as a job would, without a client.
#[napi(catch_unwind)]
pub fn check_photos(env: &Env, calls: &Calls, photos: Vec<Either<String, Uint8Array>>) -> napi::Result<Ticket> {
    let photos: Vec<Photo> = photos.into_iter().map(photo).collect();
    calls.start(env, |_| async move {
        let reports = xiezhen::check_photos(photos).await?;
        Ok(reports.into_iter().map(PhotoReport::from).collect::<Vec<_>>())
    })
}

/// A photo of the caller: bytes are copied, so that the caller may do with its own what it likes.
pub(crate) fn photo(given: Either<String, Uint8Array>) -> Photo {
    match given {
        Either::A(path) => Photo::path(path),
        Either::B(bytes) => Photo::bytes(bytes.to_vec()),
    }
}

pub(crate) fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

/// A job of the core.
#[napi(js_name = "Job", custom_finalize)]
pub struct JobHandle {
    pub(crate) job: xiezhen::Job,
    pub(crate) memory: Arc<JobMemory>,
}

/// What V8 was told of the photos' bytes that a job holds: it knows nothing else of them, and collects in time.
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
        match self.job.stage() {
            xiezhen::Stage::Uploading => Stage::Uploading,
            xiezhen::Stage::Training => Stage::Training,
            xiezhen::Stage::Generating => Stage::Generating,
            xiezhen::Stage::Saving => Stage::Saving,
            xiezhen::Stage::Done => Stage::Done,
            xiezhen::Stage::Failed => Stage::Failed,
        }
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
    pub fn save_to(&self) -> Option<String> {
        self.job.save_to().map(text)
    }

    /// The photos, in the order given.
    #[napi(getter, catch_unwind)]
    pub fn photos(&self) -> Vec<JobPhoto> {
        let shown = |photo: xiezhen::JobPhoto| JobPhoto {
            path: photo.path.map(text),
            sha256: photo.sha256,
            bytes: photo.bytes.map(|bytes| bytes as f64),
            uploaded: photo.uploaded,
        };
        self.job.photos().into_iter().map(shown).collect()
    }

    /// One portrait a style, in the order given.
    #[napi(getter, catch_unwind)]
    pub fn portraits(&self) -> Vec<RawPortrait> {
        let shown = |portrait: xiezhen::Portrait| RawPortrait {
            style: portrait.style,
            style_id: portrait.style_id,
            task_id: portrait.task_id,
            state: portrait.state.map(Into::into),
            urls: portrait.urls,
            files: portrait.files.into_iter().map(text).collect(),
            error: portrait.error.as_ref().map(Failure::from),
        };
        self.job.portraits().into_iter().map(shown).collect()
    }

    /// What the job fails of, or has failed of.
    #[napi(getter, catch_unwind)]
    pub fn error(&self) -> Option<Failure> {
        self.job.error().as_ref().map(Failure::from)
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
