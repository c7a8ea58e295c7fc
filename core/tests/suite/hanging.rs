//! A file system that hangs, as one does whose server is gone: only the call that needs it waits, until its timeout
//! (docs/design.md §5). Every other goes on, on the same thread.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use xiezhen::{Client, Error, ErrorKind, Job, RunOptions, check_photos};
use xiezhen_simulator::{Call, Fault, Simulator, StallAt};

use crate::{
    hanging_disk::{HangingDisk, Until},
    large, service,
};

/// Long enough for a call to come as far as the disk, on a busy machine too.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A file system is taken away then, lest whoever waits for it waits for ever.
pub(crate) const AN_AGE: Duration = Duration::from_secs(60);

pub(crate) fn disk() -> Option<HangingDisk> {
    let disk = HangingDisk::mount();
    match &disk {
        Some(disk) => disk.end_after(AN_AGE),
        None => eprintln!("skipped: this machine lets nobody mount a file system"),
    }
    disk
}

/// The ten photos, on that disk.
fn photos(disk: &HangingDisk) -> Vec<PathBuf> {
    let copy = |photo: PathBuf| disk.add(photo.file_name().unwrap().to_str().unwrap(), fs::read(&photo).unwrap());
    service::photos().into_iter().map(copy).collect()
}

/// The call ends when its time is up. Meanwhile, a job of another client ends well; the tests' runtime has one thread.
async fn waits_alone<T: std::fmt::Debug>(
    disk: &HangingDisk,
    simulator: &Simulator,
    call: impl Future<Output = Result<T, Error>>,
) {
    let began = Instant::now();
    let other = service::client(&simulator.url());
    let elsewhere = tempfile::tempdir().unwrap();
    let others = async {
        while disk.unanswered() == 0 {
            assert!(began.elapsed() < AN_AGE, "the call never came as far as the disk");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let options = RunOptions::default().save_to(elsewhere.path()).checkpoint(elsewhere.path().join("job.json"));
        other.run(&service::job(), options).await
    };
    let (outcome, others) = tokio::join!(Box::pin(call), Box::pin(others));
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    others.unwrap();
    // What was left to itself holds nobody up either.
    other.list_styles().await.unwrap();
    assert!(began.elapsed() < AN_AGE, "somebody waited until the disk was taken away");
}

fn limited(client: &Client) -> Client {
    client.with_timeout(TIMEOUT)
}

#[tokio::test]
async fn photos_on_it_are_waited_for_until_the_timeout() {
    for until in [Until::Now, Until::Read] {
        let Some(disk) = disk() else { return };
        let simulator = service::start().await;
        let client = service::client(&simulator.url());
        let photos = photos(&disk);
        disk.hang(until);
        waits_alone(&disk, &simulator, limited(&client).upload_file(photos[0].clone())).await;
        let job = Job::new(photos.clone(), service::STYLES);
        let run = client.run(&job, RunOptions::default().timeout(TIMEOUT));
        waits_alone(&disk, &simulator, run).await;
        let given_up = tokio::time::timeout(TIMEOUT, check_photos(photos)).await;
        assert!(given_up.is_err(), "a check ends when its caller goes away");
    }
}

#[tokio::test]
async fn pictures_and_checkpoints_on_it_are_waited_for_until_the_timeout() {
    for until in [Until::Now, Until::Write] {
        let Some(disk) = disk() else { return };
        let simulator = service::start().await;
        let client = service::client(&simulator.url());
        let task = service::generated(&client).await;
        disk.hang(until);
        waits_alone(&disk, &simulator, limited(&client).save_results(&task, disk.path(), None)).await;
        let job = service::job();
        client.run(&job, RunOptions::default()).await.unwrap();
        let options = RunOptions::default().timeout(TIMEOUT).save_to(disk.path());
        waits_alone(&disk, &simulator, client.run(&job, options)).await;
        let options = RunOptions::default().timeout(TIMEOUT).checkpoint(disk.path().join("job.json"));
        waits_alone(&disk, &simulator, client.run(&service::job(), options)).await;
    }
}

#[tokio::test]
async fn what_is_given_up_is_removed_by_nobody_who_is_needed() {
    let Some(disk) = disk() else { return };
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let task = service::generated(&client).await;
    // Half a picture is there, and nobody writes, when the time is up.
    simulator.fault(Fault::on(Call::Result).stall(StallAt::Body(100)).times(task.result_paths.len() as u64));
    disk.hang(Until::Unlink);
    waits_alone(&disk, &simulator, limited(&client).save_results(&task, disk.path(), None)).await;
}

#[tokio::test]
async fn large_pictures_on_it_keep_no_others_of_the_same_client_from_coming() {
    let Some(disk) = disk() else { return };
    let hosts = [large::host().await, large::host().await];
    let client = service::client(&hosts[0]);
    let elsewhere = tempfile::tempdir().unwrap();
    disk.hang(Until::Write);
    // More than may have a piece in hand at a time.
    let on_it = large::task(1, &hosts[0], 8);
    let hang = Box::pin(client.save_results(&on_it, disk.path(), None));
    let others = large::task(2, &hosts[1], 1);
    let others = async {
        while disk.unanswered() < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Box::pin(client.save_results(&others, elsewhere.path(), None)).await
    };
    let saved = tokio::select! {
        saved = others => saved.unwrap(),
        ended = hang => panic!("{ended:?}"),
        () = tokio::time::sleep(AN_AGE) => panic!("others wait for it, too"),
    };
    assert_eq!(saved.len(), 1);
}
