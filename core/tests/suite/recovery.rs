//! Nothing finished is done again (docs/design.md §4, §5.2): unknown outcomes, refusals, cancellation, checkpoints.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use serde_json::json;
use xiezhen::{AdvanceOptions, Error, ErrorKind, Job, PollSchedule, RunOptions, Stage};
use xiezhen_simulator::{Call, Fault, Simulator, StallAt};

use crate::service::{self, EventLog, STYLES};

fn kept_in(folder: &Path) -> RunOptions {
    RunOptions::default().save_to(folder).checkpoint(folder.join("job.json"))
}

fn done(job: &Job, simulator: &Simulator) {
    assert_eq!(job.stage(), Stage::Done);
    assert!(job.portraits().iter().all(|portrait| portrait.files.len() == 2 && portrait.error.is_none()));
    assert_eq!(simulator.created(), 3);
}

#[tokio::test]
async fn an_unknown_outcome_stops_the_job_until_the_caller_decides() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    simulator.fault(Fault::on(Call::CreateUserModel).close_before().once());

    let error = client.run(&service::job(), kept_in(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    let job = service::job();
    let error = client.run(&job, kept_in(folder.path())).await.unwrap_err();
    assert_eq!((error.kind(), job.stage()), (ErrorKind::OutcomeUnknown, Stage::Failed));
    assert_eq!((simulator.created(), simulator.count(Call::CreateUserModel)), (0, 1));

    client.run(&job, kept_in(folder.path()).recreate(true)).await.unwrap();
    done(&job, &simulator);
    assert_eq!(simulator.count(Call::UploadFile), 10, "no photo was sent again");
}

#[tokio::test]
async fn a_task_that_exists_is_adopted() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = service::job();
    assert_eq!(job.adopt("a-task", None).unwrap_err().kind(), ErrorKind::InvalidArgument);

    simulator.fault(Fault::on(Call::CreateUserModel).close_after().once());
    client.run(&job, kept_in(folder.path())).await.unwrap_err();
    let training = simulator.tasks().remove(0);
    assert!(job.adopt(&training.id, None).is_err(), "a training needs its user");
    job.adopt(&training.id, Some(&training.user_id)).unwrap();

    simulator.fault(Fault::on(Call::CreateTask).close_after().once());
    let error = client.run(&job, kept_in(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(job.portraits()[1].files.len(), 2, "the other style was finished and saved first");
    let lost = simulator.tasks().into_iter().find(|task| {
        task.id != training.id && job.portraits().iter().all(|portrait| portrait.task_id.as_ref() != Some(&task.id))
    });
    job.adopt(&lost.unwrap().id, None).unwrap();
    client.run(&job, kept_in(folder.path())).await.unwrap();
    done(&job, &simulator);
}

#[tokio::test]
async fn what_was_adopted_outlasts_a_run_without_an_answer() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = service::job();
    simulator.fault(Fault::on(Call::CreateUserModel).close_after().once());
    client.run(&job, kept_in(folder.path())).await.unwrap_err();
    let training = simulator.tasks().remove(0);
    client.adopt(&job, &training.id, Some(&training.user_id), None).await.unwrap();
    let asked = simulator.count(Call::QueryTask);

    simulator.fault(Fault::on(Call::QueryTask).stall(StallAt::Before));
    let elsewhere = tempfile::tempdir().unwrap();
    let run = client.run(&job, kept_in(folder.path()).save_to(elsewhere.path()));
    tokio::select! {
        ended = run => panic!("{ended:?}"),
        () = async { while simulator.count(Call::QueryTask) == asked { tokio::task::yield_now().await } } => {}
    }
    let stored = Job::read_checkpoint(folder.path().join("job.json")).unwrap();
    assert_eq!((stored.stage(), stored.user_id()), (Stage::Training, Some(training.user_id)));
    assert!(stored.to_json().unwrap().contains(elsewhere.path().to_str().unwrap()), "where to save is kept too");
}

#[tokio::test]
async fn a_refused_create_is_made_again_when_the_caller_comes_back() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = service::job();
    simulator.fault(Fault::on(Call::CreateTask).reply(403).header("X-Ca-Error-Code", "B403MQ").once());
    let error = client.run(&job, kept_in(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Quota);
    assert_eq!(job.portraits()[0].error.as_ref().unwrap().kind(), ErrorKind::Quota);
    client.run(&job, kept_in(folder.path())).await.unwrap();
    done(&job, &simulator);
}

#[tokio::test]
async fn a_failed_style_is_paid_again_only_if_the_caller_says_so() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = service::job();
    let spare = simulator.space("");
    simulator.on_request(move |entry, moment| {
        if entry.call == Call::CreateTask && moment == xiezhen_simulator::Moment::Worked && spare.created() == 2 {
            spare.finish(entry.task_id.as_deref().unwrap_or_default(), 5);
        }
    });
    let error = client.run(&job, kept_in(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    assert_eq!(job.portraits()[1].files.len(), 2, "the other style was finished and saved first");
    let calls = simulator.journal().len();
    assert_eq!(client.run(&job, kept_in(folder.path())).await.unwrap_err().kind(), ErrorKind::TaskFailed);
    assert_eq!(simulator.journal().len(), calls, "coming back costs nothing");
    client.run(&job, kept_in(folder.path()).recreate(true)).await.unwrap();
    assert_eq!((job.stage(), simulator.created()), (Stage::Done, 4));
}

#[tokio::test]
async fn a_cancelled_create_still_notes_its_answer() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = service::job();
    simulator.fault(Fault::on(Call::CreateUserModel).delay(Duration::from_millis(400)).once());
    let run = tokio::spawn({
        let (client, job, options) = (client.clone(), job.clone(), kept_in(folder.path()));
        async move { client.run(&job, options).await }
    });
    simulator.wait_for(Call::CreateUserModel, 1).await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    assert!(job.training_task_id().is_none());
    client.wait_for_creates().await;
    let kept = Job::read_checkpoint(folder.path().join("job.json")).unwrap();
    assert_eq!(kept.training_task_id(), Some(simulator.tasks()[0].id.clone()));
    client.run(&job, kept_in(folder.path())).await.unwrap();
    done(&job, &simulator);
}

#[tokio::test]
async fn a_cancelled_upload_is_dropped_with_its_connection() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    simulator.fault(Fault::on(Call::UploadFile).stall(StallAt::Before));
    let job = service::job();
    let run = client.run(&job, RunOptions::default().timeout(Duration::from_millis(300)));
    let error = run.await.unwrap_err();
    assert_eq!((error.kind(), job.stage()), (ErrorKind::Timeout, Stage::Uploading));
}

