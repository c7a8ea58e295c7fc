//! What a person does about an unknown outcome: looks at the vendor's side.

use std::{collections::BTreeSet, path::Path};

use xiezhen::{Job, Portrait};
use xiezhen_simulator::{Call, Simulator, Task};

use crate::{Outcome, worker::Order};

/// Adopts what exists, starts anew what doesn't. No request may be on its way.
pub(crate) fn decide(simulator: &Simulator, folder: &Path) -> Outcome<Order> {
    let job = Job::read_checkpoint(folder.join("job.json"))?;
    let Some(user_id) = job.user_id().filter(|_| job.training_task_id().is_some()) else {
        return Ok(training(simulator, &job));
    };
    let tasks = simulator.tasks();
    let exists = |portrait: Portrait| {
        let its = |task: &&Task| task.kind == 2 && task.user_id == user_id && task.style == portrait.style_id;
        tasks.iter().find(its).map(|task| (task.id.clone(), portrait.style))
    };
    let unknown = job.portraits().into_iter().filter(|portrait| {
        portrait.task_id.is_none()
            && portrait.error.as_ref().is_some_and(|error| error.kind() == xiezhen::ErrorKind::OutcomeUnknown)
    });
    let adopted: Vec<_> = unknown.filter_map(exists).collect();
    // The rest, if there is any, is started anew in the next round, when nothing is left to adopt.
    Ok(if adopted.is_empty() { Order::Recreate } else { Order::Adopt(adopted) })
}

/// A training is known by the photos that it was given.
fn training(simulator: &Simulator, job: &Job) -> Order {
    let uploaded: BTreeSet<String> = job.photos().into_iter().filter_map(|photo| photo.uploaded).collect();
    let of_this_job = |body: &serde_json::Value| {
        let paths = body.get("img_set").and_then(serde_json::Value::as_array);
        paths.is_some_and(|paths| paths.iter().filter_map(|path| path.as_str()).all(|path| uploaded.contains(path)))
    };
    let created = simulator.journal().into_iter().find(|entry| {
        entry.call == Call::CreateUserModel && entry.worked && entry.body.as_ref().is_some_and(of_this_job)
    });
    let task = created.and_then(|entry| simulator.task(&entry.task_id?));
    task.map_or(Order::Recreate, |task| Order::AdoptTraining(task.id, task.user_id))
}
