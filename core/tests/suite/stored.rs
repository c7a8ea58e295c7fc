//! What a store may hold of a job: every state that it can be written in goes on.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use xiezhen::{AdvanceOptions, Client, ErrorKind, Event, Job, RunOptions, Stage, TaskState};
use xiezhen_simulator::{Call, Fault, Moment, Simulator};

use crate::service::{self, STYLES};

/// A job of one style that is being generated, changed in its JSON.
async fn under_way(client: &Client, user_id: String, change: impl FnOnce(&mut Value)) -> Result<Job, xiezhen::Error> {
    let job = Job::with_user_id(user_id, [STYLES[0]]);
    client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default()).await.unwrap();
    let mut json = serde_json::from_str(&job.to_json().unwrap()).unwrap();
    change(&mut json);
    Job::from_json(&json.to_string())
}

#[tokio::test]
async fn a_job_that_is_stored_while_its_end_is_told_has_its_pictures() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = Job::with_user_id(service::trained(&client).await, [STYLES[0]]);
    let stored = Arc::new(Mutex::new(None));
    let tell = {
        let (job, stored) = (job.clone(), stored.clone());
        move |event| {
            if matches!(event, Event::Generating { state: TaskState::Succeeded, .. }) {
                *stored.lock().unwrap() = Some(job.to_json().unwrap());
            }
        }
    };
    client.run(&job, RunOptions::default().on_event(tell)).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let stored = Job::from_json(stored.lock().unwrap().as_ref().unwrap()).unwrap();
    client.run(&stored, RunOptions::default().save_to(folder.path())).await.unwrap();
    assert_eq!((stored.stage(), stored.portraits()[0].files.len()), (Stage::Done, 2));
}

#[tokio::test]
async fn a_job_that_is_stored_as_soon_as_it_trains_names_its_model() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = service::job();
    let watched = job.clone();
    let model = std::thread::spawn(move || {
        while watched.training_task_id().is_none() {
            std::hint::spin_loop();
        }
        watched.user_id()
    });
    client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default()).await.unwrap();
    assert!(model.join().unwrap().is_some());

    // A service that never names it is never paid twice because of that.
    let user_id = job.user_id().unwrap();
    let mut json: Value = serde_json::from_str(&job.to_json().unwrap()).unwrap();
    json["user_id"] = Value::Null;
    let job = Job::from_json(&json.to_string()).unwrap();
    for _ in 0..2 {
        let error = client.run(&job, RunOptions::default().recreate(true)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }
    job.adopt(&job.training_task_id().unwrap(), Some(&user_id)).unwrap();
    client.run(&job, RunOptions::default()).await.unwrap();
    assert_eq!(job.stage(), Stage::Done);
    assert_eq!(simulator.count(Call::CreateUserModel), 1);
}

#[tokio::test]
async fn times_of_a_clock_that_was_ahead_let_nothing_stand_still() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let year = 365 * 24 * 60 * 60 * 1000_u64;
    let ahead = |json: &mut Value| {
        for name in ["next_poll", "last_poll", "waiting_since"] {
            let time = json["portraits"][0][name].as_u64().unwrap_or_default();
            json["portraits"][0][name] = (time + year).into();
        }
    };
    let job = under_way(&client, service::trained(&client).await, ahead).await.unwrap();
    simulator.clear_journal();
    client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default()).await.unwrap();
    assert_eq!(simulator.count(Call::QueryTask), 1);
}

/// One turn at a job that is in the store of a fleet; how it stands afterwards.
async fn turn(client: &Client, job: &str) -> (xiezhen::Result<Option<Duration>>, Job, Value) {
    let job = Job::from_json(job).unwrap();
    let options = AdvanceOptions::default().stored(&job, "key", &[]);
    let stored = Arc::new(Mutex::new(String::new()));
    let save = {
        let stored = stored.clone();
        move |job: Job| {
            *stored.lock().unwrap() = job.to_json().unwrap();
            async { Ok(()) }
        }
    };
    let pause = client.advance(&job, save, options).await;
    let json = serde_json::from_str(&stored.lock().unwrap()).unwrap();
    (pause, job, json)
}

