//! One request, from its head to its answer or what is sent instead.

use crate::action::{Action, HalfOf, LargeOf, Placed, StallAt};
use crate::answer::{Answer, Body, Content, End, Tail};
use crate::call::{Call, Target, route};
use crate::clock::http_date;
use crate::connection::Line;
use crate::control;
use crate::fault::Fault;
use crate::gateway::{self, Refusal};
use crate::identity::Noise;
use crate::journal::{Auth, Entry, Moment};
use crate::server::Shared;
use crate::service::{self, Whole, Work};
use crate::settings::Settings;
use crate::signature::Signed;
use crate::upload;
use crate::world::World;
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The exchange has no answer: the connection is to be dropped.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the exchange was broken off")
    }
}

impl std::error::Error for Broken {}

/// How an exchange ends.
enum Outcome {
    Send(Answer),
    Close,
    Reset,
    Raw(Vec<u8>),
    Hang,
}

/// Serves one request.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    line: Arc<Line>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    let nth = line.begin();
    let (head, body) = request.into_parts();
    let route = route(head.uri.path());
    let world = shared.world(route.prefix);
    let settings = world.inner().settings.clone();
    let call = match route.target {
        Target::Call(call) => call,
        Target::Control => {
            let body = read(body, 64 << 20).await?.unwrap_or_default();
            let answer = control::answer(&shared, &world, head.method.as_str(), route.rest, &body).await;
            return Ok(answer.response(Tail { line, idle_close: None, answered: None }));
        }
    };
    let mut entry = first_look(&shared, &world, &line, nth, &head, call);
    refuse_early(&world, &line, &settings, &mut entry, &body).await?;
    let Some(bytes) = read_journalled(&world, &settings, &mut entry, body).await? else {
        world.record(&mut entry);
        entry.status = Some(413);
        world.update(&entry);
        let answer = Refusal::new(413, Some("I413RL"), "Request body too large").answer();
        let answer = dress(answer, &world, &entry, &settings);
        return Ok(answer.response(tail(&world, &line, &settings, entry)));
    };
    let refusal = judge(&shared, &world, &settings, &head, &bytes, &mut entry);
    let request = Whole {
        call,
        method: head.method.as_str().to_owned(),
        content_type: header(&head.headers, "content-type").unwrap_or_default(),
        rest: route.rest.to_owned(),
        query: head.uri.query().map(str::to_owned),
        body: bytes,
    };
    describe(&mut entry, &request);
    let met = world.inner().faults.meet(call, entry.task_id.as_deref());
    entry.fault = met.as_ref().map(|(number, _)| *number);
    world.record(&mut entry);
    let fault = met.map_or_else(|| Fault::on(Call::Any), |(_, fault)| fault);
    // A task of its own: a client that leaves does not keep the service from what it has begun.
    let process = process(Arc::clone(&shared), Arc::clone(&world), request, refusal, fault, entry, settings.clone());
    let busy = shared.busy();
    let processed = tokio::spawn(async move {
        let processed = process.await;
        drop(busy);
        processed
    });
    let (outcome, entry) = processed.await.map_err(|_| Broken)?;
    end(outcome, &line, tail(&world, &line, &settings, entry)).await
}

