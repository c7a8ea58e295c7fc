//! Waits at once, each of so many polls.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::try_join_all;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Failure, Order, by_hand, client,
    measure::{Before, Spent},
};

const CONNECTIONS: usize = 64;
const WARM_UP: usize = 256;
const SUCCEEDED: i64 = 3;

pub(crate) async fn measure(order: &Order) -> Result<Spent, Failure> {
    let polls: usize = order.rest.parse()?;
    let url = format!("{}/looks/{polls}", order.url);
    match order.side.as_str() {
        "xiezhen" => {
            let client = client(&url)?;
            repeat(order, async |tasks: &[String]| {
                let outcomes = client.wait_many(tasks, None, |_, _| {}).await?;
                Ok(outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?)
            })
            .await
        }
        "reqwest" => {
            let client = by_hand::reqwest()?;
            repeat(order, async |tasks: &[String]| in_lanes(&client, &url, tasks).await).await
        }
        "tasks" => {
            let client = by_hand::reqwest()?;
            repeat(order, async |tasks: &[String]| a_task_each(&client, &url, tasks).await).await
        }
        _ => Err("say xiezhen, reqwest or tasks".into()),
    }
}

async fn repeat(order: &Order, wait: impl AsyncFn(&[String]) -> Result<(), Failure>) -> Result<Spent, Failure> {
    let ids = |count: usize| (0..count).map(|n| format!("7e1cac92-e348-4c90-ac66-{n:012}")).collect::<Vec<_>>();
    wait(&ids(WARM_UP)).await?;
    let tasks = ids(order.times);
    let before = Before::now();
    for _ in 0..order.again {
        wait(&tasks).await?;
    }
    Ok(before.spent())
}

/// The leanest there is: one queue and as many loops as connections; who is not done goes to the end of the queue.
async fn in_lanes(client: &reqwest::Client, url: &str, tasks: &[String]) -> Result<(), Failure> {
    let queue: Mutex<VecDeque<&String>> = Mutex::new(tasks.iter().collect());
    let queue = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let lane = || async {
        loop {
            let Some(task) = queue().pop_front() else { return Ok::<_, Failure>(()) };
            if by_hand::query(client, url, task).await? != SUCCEEDED {
                queue().push_back(task);
            }
        }
    };
    try_join_all((0..CONNECTIONS).map(|_| lane())).await.map(drop)
}

/// What is usually written: a task for each wait, and a pause between its queries.
async fn a_task_each(client: &reqwest::Client, url: &str, tasks: &[String]) -> Result<(), Failure> {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let mut waits = JoinSet::new();
    for task in tasks {
        let (client, connections) = (client.clone(), connections.clone());
        let (url, task) = (url.to_owned(), task.clone());
        waits.spawn(async move {
            loop {
                let one = connections.acquire().await.map_err(|error| error.to_string())?;
                let state = by_hand::query(&client, &url, &task).await.map_err(|error| error.to_string())?;
                drop(one);
                if state == SUCCEEDED {
                    return Ok::<_, String>(());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    while let Some(wait) = waits.join_next().await {
        wait??;
    }
    Ok(())
}