#[tokio::test]
async fn a_stored_job_waits_for_its_photos_and_not_for_ever() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let photos: Vec<Vec<u8>> = service::photos().iter().map(|photo| fs::read(photo).unwrap()).collect();
    let job = Job::new(photos.iter().cloned(), [STYLES[0]]);
    let pause = Some(Duration::from_secs(30));

    let (first, _, mut json) = turn(&client, &job.to_json().unwrap()).await;
    assert_eq!(first.unwrap(), pause);
    let (again, waiting, later) = turn(&client, &json.to_string()).await;
    assert_eq!(again.unwrap(), pause);
    assert_eq!(later["training"]["waiting_since"], json["training"]["waiting_since"], "it counts from the first turn");
    assert_eq!(simulator.count(Call::UploadFile), 0);

    // Given again, it goes on, and has not waited.
    for (index, photo) in photos.iter().enumerate() {
        waiting.give_photo(index, photo.clone()).unwrap();
    }
    let options = AdvanceOptions::default().stored(&waiting, "key", &[]);
    client.advance(&waiting, |_| async { Ok(()) }, options).await.unwrap();
    assert!(waiting.training_task_id().is_some());

    let since = json["training"]["waiting_since"].as_u64().unwrap();
    json["training"]["waiting_since"] = (since - 24 * 60 * 60 * 1000).into();
    let (ended, job, json) = turn(&client, &json.to_string()).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.stage(), Stage::Failed);
    assert_eq!(Job::from_json(&json.to_string()).unwrap().stage(), Stage::Failed);
    assert_eq!(simulator.count(Call::CreateUserModel), 1, "the other's");
}

#[tokio::test]
async fn a_stored_job_that_was_never_right_ends() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = Job::new(service::photos(), [STYLES[0], STYLES[0]]);
    let (ended, job, json) = turn(&client, &job.to_json().unwrap()).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(job.stage(), Stage::Failed);
    assert!(Job::from_json(&json.to_string()).is_ok());
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_checkpoint_has_one_lock_whatever_it_is_called() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;
    simulator.set(|settings| settings.generation_seconds = 600.0);
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("job.json"), folder.path().join("latest.json"));
    fs::write(&file, Job::with_user_id(&user_id, [STYLES[0]]).to_json().unwrap()).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();

    let job = Job::with_user_id(&user_id, [STYLES[0]]);
    let first = client.run(&job, RunOptions::default().checkpoint(&file));
    let second = async {
        while job.portraits()[0].task_id.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let other = Job::with_user_id(&user_id, [STYLES[0]]);
        let other = client.run(&other, RunOptions::default().checkpoint(&link));
        tokio::time::timeout(Duration::from_secs(30), other).await.expect("it is refused")
    };
    let refused = tokio::select! {
        ended = first => panic!("the first run goes on: {ended:?}"),
        outcome = second => outcome.unwrap_err(),
    };
    assert_eq!((refused.kind(), refused.is_retryable()), (ErrorKind::Io, true), "{refused}");
    assert!(link.is_symlink());
    assert_eq!(simulator.created(), 2, "a training and a generation");
}

#[tokio::test]
async fn nothing_is_adopted_for_a_create_that_is_under_way() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = Job::with_user_id(service::trained(&client).await, [STYLES[0]]);
    let refusals = adopt_on_arrival(&simulator, &job);
    client.run(&job, RunOptions::default()).await.unwrap();
    let refusals = refusals.lock().unwrap();
    assert!(refusals.iter().all(|refusal| *refusal == Some(ErrorKind::InvalidArgument)), "{refusals:?}");
    assert_eq!(refusals.len(), 2);
    assert_eq!(job.portraits()[0].task_id.as_deref(), Some(simulator.tasks()[1].id.as_str()));
}

/// Tries both ways to adopt a task while the service has the create.
fn adopt_on_arrival(simulator: &Simulator, job: &Job) -> Arc<Mutex<Vec<Option<ErrorKind>>>> {
    let refusals = Arc::new(Mutex::new(Vec::new()));
    let (job, said) = (job.clone(), refusals.clone());
    simulator.on_request(move |entry, moment| {
        if entry.call == Call::CreateTask && moment == Moment::Arrived {
            let tries = [job.adopt("somebody-elses", None), job.adopt_portrait("somebody-elses", STYLES[0])];
            said.lock().unwrap().extend(tries.map(|outcome| outcome.err().map(|error| error.kind())));
        }
    });
    refusals
}

#[tokio::test]
async fn a_style_is_looked_after_while_others_wait_to_be_started() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;
    let busy = Fault::on(Call::CreateTask).skip(1).once().reply(429).header("X-Ca-Error-Code", "T429IN");
    simulator.fault(busy.header("Retry-After", "3"));
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let job = Job::with_user_id(user_id, STYLES);
    let tell = {
        let seen = seen.clone();
        move |event| match event {
            Event::Saved { style, .. } => seen.lock().unwrap().push(format!("saved {style}")),
            Event::Generating { style, state: TaskState::Waiting, .. } => {
                seen.lock().unwrap().push(format!("started {style}"));
            }
            _ => {}
        }
    };
    client.run(&job, RunOptions::default().save_to(folder.path()).on_event(tell)).await.unwrap();
    let seen = seen.lock().unwrap();
    let at = |what: String| seen.iter().position(|one| *one == what).unwrap();
    assert!(at(format!("saved {}", STYLES[0])) < at(format!("started {}", STYLES[1])), "{seen:?}");
}
