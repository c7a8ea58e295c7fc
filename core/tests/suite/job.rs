//! A job, exactly (docs/design.md §4), against the simulated service.

use std::{fs, time::Duration};

use xiezhen::{AdvanceOptions, Error, ErrorKind, Job, RunOptions, Stage, TaskState};
use xiezhen_simulator::Call;

use crate::service::{self, EventLog, STYLES};

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn ten_photos_and_two_styles_become_pictures_on_disk() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let event_log = EventLog::default();
    let job = service::job();

    let options = RunOptions::default()
        .save_to(folder.path())
        .checkpoint(folder.path().join("job.json"))
        .on_event(event_log.listener());
    is_send(client.run(&job, options)).await.unwrap();

    assert_eq!(job.stage(), Stage::Done);
    assert_eq!(job.photos().len(), 10);
    assert!(job.photos().iter().all(|photo| photo.uploaded.is_some() && photo.sha256.is_some()));
    for (portrait, style) in job.portraits().iter().zip(STYLES) {
        assert_eq!(portrait.style, style);
        assert_eq!(portrait.state, Some(TaskState::Succeeded));
        assert_eq!((portrait.urls.len(), portrait.files.len()), (2, 2));
        for (n, file) in portrait.files.iter().enumerate() {
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with(&format!("{style}-")) && name.ends_with(&format!("-{}.png", n + 1)), "{name}");
            assert!(fs::metadata(file).unwrap().len() > 1000);
        }
    }
    assert_eq!((simulator.count(Call::UploadFile), simulator.created()), (10, 3));
    assert_eq!(event_log.kinds().last().unwrap(), "finished");
}

#[tokio::test]
async fn bytes_of_photos_are_held_until_their_paths_are_saved() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let photos: Vec<Vec<u8>> = service::photos().iter().map(|path| fs::read(path).unwrap()).collect();
    let size = photos.iter().map(|photo| photo.len() as u64).sum::<u64>();
    let job = Job::new(photos, Vec::<String>::new());
    assert_eq!(job.bytes_held(), size);

    // What is not saved has to be given again by whoever goes on with the stored job.
    let away = |_| async { Err(Error::new(ErrorKind::Io, "away").into()) };
    client.advance(&job, away, AdvanceOptions::default()).await.unwrap_err();
    assert_eq!(job.bytes_held(), size);

    let due = client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default()).await.unwrap();
    assert!(due.is_some(), "the training goes on");
    assert_eq!((job.stage(), job.bytes_held()), (Stage::Training, 0));
    client.run(&job, RunOptions::default()).await.unwrap();
    assert_eq!((job.stage(), simulator.created()), (Stage::Done, 1));
}

#[tokio::test]
async fn a_finished_job_makes_no_call_unless_pictures_are_missing() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let options = || RunOptions::default().save_to(folder.path()).checkpoint(folder.path().join("job.json"));
    let job = service::job();
    client.run(&job, options()).await.unwrap();
    simulator.clear_journal();

    let again = service::job();
    client.run(&again, options()).await.unwrap();
    assert!(simulator.journal().is_empty());
    assert_eq!(again.portraits(), job.portraits());

    let lost = &job.portraits()[1].files[0];
    let before = fs::read(lost).unwrap();
    fs::remove_file(lost).unwrap();
    client.run(&service::job(), options()).await.unwrap();
    assert_eq!(fs::read(lost).unwrap(), before);
    let calls: Vec<Call> = simulator.journal().iter().map(|entry| entry.call).collect();
    assert_eq!(calls, [Call::Result]);
}

#[tokio::test]
async fn what_brings_nothing_new_is_not_written_down() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.json");
    simulator.set(|settings| settings.training_seconds = 3600.0);
    let options = RunOptions::default().checkpoint(&file);
    let run = tokio::spawn(async move { client.run(&Job::new(service::photos(), STYLES), options).await });
    simulator.wait_for(Call::QueryTask, 20).await;
    let saved = Job::read_checkpoint(&file).unwrap().revision();
    // Before uploads, at most one each, an intent and its answer.
    assert!(saved <= 13, "{saved}");
    simulator.wait_for(Call::QueryTask, 40).await;
    assert_eq!(Job::read_checkpoint(&file).unwrap().revision(), saved, "polls that saw the same");
    run.abort();
}

#[tokio::test]
async fn a_trained_model_is_used_again() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let trained = service::training(&client).await;
    client.wait_task(&trained.task_id, Some(Duration::from_secs(20))).await.unwrap();
    simulator.clear_journal();

    let job = Job::with_user_id(&trained.user_id, [STYLES[0]]);
    client.run(&job, RunOptions::default()).await.unwrap();
    assert_eq!(job.stage(), Stage::Done);
    assert_eq!(job.portraits()[0].urls.len(), 2);
    assert!(job.portraits()[0].files.is_empty(), "nobody said where to");
    assert_eq!(simulator.count(Call::UploadFile), 0);
}

/// Found by fuzzing: each of these numbers overflowed somewhere.
#[tokio::test]
async fn a_job_from_a_strange_store_is_refused_or_goes_on() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let fresh = Job::new(["/nowhere.jpg"; 8], [STYLES[0]]).to_json().unwrap();
    let mut written: serde_json::Value = serde_json::from_str(&fresh).unwrap();
    written["revision"] = u64::MAX.into();
    written["host"] = "a.example".into();
    let training = &mut written["training"];
    (training["intent"], training["attempt"]) = (true.into(), u32::MAX.into());
    (training["next_poll"], training["not_before"]) = (u64::MAX.into(), u64::MAX.into());
    let job = Job::from_json(&written.to_string()).unwrap();
    job.adopt("t1", Some("U1")).unwrap();
    let outcome = client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default()).await;
    assert_ne!(outcome.err().map(|error| error.kind()), Some(ErrorKind::Internal));
    assert!(job.to_json().is_ok());
}
