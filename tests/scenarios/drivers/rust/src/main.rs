//! The Rust driver: reads a call a line, makes it, and writes its outcome in the normal form (see the README).
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "what is wrong here is wrong with the scenario")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use xiezhen::{
    AdvanceOptions, Callbacks, Client, Created, Error, ErrorKind, Event, Job, Photo, PollSchedule, Receiver, Result,
    RunOptions, Task,
};

/// What calls work on: the last client, job and task.
#[derive(Clone, Default)]
struct Held {
    client: Option<Client>,
    job: Option<Job>,
    task: Option<Task>,
    callbacks: Option<Callbacks>,
    receiver: Option<Arc<Receiver>>,
}

#[tokio::main]
async fn main() {
    let mut held = Held::default();
    let mut background: Option<JoinHandle<Value>> = None;
    // Blocks this thread only: what is under way goes on on the others.
    for line in std::io::stdin().lines() {
        let line = line.expect("stdin is readable");
        let request: Value = serde_json::from_str(&line).expect("a request is JSON");
        let reply = if request["call"] == "join" {
            background.take().expect("something was started").await.expect("it did not panic")
        } else if request["background"] == true {
            let mut held = held.clone();
            background = Some(tokio::spawn(async move { held.answer(&request).await }));
            json!({})
        } else {
            held.answer(&request).await
        };
        println!("{reply}");
    }
}

impl Held {
    async fn answer(&mut self, request: &Value) -> Value {
        let events = Arc::new(Mutex::new(Vec::new()));
        let mut reply = match self.call(request, &events).await {
            Ok(value) => json!({ "value": value }),
            Err(error) => json!({ "error": failure(&error) }),
        };
        if let (Some(job), "job" | "job_json" | "adopt" | "adopt_portrait" | "run" | "advance") =
            (&self.job, text(request, "call"))
        {
            reply["job"] = story(job);
            reply["events"] = json!(*events.lock().expect("nobody panicked"));
        }
        reply
    }

    async fn call(&mut self, request: &Value, events: &Arc<Mutex<Vec<Event>>>) -> Result<Value> {
        let tell = {
            let events = events.clone();
            move |event| events.lock().expect("nobody panicked").push(event)
        };
        let task_id = text(request, "task_id");
        let callback_url = request["callback_url"].as_str();
        let recreate = request["recreate"] == true;
        let callbacks = self.callbacks.clone().filter(|_| request["callback"] == true);
        let call = text(request, "call");
        match call {
            "begin" => *self = Self::default(),
            "callbacks" => {
                let callbacks = Callbacks::new(text(request, "public_url"), text(request, "secret"))?;
                let receiver = callbacks.listen("127.0.0.1:0").await?;
                let address = receiver.address().to_string();
                (self.callbacks, self.receiver) = (Some(callbacks), Some(Arc::new(receiver)));
                return Ok(json!(address));
            }
            "client" => self.client = Some(client(request)?),
            "job" => {
                self.job = Some(Job::from_parts(
                    photos(request),
                    texts(request, "uploaded"),
                    texts(request, "styles"),
                    maybe(request, "user_id"),
                ));
            }
            "job_json" => {
                let json = request["json"].as_str().map(str::to_owned);
                self.job = Some(Job::from_json(&json.map_or_else(|| self.job().to_json(), Ok)?)?);
            }
            "adopt" => self.job().adopt(task_id, request["user_id"].as_str())?,
            "adopt_portrait" => self.job().adopt_portrait(task_id, text(request, "style"))?,
            "upload_file" => return Ok(json!(self.timed(request).upload_file(photo(&request["photo"])).await?)),
            "create_user_model" => {
                let img_set = texts(request, "img_set");
                return self.timed(request).create_user_model(&img_set, callback_url).await.map(|made| created(&made));
            }
            "list_styles" => return Ok(json!(self.timed(request).list_styles().await?)),
            "create_task" => {
                let (user_id, style) = (text(request, "user_id"), text(request, "style"));
                return self.timed(request).create_task(user_id, style, callback_url).await.map(|made| created(&made));
            }
            "query_task" => self.task = Some(self.timed(request).query_task(task_id).await?),
            "wait_task" => self.task = Some(self.client().wait_task(task_id, time(request, "timeout_ms")).await?),
            "wait_many" => {
                let mut ended = 0;
                let (tasks, timeout) = (texts(request, "task_ids"), time(request, "timeout_ms"));
                let outcomes = self.client().wait_many(&tasks, timeout, |_, _| ended += 1).await?;
                let told = |outcome: &Result<Task>| match outcome {
                    Ok(task) => json!({ "value": task }),
                    Err(error) => json!({ "error": failure(error) }),
                };
                return Ok(json!({ "outcomes": outcomes.iter().map(told).collect::<Vec<_>>(), "ended": ended }));
            }
            "notify" => self.client().notify(task_id)?,
            "save_results" => {
                let task = self.task.as_ref().expect("a task was looked at");
                let (save_to, name) = (text(request, "save_to"), request["name"].as_str());
                return Ok(json!(self.timed(request).save_results(task, save_to, name).await?));
            }
            "run" => {
                let mut options = RunOptions::default().recreate(recreate).on_event(tell).callback(callbacks);
                options.save_to = maybe(request, "save_to").map(Into::into);
                options.checkpoint = maybe(request, "checkpoint").map(Into::into);
                options.timeout = time(request, "timeout_ms");
                self.client().run(self.job(), options).await?;
            }
            "advance" => {
                let mut options = AdvanceOptions::default().recreate(recreate).on_event(tell).callback(callbacks);
                options.save_to = maybe(request, "save_to").map(Into::into);
                let refuse = request["save_fails"] == true;
                let store_is_away = || Error::new(ErrorKind::Io, "the store is away");
                let save = move |_| async move { if refuse { Err(store_is_away().into()) } else { Ok(()) } };
                return Ok(json!({ "again": self.client().advance(self.job(), save, options).await?.is_some() }));
            }
            "close" => self.client().close(),
            other => return Err(Error::new(ErrorKind::Internal, format!("{other} is no call"))),
        }
        let looked = matches!(call, "query_task" | "wait_task").then_some(&self.task);
        Ok(looked.map_or(Value::Null, |task| json!(task)))
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("there is a client")
    }

