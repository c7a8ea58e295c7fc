//! What a test that is not in Rust asks for over HTTP, under `/_simulator/`.

use crate::answer::Answer;
use crate::fault::Fault;
use crate::server::Shared;
use crate::world::World;
use serde_json::{Value, json};

/// Answers one control request.
pub(crate) async fn answer(shared: &Shared, world: &World, method: &str, path: &str, body: &[u8]) -> Answer {
    let told = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body) };
    let outcome = match told {
        Ok(told) => act(shared, world, method, path, &told).await,
        Err(error) => Err((400, error.to_string())),
    };
    match outcome {
        Ok(value) => Answer::json(&value),
        Err((status, message)) => {
            let mut answer = Answer::json(&json!({"error": message}));
            answer.status = status;
            answer
        }
    }
}

async fn act(shared: &Shared, world: &World, method: &str, path: &str, told: &Value) -> Result<Value, (u16, String)> {
    match (method, path) {
        ("GET", "journal") => Ok(json!(world.inner().journal.entries())),
        ("DELETE", "journal") => {
            world.inner().journal.clear();
            Ok(json!({}))
        }
        ("GET", "counts") => Ok(counts(world)),
        ("GET", "faults") => Ok(json!(world.inner().faults.progress())),
        ("POST", "faults") => add_faults(world, told),
        ("DELETE", "faults") => {
            world.inner().faults.clear();
            Ok(json!({}))
        }
        ("GET", "settings") => Ok(json!(world.inner().settings)),
        ("POST", "settings") => {
            let settings = world.inner().settings.merged(told).map_err(|error| (400, error))?;
            world.change(settings.clone());
            Ok(json!(settings))
        }
        ("GET", "tasks") => Ok(json!(world.tasks())),
        ("POST", "reset") => {
            world.reset(shared.settings.clone());
            save(shared).await
        }
        ("POST", path) => match path.strip_prefix("tasks/") {
            Some(task_id) => set_state(shared, world, task_id, told).await,
            None => Err((404, format!("no such control: POST {path}"))),
        },
        (method, path) => Err((404, format!("no such control: {method} {path}"))),
    }
}

async fn save(shared: &Shared) -> Result<Value, (u16, String)> {
    shared.save().await.map_err(|error| (500, error.to_string()))?;
    Ok(json!({}))
}

fn counts(world: &World) -> Value {
    let inner = world.inner();
    json!({
        "requests": inner.journal.counts(),
        "created": inner.tasks.len(),
        "users": inner.users.len(),
        "uploads": inner.uploads.len(),
    })
}

/// One fault or a list; all of them, or none if one is wrong.
fn add_faults(world: &World, told: &Value) -> Result<Value, (u16, String)> {
    let listed = told.as_array().map_or_else(|| vec![told], |list| list.iter().collect());
    let faults: Result<Vec<Fault>, String> = listed.into_iter().map(Fault::from_json).collect();
    let faults = faults.map_err(|error| (400, error))?;
    let mut inner = world.inner();
    let numbers: Vec<u64> = faults.into_iter().map(|fault| inner.faults.add(fault)).collect();
    Ok(json!({"numbers": numbers}))
}

async fn set_state(shared: &Shared, world: &World, task_id: &str, told: &Value) -> Result<Value, (u16, String)> {
    let Some(state) = told.get("state").and_then(Value::as_i64) else {
        return Err((400, "{\"state\": n} is needed".to_owned()));
    };
    if world.set_state(task_id, state) { save(shared).await } else { Err((404, format!("no such task: {task_id}"))) }
}