#[tokio::test]
async fn a_run_out_of_time_names_its_task_and_goes_on_later() {
    let simulator = service::start().await;
    simulator.set(|settings| settings.training_seconds = 1e9);
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let job = service::job();
    let error = loop {
        let options = kept_in(folder.path()).timeout(Duration::from_secs(3));
        let error = client.run(&job, options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        // A slow machine has not come to the training by then.
        if error.task_id().is_some() {
            break error;
        }
    };
    assert_eq!(error.task_id().map(str::to_owned), job.training_task_id());
    simulator.finish(&simulator.tasks()[0].id, 3);
    client.run(&service::job(), kept_in(folder.path())).await.unwrap();
    assert_eq!(simulator.created(), 3);
}

#[tokio::test]
async fn a_notice_wakes_a_run() {
    let simulator = service::start().await;
    let rare = PollSchedule { initial: Duration::from_secs(3600), factor: 1.0, max: Duration::from_secs(3600) };
    let client = service::builder(&simulator.url()).training_schedule(rare).build().unwrap();
    let job = service::job();
    let run = tokio::spawn({
        let (client, job) = (client.clone(), job.clone());
        async move { client.run(&job, RunOptions::default()).await }
    });
    simulator.wait_for(Call::CreateUserModel, 1).await;
    while !run.is_finished() {
        if let Some(task) = job.training_task_id() {
            client.notify(&task).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    run.await.unwrap().unwrap();
    assert_eq!(job.stage(), Stage::Done);
}

#[tokio::test]
async fn advance_saves_before_each_create_and_sends_nothing_if_that_fails() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = service::job();
    let refuse = |job: Job| async move {
        let json: serde_json::Value = serde_json::from_str(&job.to_json()?).unwrap();
        if json["training"]["intent"] == json!(true) {
            return Err(Error::new(ErrorKind::Io, "the store is away").into());
        }
        Ok(())
    };
    let error = client.advance(&job, refuse, AdvanceOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Io, "the store is away"));
    assert_eq!((simulator.count(Call::UploadFile), simulator.created()), (10, 0));

    // The engine comes back until nothing is due; the job travels as JSON in between.
    let mut json = job.to_json().unwrap();
    let event_log = EventLog::default();
    let folder = tempfile::tempdir().unwrap();
    loop {
        let job = Job::from_json(&json).unwrap();
        let options = AdvanceOptions::default().save_to(folder.path()).on_event(event_log.listener());
        let pause = client.advance(&job, |_| async { Ok(()) }, options).await.unwrap();
        json = job.to_json().unwrap();
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => break,
        }
    }
    assert_eq!((simulator.count(Call::UploadFile), simulator.created()), (10, 3));
    let kinds = event_log.kinds();
    assert_eq!(kinds.first().unwrap(), "training");
    assert_eq!(kinds.last().unwrap(), "finished");
}

