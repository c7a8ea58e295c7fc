//! A job's JSON that lost something is refused, or harmless: it never leads to one more create.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use xiezhen::{AdvanceOptions, Client, Job, RunOptions};
use xiezhen_simulator::{Call, Simulator};

use crate::service::{self, STYLES};

/// What a run stores on its way.
async fn snapshots(client: &Client, job: Job) -> Vec<Value> {
    let stored: Arc<Mutex<Vec<Value>>> = Arc::default();
    loop {
        let save = {
            let stored = stored.clone();
            move |job: Job| {
                stored.lock().unwrap().push(serde_json::from_str(&job.to_json().unwrap()).unwrap());
                async { Ok(()) }
            }
        };
        let Some(pause) = client.advance(&job, save, AdvanceOptions::default()).await.unwrap() else { break };
        tokio::time::sleep(pause).await;
    }
    std::mem::take(&mut *stored.lock().unwrap())
}

/// The trainings and the generations that `work` asks for.
async fn creates<T>(simulator: &Simulator, work: impl Future<Output = T>) -> [u64; 2] {
    let count = || [Call::CreateUserModel, Call::CreateTask].map(|call| simulator.count(call));
    let before = count();
    work.await;
    let [trainings, generations] = count();
    [trainings - before[0], generations - before[1]]
}

/// Where every field of a value is.
fn fields(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields_of) => {
            for (name, inner) in fields_of {
                found.push(format!("{at}/{name}"));
                fields(inner, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                fields(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn mutations(record: &Value, field: &str) -> Vec<(&'static str, Value)> {
    let (parent, name) = field.rsplit_once('/').unwrap();
    let mut deleted = record.clone();
    deleted.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    let with = |value| {
        let mut changed = record.clone();
        *changed.pointer_mut(field).unwrap() = value;
        changed
    };
    let retyped = match record.pointer(field).unwrap() {
        Value::Null | Value::String(_) => json!(7),
        Value::Bool(_) | Value::Number(_) => json!("7"),
        // An array where an object belongs, and the other way round.
        Value::Object(inner) => Value::Array(inner.values().cloned().collect()),
        Value::Array(_) => json!({}),
    };
    vec![("deleted", deleted), ("null", with(Value::Null)), ("retyped", with(retyped))]
}

#[tokio::test]
async fn no_lost_field_leads_to_another_create() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let mut records = snapshots(&client, Job::new(service::photos().into_iter().take(8), [STYLES[0]])).await;
    records.extend(snapshots(&client, Job::with_user_id(service::trained(&client).await, STYLES)).await);
    // As many photos as are uploaded make no difference to what is billed.
    records.dedup_by_key(|record| (record["training"].clone(), record["portraits"].clone(), record["stage"].clone()));
    assert!(records.len() >= 10, "{} snapshots", records.len());
    let (mut refused, mut harmless) = (0, 0);
    for record in records {
        // How far one `advance` comes is a matter of time.
        let whole = Job::from_json(&record.to_string()).expect("it is whole");
        let untouched = creates(&simulator, client.run(&whole, RunOptions::default())).await;
        let mut all = Vec::new();
        fields(&record, "", &mut all);
        // Eight photos are alike.
        for field in all.iter().filter(|field| !field.starts_with("/photos/") || field.starts_with("/photos/0/")) {
            for (how, changed) in mutations(&record, field) {
                match Job::from_json(&changed.to_string()) {
                    Err(_) => refused += 1,
                    Ok(job) => {
                        harmless += 1;
                        let save = |_| async { Ok(()) };
                        let creates = creates(&simulator, client.advance(&job, save, AdvanceOptions::default())).await;
                        let no_more = creates.iter().zip(untouched).all(|(made, due)| *made <= due);
                        assert!(no_more, "{field} {how}: {creates:?} creates, not {untouched:?}: {record}");
                        assert_ne!(how, "deleted", "{field} may be left out, and every field is written: {record}");
                    }
                }
            }
        }
    }
    assert!(refused > 500 && harmless > 20, "{refused} refused, {harmless} harmless");
}

#[tokio::test]
async fn what_the_first_version_wrote_goes_on_if_it_is_whole() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;
    let portrait = |task_id: Value, state: Value| {
        json!({"style": STYLES[0], "style_id": null, "task_id": task_id, "state": state, "error": null, "intent": false,
            "steps": {"looks": 1, "failures": 0}, "next_look": 1, "looked": 1, "not_before": 0, "waiting_since": 1,
            "urls": [], "files": []})
    };
    let host = simulator.url().replace("http://", "");
    let job = |portrait: Value| {
        json!({"version": 1, "revision": 3, "host": host, "stage": "generating", "user_id": user_id, "photos": [],
            "training": null, "portraits": [portrait], "save_to": null})
    };
    let created = client.create_task(&user_id, xiezhen_simulator::STYLES[0].id, None).await.unwrap();
    let written = job(portrait(created.task_id.clone().into(), "waiting".into()));
    let read = Job::from_json(&written.to_string()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&read.to_json().unwrap()).unwrap()["version"], 2);
    client.run(&read, RunOptions::default()).await.unwrap();
    assert_eq!(simulator.created(), 2, "a training and a generation");

    let lost = Job::from_json(&job(portrait(Value::Null, "waiting".into())).to_string()).unwrap_err();
    assert!(lost.message().contains("no task_id"), "{lost}");
    let mut without = portrait(created.task_id.into(), "waiting".into());
    without.as_object_mut().unwrap().remove("intent");
    let lost = Job::from_json(&job(without).to_string()).unwrap_err();
    assert!(lost.message().contains("no intent"), "{lost}");
}
