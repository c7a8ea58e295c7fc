//! The five calls as the document has them, and the host the pictures lie on.

use crate::answer::Answer;
use crate::call::Call;
use crate::callback;
use crate::gateway::Refusal;
use crate::identity::sha256_hex;
use crate::picture;
use crate::server::Shared;
use crate::style::{STYLES, Style};
use crate::task::{GENERATION, Record, TRAINING, User};
use crate::upload;
use crate::world::{Inner, World};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use url::form_urlencoded;

/// The folder of uploads, as in the document.
const UPLOADS: &str = "user_upload/T0000000000101";
/// The first user is the document's.
const FIRST_USER: usize = 13835;

/// A request, read to its end.
pub(crate) struct Whole {
    pub(crate) call: Call,
    pub(crate) method: String,
    pub(crate) content_type: String,
    pub(crate) rest: String,
    pub(crate) query: Option<String>,
    pub(crate) body: Bytes,
}

/// What came of it.
pub(crate) struct Work {
    pub(crate) answer: Answer,
    /// The task created.
    pub(crate) task_id: Option<String>,
    /// Whether it was done, not refused.
    pub(crate) done: bool,
}

impl Work {
    pub(crate) fn refused(answer: Answer) -> Self {
        Self { answer, task_id: None, done: false }
    }

    fn done(body: &Value) -> Self {
        Self { answer: Answer::json(&json!({"ret": 0, "body": body})), task_id: None, done: true }
    }
}

/// A refusal of the service: `ret`, and what it says.
type Refused = (i64, String);

fn no<T>(ret: i64, message: impl Into<String>) -> Result<T, Refused> {
    Err((ret, message.into()))
}

/// Does what is asked for.
pub(crate) async fn work(shared: &Arc<Shared>, world: &Arc<World>, request: &Whole) -> Work {
    if let Some(refusal) = unpublished(request) {
        return Work::refused(refusal.answer());
    }
    let outcome = match request.call {
        Call::UploadFile => upload_file(shared, world, request).await,
        Call::CreateUserModel => create_user_model(shared, world, &request.body).await,
        Call::ListStyles => Ok(list_styles(shared, world)),
        Call::CreateTask => create_task(shared, world, &request.body).await,
        Call::QueryTask => query_task(shared, world, &request.body),
        Call::Result => return result(shared, world, request).await,
        Call::Template => return template(shared, request).await,
        Call::Callback | Call::Unknown | Call::Any => no(1000, "no such call"),
    };
    outcome.unwrap_or_else(|(ret, message)| {
        Work::refused(Answer::json(&json!({"ret": ret, "msg": message, "body": null})))
    })
}

/// What the gateway does not know it does not pass on.
fn unpublished(request: &Whole) -> Option<Refusal> {
    match request.call.method() {
        None => Some(Refusal::new(404, Some("I404NF"), "API Not Found")),
        Some(method) if method != request.method => Some(Refusal::new(405, Some("I405UM"), "Invalid HttpMethod")),
        Some(_) => None,
    }
}

fn asked<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).or_else(|error| no(1001, format!("请求参数错误 bad request body: {error}")))
}

async fn saved(shared: &Shared, work: Work) -> Result<Work, Refused> {
    match shared.save().await {
        Ok(()) => Ok(work),
        Err(error) => Ok(Work::refused(Answer::new(500).bytes(format!("the state could not be saved: {error}")))),
    }
}

async fn upload_file(shared: &Shared, world: &World, request: &Whole) -> Result<Work, Refused> {
    let Some(parts) = upload::parts(&request.content_type, &request.body) else {
        return no(2001, "请以 multipart/form-data 上传 not a multipart form");
    };
    let Some(part) = parts.into_iter().find(|part| part.name == "file") else {
        return no(2001, "缺少 file 字段 no field \"file\"");
    };
    if part.bytes.is_empty() {
        return no(2002, "文件为空 the file is empty");
    }
    let digest = sha256_hex(part.bytes);
    let photo = request.body.slice_ref(part.bytes);
    let Some(extension) = picture::kind_of(&photo, shared.store.knows(&digest)).await else {
        return no(2003, "不是有效的图片 not an image (JPEG, PNG, WebP, BMP)");
    };
    if let Err(error) = shared.store.put(&digest, &photo) {
        return Ok(Work::refused(Answer::new(500).bytes(format!("the photo could not be saved: {error}"))));
    }
    let path = {
        let mut inner = world.inner();
        let name = |id: &str| format!("{UPLOADS}/{id}.{extension}");
        let taken = |id: &str| inner.uploads.contains_key(&name(id));
        let path = name(&world.identity.fresh_uuid(&["upload", &digest], taken));
        inner.uploads.insert(path.clone(), digest);
        path
    };
    saved(shared, Work::done(&json!(path))).await
}

