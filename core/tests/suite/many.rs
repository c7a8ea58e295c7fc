//! Many jobs side by side, and a run as a stream.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::StreamExt;
use xiezhen::{ErrorKind, Event, Job, KeyedJob, RunManyOptions, RunOptions, Stage};
use xiezhen_simulator::{Call, Fault};

use crate::service::{self, STYLES};

#[tokio::test]
async fn one_job_that_fails_stops_no_other_and_a_second_run_goes_on() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let (out, checkpoints) = (folder.path().join("out"), folder.path().join("jobs"));
    let mut models = Vec::new();
    for _ in 0..3 {
        models.push(service::trained(&client).await);
    }
    let jobs = || -> Vec<KeyedJob> {
        let names = ["ann", "bob", "周"];
        names
            .into_iter()
            .zip(&models)
            .map(|(name, model)| (name, Job::with_user_id(model, [STYLES[0]])).into())
            .collect()
    };
    simulator.clear_journal();
    simulator.fault(Fault::on(Call::CreateTask).skip(1).once().reply(404).body("no"));
    let events = Arc::new(Mutex::new(Vec::new()));
    let options = RunManyOptions::default().save_to(&out).checkpoints(&checkpoints).concurrency(1).on_event({
        let events = events.clone();
        move |index, event| events.lock().unwrap().push((index, event))
    });
    let ended = client.run_many(jobs(), options.clone()).await.unwrap();
    let kinds: Vec<_> = ended.iter().map(|one| one.as_ref().err().map(xiezhen::Error::kind)).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Api), None]);
    let third = ended[2].as_ref().unwrap();
    assert_eq!(third.portraits()[0].files[0].parent(), Some(out.join("周").as_path()));
    assert!(events.lock().unwrap().contains(&(2, Event::Finished)));
    assert_eq!(simulator.count(Call::ListStyles), 1, "all ask for the same styles");

    simulator.clear_journal();
    let ended = client.run_many(jobs(), options).await.unwrap();
    assert!(ended.iter().all(Result::is_ok));
    assert_eq!(simulator.count(Call::CreateTask), 1, "only what had failed");
}

#[tokio::test]
async fn the_same_job_twice_is_refused_before_anything_is_sent() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let refused = async |jobs: Vec<KeyedJob>| {
        let error = client.run_many(jobs, RunManyOptions::default().checkpoints("nowhere")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error
    };
    let again = Job::new(service::photos().into_iter().rev(), [STYLES[1], STYLES[0]]);
    let same = refused(vec![service::job().into(), again.into()]).await;
    assert!(same.message().contains("job 1 and job 2 are the same"), "{same}");
    let job = |user_id: &str| Job::with_user_id(user_id, [STYLES[0]]);
    let keys = ["", "a", "a", "../b", "c\n"].map(|key| KeyedJob::from((key, job(&format!("model of {key:?}")))));
    assert_eq!(refused(keys.into()).await.problems().len(), 4);
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn no_more_jobs_run_than_are_allowed_and_photos_make_a_job() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let running = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let jobs = || (1..=4).map(|n| Job::new(service::photos().into_iter().take(7 + n), [STYLES[0]]));
    let options = RunManyOptions::default().checkpoints(folder.path()).concurrency(2);
    let counted = options.clone().on_event({
        let running = running.clone();
        move |_, event| match event {
            Event::Training { state: xiezhen::TaskState::Waiting, .. } => {
                running.1.fetch_max(running.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            }
            Event::Finished => _ = running.0.fetch_sub(1, Ordering::SeqCst),
            _ => {}
        }
    });
    // One of seven photos more than there are.
    let ended = client.run_many(jobs().take(3), counted).await.unwrap();
    assert!(ended.iter().all(|one| one.as_ref().is_ok_and(|job| job.stage() == Stage::Done)), "{ended:?}");
    assert!(running.1.load(Ordering::SeqCst) <= 2);
    simulator.clear_journal();
    assert!(client.run_many(jobs().take(3), options).await.unwrap().iter().all(Result::is_ok));
    assert!(simulator.journal().is_empty(), "the same photos are the same jobs");
}

#[tokio::test]
async fn a_run_is_a_stream_that_ends_with_its_outcome_and_is_cancelled_when_dropped() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = Job::with_user_id(service::trained(&client).await, [STYLES[0]]);
    let events: Vec<_> = client.run_events(&job, RunOptions::default()).collect().await;
    assert!(matches!(events.first(), Some(Ok(Event::Generating { .. }))), "{events:?}");
    assert!(matches!(events.last(), Some(Ok(Event::Finished))), "{events:?}");

    simulator.fault(Fault::on(Call::CreateTask).reply(403));
    let job = Job::with_user_id(job.user_id().unwrap(), [STYLES[0]]);
    let last = client.run_events(&job, RunOptions::default()).collect::<Vec<_>>().await.pop().unwrap();
    assert_eq!(last.unwrap_err().kind(), ErrorKind::Permission);

    simulator.clear_faults();
    simulator.set(|settings| settings.generation_seconds = 600.0);
    let mut events = client.run_events(&job, RunOptions::default());
    assert!(events.next().await.unwrap().is_ok());
    drop(events);
    simulator.set(|settings| settings.generation_seconds = 0.0);
    assert_eq!(job.stage(), Stage::Generating);
}

#[tokio::test]
async fn photos_are_given_again_and_bytes_are_let_go_of() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let bytes: Vec<Vec<u8>> = service::photos().iter().map(|path| std::fs::read(path).unwrap()).collect();
    let job = Job::new(bytes.clone(), [STYLES[0]]);
    simulator.fault(Fault::on(Call::UploadFile).skip(4).reply(403));
    client.run(&job, RunOptions::default()).await.unwrap_err();
    simulator.clear_faults();

    let elsewhere = Job::from_json(&job.to_json().unwrap()).unwrap();
    let missing = elsewhere.missing_photos();
    let uploaded = job.photos().iter().filter(|photo| photo.uploaded.is_some()).count();
    assert!(uploaded > 0 && missing.len() == 10 - uploaded, "{missing:?}");
    let other = elsewhere.give_photo(missing[0], bytes[(missing[0] + 1) % 10].clone()).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::InvalidArgument);
    assert!(elsewhere.give_photo(10, bytes[0].clone()).is_err());
    for index in missing {
        elsewhere.give_photo(index, bytes[index].clone()).unwrap();
    }
    assert!(elsewhere.missing_photos().is_empty());
    client.run(&elsewhere, RunOptions::default()).await.unwrap();
    assert_eq!((elsewhere.stage(), simulator.created()), (Stage::Done, 2));

    let paths: Vec<String> = elsewhere.photos().into_iter().filter_map(|photo| photo.uploaded).collect();
    simulator.clear_journal();
    let again = Job::with_uploaded(paths, [STYLES[0]]);
    client.run(&again, RunOptions::default()).await.unwrap();
    assert_eq!((again.stage(), simulator.count(Call::UploadFile)), (Stage::Done, 0));
}
