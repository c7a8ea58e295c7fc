//! A job in a store that several workers share: what one of them was answered is never lost to another's save.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::Value;
use xiezhen::{AdvanceOptions, Client, Error, ErrorKind, Event, Job, Result, RunOptions, SaveError, Stage};
use xiezhen_simulator::{Call, Fault, Moment, Simulator};

use crate::service::{self, EventLog, STYLES};

/// One row that is compared and swapped.
#[derive(Clone, Default)]
struct Row(Arc<Mutex<(String, u64)>>);

impl Row {
    fn of(job: &Job) -> Self {
        Self(Arc::new(Mutex::new((job.to_json().unwrap(), 0))))
    }

    fn lock(&self) -> MutexGuard<'_, (String, u64)> {
        self.0.lock().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.lock().0).unwrap()
    }

    /// The job, and the way in which one worker stores it.
    fn claim(&self) -> (Job, impl Fn(Job) -> std::future::Ready<Result<(), SaveError>> + use<>) {
        let (json, version) = self.lock().clone();
        let (row, version) = (self.clone(), Mutex::new(version));
        let save = move |job: Job| {
            let mut stored = row.lock();
            let mut ours = version.lock().unwrap();
            let is_ours = *ours == stored.1;
            if is_ours {
                stored.0 = job.to_json().unwrap();
                stored.1 += 1;
            }
            *ours = stored.1;
            std::future::ready(if is_ours { Ok(()) } else { Err(SaveError::Conflict { newest: stored.0.clone() }) })
        };
        (Job::from_json(&json).unwrap(), save)
    }

    async fn advance(&self, client: &Client, options: AdvanceOptions) -> Result<Option<Duration>> {
        let (job, save) = self.claim();
        client.advance(&job, save, options).await
    }
}

async fn wait_for(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < end, "it never came to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A job of one style whose generation is being asked for, in a row; the answer is held back for a while.
async fn asking(
    simulator: &Simulator,
    client: &Client,
) -> (Row, tokio::task::JoinHandle<(Result<Option<Duration>>, EventLog)>) {
    let row = Row::of(&Job::with_user_id(service::trained(client).await, [STYLES[0]]));
    simulator.fault(Fault::on(Call::CreateTask).once().after_work().delay_answer(Duration::from_millis(700)));
    let worker = tokio::spawn({
        let (row, client, event_log) = (row.clone(), client.clone(), EventLog::default());
        async move { (row.advance(&client, AdvanceOptions::default().on_event(event_log.listener())).await, event_log) }
    });
    wait_for(|| row.json()["portraits"][0]["intent"] == true).await;
    (row, worker)
}

#[tokio::test]
async fn a_late_answer_is_put_into_the_newest_state() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let (row, worker) = asking(&simulator, &client).await;
    // Another worker takes the first for dead, and notes that nobody knows what came of its create.
    let unknown = row.advance(&client, AdvanceOptions::default()).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::OutcomeUnknown);

    let (ended, _) = worker.await.unwrap();
    let error = ended.unwrap_err();
    let task = simulator.tasks()[1].id.clone();
    assert_eq!((error.kind(), error.is_retryable(), error.task_id()), (ErrorKind::Io, true, Some(task.as_str())));
    let stored = row.json();
    assert_eq!((&stored["portraits"][0]["task_id"], &stored["portraits"][0]["error"]), (&task.into(), &Value::Null));

    let (job, _) = row.claim();
    client.run(&job, RunOptions::default()).await.unwrap();
    assert_eq!((job.stage(), simulator.count(Call::CreateTask)), (Stage::Done, 1));
}

#[tokio::test]
async fn an_answer_that_the_job_has_gone_on_without_is_named() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let (row, worker) = asking(&simulator, &client).await;
    row.advance(&client, AdvanceOptions::default().recreate(true)).await.unwrap();

    let (ended, event_log) = worker.await.unwrap();
    let error = ended.unwrap_err();
    let (first, second) = (simulator.tasks()[1].id.clone(), simulator.tasks()[2].id.clone());
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Io, Some(first.as_str())));
    let named = |event: &Event| matches!(event, Event::Notice { message } if message.contains(&first));
    assert!(event_log.events().iter().any(named), "{:?}", event_log.events());
    assert_eq!(row.json()["portraits"][0]["task_id"], second.as_str(), "the newest state is left as it is");
    assert_eq!(row.json()["portraits"][0]["attempt"], 2);
}

#[tokio::test]
async fn a_conflict_before_a_create_sends_nothing() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let row = Row::of(&Job::with_user_id(service::trained(&client).await, [STYLES[0]]));
    let (job, save) = row.claim();
    row.lock().1 += 1;
    let error = client.advance(&job, save, AdvanceOptions::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, true));
    assert_eq!(simulator.count(Call::CreateTask), 0);
    assert_eq!(job.to_json().unwrap(), row.lock().0, "the job is its newest state");
}

#[tokio::test]
async fn what_was_billed_is_named_when_it_cannot_be_stored() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;
    let job = Job::with_user_id(&user_id, [STYLES[0]]);
    let full = |job: Job| async move {
        let known = job.portraits()[0].task_id.is_some();
        if known { Err(Error::new(ErrorKind::Io, "the disk is full").into()) } else { Ok(()) }
    };
    let event_log = EventLog::default();
    let options = AdvanceOptions::default().on_event(event_log.listener());
    let error = client.advance(&job, full, options).await.unwrap_err();
    let task = simulator.tasks()[1].id.clone();
    assert_eq!(error.message(), "the disk is full");
    assert_eq!((error.task_id(), error.user_id()), (Some(task.as_str()), Some(user_id.as_str())));
    let told = |event: &Event| matches!(event, Event::Generating { task_id, .. } if *task_id == task);
    assert!(event_log.events().iter().any(told), "{:?}", event_log.events());
}

#[tokio::test]
async fn an_intent_is_noted_once_its_create_may_be_sent() {
    let simulator = service::start().await;
    let user_id = service::trained(&service::client(&simulator.url())).await;
    let client = service::builder(&simulator.url()).requests_per_second(1.0).build().unwrap();
    let open = Arc::new(Mutex::new(Vec::new()));
    simulator.on_request({
        let open = open.clone();
        move |entry, moment| {
            if entry.call == Call::CreateTask && moment == Moment::Arrived {
                open.lock().unwrap().pop();
            }
        }
    });
    let most = Arc::new(Mutex::new(0));
    let jobs = (0..4).map(|_| {
        let (open, most) = (open.clone(), most.clone());
        let save = move |job: Job| {
            let json: Value = serde_json::from_str(&job.to_json().unwrap()).unwrap();
            if json["portraits"][0]["intent"] == true {
                let mut open = open.lock().unwrap();
                open.push(());
                let mut most = most.lock().unwrap();
                *most = open.len().max(*most);
            }
            async { Ok(()) }
        };
        let job = Job::with_user_id(&user_id, ["11111111-2222-4333-8444-555555555555"]);
        let client = client.clone();
        async move { client.advance(&job, save, AdvanceOptions::default()).await }
    });
    join_all(jobs).await;
    assert_eq!(simulator.count(Call::CreateTask), 4);
    assert_eq!(*most.lock().unwrap(), 1, "all others waited for their permit, and had nothing noted");
}
