//! What the core costs beside bare reqwest: `make bench`.
//!
//! Ours and theirs take turns within one run, the server is another process, and what counts is CPU time. For
//! instructions: `valgrind --tool=callgrind target/release/xiezhen-benches ours` (or `theirs`, or
//! `neither`, or a number of waits that are only scheduled).

mod measure;
mod server;

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use measure::{Rounds, cost};
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;
use xiezhen::{
    Client, PollSchedule, Task, TaskKind, TaskState,
    internals::{Look, Scheduler, Schedules},
};

const TASK: &str = "7e1cac92-e348-4c90-ac66-0fc1050c9146";
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return Ok(server::serve()?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let server = server::Server::start()?;
    // For callgrind, whose counts don't depend on what else the machine does.
    if let Some(whose) = std::env::args().nth(1) {
        return runtime.block_on(some_queries(&server.url, &whose));
    }
    println!("| work | xiezhen | bare reqwest | ratio: median (spread) | target |\n|---|---|---|---|---|");
    runtime.block_on(async {
        let call = queries(&server.url).await?;
        uploads(&server.url).await?;
        waits_over_http(&server.url).await?;
        println!();
        scheduling(call).await;
        Ok(())
    })
}

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

/// What somebody would write by hand.
fn by_hand() -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

/// The answer, as somebody would declare it by hand.
#[derive(Deserialize)]
struct Answer<T> {
    ret: i64,
    body: T,
}

#[derive(Deserialize)]
struct Wire {
    #[expect(dead_code, reason = "parsed as the SDK parses it")]
    id: String,
    state: i64,
    #[expect(dead_code, reason = "parsed as the SDK parses it")]
    result_paths: Vec<String>,
}

async fn query_by_hand(client: &reqwest::Client, url: &str) -> reqwest::Result<i64> {
    let body = Bytes::from(serde_json::json!({ "task_id": TASK }).to_string());
    let request = client
        .post(format!("{url}/cloud/aigc_task_query"))
        .header("authorization", "APPCODE bench")
        .header("accept", "application/json")
        .header("content-type", "application/json; charset=utf-8")
        .timeout(Duration::from_secs(60))
        .body(body);
    let bytes = request.send().await?.error_for_status()?.bytes().await?;
    let answer: Option<Answer<Wire>> = serde_json::from_slice(&bytes).ok();
    Ok(answer.map_or(-1, |answer| answer.ret + answer.body.state))
}

/// Some queries of one side only, or the scheduling of so many waits.
async fn some_queries(url: &str, whose: &str) -> Outcome {
    if let Ok(waits) = whose.parse() {
        one_size(waits).await;
        return Ok(());
    }
    let (ours, theirs) = (client(url)?, by_hand()?);
    for _ in 0..1000 {
        match whose {
            "ours" => drop(ours.query_task(TASK).await?),
            "theirs" => drop(query_by_hand(&theirs, url).await?),
            "neither" => {}
            _ => return Err("say ours, theirs or neither".into()),
        }
    }
    Ok(())
}

/// Sequential queries; returns the CPU time of one of ours.
async fn queries(url: &str) -> Result<f64, Box<dyn std::error::Error>> {
    const CALLS: usize = 3000;
    let (ours, theirs) = (client(url)?, by_hand()?);
    let mut rounds = Rounds::default();
    let mut last = 0.0;
    for round in 0..9 {
        let us = cost(CALLS, async {
            for _ in 0..CALLS {
                let _ = ours.query_task(TASK).await;
            }
        });
        let us = us.await;
        let them = cost(CALLS, async {
            for _ in 0..CALLS {
                let _ = query_by_hand(&theirs, url).await;
            }
        });
        let them = them.await;
        // The first round warms up.
        if round > 0 {
            rounds.add(us, them);
            last = us;
        }
    }
    rounds.report("query_task in sequence, CPU a call", "≤ 1.15");
    Ok(last)
}

/// Twenty photos of 5 MB, one after the other.
async fn uploads(url: &str) -> Outcome {
    const PHOTOS: usize = 20;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("photo.jpg");
    // A real photo, made longer: the size of the picture stands where it stands in any other.
    let mut photo = include_bytes!("../../photos/01.jpg").to_vec();
    photo.resize(5_000_000, 0);
    std::fs::write(&path, &photo)?;
    drop(photo);

    let (ours, theirs) = (client(url)?, by_hand()?);
    let mut rounds = Rounds::default();
    let mut growth = 0;
    for round in 0..6 {
        measure::forget_peak();
        let before = measure::resident();
        let us = cost(PHOTOS, async {
            for _ in 0..PHOTOS {
                let _ = ours.upload_file(path.as_path()).await;
            }
        });
        let us = us.await;
        growth = growth.max(measure::peak().saturating_sub(before));
        let them = cost(PHOTOS, async {
            for _ in 0..PHOTOS {
                let _ = upload_by_hand(&theirs, url, &path).await;
            }
        });
        let them = them.await;
        if round > 0 {
            rounds.add(us, them);
        }
    }
    rounds.report("upload of 5 MB from disk, CPU a photo", "≤ 1.1");
    println!("| memory growth while uploading | {:.1} MB | | | < 16 MB |", growth as f64 / 1e6);
    Ok(())
}

