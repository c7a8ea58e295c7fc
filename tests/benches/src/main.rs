//! One piece of work by one side, in a process of its own: `xiezhen-benches WORK SIDE URL TIMES [POLLS or PATH] [AGAIN]`.
//!
//! Prints the CPU time in µs, the growth of the resident memory's peak in bytes and the time that passed in seconds.
//! `xiezhen-benches serve` is the server, for every face. For instructions, start that and run
//! `valgrind --tool=callgrind target/release/xiezhen-benches query xiezhen URL 1000`.

mod by_hand;
mod bytes_on_disk;
mod called_back;
mod job;
mod job_by_hand;
mod measure;
mod photos;
mod query;
mod scheduling;
mod server;
mod waits;

use std::time::Duration;

use xiezhen::{Client, PollSchedule};

const TASK: &str = "7e1cac92-e348-4c90-ac66-0fc1050c9146";
type Failure = Box<dyn std::error::Error>;

/// What a worker is told to do.
struct Order {
    work: String,
    side: String,
    url: String,
    times: usize,
    /// Polls a wait, or a path.
    rest: String,
    /// How often all of it is done again, so that little work is long enough to be measured.
    again: usize,
}

impl Order {
    fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        Some(Self {
            work: arguments.next()?,
            side: arguments.next()?,
            url: arguments.next()?,
            times: arguments.next()?.parse().ok()?,
            rest: arguments.next().unwrap_or_default(),
            again: arguments.next().map_or(Some(1), |again| again.parse().ok())?,
        })
    }
}

fn main() -> Result<(), Failure> {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return Ok(server::serve()?);
    }
    let order = Order::read(std::env::args().skip(1)).ok_or("say WORK SIDE URL TIMES [POLLS or PATH] [AGAIN]")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    if order.work == "callbacks" {
        let known = runtime.block_on(called_back::measure(&order))?;
        println!("{}", serde_json::to_string(&known)?);
        return Ok(());
    }
    let spent = runtime.block_on(async {
        match order.work.as_str() {
            "query" => query::measure(&order).await,
            "waits" => waits::measure(&order).await,
            "upload" => bytes_on_disk::upload(&order).await,
            "download" => bytes_on_disk::download(&order).await,
            "scheduling" => Ok(scheduling::measure(order.times).await),
            "jobs" => job::whole(&order).await,
            "waiting" => job::waiting(&order).await,
            "stage" => Ok(job::stage(order.times)),
            "scale" => photos::scale(&order),
            "clean" => photos::clean(&order),
            _ => Err("no such work".into()),
        }
    })?;
    println!("{}", serde_json::to_string(&spent)?);
    Ok(())
}

/// A client that looks as often as it can.
fn client(url: &str) -> xiezhen::Result<Client> {
    let often = PollSchedule { initial: Duration::from_millis(1), factor: 1.0, max: Duration::from_millis(1) };
    Client::builder()
        .base_url(url)
        .app_code("bench".to_owned())
        .requests_per_second(f64::INFINITY)
        .generation_schedule(often)
        .training_schedule(often)
        .build()
}
