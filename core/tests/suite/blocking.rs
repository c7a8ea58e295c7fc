//! Calls that block their thread, as the bindings make them: that thread drives the runtime.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use xiezhen::{
    Client, Error, ErrorKind, Job, Result, RunOptions, Task,
    process::{self, Sender, Step},
};
use xiezhen_simulator::{Call, Fault, Simulator};

use crate::service;

/// Makes a call and waits for its end, as a binding does.
fn call<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(work: F) -> Result<T> {
    let mut call = process::start(|_: Sender<()>| work)?;
    match call.next(None) {
        Step::Done(outcome) => outcome,
        Step::Message(()) | Step::Idle => panic!("nothing was told, and there was no limit"),
    }
}

/// A service on threads of its own, and a training that has ended.
fn trained() -> (tokio::runtime::Runtime, Simulator, Client, String) {
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let simulator = elsewhere.block_on(service::start());
    let client = service::client(&simulator.url());
    let task = {
        let client = client.clone();
        call(async move {
            let task = service::training(&client).await;
            client.wait_task(&task.task_id, None).await
        })
    };
    simulator.clear_journal();
    (elsewhere, simulator, client, task.unwrap().id)
}

fn query(client: &Client, task: &str) -> Result<Task> {
    let (client, task) = (client.clone(), task.to_owned());
    call(async move { client.query_task(&task).await })
}

#[test]
fn many_threads_call_at_once() {
    let (_elsewhere, simulator, client, task) = trained();
    thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| (0..25).for_each(|_| drop(query(&client, &task).unwrap())));
        }
    });
    assert!((1..=400).contains(&simulator.count(Call::QueryTask)), "looks at one task are shared");
}

#[test]
fn a_callback_makes_a_call_of_its_own() {
    let (_elsewhere, _simulator, client, task) = trained();
    let mut call = process::start(|sender: Sender<()>| async move {
        sender.send(());
        sender.send(());
        Ok(7)
    })
    .unwrap();
    for _ in 0..2 {
        assert!(matches!(call.next(None), Step::Message(())));
        query(&client, &task).unwrap();
    }
    assert!(matches!(call.next(None), Step::Done(Ok(7))), "the outcome comes after all messages");
}

#[test]
fn a_callback_is_refused_the_job_that_it_was_called_for() {
    let (_elsewhere, _simulator, client, _) = trained();
    let job = Job::new(service::photos().into_iter().take(8), [""; 0]);
    let runs = |options: RunOptions| {
        let (client, job) = (client.clone(), job.clone());
        async move { client.run(&job, options).await }
    };
    let mut running =
        process::start(|sender| runs(RunOptions::default().on_event(move |_| _ = sender.send(())))).unwrap();
    assert!(matches!(running.next(None), Step::Message(())));
    let error = call(runs(RunOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    let end = std::iter::repeat_with(|| running.next(None)).find(|step| matches!(step, Step::Done(_)));
    assert!(matches!(end, Some(Step::Done(Ok(())))));
    call(runs(RunOptions::default())).unwrap();
}

#[test]
fn what_goes_on_unseen_goes_on_while_nobody_calls() {
    let (_elsewhere, simulator, client, task) = trained();
    simulator.fault(Fault::on(Call::QueryTask).delay(Duration::from_millis(50)));
    let (sender, ended) = mpsc::channel();
    let unseen = {
        let client = client.clone();
        async move { sender.send(client.query_task(&task).await.is_ok()) }
    };
    drop(process::runtime().unwrap().spawn(unseen));
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(true));
}

#[test]
fn patience_ends_and_a_stopped_call_lets_go() {
    let (sender, gone) = mpsc::channel::<()>();
    let mut call = process::start(|_: Sender<()>| async move {
        let _held = sender;
        std::future::pending::<Result<()>>().await
    })
    .unwrap();
    assert!(matches!(call.next(Some(Duration::from_millis(5))), Step::Idle));
    let began = Instant::now();
    call.stop(Duration::from_secs(20));
    assert!(began.elapsed() < Duration::from_secs(10), "it waited for a call that had ended");
    assert_eq!(gone.try_recv(), Err(mpsc::TryRecvError::Disconnected), "the call holds what it held");
}

#[test]
fn a_defect_is_an_error() {
    let panics = async { if std::hint::black_box(true) { panic!("a defect") } else { Ok::<(), Error>(()) } };
    let error = call(panics).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}
