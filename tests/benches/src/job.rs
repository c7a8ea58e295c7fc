//! Whole jobs at once, and the smallest call there is.

use std::{path::Path, time::Duration};

use futures_util::future::try_join_all;
use xiezhen::{Client, Job, PollSchedule, RunOptions};

use crate::{
    Failure, Order,
    measure::{Before, Spent},
};

const STYLES: [&str; 2] = ["仙气十足", "花好月圆"];

/// Jobs of ten photos and two styles, all at once, with checkpoints and pictures in a folder; through the simulator.
pub(crate) async fn whole(order: &Order) -> Result<Spent, Failure> {
    let folder = Path::new(&order.rest);
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../photos");
    let soon = PollSchedule { initial: Duration::from_millis(200), factor: 1.5, max: Duration::from_secs(1) };
    let client = Client::builder()
        .base_url(&order.url)
        .app_code("simulator-app-code".to_owned())
        .requests_per_second(f64::INFINITY)
        .training_schedule(soon)
        .generation_schedule(soon)
        .build()?;
    let one = async |n: usize| -> Result<(), Failure> {
        let job = Job::new((1..=10).map(|photo| photos.join(format!("{photo:02}.jpg"))), STYLES);
        let folder = folder.join(n.to_string());
        let options = RunOptions::default().save_to(&folder).checkpoint(folder.join("job.json"));
        client.run(&job, options).await?;
        if job.portraits().iter().all(|portrait| !portrait.files.is_empty()) {
            Ok(())
        } else {
            Err("a portrait has no picture".into())
        }
    };
    let before = Before::now();
    try_join_all((0..order.times).map(&one)).await?;
    Ok(before.spent())
}

/// `Job::stage`: what a binding adds to it is the cost of a call.
pub(crate) fn stage(times: usize) -> Spent {
    let job = Job::with_user_id("user", STYLES);
    let before = Before::now();
    for _ in 0..times {
        std::hint::black_box(std::hint::black_box(&job).stage());
    }
    before.spent()
}