#[tokio::test]
async fn a_checkpoint_of_another_wish_is_refused_and_left_as_it_is() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.json");
    client.run(&service::job(), kept_in(folder.path())).await.unwrap();
    let before = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let fewer = Job::new(service::photos().into_iter().take(9), STYLES);
    let other_style = Job::new(service::photos(), [STYLES[0]]);
    let other_model = Job::with_user_id("U1", STYLES);
    for job in [fewer, other_style, other_model] {
        let error = client.run(&job, kept_in(folder.path())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let elsewhere = service::client(&simulator.url().replace("127.0.0.1", "localhost"));
    let error = elsewhere.run(&service::job(), kept_in(folder.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!String::from_utf8(before).unwrap().contains(xiezhen_simulator::DEFAULT_APP_CODE));
}

#[tokio::test]
async fn an_unreadable_checkpoint_is_reported_and_left_as_it_is() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.json");
    for content in ["", "{\"version\":1", "[]", "{\"version\":99}"] {
        fs::write(&file, content).unwrap();
        let error = client.run(&service::job(), kept_in(folder.path())).await.unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(file.as_path())), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn one_run_at_a_time_has_a_checkpoint() {
    let simulator = service::start().await;
    simulator.set(|settings| settings.training_seconds = 1e9);
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let run = tokio::spawn({
        let (client, options) = (client.clone(), kept_in(folder.path()));
        async move { client.run(&service::job(), options).await }
    });
    simulator.wait_for(Call::QueryTask, 1).await;
    let error = client.run(&service::job(), kept_in(folder.path())).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, true), "{error}");
    run.abort();
}

