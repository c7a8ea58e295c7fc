//! Waiting: what ends a wait and what does not, and what it costs (docs/design.md §5.3, §5.4, §7).

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, future::join_all, stream};
use serde_json::json;
use xiezhen::{Client, ErrorKind, PollSchedule, Task, TaskKind, TaskState};
use xiezhen_simulator::{Call, DEFAULT_APP_KEY, DEFAULT_APP_SECRET, Fault, Simulator, StallAt};

use crate::service;

/// A training that never ends by itself.
async fn endless() -> (Simulator, Client, String) {
    let simulator = service::start().await;
    simulator.set(|settings| settings.training_seconds = 1e9);
    let client = service::client(&simulator.url());
    let task = service::training(&client).await.task_id;
    simulator.clear_journal();
    (simulator, client, task)
}

fn query() -> Fault {
    Fault::on(Call::QueryTask)
}

/// What was on its way may still arrive; what goes on looking never ends.
async fn looks_end(simulator: &Simulator) {
    let mut looks = simulator.count(Call::QueryTask);
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let before = std::mem::replace(&mut looks, simulator.count(Call::QueryTask));
        if looks == before {
            return;
        }
    }
    panic!("it looks on: {looks} times by now");
}

#[tokio::test]
async fn a_wait_ends_with_the_task() {
    let (simulator, client, task) = endless().await;
    simulator.fault(query().state(2).times(3));
    simulator.finish(&task, 3);
    let ended = client.wait_task(&task, None).await.unwrap();
    assert_eq!((ended.state, ended.kind), (TaskState::Succeeded, TaskKind::Training));
    assert_eq!(simulator.count(Call::QueryTask), 4);

    simulator.finish(&task, 4);
    assert_eq!(client.wait_task(&task, None).await.unwrap().state, TaskState::PartlySucceeded);

    simulator.finish(&task, 5);
    let error = client.wait_task(&task, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
    assert_eq!(error.task().unwrap().id, task);
    assert_eq!(client.query_task(&task).await.unwrap().state, TaskState::Failed, "one look is no wait");
}

#[tokio::test]
async fn outages_unreadable_answers_and_unknown_states_are_waited_out() {
    let (simulator, client, task) = endless().await;
    simulator.fault(query().reply(503).times(200));
    simulator.fault(query().garbage(50).times(3));
    simulator.fault(query().close_before().times(3));
    simulator.fault(query().reply(429).header("X-Ca-Error-Code", "T429IN").header("Retry-After", "0").times(3));
    simulator.fault(query().state(17).times(3));
    simulator.finish(&task, 3);
    let quick = PollSchedule { initial: Duration::from_millis(1), factor: 1.0, max: Duration::from_millis(1) };
    let client_of_many = service::builder(&simulator.url()).training_schedule(quick).build().unwrap();
    drop(client);
    assert_eq!(client_of_many.wait_task(&task, None).await.unwrap().state, TaskState::Succeeded);
    assert_eq!(simulator.count(Call::QueryTask), 213);
}

#[tokio::test]
async fn what_stays_as_it_is_ends_a_wait() {
    let (simulator, client, task) = endless().await;
    for (fault, kind) in [
        (query().reply(403).header("X-Ca-Error-Code", "B403MQ"), ErrorKind::Quota),
        (query().reply(400).header("X-Ca-Error-Code", "A400AC"), ErrorKind::Authentication),
        (query().reply(403).header("X-Ca-Error-Message", "Unauthorized"), ErrorKind::Permission),
        (query().reply(200).body(json!({"ret": 9, "msg": "no such task"})), ErrorKind::Api),
    ] {
        simulator.fault(fault.once());
        let error = client.wait_task(&task, None).await.unwrap_err();
        assert_eq!((error.kind(), error.task_id()), (kind, Some(task.as_str())), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_clock_ends_no_wait() {
    let (simulator, _, task) = endless().await;
    simulator.finish(&task, 3);
    simulator.set(|settings| settings.clock_skew_ms = 3_600_000);
    let signing = service::client_without_credential(&simulator.url()).app_key(DEFAULT_APP_KEY);
    let client = signing.app_secret(DEFAULT_APP_SECRET).build().unwrap();
    assert_eq!(client.wait_task(&task, None).await.unwrap().state, TaskState::Succeeded);
    assert_eq!(simulator.count(Call::QueryTask), 2);
}

#[tokio::test]
async fn a_deadline_ends_a_wait_even_while_a_look_hangs() {
    let (simulator, client, task) = endless().await;
    simulator.fault(query().stall(StallAt::Before));
    let began = Instant::now();
    let error = client.wait_task(&task, Some(Duration::from_millis(200))).await.unwrap_err();
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Timeout, Some(task.as_str())));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn forty_waiters_cost_one_query_a_round() {
    let (simulator, client, task) = endless().await;
    simulator.fault(query().state(2).times(5));
    simulator.finish(&task, 3);
    let waits = (0..40).map(|_| client.wait_task(&task, None));
    assert!(join_all(waits).await.iter().all(Result::is_ok));
    assert_eq!(simulator.count(Call::QueryTask), 6);
}

#[tokio::test]
async fn many_waits_keep_the_rate_and_all_end() {
    let simulator = service::start().await;
    let unlimited = service::client(&simulator.url());
    let user_id = service::trained(&unlimited).await;
    let style = unlimited.list_styles().await.unwrap().remove(0).style;
    let create = |_| unlimited.create_task(&user_id, &style, None);
    // An answer about another task would be refused: each of the thousand is one that the service knows.
    let created: Vec<_> = stream::iter(0..1000).map(create).buffered(50).try_collect().await.unwrap();
    let tasks: Vec<String> = created.into_iter().map(|created| created.task_id).collect();
    simulator.clear_journal();
    simulator.fault(query().state(3));

    let client = service::builder(&simulator.url()).requests_per_second(400.0).build().unwrap();
    let mut told = vec![0; tasks.len()];
    let began = Instant::now();
    let outcomes = client.wait_many(&tasks, None, |index, _| told[index] += 1).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(told.iter().all(|times| *times == 1));

    // Four hundred at once, four hundred a second later, the rest after another: load can only make it longer.
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(simulator.count(Call::QueryTask), 1000);
}

#[tokio::test]
async fn wait_many_answers_in_order_and_names_what_is_wrong() {
    let (simulator, client, task) = endless().await;
    simulator.finish(&task, 3);
    let tasks = vec![task.clone(), String::new(), "no-such-task".to_owned(), task.clone()];
    let outcomes = client.wait_many(&tasks, Some(Duration::from_secs(10)), |_, _| {}).await.unwrap();
    assert_eq!(outcomes[0].as_ref().unwrap().id, task);
    assert_eq!(outcomes[1].as_ref().unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(outcomes[2].as_ref().unwrap_err().kind(), ErrorKind::Api);
    assert_eq!(outcomes[3].as_ref().unwrap().id, task);
}

#[tokio::test]
async fn notify_brings_the_look_forward_and_does_nothing_for_others() {
    let (simulator, _, task) = endless().await;
    let rare = PollSchedule { initial: Duration::from_secs(3600), factor: 1.0, max: Duration::from_secs(3600) };
    let client = service::builder(&simulator.url()).training_schedule(rare).build().unwrap();
    client.notify("nobody-waits-for-this").unwrap();
    simulator.fault(query().state(2).once());
    simulator.finish(&task, 3);
    let waiter = tokio::spawn({
        let (client, task) = (client.clone(), task.clone());
        async move { client.wait_task(&task, None).await }
    });
    simulator.wait_for(Call::QueryTask, 1).await;
    for _ in 0..50 {
        client.notify(&task).unwrap();
    }
    assert_eq!(waiter.await.unwrap().unwrap().state, TaskState::Succeeded);
    assert_eq!(simulator.count(Call::QueryTask), 2, "many notices, one look");
}

#[tokio::test]
async fn a_dropped_wait_drops_its_request_and_looks_no_more() {
    let (simulator, client, task) = endless().await;
    simulator.fault(query().delay(Duration::from_millis(50)));
    let mut wait = Box::pin(client.wait_task(&task, None));
    tokio::select! {
        ended = &mut wait => panic!("{ended:?}"),
        () = simulator.wait_for(Call::QueryTask, 2) => {}
    }
    drop(wait);
    looks_end(&simulator).await;
}

#[tokio::test]
async fn a_closed_client_ends_its_waits_and_refuses_calls() {
    let (simulator, client, task) = endless().await;
    let waiter = tokio::spawn({
        let (client, task) = (client.clone(), task.clone());
        async move { client.wait_task(&task, None).await }
    });
    let many = tokio::spawn({
        let (client, tasks) = (client.clone(), vec![task.clone()]);
        async move { client.wait_many(&tasks, None, |_, _| {}).await }
    });
    simulator.wait_for(Call::QueryTask, 1).await;
    client.close();
    assert!(many.await.unwrap().is_err_and(|error| error.kind() == ErrorKind::Cancelled), "the call, not each task");
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Cancelled, Some(task.as_str())));
    assert_eq!(client.query_task(&task).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (simulator, client, task) = second.block_on(endless());
    // The scheduler is driven from the runtime where the first wait began.
    first.spawn({
        let (client, task) = (client.clone(), task.clone());
        async move { client.wait_task(&task, None).await }
    });
    let ended = second.block_on(async {
        simulator.wait_for(Call::QueryTask, 1).await;
        let mut wait = Box::pin(client.wait_task(&task, None));
        assert!(futures_util::poll!(&mut wait).is_pending());
        first.shutdown_background();
        tokio::time::timeout(Duration::from_secs(10), wait).await
    });
    assert_eq!(ended.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
}

/// Begins a wait whose end is sent.
fn begin(client: &Client, task: &str) -> (xiezhen::Wait, tokio::sync::oneshot::Receiver<xiezhen::Result<Task>>) {
    let (sender, ended) = tokio::sync::oneshot::channel();
    let wait = client.begin_wait(task, None, move |outcome| drop(sender.send(outcome)));
    (wait.unwrap_or_else(|error| panic!("{error}")), ended)
}

#[tokio::test]
async fn a_wait_that_holds_no_future_ends_as_any_other() {
    let (simulator, client, task) = endless().await;
    simulator.fault(query().state(2).times(3));
    simulator.finish(&task, 3);
    let (_wait, ended) = begin(&client, &task);
    assert_eq!(ended.await.unwrap().unwrap().state, TaskState::Succeeded);

    simulator.finish(&task, 5);
    let (_wait, ended) = begin(&client, &task);
    assert_eq!(ended.await.unwrap().unwrap_err().kind(), ErrorKind::TaskFailed);

    let refused = client.begin_wait(" ", None, |_| {}).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_wait_that_holds_no_future_is_left_without_a_word_and_ends_with_the_client() {
    let (simulator, client, task) = endless().await;
    let (wait, ended) = begin(&client, &task);
    drop(wait);
    assert!(ended.await.is_err(), "nobody is told");
    looks_end(&simulator).await;

    let (_wait, ended) = begin(&client, &task);
    client.close();
    let error = ended.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Cancelled, Some(task.as_str())));
    assert!(client.begin_wait(&task, None, |_| {}).is_err());
}
