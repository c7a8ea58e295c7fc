//! Creates whose callers have gone away are waited for, by however many want to know (docs/design.md §5.6).

use std::{pin::pin, time::Duration};

use xiezhen::Client;
use xiezhen_simulator::{Call, Fault, STYLES, Simulator};

use crate::service;

/// Begins a create that takes a while, and whose caller goes away once it has reached the service.
async fn abandoned(simulator: &Simulator, client: &Client, user_id: &str) {
    let before = simulator.count(Call::CreateTask);
    simulator.fault(Fault::on(Call::CreateTask).once().delay(Duration::from_millis(200)));
    let create = client.create_task(user_id, STYLES[0].id, None);
    let reached = async {
        while simulator.count(Call::CreateTask) == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        created = create => panic!("{created:?}"),
        () = reached => {}
    }
}

/// Until the service has done so many tasks, and the answer had time to arrive.
async fn answered(simulator: &Simulator, tasks: usize) {
    while simulator.created() < tasks {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Polls once: true if it has ended.
macro_rules! has_ended {
    ($future:expr) => {
        tokio::select! {
            biased;
            () = $future.as_mut() => true,
            () = std::future::ready(()) => false,
        }
    };
}

/// The end of a client waits for these, and for no others.
#[tokio::test]
async fn creates_whose_callers_have_gone_are_known() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;
    abandoned(&simulator, &client, &user_id).await;
    assert!(client.has_left_creates());
    client.wait_for_creates().await;
    assert!(!client.has_left_creates());

    simulator.fault(Fault::on(Call::CreateTask).once().delay(Duration::from_millis(200)));
    let mut create = pin!(client.create_task(&user_id, STYLES[0].id, None));
    tokio::select! {
        created = create.as_mut() => panic!("{created:?}"),
        () = async {
            while simulator.count(Call::CreateTask) == 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => assert!(!client.has_left_creates(), "its caller is there"),
    }
    create.await.unwrap();
    assert!(!client.has_left_creates());
}

#[tokio::test]
async fn two_may_wait_for_creates_that_overlap() {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let user_id = service::trained(&client).await;
    let mut first = pin!(client.wait_for_creates());
    let mut second = pin!(client.wait_for_creates());

    abandoned(&simulator, &client, &user_id).await;
    assert!(!has_ended!(first));
    answered(&simulator, 2).await;
    abandoned(&simulator, &client, &user_id).await;
    assert!(!has_ended!(second));
    assert!(has_ended!(first), "its create was answered");
    // What the first one does at its end is no business of the second's.
    tokio::time::timeout(Duration::from_secs(10), second).await.expect("the second create was answered");
    assert_eq!(simulator.created(), 3);
    tokio::time::timeout(Duration::from_secs(10), client.wait_for_creates()).await.expect("nothing is under way");
}
