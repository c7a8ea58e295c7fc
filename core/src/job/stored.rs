//! A job as JSON: what is written, what is read back, and what is refused.
//!
//! How the layout changes: a field that is added, goes, or means something else makes a new [`VERSION`]. What any released
//! version wrote is read, brought to today's layout first, one version at a time. All fields are always written, and
//! none has a default: what is missing may be all that tells of something billed. A record that contradicts itself is
//! refused whatever its version, and the contradiction is named.

use serde_json::{Map, Value, json};

use super::{
    JobPhoto, Stage,
    record::{Record, VERSION},
};
use crate::error::{Error, Result};

/// Reads a record, whole and consistent.
pub(super) fn read(json: &str) -> Result<Record> {
    let refuse = |problem: String| Error::invalid(vec![format!("this is not a job: {problem}")]);
    let mut value: Value = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    only_objects(&value).map_err(refuse)?;
    let version = value.get("version").and_then(Value::as_u64).ok_or_else(|| refuse("it has no version".into()))?;
    let record: serde_json::Result<Record> = match version {
        1 => {
            upgrade_from_1(&mut value).map_err(refuse)?;
            serde_json::from_value(value)
        }
        // From the text: a field that is there twice is refused.
        version if version == u64::from(VERSION) => serde_json::from_str(json),
        other => return Err(refuse(format!("its version is {other}; this library reads up to {VERSION}"))),
    };
    let record = record.map_err(|error| refuse(error.to_string()))?;
    match contradiction(&record) {
        Some(problem) => Err(refuse(format!("{problem}: a part of it was lost or changed"))),
        None => Ok(record),
    }
}

/// Structures are objects: what reads them would take an array in their place.
fn only_objects(job: &Value) -> Result<(), String> {
    let known = |value: &Value| value.is_object() || value.is_null();
    let each = |name: &str| job.get(name).and_then(Value::as_array).into_iter().flatten();
    let works = job.get("training").into_iter().chain(each("portraits"));
    let parts = works.clone().flat_map(|work| {
        let error = work.get("error");
        [work.get("steps"), error, error.and_then(|error| error.get("task"))].into_iter().flatten()
    });
    let files = each("portraits").filter_map(|portrait| portrait.get("files").and_then(Value::as_array)).flatten();
    if job.is_object() && works.chain(each("photos")).chain(parts).chain(files).all(known) {
        Ok(())
    } else {
        Err("an object is expected where it has something else".into())
    }
}

/// What the parts of a record say against each other.
fn contradiction(record: &Record) -> Option<String> {
    for (id, work) in record.works() {
        if let Some(problem) = work.contradiction() {
            return Some(format!("{} {problem}", record.name_of(id)));
        }
    }
    let uploaded = |photo: &JobPhoto| photo.uploaded.is_some() && photo.sha256.is_some();
    if record.host.is_none() && (record.has_begun() || record.photos.iter().any(uploaded)) {
        return Some("its host is null, and something was uploaded or created".into());
    }
    match &record.training {
        Some(training) if record.user_id.is_some() && training.task_id.is_none() => {
            Some("it has a user_id, but its training has no task_id".into())
        }
        Some(training) if training.task_id.is_none() && is_beyond_training(record.stage) => {
            Some(format!("its stage is {}, but its training has no task_id", record.stage.name()))
        }
        None if !record.photos.is_empty() => Some("it has photos, but no training".into()),
        None if record.user_id.is_none() => Some("it has neither a training nor a user_id".into()),
        _ => None,
    }
}

const fn is_beyond_training(stage: Stage) -> bool {
    matches!(stage, Stage::Generating | Stage::Saving | Stage::Done)
}

/// Version 1 had no `id` and no attempts, other names for polls, names of files only, and may lack what it took for granted.
fn upgrade_from_1(job: &mut Value) -> Result<(), String> {
    let fields = job.as_object_mut().ok_or("it is not an object")?;
    fields.insert("version".into(), VERSION.into());
    fields.insert("id".into(), uuid::Uuid::new_v4().to_string().into());
    fields.entry("revision").or_insert_with(|| 0.into());
    fields.entry("save_to").or_insert(Value::Null);
    if let Some(training) = fields.get_mut("training").and_then(Value::as_object_mut) {
        upgrade_work_from_1("its training", training)?;
    }
    for photo in fields.get_mut("photos").and_then(Value::as_array_mut).into_iter().flatten() {
        photo.as_object_mut().ok_or("a photo is not an object")?.insert("preparation".into(), Value::Null);
    }
    for (n, portrait) in fields.get_mut("portraits").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        let portrait = portrait.as_object_mut().ok_or("a portrait is not an object")?;
        upgrade_work_from_1(&format!("portrait {}", n + 1), portrait)?;
        portrait.entry("urls").or_insert_with(|| json!([]));
        // Without length and digest, a file counts for nothing: it is fetched anew.
        portrait.insert("files".into(), json!([]));
        // One that has succeeded without pictures is asked about again.
        let has_none = portrait.get("urls").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if has_none && portrait.get("state").is_some_and(|state| *state == "succeeded" || *state == "partly_succeeded")
        {
            portrait.insert("state".into(), Value::Null);
        }
    }
    Ok(())
}

fn upgrade_work_from_1(name: &str, work: &mut Map<String, Value>) -> Result<(), String> {
    for field in ["task_id", "state", "error", "intent"] {
        if !work.contains_key(field) {
            return Err(format!("{name} has no {field}"));
        }
    }
    let begun = work.get("intent").is_none_or(|intent| *intent != false)
        || ["task_id", "error"].iter().any(|field| work.get(*field).is_some_and(|value| !value.is_null()));
    work.insert("attempt".into(), u32::from(begun).into());
    work.insert("void_attempts".into(), 0.into());
    let steps = work.entry("steps").or_insert_with(|| json!({ "looks": 0, "failures": 0 }));
    if let Some(looks) = steps.as_object_mut().and_then(|steps| steps.remove("looks")) {
        steps["polls"] = looks;
    }
    for (before, now) in [("next_look", "next_poll"), ("looked", "last_poll"), ("not_before", "not_before")] {
        let time = work.remove(before).unwrap_or_else(|| 0.into());
        work.insert(now.into(), time);
    }
    work.insert("unverified".into(), false.into());
    work.insert("expects_callback".into(), false.into());
    work.insert("empty_since".into(), Value::Null);
    work.entry("waiting_since").or_insert(Value::Null);
    Ok(())
}
