//! The course of a job: what goes on side by side, how long it may take, and what is written down on the way.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use xiezhen::{AdvanceOptions, Client, ErrorKind, Event, Job, PollSchedule, RunOptions};
use xiezhen_simulator::{Call, Fault, Simulator, StallAt};

use crate::service::{self, STYLES};

const QUICK: PollSchedule =
    PollSchedule { initial: Duration::from_millis(20), factor: 1.0, max: Duration::from_millis(20) };

/// Waits until the service has been asked to create so many things.
async fn created(simulator: &Simulator, count: usize) {
    while simulator.created() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The generation that was started first.
fn first_generation(simulator: &Simulator) -> String {
    simulator.tasks().into_iter().find(|task| task.kind == 2).unwrap().id
}

/// The styles of the pictures that were saved, and when.
type Saves = Arc<Mutex<Vec<(String, Duration)>>>;

/// Notes what is saved, as seen from `began`.
fn saves(began: Instant) -> (impl Fn(Event) + Send + Sync + 'static, Saves) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = {
        let seen = seen.clone();
        move |event| {
            if let Event::Saved { style, .. } = event {
                seen.lock().unwrap().push((style, began.elapsed()));
            }
        }
    };
    (tell, seen)
}

#[tokio::test]
async fn a_look_that_hangs_holds_up_no_other_style() {
    let simulator = service::start().await;
    simulator.set(|settings| settings.generation_seconds = 0.5);
    let client = service::builder(&simulator.url()).timeout(Duration::from_secs(18)).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (tell, saved) = saves(Instant::now());
    let job = service::job();
    let run = client.run(&job, RunOptions::default().save_to(folder.path()).on_event(tell));
    let hang = async {
        created(&simulator, 3).await;
        simulator.fault(Fault::on(Call::QueryTask).task(first_generation(&simulator)).once().stall(StallAt::Before));
    };
    tokio::join!(run, hang).0.unwrap();
    let saved = saved.lock().unwrap();
    assert_eq!(saved.len(), 4);
    // An attempt hangs for six seconds.
    assert!(saved[1].1 < Duration::from_secs(5) && saved[3].1 > Duration::from_secs(5), "{saved:?}");
}

#[tokio::test]
async fn a_download_that_stands_still_holds_up_no_other_style() {
    let simulator = service::start().await;
    let client = service::builder(&simulator.url()).stall_limit(Duration::from_secs(6)).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    simulator.fault(Fault::on(Call::Result).once().stall(StallAt::Before));
    let (tell, saved) = saves(Instant::now());
    client.run(&service::job(), RunOptions::default().save_to(folder.path()).on_event(tell)).await.unwrap();
    let saved = saved.lock().unwrap();
    assert_eq!(saved.len(), 4);
    assert!(saved[2].1 < Duration::from_secs(5) && saved[3].1 > Duration::from_secs(5), "{saved:?}");
}

/// A run whose generation has been going on for half an hour and a minute.
async fn long_generation(timeout: Option<Duration>) -> Option<xiezhen::Result<()>> {
    let simulator = service::start().await;
    let rare = PollSchedule { initial: Duration::from_secs(20), factor: 1.0, max: Duration::from_secs(20) };
    let client = service::builder(&simulator.url()).generation_schedule(rare).build().unwrap();
    let mut options = RunOptions::default();
    options.timeout = timeout;
    let run = tokio::spawn(async move { client.run(&Job::new(service::photos(), [STYLES[0]]), options).await });
    created(&simulator, 2).await;
    simulator.fault(Fault::on(Call::QueryTask).task(first_generation(&simulator)).state(2));
    tokio::time::sleep(Duration::from_millis(300)).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31 * 60)).await;
    tokio::time::resume();
    let ended = tokio::time::timeout(Duration::from_secs(3), run).await;
    ended.ok().map(|run| run.unwrap())
}

#[tokio::test]
async fn a_runs_own_timeout_comes_instead_of_the_kinds_deadline() {
    let error = long_generation(None).await.expect("half an hour is long enough").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(long_generation(Some(Duration::from_secs(3 * 60 * 60))).await.is_none(), "it goes on");
}

