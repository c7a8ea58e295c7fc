//! Queries, one after another.

use crate::{
    Failure, Order, TASK,
    by_hand::{self, Hyper},
    client,
    measure::{Before, Spent},
};

const WARM_UP: usize = 200;

pub(crate) async fn measure(order: &Order) -> Result<Spent, Failure> {
    match order.side.as_str() {
        "xiezhen" => {
            let client = client(&order.url)?;
            repeat(order.times, async || Ok(client.query_task(TASK).await?.raw_state)).await
        }
        "reqwest" => {
            let client = by_hand::reqwest()?;
            repeat(order.times, async || by_hand::query(&client, &order.url, TASK).await).await
        }
        "hyper" => {
            let mut connection = Hyper::connect(&order.url).await?;
            repeat(order.times, async || connection.query().await).await
        }
        _ => Err("say xiezhen, reqwest or hyper".into()),
    }
}

async fn repeat(times: usize, mut ask: impl AsyncFnMut() -> Result<i64, Failure>) -> Result<Spent, Failure> {
    for _ in 0..WARM_UP {
        ask().await?;
    }
    let before = Before::now();
    for _ in 0..times {
        ask().await?;
    }
    Ok(before.spent())
}