#[tokio::test]
async fn photos_given_as_bytes_go_on_only_if_given_again() {
    let simulator = service::start().await;
    let client = service::builder(&simulator.url()).upload_concurrency(1_usize).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let from_bytes = || Job::new(service::photos().iter().map(|path| fs::read(path).unwrap()), STYLES);
    simulator.fault(Fault::on(Call::UploadFile).skip(4).reply(400));
    client.run(&from_bytes(), kept_in(folder.path())).await.unwrap_err();
    simulator.clear_faults();

    let stored = Job::read_checkpoint(folder.path().join("job.json")).unwrap();
    assert_eq!(stored.photos().iter().filter(|photo| photo.uploaded.is_some()).count(), 4);
    let error = client.run(&stored, kept_in(folder.path())).await.unwrap_err();
    assert_eq!((error.kind(), error.problems().len()), (ErrorKind::InvalidArgument, 6), "{error}");

    let job = from_bytes();
    client.run(&job, kept_in(folder.path())).await.unwrap();
    done(&job, &simulator);
    let uploaded = simulator.journal().iter().filter(|entry| entry.call == Call::UploadFile && entry.worked).count();
    assert_eq!(uploaded, 10);
}

#[tokio::test]
async fn everything_wrong_with_photos_and_styles_is_said_at_once() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let bad = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".as_slice();
    let mut photos = service::photos();
    photos.truncate(4);
    photos.extend([bad("empty.jpg", b""), bad("text.jpg", b"no picture"), bad("iphone.jpg", heic)]);
    photos.push(folder.path().join("missing.jpg"));
    let error = client.run(&Job::new(photos, STYLES), RunOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.problems().len()), (ErrorKind::InvalidArgument, 4), "{error}");
    assert!(error.message().contains("HEIC"), "{error}");

    let few = Job::new(service::photos().into_iter().take(7), ["没有这个", "没有这个"]);
    let error = client.run(&few, RunOptions::default()).await.unwrap_err();
    assert!(error.message().contains("twice"), "{error}");
    let unknown = Job::new(service::photos(), ["没有这个"]);
    let error = client.run(&unknown, RunOptions::default()).await.unwrap_err();
    assert!(error.message().contains("仙气十足"), "{error}");
    assert_eq!(simulator.count(Call::UploadFile), 0, "styles are looked up before anything is uploaded");
    let large = service::builder(&simulator.url()).max_photo_bytes(50_000_u64).build().unwrap();
    let error = large.run(&service::job(), RunOptions::default()).await.unwrap_err();
    assert!(error.message().contains("max_photo_bytes"), "{error}");
}

#[tokio::test]
async fn events_tell_the_whole_story_in_order() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let event_log = EventLog::default();
    let mut photos = service::photos();
    photos[9] = photos[0].clone();
    simulator.fault(Fault::on(Call::UploadFile).reply(503).header("Retry-After", "0").once());
    simulator.fault(Fault::on(Call::QueryTask).state(42).once());
    let job = Job::new(photos, [STYLES[0]]);
    client.run(&job, kept_in(folder.path()).on_event(event_log.listener())).await.unwrap();
    let kinds = event_log.kinds();
    for kind in ["notice", "retrying", "photo_uploading", "photo_uploaded", "unknown_state", "saved"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind} is missing in {kinds:?}");
    }
    let milestones = ["notice", "training", "trained", "generating", "generated", "saved", "finished"];
    let at: Vec<_> = milestones.iter().map(|kind| kinds.iter().position(|seen| seen == kind)).collect();
    assert!(at.is_sorted() && at.iter().all(Option::is_some), "{kinds:?}");
}

#[tokio::test]
async fn a_read_only_folder_is_an_error_of_that_file() {
    // Root may write anywhere; a file where the folder should be refuses everybody.
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let error = client.run(&service::job(), RunOptions::default().checkpoint(file.join("job.json"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(simulator.journal().is_empty(), "nothing was begun that could not be kept");
    let error = client.run(&service::job(), RunOptions::default().save_to(file.join("out"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

#[tokio::test]
async fn two_runs_of_one_job_take_turns() {
    let simulator = service::start().await;
    let client = Arc::new(service::client(&simulator.url()));
    let job = service::job();
    let (first, second) =
        tokio::join!(client.run(&job, RunOptions::default()), client.run(&job, RunOptions::default()));
    first.unwrap();
    second.unwrap();
    assert_eq!(simulator.created(), 3);
}