/// Advances a job that is read from `store` and saved there.
async fn advance_stored(client: &Client, store: &Arc<Mutex<String>>) -> xiezhen::Result<Option<Duration>> {
    let job = Job::from_json(&store.lock().unwrap().clone()).unwrap();
    let save = {
        let store = store.clone();
        move |job: Job| {
            let stored = job.to_json().map(|json| *store.lock().unwrap() = json);
            async { Ok(stored?) }
        }
    };
    client.advance(&job, save, AdvanceOptions::default()).await
}

#[tokio::test]
async fn a_job_that_is_stored_after_each_answer_looks_ever_less_often() {
    let simulator = service::start().await;
    simulator.set(|settings| settings.training_seconds = 1e6);
    let schedule = PollSchedule { initial: Duration::from_millis(20), factor: 2.0, max: Duration::from_secs(10) };
    let client = service::builder(&simulator.url()).training_schedule(schedule).build().unwrap();
    let store = Arc::new(Mutex::new(service::job().to_json().unwrap()));
    let mut last = Duration::ZERO;
    for _ in 0..6 {
        last = advance_stored(&client, &store).await.unwrap().unwrap();
        tokio::time::sleep(last).await;
    }
    // 20 ms, doubled five times, less a fifth: 512 ms.
    assert!(last >= Duration::from_millis(500), "{last:?}");
    assert!(simulator.count(Call::QueryTask) >= 4);
}

#[tokio::test]
async fn an_intent_that_is_found_says_what_may_have_been_sent() {
    let simulator = service::start().await;
    let client = service::builder(&simulator.url()).training_schedule(QUICK).build().unwrap();
    let store = Arc::new(Mutex::new(service::job().to_json().unwrap()));
    simulator.fault(Fault::on(Call::CreateUserModel).once().close_after());
    let live = advance_stored(&client, &store).await.unwrap_err();

    // As a process leaves it that is killed before the answer.
    let mut stored: Value = serde_json::from_str(&store.lock().unwrap()).unwrap();
    stored["training"]["error"] = Value::Null;
    *store.lock().unwrap() = stored.to_string();
    let found = advance_stored(&client, &store).await.unwrap_err();
    assert_eq!((live.kind(), found.kind()), (ErrorKind::OutcomeUnknown, ErrorKind::OutcomeUnknown));
    assert!(found.sent().is_some_and(|sent| sent.contains("img_set")));
    assert_eq!(found.sent(), live.sent());
}

#[tokio::test]
async fn a_style_is_the_same_however_it_is_typed_and_a_path_wherever_it_is_read() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let kept = || RunOptions::default().save_to(folder.path()).checkpoint(folder.path().join("job.json"));
    let id = xiezhen_simulator::STYLES[1].id;
    client.run(&Job::new(service::photos(), [STYLES[0], id]), kept()).await.unwrap();
    let typed = [format!(" {} ", STYLES[0]), id.to_uppercase()];
    client.run(&Job::new(service::photos(), typed), kept()).await.unwrap();
    assert_eq!(simulator.created(), 3);

    let stored: Value = serde_json::from_str(&Job::new(["here.jpg"], STYLES).to_json().unwrap()).unwrap();
    let path = stored["photos"][0]["path"].as_str().unwrap();
    assert!(std::path::Path::new(path).is_absolute() && path.ends_with("/here.jpg"), "{path}");
}

#[tokio::test]
async fn jobs_that_share_a_low_rate_take_their_time() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;

    let builder = service::builder(&simulator.url()).requests_per_second(8.0);
    let client = builder.timeout(Duration::from_millis(700)).build().unwrap();
    let jobs: Vec<Job> = (0..12).map(|_| Job::with_user_id(&user_id, [STYLES[0]])).collect();
    let runs = jobs.iter().map(|job| client.run(job, RunOptions::default()));
    for outcome in futures_util::future::join_all(runs).await {
        outcome.unwrap();
    }
}