#[derive(Deserialize)]
struct Model {
    img_set: Vec<String>,
    callback_url: Option<String>,
}

async fn create_user_model(shared: &Arc<Shared>, world: &Arc<World>, body: &[u8]) -> Result<Work, Refused> {
    let wish: Model = asked(body)?;
    let (task_id, user_id) = {
        let mut inner = world.inner();
        if !(8..=20).contains(&wish.img_set.len()) {
            return no(3001, format!("图片数量须为 8-20 张 8 to 20 photos, not {}", wish.img_set.len()));
        }
        let mut photos = Vec::new();
        for path in &wish.img_set {
            match inner.uploads.get(path) {
                Some(digest) => photos.push(digest.clone()),
                None => return no(3002, format!("图片不存在 no such photo: {path}")),
            }
        }
        let mut sorted: Vec<&str> = photos.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let about = ["model".to_owned(), sorted.join(",")];
        let user_id = format!("U{:013}", FIRST_USER + inner.users.len());
        let outcome = inner.settings.training_outcome;
        let seconds = inner.settings.training_seconds;
        let mut record = new_task(world, &inner, &about, seconds, outcome);
        record.kind = TRAINING;
        record.user_id.clone_from(&user_id);
        record.callback_url.clone_from(&wish.callback_url);
        let task_id = record.id.clone();
        inner.users.insert(user_id.clone(), User { task_id: task_id.clone(), photos });
        inner.add_task(record);
        (task_id, user_id)
    };
    created(shared, world, task_id, &user_id, wish.callback_url.as_deref()).await
}

#[derive(Deserialize)]
struct Generation {
    user_id: String,
    style: String,
    callback_url: Option<String>,
}

async fn create_task(shared: &Arc<Shared>, world: &Arc<World>, body: &[u8]) -> Result<Work, Refused> {
    let wish: Generation = asked(body)?;
    if wish.user_id.is_empty() || wish.style.is_empty() {
        return no(1002, "user_id 和 style 不能为空 user_id and style are needed");
    }
    let task_id = {
        let mut inner = world.inner();
        let Some(user) = inner.users.get(&wish.user_id) else {
            return no(4001, format!("用户不存在 no such user: {}", wish.user_id));
        };
        if !inner.is_trained(user) {
            return no(4002, format!("用户模型未训练完成 the model of {} is not trained", wish.user_id));
        }
        if Style::of(&wish.style).is_none() {
            return no(4003, format!("样式不存在 no such style: {}", wish.style));
        }
        let about = ["task".to_owned(), wish.user_id.clone(), wish.style.clone()];
        let outcome = inner.settings.generation_outcome;
        let seconds = inner.settings.generation_seconds;
        let mut record = new_task(world, &inner, &about, seconds, outcome);
        record.kind = GENERATION;
        record.user_id.clone_from(&wish.user_id);
        record.style = Some(wish.style);
        record.callback_url.clone_from(&wish.callback_url);
        let task_id = record.id.clone();
        inner.add_task(record);
        task_id
    };
    created(shared, world, task_id, &wish.user_id, wish.callback_url.as_deref()).await
}

/// A task about this; it waits a tenth of its time and runs the rest.
fn new_task(world: &World, inner: &Inner, about: &[String], seconds: f64, outcome: i64) -> Record {
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    let id = world.identity.fresh_uuid(&about, |id| inner.tasks.contains_key(id));
    let lasts = seconds * (0.8 + 0.4 * world.identity.chance(&["duration", &id]));
    let now = inner.clock.now();
    Record {
        id,
        kind: 0,
        user_id: String::new(),
        style: None,
        callback_url: None,
        created: now,
        starts: now + lasts * 0.1,
        ends: now + lasts,
        outcome,
        forced: None,
        pictures: inner.settings.pictures_per_task,
    }
}

async fn created(
    shared: &Arc<Shared>,
    world: &Arc<World>,
    task_id: String,
    user_id: &str,
    callback_url: Option<&str>,
) -> Result<Work, Refused> {
    let mut work = Work::done(&json!({"task_id": task_id, "user_id": user_id}));
    work.task_id = Some(task_id.clone());
    let work = saved(shared, work).await;
    callback::announce(shared, world, &task_id, callback_url).await;
    work
}

fn list_styles(shared: &Shared, world: &World) -> Work {
    let shown = STYLES.map(|style| {
        let template = format!("{}{}/templates/{}.png", shared.url, world.prefix, style.id);
        json!({"name": style.name, "style": style.id, "template": template, "sex": style.sex})
    });
    Work::done(&json!(shown))
}

