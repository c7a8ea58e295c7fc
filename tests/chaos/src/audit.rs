//! At the end: every job is finished or says why, nothing was created twice, no file is half written.

use std::{collections::HashMap, fs, path::Path};

use xiezhen::{Client, Job, Stage};
use xiezhen_simulator::{Call, DEFAULT_APP_CODE, Simulator};

use crate::{Outcome, STYLES, folder};

/// What is wrong; prints what was counted.
pub(crate) fn audit(
    runtime: &tokio::runtime::Runtime,
    simulator: &Simulator,
    root: &Path,
    jobs: usize,
) -> Outcome<Vec<String>> {
    let mut problems = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let (mut done, mut pictures, mut leftovers) = (0, 0, 0);
    let client = Client::builder()
        .base_url(simulator.url())
        .app_code(DEFAULT_APP_CODE.to_owned())
        .requests_per_second(f64::INFINITY)
        .build()?;
    for number in 0..jobs {
        let folder = folder(root, number);
        let job = Job::read_checkpoint(folder.join("job.json"))?;
        for task in job.training_task_id().into_iter().chain(job.portraits().into_iter().filter_map(|p| p.task_id)) {
            if let Some(other) = known.insert(task, number) {
                problems.push(format!("jobs {other} and {number} have the same task"));
            }
        }
        if job.stage() == Stage::Done {
            done += 1;
            let (whole, wrong) = runtime.block_on(whole(&client, simulator, &job, &folder))?;
            problems.extend(wrong.into_iter().map(|problem| format!("job {number}: {problem}")));
            pictures += whole;
        } else {
            problems.push(format!("job {number} is {:?}: {:?}", job.stage(), job.portraits()));
        }
        leftovers += count(&folder, |name| name.starts_with('.') || ends(name, &["tmp"]))?;
    }
    if pictures != jobs * STYLES.len() {
        problems.push(format!("{pictures} pictures are whole, of {}", jobs * STYLES.len()));
    }
    let tasks = simulator.tasks();
    for task in tasks.iter().filter(|task| !known.contains_key(&task.id)) {
        problems.push(format!("task {} (kind {}) belongs to no job: created twice", task.id, task.kind));
    }
    let requests = simulator.count(Call::Any);
    println!(
        "{done} of {jobs} done; {} tasks created, {} expected; {pictures} pictures whole; \
         {leftovers} temporary files left by kills; {requests} requests, {} uploads for {} photos",
        tasks.len(),
        jobs * (1 + STYLES.len()),
        simulator.count(Call::UploadFile),
        jobs * 8,
    );
    Ok(problems)
}

fn ends(name: &str, extensions: &[&str]) -> bool {
    Path::new(name).extension().is_some_and(|extension| extensions.iter().any(|one| extension == *one))
}

fn count(folder: &Path, counts: impl Fn(&str) -> bool) -> Outcome<usize> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<std::io::Result<_>>()?;
    Ok(names.iter().filter(|name| counts(name)).count())
}

/// How many pictures are, byte for byte, those that the service has, and of the style that they are called; and what is
/// wrong.
async fn whole(client: &Client, simulator: &Simulator, job: &Job, folder: &Path) -> Outcome<(usize, Vec<String>)> {
    let (mut whole, mut problems) = (0, Vec::new());
    let fresh = tempfile::tempdir()?;
    for portrait in job.portraits() {
        let id = portrait.task_id.clone().unwrap_or_default();
        if simulator.task(&id).and_then(|task| task.style) != portrait.style_id {
            problems.push(format!("{} has another style's task", portrait.style));
        }
        let task = client.query_task(&id).await?;
        let again = client.save_results(&task, fresh.path(), Some(&portrait.style)).await?;
        if again.len() != 1 || portrait.files.len() != 1 {
            problems.push(format!("{} has {} files", portrait.style, portrait.files.len()));
        }
        for (saved, again) in portrait.files.iter().zip(&again) {
            if fs::read(saved)? == fs::read(again)? {
                whole += 1;
            } else {
                problems.push(format!("{} is not whole", saved.display()));
            }
        }
    }
    let named = count(folder, |name| ends(name, &["png", "jpg", "webp"]))?;
    if named != STYLES.len() {
        problems.push(format!("{named} pictures in the folder"));
    }
    Ok((whole, problems))
}