async fn upload_by_hand(client: &reqwest::Client, url: &str, path: &Path) -> Outcome {
    let file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, 64 << 10));
    let part = Part::stream_with_length(body, length).file_name("photo.jpg").mime_str("image/jpeg")?;
    let request = client.post(format!("{url}/cloud/upload_file")).header("authorization", "APPCODE bench");
    let bytes = request.multipart(Form::new().part("file", part)).send().await?.bytes().await?;
    let _: Answer<String> = serde_json::from_slice(&bytes)?;
    Ok(())
}

/// Ten thousand waits, a poll each, against as many queries by hand, sixty-four at a time.
async fn waits_over_http(url: &str) -> Outcome {
    const WAITS: usize = 10_000;
    let url = format!("{url}/done");
    let (ours, theirs) = (client(&url)?, by_hand()?);
    let tasks: Vec<String> = (0..WAITS).map(|n| format!("task-{n}")).collect();
    let mut rounds = Rounds::default();
    for round in 0..6 {
        let us = cost(WAITS, async { ours.wait_many(&tasks, None, |_, _| {}).await.map(drop) }).await;
        let them = cost(WAITS, async {
            let lane = || async {
                for _ in 0..WAITS / 64 {
                    let _ = query_by_hand(&theirs, &url).await;
                }
            };
            join_all((0..64).map(|_| lane())).await;
        });
        let them = them.await;
        if round > 0 {
            rounds.add(us, them);
        }
    }
    rounds.report("10,000 waits at once, CPU a poll", "≤ 1.1");
    Ok(())
}

/// A service that answers at once and costs nothing: what is left is the scheduler.
struct Nothing {
    looks_until_done: u32,
    looks: std::sync::atomic::AtomicU32,
}

impl Look for Nothing {
    fn look(&self, task_id: &str) -> impl Future<Output = xiezhen::Result<Task>> + Send {
        let looks = self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let raw_state = if looks >= self.looks_until_done { 3 } else { 2 };
        let state = TaskState::from_raw(raw_state);
        let id = task_id.to_owned();
        std::future::ready(Ok(Task { id, state, raw_state, kind: TaskKind::Generation, result_paths: Vec::new() }))
    }

    fn pay(&self, now: Instant) -> Instant {
        now
    }
}

/// What a look costs without its call, and what a wait weighs, as their number grows.
async fn scheduling(call: f64) {
    println!(
        "| waits | CPU a look, without the call | share of a call (target < 5 %) | memory a wait (target < 1 KiB, as slope) |\n|---|---|---|---|"
    );
    let mut before = None;
    for waits in [100_usize, 1_000, 10_000, 100_000] {
        let (look, memory) = one_size(waits).await;
        let slope = before.map_or_else(String::new, |(fewer, less): (usize, u64)| {
            format!("{:.0} B", memory.saturating_sub(less) as f64 / (waits - fewer) as f64)
        });
        println!("| {waits} | {:.2} µs | {:.1} % | {slope} |", look * 1e6, look / call * 100.0);
        before = Some((waits, memory));
    }
}

/// CPU time a look, and memory while all of them wait.
async fn one_size(waits: usize) -> (f64, u64) {
    const LOOKS_EACH: usize = 10;
    let schedule = PollSchedule { initial: Duration::from_millis(200), factor: 1.0, max: Duration::from_millis(200) };
    let both = Schedules { training: schedule, generation: schedule };
    let looks = waits * LOOKS_EACH;
    let nothing = Nothing { looks_until_done: looks as u32, looks: std::sync::atomic::AtomicU32::default() };
    let scheduler = Scheduler::new(Arc::new(nothing), both);
    let tasks: Vec<String> = (0..waits).map(|n| format!("7e1cac92-e348-4c90-ac66-{n:012}")).collect();
    let before = measure::resident();
    let mut memory = 0;
    let mut told = false;
    let wait = scheduler.wait_many(&tasks, None, |_, _| {
        // The first end: every wait is still on the board.
        if !std::mem::replace(&mut told, true) {
            memory = measure::resident().saturating_sub(before);
        }
    });
    let total = looks + waits;
    let look = cost(total, async { drop(wait.await) }).await;
    (look, memory)
}