#[derive(Deserialize)]
struct Query {
    task_id: String,
}

fn query_task(shared: &Shared, world: &World, body: &[u8]) -> Result<Work, Refused> {
    let Query { task_id } = asked(body)?;
    if task_id.is_empty() {
        return no(1002, "task_id 不能为空 task_id is needed");
    }
    let inner = world.inner();
    let Some(task) = inner.tasks.get(&task_id) else {
        return no(5001, format!("任务不存在 no such task: {task_id}"));
    };
    Ok(Work::done(&shown(shared, world, &inner, task)))
}

/// A task as a query shows it.
pub(crate) fn shown(shared: &Shared, world: &World, inner: &Inner, task: &Record) -> Value {
    let now = inner.clock.now();
    let expires = inner.settings.result_ttl_seconds.map(|ttl| format!("{:.3}", now + ttl));
    let address = |n: u32| picture_url(shared, world, task, n, expires.as_deref());
    let paths: Vec<String> = (1..=task.finished_pictures(now)).map(address).collect();
    let state = task.state(now);
    json!({"state": state, "id": task.id, "tsk_type": task.kind, "result_paths": paths})
}

fn picture_url(shared: &Shared, world: &World, task: &Record, n: u32, expires: Option<&str>) -> String {
    let number = n.to_string();
    let extension = task.style.as_deref().and_then(Style::of).map_or("png", Style::extension);
    let signature = world.identity.url_signature(&[&task.id, &number, expires.unwrap_or("never")]);
    let expiry = expires.map(|moment| format!("expires={moment}&")).unwrap_or_default();
    format!("{}{}/results/{}/{n}.{extension}?{expiry}sig={signature}", shared.url, world.prefix, task.id)
}

/// Why there is no picture: status, code, message.
type Missing = (u16, &'static str, &'static str);

const NO_SUCH_KEY: Missing = (404, "NoSuchKey", "The specified key does not exist.");

/// What is needed to render one picture.
struct Wanted {
    style: &'static Style,
    photos: Vec<String>,
    number: u32,
}

async fn result(shared: &Shared, world: &World, request: &Whole) -> Work {
    match wanted(world, request) {
        Err(missing) => Work::refused(oss_error(missing)),
        Ok(wanted) => {
            let drawn = shared.gallery.picture(&shared.store, wanted.style, &wanted.photos, wanted.number, shared.seed);
            picture_answer(drawn.await, wanted.style.content_type())
        }
    }
}

fn wanted(world: &World, request: &Whole) -> Result<Wanted, Missing> {
    let missing = || NO_SUCH_KEY;
    let (task_id, file) = request.rest.split_once('/').ok_or_else(missing)?;
    let number = file.split_once('.').map_or(file, |(number, _)| number);
    let parameter = |name: &str| {
        let query = request.query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let expires = parameter("expires");
    let about = [task_id, number, expires.as_deref().unwrap_or("never")];
    if parameter("sig").as_deref() != Some(world.identity.url_signature(&about).as_str()) {
        return Err((403, "SignatureDoesNotMatch", "The request signature we calculated does not match."));
    }
    let inner = world.inner();
    if expires.and_then(|moment| moment.parse::<f64>().ok()).is_some_and(|moment| inner.clock.now() > moment) {
        return Err((403, "AccessDenied", "Request has expired."));
    }
    let task = inner.tasks.get(task_id).ok_or_else(missing)?;
    let style = task.style.as_deref().and_then(Style::of).ok_or_else(missing)?;
    let user = inner.users.get(&task.user_id).ok_or_else(missing)?;
    let number = number.parse().map_err(|_| missing())?;
    Ok(Wanted { style, photos: user.photos.clone(), number })
}

async fn template(shared: &Shared, request: &Whole) -> Work {
    let id = request.rest.strip_suffix(".png").unwrap_or(&request.rest);
    match Style::of(id) {
        Some(style) => picture_answer(shared.gallery.template(style).await, "image/png"),
        None => Work::refused(oss_error(NO_SUCH_KEY)),
    }
}

fn picture_answer(drawn: Result<Bytes, String>, content_type: &str) -> Work {
    match drawn {
        Ok(bytes) => {
            let answer = Answer::new(200).header("Content-Type", content_type).bytes(bytes);
            Work { answer, task_id: None, done: true }
        }
        Err(error) => Work::refused(oss_error((500, "InternalError", &error))),
    }
}

/// An error as the object store behind such URLs words it.
fn oss_error((status, code, message): (u16, &str, &str)) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>{code}</Code>\n  <Message>{message}</Message>\n</Error>\n"
    );
    Answer::new(status).header("Content-Type", "application/xml").bytes(body)
}
