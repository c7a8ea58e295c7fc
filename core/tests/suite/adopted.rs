//! Tasks that are adopted, and generations whose pictures come late: the service is asked before anything counts.

use std::time::{Duration, Instant};

use serde_json::json;
use xiezhen::{AdvanceOptions, Client, Error, ErrorKind, Event, Job, RunOptions, Stage, TaskState};
use xiezhen_simulator::{Call, Fault, Simulator};

use crate::service::{self, EventLog, STYLES};

/// A job of two styles, the first of which nobody knows whether it was started.
async fn unknown(simulator: &Simulator, client: &Client) -> Job {
    let job = Job::with_user_id(service::trained(client).await, STYLES);
    simulator.fault(Fault::on(Call::CreateTask).once().close_after());
    let error = client.run(&job, RunOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    job
}

#[tokio::test]
async fn a_task_of_another_kind_is_not_adopted() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = unknown(&simulator, &client).await;
    let training = simulator.tasks()[0].id.clone();
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(error.message().contains("is a training"), "{error}");
    };
    // Both when it is asked at once, and when the job runs.
    refused(client.adopt(&job, &training, None, None).await.unwrap_err());
    job.adopt(&training, None).unwrap();
    refused(client.run(&job, RunOptions::default()).await.unwrap_err());
    job.adopt_portrait(&training, STYLES[0]).unwrap();
    refused(client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default()).await.unwrap_err());
    assert_eq!(job.portraits()[0].task_id, None);

    let other = job.portraits()[1].task_id.clone().unwrap();
    let error = client.adopt(&job, &other, None, Some(STYLES[0])).await.unwrap_err();
    assert!(error.message().contains("this job's already"), "{error}");
    let error = client.adopt(&job, "nobody-knows-it", None, None).await.unwrap_err();
    assert_eq!((error.kind(), job.portraits()[0].task_id.clone()), (ErrorKind::Api, None), "{error}");

    let generation = simulator.tasks()[1].id.clone();
    client.adopt(&job, &generation, None, None).await.unwrap();
    client.run(&job, RunOptions::default()).await.unwrap();
    assert_eq!((job.stage(), simulator.created()), (Stage::Done, 3));
}

#[tokio::test]
async fn pictures_that_come_after_the_end_are_waited_for() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = Job::with_user_id(service::trained(&client).await, [STYLES[0]]);
    let nothing = json!({"state": 3, "result_paths": []});
    simulator.fault(Fault::on(Call::QueryTask).times(3).answer_task(nothing));
    let folder = tempfile::tempdir().unwrap();
    let event_log = EventLog::default();
    let options = RunOptions::default().save_to(folder.path()).on_event(event_log.listener());
    client.run(&job, options).await.unwrap();
    assert_eq!((job.stage(), job.portraits()[0].files.len()), (Stage::Done, 2));
    let counts: Vec<Event> =
        event_log.events().into_iter().filter(|event| matches!(event, Event::Generated { .. })).collect();
    assert_eq!(counts, [Event::Generated { style: STYLES[0].into(), count: 2 }]);
}

#[tokio::test]
async fn pictures_that_never_come_are_an_error_and_asked_for_again() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = Job::with_user_id(service::trained(&client).await, [STYLES[0]]);
    simulator.fault(Fault::on(Call::QueryTask).answer_task(json!({"state": 3, "result_paths": []})));
    let event_log = EventLog::default();
    let run = {
        let (client, job, options) =
            (client.clone(), job.clone(), RunOptions::default().on_event(event_log.listener()));
        tokio::spawn(async move { client.run(&job, options).await })
    };
    let end = Instant::now() + Duration::from_secs(30);
    while job.portraits()[0].state != Some(TaskState::Succeeded) {
        assert!(Instant::now() < end, "it never succeeds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(job.stage(), Stage::Generating, "it is not done yet");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3 * 60)).await;
    tokio::time::resume();
    let error = run.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), job.stage()), (ErrorKind::Protocol, Stage::Failed), "{error}");
    assert!(job.portraits()[0].error.is_some());
    assert!(event_log.kinds().iter().any(|kind| kind == "notice"), "{:?}", event_log.kinds());

    simulator.clear_faults();
    let job = Job::from_json(&job.to_json().unwrap()).unwrap();
    client.run(&job, RunOptions::default()).await.unwrap();
    assert_eq!((job.stage(), job.portraits()[0].urls.len(), simulator.created()), (Stage::Done, 2, 2));
}
