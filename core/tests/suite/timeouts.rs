//! A timeout bounds a whole call, and a call may have one of its own (docs/design.md §5.5).

use std::time::{Duration, Instant, SystemTime};

use xiezhen::{AdvanceOptions, Client, Error, ErrorKind};
use xiezhen_simulator::{Call, Fault, StallAt};

use crate::service;

const BRIEF: Duration = Duration::from_millis(300);

/// Far less than the client's own limits.
fn was_brief(began: Instant, error: &Error, kind: ErrorKind) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}: {error}", began.elapsed());
}

#[tokio::test]
async fn a_call_may_have_a_timeout_of_its_own() {
    let simulator = service::start().await;
    let patient = service::client(&simulator.url());
    let training = service::training(&patient).await;
    let client: Client = patient.with_timeout(BRIEF);
    simulator.fault(Fault::on(Call::ListStyles).stall(StallAt::Before).times(50));
    simulator.fault(Fault::on(Call::QueryTask).stall(StallAt::Body(10)).times(50));
    simulator.fault(Fault::on(Call::UploadFile).stall(StallAt::After).times(50));
    simulator.fault(Fault::on(Call::CreateTask).stall(StallAt::After).times(50));

    let began = Instant::now();
    let error = client.list_styles().await.unwrap_err();
    was_brief(began, &error, ErrorKind::Timeout);
    // The caller's own number, whatever part of it an attempt had.
    assert!(error.message().ends_with("no answer within 300ms"), "{error}");
    let error = patient.with_timeout(Duration::from_millis(1)).list_styles().await.unwrap_err();
    assert!(error.message().ends_with("no answer within 1ms"), "{error}");

    let began = Instant::now();
    let error = client.query_task(&training.task_id).await.unwrap_err();
    was_brief(began, &error, ErrorKind::Timeout);
    assert_eq!(error.task_id(), Some(training.task_id.as_str()));

    let began = Instant::now();
    let uploaded = client.upload_file(service::photos().remove(0)).await;
    was_brief(began, &uploaded.unwrap_err(), ErrorKind::Timeout);

    let began = Instant::now();
    let created = client.create_task(&training.user_id, xiezhen_simulator::STYLES[0].id, None).await;
    was_brief(began, &created.unwrap_err(), ErrorKind::OutcomeUnknown);
    assert_eq!(simulator.count(Call::CreateTask), 1);
}

/// What is cut off runs on, and the next advance takes it up: nothing is billed twice.
#[tokio::test]
async fn an_advance_may_be_bounded_as_a_whole() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let job = service::job();
    simulator.fault(Fault::on(Call::CreateUserModel).once().delay_answer(Duration::from_millis(900)));
    let advance = |timeout| {
        let options = AdvanceOptions::default().timeout(timeout);
        client.advance(&job, |_| async { Ok(()) }, options)
    };
    while simulator.count(Call::CreateUserModel) == 0 {
        let began = Instant::now();
        let error = advance(BRIEF).await.unwrap_err();
        was_brief(began, &error, ErrorKind::Timeout);
        assert!(error.message().contains("within 0.3 s") && error.message().contains("advance it again"), "{error}");
    }
    advance(Duration::from_secs(30)).await.unwrap();
    assert!(job.training_task_id().is_some());
    assert_eq!(simulator.count(Call::CreateUserModel), 1);
}

#[tokio::test]
async fn without_any_time_nothing_is_sent_or_paid() {
    let simulator = service::start().await;
    let patient = service::client(&simulator.url());
    let user_id = service::trained(&patient).await;
    let client = patient.with_timeout(Duration::ZERO);
    for _ in 0..20 {
        let error = client.create_task(&user_id, xiezhen_simulator::STYLES[0].id, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(client.list_styles().await.unwrap_err().kind(), ErrorKind::Timeout);
    }
    assert_eq!((simulator.count(Call::CreateTask), simulator.count(Call::ListStyles)), (0, 0));
}

#[tokio::test]
async fn pictures_that_take_too_long_are_given_up_and_the_others_kept() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let task = service::generated(&client).await;
    let folder = tempfile::tempdir().unwrap();
    simulator.fault(Fault::on(Call::Result).stall(StallAt::Body(1000)).once());

    let began = Instant::now();
    let error = client.with_timeout(BRIEF).save_results(&task, folder.path(), None).await.unwrap_err();
    was_brief(began, &error, ErrorKind::Timeout);
    assert_eq!(error.task_id(), Some(task.id.as_str()));

    let files = client.with_timeout(None).save_results(&task, folder.path(), None).await.unwrap();
    assert_eq!(files.len(), task.result_paths.len());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files.len(), "nothing half is left");
}

#[tokio::test]
async fn a_timeout_beyond_all_clocks_is_none() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url()).with_timeout(Duration::MAX);
    assert!(!client.list_styles().await.unwrap().is_empty());
    let error = client.with_timeout(Duration::ZERO).list_styles().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

/// Refuses a call of somebody whose clock says `now`, until 90 s later by that clock.
fn busy(call: Call, now: SystemTime) -> Fault {
    let until = httpdate::fmt_http_date(now + Duration::from_secs(90));
    Fault::on(call).once().reply(503).header("Date", httpdate::fmt_http_date(now)).header("Retry-After", until)
}

#[tokio::test]
async fn a_date_to_come_back_means_the_clock_of_who_names_it() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let task = service::generated(&client).await;
    let folder = tempfile::tempdir().unwrap();

    let hour = Duration::from_secs(3600);
    for theirs in [SystemTime::now() - hour, SystemTime::now() + hour] {
        // Longer than a call may take: told at once.
        simulator.fault(busy(Call::ListStyles, theirs));
        let error = client.list_styles().await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(90)), "{error}");
        simulator.fault(busy(Call::Result, theirs));
        let error = client.save_results(&task, folder.path(), None).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(90)), "{error}");
    }
}
