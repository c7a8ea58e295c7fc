//! Whole jobs at once, jobs that wait, and the smallest call there is.

use std::{io::Write, path::Path, time::Duration};

use futures_util::future::try_join_all;
use xiezhen::{Client, ClientBuilder, Job, PollSchedule, RunManyOptions, RunOptions};

use crate::{
    Failure, Order, job_by_hand,
    measure::{Before, Spent},
};

pub(crate) const STYLES: [&str; 2] = ["仙气十足", "花好月圆"];
/// How often tasks are polled, by hand as well.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);
/// Photos at the service from which waiting jobs take ten each, so that no two are the same.
const UPLOADED: usize = 20;

pub(crate) fn photos() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../photos");
    (1..=10).map(|photo| folder.join(format!("{photo:02}.jpg"))).collect()
}

pub(crate) fn builder(url: &str) -> ClientBuilder {
    Client::builder().base_url(url).app_code("simulator-app-code".to_owned()).requests_per_second(f64::INFINITY)
}

/// Jobs of ten photos and two styles, all at once, with pictures in a folder; through the simulator. Ours have a
/// checkpoint each.
pub(crate) async fn whole(order: &Order) -> Result<Spent, Failure> {
    let folder = Path::new(&order.rest);
    match order.side.as_str() {
        "xiezhen" => whole_by_us(order, folder).await,
        "reqwest" => {
            let before = Before::now();
            job_by_hand::whole(&order.url, order.times, folder).await?;
            Ok(before.spent())
        }
        "check" => check(order.times).await,
        _ => Err("say xiezhen, reqwest or check".into()),
    }
}

async fn whole_by_us(order: &Order, folder: &Path) -> Result<Spent, Failure> {
    let often = PollSchedule { initial: PAUSE, factor: 1.0, max: PAUSE };
    let client = builder(&order.url).training_schedule(often).generation_schedule(often).build()?;
    let before = Before::now();
    let one = async |n: usize| -> Result<(), Failure> {
        let job = Job::new(photos(), STYLES);
        let folder = folder.join(n.to_string());
        let options = RunOptions::default().save_to(&folder).checkpoint(folder.join("job.json"));
        Ok(client.run(&job, options).await?)
    };
    try_join_all((0..order.times).map(&one)).await?;
    Ok(before.spent())
}

/// What of these jobs is the look at their photos, which nothing written by hand takes.
async fn check(times: usize) -> Result<Spent, Failure> {
    let before = Before::now();
    for _ in 0..times {
        xiezhen::check_photos(photos()).await?;
    }
    Ok(before.spent())
}

/// Jobs that wait for their training until this process is ended. Says when it begins to measure, and waits for a word.
pub(crate) async fn waiting(order: &Order) -> Result<Spent, Failure> {
    let client = builder(&order.url).build()?;
    let mut uploaded = Vec::new();
    for photo in photos().iter().cycle().take(UPLOADED) {
        uploaded.push(client.upload_file(photo.as_path()).await?);
    }
    println!("ready");
    std::io::stdout().flush()?;
    std::io::stdin().read_line(&mut String::new())?;
    let jobs = (0..1_usize << UPLOADED).filter(|set| set.count_ones() == 10).take(order.times);
    let jobs = jobs.map(|set| {
        let paths = uploaded.iter().enumerate().filter(|(n, _)| set >> n & 1 == 1).map(|(_, path)| path.clone());
        Job::with_uploaded(paths, STYLES)
    });
    let options = RunManyOptions::default().concurrency(order.times).save_to(&order.rest).checkpoints(&order.rest);
    for ended in client.run_many(jobs, options).await? {
        ended?;
    }
    Err("these jobs never end".into())
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