/// What is known of a request before its body.
fn first_look(shared: &Shared, world: &World, line: &Line, nth: u64, head: &Parts, call: Call) -> Entry {
    let carries = |name: &http::HeaderName| name == http::header::AUTHORIZATION || name.as_str().starts_with("x-ca-");
    Entry {
        seq: 0,
        at_ms: shared.started.elapsed().as_millis() as u64,
        space: world.prefix.clone(),
        call,
        method: head.method.as_str().to_owned(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        auth: Auth::None,
        leaked_credentials: !call.behind_gateway() && head.headers.keys().any(carries),
        connection: line.number,
        nth,
        body: None,
        task_id: None,
        nonce: header(&head.headers, "x-ca-nonce"),
        timestamp: header(&head.headers, "x-ca-timestamp").and_then(|sent| sent.parse().ok()),
        content_md5: head.headers.contains_key("content-md5"),
        status: None,
        fault: None,
        worked: false,
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// What happens to a request before its body is read; the body is held so that nobody reads it meanwhile.
async fn refuse_early(
    world: &World,
    line: &Line,
    settings: &Settings,
    entry: &mut Entry,
    _unread: &Incoming,
) -> Result<(), Broken> {
    let met = world.inner().faults.early(entry.call, entry.nth);
    if let Some((number, fault)) = met {
        entry.fault = Some(number);
        world.record(entry);
        sleep(fault.delay).await;
        if fault.action == Action::Stall(StallAt::Upload) {
            line.left().await;
        }
        return Err(Broken);
    }
    if settings.drop_reused && entry.nth > 1 {
        world.record(entry);
        return Err(Broken);
    }
    Ok(())
}

/// The whole body; none if it is larger than allowed (then it was read and forgotten).
async fn read(mut body: Incoming, most: usize) -> Result<Option<Bytes>, Broken> {
    let mut whole = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken)?.into_data() else { continue };
        length += data.len();
        if length <= most {
            whole.extend_from_slice(&data);
        }
    }
    Ok((length <= most).then(|| whole.freeze()))
}

/// A request that broke off in its body was seen all the same.
async fn read_journalled(
    world: &World,
    settings: &Settings,
    entry: &mut Entry,
    body: Incoming,
) -> Result<Option<Bytes>, Broken> {
    let read = read(body, settings.max_body_bytes).await;
    if read.is_err() {
        world.record(entry);
    }
    read
}

/// The gateway's view of the credential; a nonce is used up whatever happens afterwards.
fn judge(
    shared: &Shared,
    world: &World,
    settings: &Settings,
    head: &Parts,
    body: &[u8],
    entry: &mut Entry,
) -> Option<Refusal> {
    if !entry.call.behind_gateway() {
        return None;
    }
    let signed = Signed {
        method: head.method.as_str(),
        headers: &head.headers,
        path: head.uri.path(),
        query: head.uri.query(),
        body,
    };
    let mut inner = world.inner();
    let verdict = gateway::judge(&signed, &shared.credentials, &mut inner.nonces, settings.clock_skew_ms);
    entry.auth = verdict.auth;
    verdict.refusal
}

/// What the journal keeps of the body.
fn describe(entry: &mut Entry, request: &Whole) {
    let sent = match request.call {
        Call::UploadFile => {
            let parts = upload::parts(&request.content_type, &request.body).unwrap_or_default();
            parts.iter().find(|part| part.name == "file").or(parts.first()).map(upload::Part::journalled)
        }
        Call::Result => {
            entry.task_id = request.rest.split_once('/').map(|(task_id, _)| task_id.to_owned());
            None
        }
        _ => serde_json::from_slice::<Value>(&request.body).ok(),
    };
    if let Some(task_id) = sent.as_ref().and_then(|sent| sent.get("task_id")).and_then(Value::as_str) {
        entry.task_id = Some(task_id.to_owned());
    }
    // There are very many queries, and all they say is the task.
    entry.body = sent.filter(|_| request.call != Call::QueryTask);
}

/// The work, and what the fault makes of it.
async fn process(
    shared: Arc<Shared>,
    world: Arc<World>,
    request: Whole,
    refusal: Option<Refusal>,
    fault: Fault,
    mut entry: Entry,
    settings: Settings,
) -> (Outcome, Entry) {
    sleep(fault.delay).await;
    let mut answer = None;
    if works(&fault) {
        let work = match refusal {
            Some(refusal) => Work::refused(refusal.answer()),
            None => service::work(&shared, &world, &request).await,
        };
        entry.worked = work.done;
        entry.task_id = work.task_id.or(entry.task_id);
        answer = Some(work.answer);
        world.update(&entry);
        if entry.worked {
            world.tell(&entry, Moment::Worked);
        }
    }
    sleep(fault.answer_delay).await;
    let noise = world.identity.number(&["garbage", &entry.seq.to_string()]);
    let mut outcome = shape(&fault, answer, noise);
    if let Outcome::Send(answer) = outcome {
        entry.status = Some(answer.status);
        world.update(&entry);
        outcome = Outcome::Send(dress(answer, &world, &entry, &settings));
    }
    (outcome, entry)
}

/// Whether the work is done in spite of the fault.
fn works(fault: &Fault) -> bool {
    match &fault.action {
        Action::Reply(_) | Action::Garbage(_) | Action::Large(_) | Action::Raw(_) => fault.work,
        Action::Close(placed) | Action::Reset(placed) => *placed == Placed::After,
        Action::Stall(at) => *at != StallAt::Before,
        _ => true,
    }
}

/// What is sent for the true answer (none if the work was not done).
fn shape(fault: &Fault, answer: Option<Answer>, noise: u64) -> Outcome {
    let mut answer = answer.unwrap_or_else(|| Answer::new(200));
    match &fault.action {
        Action::None | Action::Stale(_) => {}
        Action::Reply(reply) => {
            let text = match &reply.body {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            answer = Answer::new(reply.status).bytes(text);
            if !matches!(reply.body, Value::Null | Value::String(_)) {
                answer = answer.header("Content-Type", "application/json");
            }
            answer = reply.headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value));
        }
        Action::Close(_) => return Outcome::Close,
        Action::Reset(_) => return Outcome::Reset,
        Action::Stall(StallAt::Body(after)) => answer.pace.end = End::Stall { after: *after },
        Action::Stall(_) => return Outcome::Hang,
        Action::Half(HalfOf::Half(_)) => answer.pace.end = End::Cut { after: answer.length() as usize / 2 },
        Action::Half(HalfOf::Bytes { bytes }) => answer.pace.end = End::Cut { after: *bytes },
        Action::Garbage(bytes) => answer = Answer::new(200).bytes(Noise::new(noise).bytes(*bytes)),
        Action::Large(large) => {
            let (left, chunked) = match *large {
                LargeOf::Bytes(bytes) => (bytes, false),
                LargeOf::Told { bytes, chunked } => (bytes, chunked),
            };
            answer = Answer::new(200).header("Content-Type", "application/json");
            answer.content = Content::Filler { left, chunked };
        }
        Action::Slow(slow) => {
            answer.pace.piece = slow.bytes;
            answer.pace.pause = Duration::from_millis(slow.every_ms);
        }
        Action::State(state) => answer = overlaid(answer, [("state".to_owned(), Value::from(*state))]),
        Action::AnswerTask(fields) => answer = overlaid(answer, fields.clone()),
        Action::Raw(raw) => return Outcome::Raw(raw.bytes()),
    }
    Outcome::Send(answer)
}

