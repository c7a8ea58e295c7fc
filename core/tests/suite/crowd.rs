//! Many jobs at once in a process that may have few files open: uploads are bounded for the client, not for each job.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use xiezhen::{Job, RunOptions, Stage};
use xiezhen_simulator::{Call, Fault, Moment};

use crate::service;

const URL: &str = "XIEZHEN_TEST_URL";
const JOBS: &str = "XIEZHEN_TEST_JOBS";

#[tokio::test]
async fn uploads_of_all_jobs_together_are_bounded() {
    let simulator = service::start().await;
    // An upload is under way for as long as nobody answers it.
    simulator.fault(Fault::on(Call::UploadFile).delay(Duration::from_millis(50)));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (under_way, highest) = (now.clone(), most.clone());
    simulator.on_request(move |entry, moment| match moment {
        _ if entry.call != Call::UploadFile => {}
        Moment::Arrived => {
            highest.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        }
        Moment::Worked => {
            under_way.fetch_sub(1, Ordering::SeqCst);
        }
        Moment::Answered => {}
    });
    let client = service::builder(&simulator.url()).upload_concurrency(3_usize).build().unwrap();
    let jobs: Vec<Job> = (0..6).map(|_| Job::new(service::photos(), Vec::<String>::new())).collect();
    let single = client.upload_file(service::photos()[0].clone());
    let (runs, single) = tokio::join!(join_all(jobs.iter().map(|job| client.run(job, RunOptions::default()))), single);
    single.unwrap();
    runs.into_iter().for_each(Result::unwrap);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
#[ignore = "the process with few descriptors that the test below starts"]
fn child() {
    let url = std::env::var(URL).unwrap();
    let jobs = std::env::var(JOBS).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = service::builder(&url).max_retries(4_u32).build().unwrap();
    runtime.block_on(async {
        let jobs: Vec<Job> = (0..jobs).map(|_| Job::new(service::photos(), [service::STYLES[0]])).collect();
        let folder = tempfile::tempdir().unwrap();
        let run = |job| client.run(job, RunOptions::default().save_to(folder.path()));
        for (job, outcome) in jobs.iter().zip(join_all(jobs.iter().map(run)).await) {
            outcome.unwrap();
            assert_eq!((job.stage(), job.portraits()[0].files.len()), (Stage::Done, 2));
        }
    });
}

#[tokio::test]
async fn many_runs_at_once_end_well_with_few_descriptors() {
    let simulator = service::start().await;
    let jobs = std::env::var(JOBS).unwrap_or_else(|_| "60".to_owned());
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 64; exec \"$0\" --exact crowd::child --ignored"]);
    shell.arg(std::env::current_exe().unwrap()).env(URL, simulator.url()).env(JOBS, jobs);
    let ended = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}
