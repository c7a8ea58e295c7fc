//! The process that is killed: runs its share of the jobs, all at once, with one client.

use std::{collections::BTreeMap, fs, io::Write, path::Path, time::Duration};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use xiezhen::{Client, Job, PollSchedule, RunOptions};
use xiezhen_simulator::DEFAULT_APP_CODE;

use crate::{Outcome, STYLES, folder};

/// What a person decided about a job before it is run again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Nothing: go on.
    Go,
    /// The training exists at the service: its task and user.
    AdoptTraining(String, String),
    /// These generations exist at the service: their tasks and styles.
    Adopt(Vec<(String, String)>),
    /// Nothing exists: start anew.
    Recreate,
}

const PHOTOS: usize = 8;
/// Pixels a side: small, so that hundreds of jobs are quick.
const SIDE: usize = 64;

/// Photos of a person that nobody else has: grey, in a shade for each job and photo.
pub(crate) fn make_photos(folder: &Path, job: usize) -> Outcome {
    fs::create_dir_all(folder)?;
    for photo in 0..PHOTOS {
        let mut bytes = b"BM".to_vec();
        let pixels = 3 * SIDE * SIDE;
        for number in [54 + pixels, 0, 54, 40, SIDE, SIDE] {
            bytes.extend(u32::try_from(number)?.to_le_bytes());
        }
        bytes.extend([1, 0, 24, 0]);
        bytes.extend([0; 24]);
        let shade = (job * PHOTOS + photo) as u32;
        bytes.extend((0..pixels).map(|at| if at < 4 { (shade >> (8 * at)) as u8 } else { (at / SIDE) as u8 }));
        fs::write(folder.join(format!("{photo}.bmp")), bytes)?;
    }
    Ok(())
}

fn client(url: &str) -> xiezhen::Result<Client> {
    let schedule = PollSchedule { initial: Duration::from_millis(200), factor: 1.5, max: Duration::from_secs(1) };
    Client::builder()
        .base_url(url)
        .app_code(DEFAULT_APP_CODE.to_owned())
        .training_schedule(schedule)
        .generation_schedule(schedule)
        .requests_per_second(f64::INFINITY)
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(3))
        .stall_limit(Duration::from_secs(1))
        .build()
}

/// Runs what `orders` says; one line a job on standard output: its number and what it came to.
#[tokio::main]
pub(crate) async fn work(url: &str, orders: &Path) -> Outcome {
    let root = orders.parent().ok_or("the orders lie beside the jobs")?;
    let orders: BTreeMap<usize, Order> = serde_json::from_slice(&fs::read(orders)?)?;
    let client = client(url)?;
    join_all(orders.into_iter().map(|(job, order)| {
        let client = &client;
        async move {
            let outcome = run(client, &folder(root, job), order).await;
            let code = outcome.as_ref().map_or_else(xiezhen::Error::code, |()| "done");
            // Nobody reads it if the driver is gone.
            let _ = writeln!(std::io::stdout(), "{job} {code}");
        }
    }))
    .await;
    Ok(())
}

async fn run(client: &Client, folder: &Path, order: Order) -> xiezhen::Result<()> {
    let checkpoint = folder.join("job.json");
    let options = RunOptions::default().save_to(folder).checkpoint(&checkpoint).timeout(Duration::from_secs(20));
    let job = match &order {
        Order::AdoptTraining(task_id, user_id) => {
            let job = Job::read_checkpoint(&checkpoint)?;
            job.adopt(task_id, Some(user_id))?;
            job
        }
        Order::Adopt(tasks) => {
            let job = Job::read_checkpoint(&checkpoint)?;
            for (task_id, style) in tasks {
                job.adopt_portrait(task_id, style)?;
            }
            job
        }
        _ => Job::new((0..PHOTOS).map(|photo| folder.join(format!("{photo}.bmp"))), STYLES),
    };
    client.run(&job, options.recreate(order == Order::Recreate)).await
}