/// The answer with fields of its body replaced; one whose body is no object stays.
fn overlaid(answer: Answer, fields: impl IntoIterator<Item = (String, Value)>) -> Answer {
    let Content::Bytes(bytes) = &answer.content else { return answer };
    let Ok(mut whole) = serde_json::from_slice::<Value>(bytes) else { return answer };
    match whole.get_mut("body").and_then(Value::as_object_mut) {
        Some(body) => body.extend(fields),
        None => return answer,
    }
    answer.bytes(whole.to_string())
}

/// Adds what every answer carries.
fn dress(mut answer: Answer, world: &World, entry: &Entry, settings: &Settings) -> Answer {
    if !answer.headers.contains_key("x-ca-request-id") {
        let id = world.identity.uuid(&["request", &entry.seq.to_string()]).to_uppercase();
        answer = answer.header("X-Ca-Request-Id", &id);
    }
    if !answer.headers.contains_key("date") {
        answer = answer.header("Date", &http_date(settings.clock_skew_ms));
    }
    answer
}

fn tail(world: &Arc<World>, line: &Arc<Line>, settings: &Settings, entry: Entry) -> Tail {
    let world = Arc::clone(world);
    Tail {
        line: Arc::clone(line),
        idle_close: settings.idle_close_ms.map(Duration::from_millis),
        answered: Some(Box::new(move || world.tell(&entry, Moment::Answered))),
    }
}

/// Ends the exchange on its connection.
async fn end(outcome: Outcome, line: &Line, tail: Tail) -> Result<Response<Body>, Broken> {
    match outcome {
        Outcome::Send(answer) => return Ok(answer.response(tail)),
        Outcome::Close => {}
        Outcome::Reset => line.reset_on_close(),
        Outcome::Raw(bytes) => {
            // A client that left early misses the rest, as it wished.
            let _ = line.write_raw(&bytes).await;
        }
        Outcome::Hang => pending().await,
    }
    Err(Broken)
}
