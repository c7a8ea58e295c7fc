//! Photos from disk, and pictures to disk.

use std::path::Path;

use crate::{
    Failure, Order, TASK, by_hand, client,
    measure::{Before, Spent},
};

/// One photo, one after the other.
pub(crate) async fn upload(order: &Order) -> Result<Spent, Failure> {
    let path = Path::new(&order.rest);
    let (ours, theirs) = (client(&order.url)?, by_hand::reqwest()?);
    let send = async || match order.side.as_str() {
        "xiezhen" => ours.upload_file(path).await.map(drop).map_err(Failure::from),
        "reqwest" => by_hand::upload(&theirs, &order.url, path).await,
        _ => Err("say xiezhen or reqwest".into()),
    };
    send().await?;
    let before = Before::now();
    for _ in 0..order.times {
        send().await?;
    }
    Ok(before.spent())
}

/// The pictures of one task.
pub(crate) async fn download(order: &Order) -> Result<Spent, Failure> {
    let folder = Path::new(&order.rest);
    let (ours, theirs) = (client(&format!("{}/album/{}", order.url, order.times))?, by_hand::reqwest()?);
    let before = Before::now();
    match order.side.as_str() {
        "xiezhen" => {
            let task = ours.query_task(TASK).await?;
            ours.save_results(&task, folder, None).await?;
        }
        "reqwest" => by_hand::save(&theirs, &format!("{}/album/{}", order.url, order.times), folder).await?,
        _ => return Err("say xiezhen or reqwest".into()),
    }
    Ok(before.spent())
}