    /// For single calls: the client, and how long it is to take for this one.
    fn timed(&self, request: &Value) -> Client {
        self.client().with_timeout(time(request, "timeout_ms"))
    }

    fn job(&self) -> &Job {
        self.job.as_ref().expect("there is a job")
    }
}

fn client(options: &Value) -> Result<Client> {
    let mut builder = Client::builder()
        .allow_http(options["allow_http"] == true)
        .allow_private_results(options["allow_private_results"] == true)
        .require_https_results(options["require_https_results"] == true);
    for (name, value) in options.as_object().into_iter().flatten() {
        let word = || value.as_str().unwrap_or_default().to_owned();
        let number = || value.as_f64().unwrap_or_default();
        let span = || Duration::from_secs_f64(number() / 1000.0);
        builder = match name.as_str() {
            "base_url" => builder.base_url(word()),
            "app_code" => builder.app_code(word()),
            "app_key" => builder.app_key(word()),
            "app_secret" => builder.app_secret(word()),
            "timeout_ms" => builder.timeout(span()),
            "connect_timeout_ms" => builder.connect_timeout(span()),
            "max_retries" => builder.max_retries(number() as u32),
            "requests_per_second" => builder.requests_per_second(number()),
            "upload_concurrency" => builder.upload_concurrency(number() as usize),
            "max_photo_bytes" => builder.max_photo_bytes(number() as u64),
            "max_pictures" => builder.max_pictures(number() as usize),
            "prepare_photos" => builder.prepare_photos(*value == true),
            "training_schedule" => builder.training_schedule(schedule(value)),
            "generation_schedule" => builder.generation_schedule(schedule(value)),
            "ca_file" => builder.ca_file(word()),
            "proxy" => builder.proxy(word()),
            _ => builder,
        };
    }
    builder.build()
}

fn schedule(value: &Value) -> PollSchedule {
    let (initial, max) = (time(value, "initial_ms"), time(value, "max_ms"));
    PollSchedule {
        initial: initial.unwrap_or_default(),
        factor: value["factor"].as_f64().unwrap_or_default(),
        max: max.unwrap_or_default(),
    }
}

/// A path, or the bytes of a file.
fn photo(value: &Value) -> Photo {
    let bytes_of = |path| Photo::bytes(std::fs::read(path).expect("the scenario has written it"));
    value["bytes_of"].as_str().map_or_else(|| Photo::path(value.as_str().unwrap_or_default()), bytes_of)
}

fn photos(request: &Value) -> Vec<Photo> {
    request["photos"].as_array().into_iter().flatten().map(photo).collect()
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request[name].as_str().unwrap_or_default()
}

fn maybe(request: &Value, name: &str) -> Option<String> {
    request[name].as_str().map(str::to_owned)
}

fn texts(request: &Value, name: &str) -> Vec<String> {
    request[name].as_array().into_iter().flatten().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
}

fn time(request: &Value, name: &str) -> Option<Duration> {
    request[name].as_u64().map(Duration::from_millis)
}

fn created(created: &Created) -> Value {
    json!({ "task_id": created.task_id, "user_id": created.user_id })
}

fn failure(error: &Error) -> Value {
    json!({
        "code": error.code(), "message": error.message(), "http_status": error.http_status(), "ret": error.ret(),
        "request_id": error.request_id(), "gateway_code": error.gateway_code(), "task_id": error.task_id(),
        "retry_after_ms": error.retry_after().map(|time| time.as_millis() as u64), "retryable": error.is_retryable(),
        "problems": error.problems(), "body_start": error.body_start(), "sent": error.sent(), "task": error.task(),
        "path": error.path(),
    })
}

fn story(job: &Job) -> Value {
    let portraits = job.portraits().into_iter().map(|portrait| {
        let mut told = serde_json::to_value(&portrait).expect("a portrait is JSON");
        told["error"] = portrait.error.as_ref().map_or(Value::Null, failure);
        told
    });
    let mut told = Map::new();
    told.insert("stage".into(), json!(job.stage()));
    told.insert("user_id".into(), json!(job.user_id()));
    // How a photo is prepared is the core's own business, and kept by its JSON only.
    let photos = job.photos().into_iter().map(
        |photo| json!({ "path": photo.path, "sha256": photo.sha256, "bytes": photo.bytes, "uploaded": photo.uploaded }),
    );
    told.insert("photos".into(), photos.collect());
    told.insert("portraits".into(), portraits.collect());
    Value::Object(told)
}
