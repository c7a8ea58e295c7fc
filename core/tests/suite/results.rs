//! Files appear whole or not at all (docs/design.md §5.9), and credentials stay home (§5.7).

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;
use xiezhen::{Client, ErrorKind, Job, RunOptions, Task, TaskKind, TaskState};
use xiezhen_simulator::{Call, Fault, Moment, Simulator, StallAt};

use crate::service;

async fn start() -> (Simulator, Client, Task, tempfile::TempDir) {
    let simulator = service::start().await;
    let client = service::client(&simulator.url());
    let task = service::generated(&client).await;
    (simulator, client, task, tempfile::tempdir().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn pictures_are_called_after_style_task_and_number() {
    let (simulator, client, task, folder) = start().await;
    let files = client.save_results(&task, folder.path(), Some("仙气/十足")).await.unwrap();
    let expected: Vec<String> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().into()).collect();
    let digest = expected[0].strip_prefix("仙气_十足-").and_then(|rest| rest.strip_suffix("-1.png")).unwrap();
    assert!(digest.len() == 10 && digest.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7')), "{expected:?}");
    assert_eq!(expected[1], format!("仙气_十足-{digest}-2.png"));
    assert_eq!(names(folder.path()), expected);
    assert!(simulator.journal().iter().all(|entry| !entry.leaked_credentials));
}

#[tokio::test]
async fn what_a_job_has_saved_is_kept_as_long_as_it_is_that() {
    let (simulator, client, _, folder) = start().await;
    let job = Job::with_user_id(service::trained(&client).await, [service::STYLES[0]]);
    let options = || RunOptions::default().save_to(folder.path());
    client.run(&job, options()).await.unwrap();
    let files = job.portraits()[0].files.clone();
    let contents: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let fetched = simulator.count(Call::Result);
    let stored = Job::from_json(&job.to_json().unwrap()).unwrap();
    client.run(&stored, options()).await.unwrap();
    assert_eq!(simulator.count(Call::Result), fetched, "what is there is kept");

    // Another's picture, as long as this one, or a link to it: neither is this job's.
    let others = folder.path().join("other.png");
    fs::copy(&files[1], &others).unwrap();
    fs::remove_file(&files[0]).unwrap();
    std::os::unix::fs::symlink(&others, &files[0]).unwrap();
    let mut cut = contents[1].clone();
    cut[100] ^= 1;
    fs::write(&files[1], cut).unwrap();
    client.run(&stored, options()).await.unwrap();
    assert_eq!(simulator.count(Call::Result), fetched + 2, "what is not is fetched again");
    assert!(files[0].symlink_metadata().unwrap().is_file(), "a link is replaced");
    let now: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!((now, fs::read(others).unwrap()), (contents.clone(), contents[1].clone()));
}

#[tokio::test]
async fn a_planted_picture_is_nobodys_result() {
    let (_simulator, client, task, folder) = start().await;
    let other = service::generated(&client).await;
    let planted = tempfile::tempdir().unwrap();
    let names = client.save_results(&task, planted.path(), None).await.unwrap();
    let theirs = client.save_results(&other, planted.path(), None).await.unwrap();
    for (name, other) in names.iter().zip(&theirs) {
        fs::copy(other, folder.path().join(name.file_name().unwrap())).unwrap();
    }
    let files = client.save_results(&task, folder.path(), None).await.unwrap();
    for (file, name) in files.iter().zip(&names) {
        assert_eq!(fs::read(file).unwrap(), fs::read(name).unwrap());
    }
}

#[tokio::test]
async fn tasks_whose_ids_begin_alike_and_styles_that_look_alike_never_meet() {
    let (_simulator, client, mut task, folder) = start().await;
    for id in ["T0000000000101", "T0000000000102", "019368ab-7c1e-7000", "019368ab-7c1e-7001"] {
        task.id = id.to_owned();
        client.save_results(&task, folder.path(), Some("a/b")).await.unwrap();
    }
    assert_eq!(names(folder.path()).len(), 8);
}

#[tokio::test]
async fn pictures_of_many_tasks_are_fetched_sixteen_at_a_time() {
    const TASKS: usize = 12;
    let (simulator, client, task, folder) = start().await;
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    simulator.fault(Fault::on(Call::Result).delay(Duration::from_millis(100)));
    simulator.on_request({
        let most = most.clone();
        move |entry, moment| match moment {
            Moment::Arrived if entry.call == Call::Result => {
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            }
            Moment::Worked if entry.call == Call::Result => drop(under_way.fetch_sub(1, Ordering::SeqCst)),
            _ => {}
        }
    });
    let saved = join_all((0..TASKS).map(|n| {
        let (client, task, folder) = (&client, &task, folder.path().join(n.to_string()));
        async move { client.save_results(task, folder, None).await.unwrap().len() }
    }));
    assert_eq!(saved.await.into_iter().sum::<usize>(), 2 * TASKS);
    let most = most.load(Ordering::SeqCst);
    assert!((5..=16).contains(&most), "{most} at a time");
}

#[tokio::test]
async fn what_breaks_off_is_fetched_again_and_leaves_no_half_file() {
    let (simulator, _, task, folder) = start().await;
    let client = service::builder(&simulator.url()).stall_limit(Duration::from_secs(2)).build().unwrap();
    simulator.fault(Fault::on(Call::Result).half().times(2));
    simulator.fault(Fault::on(Call::Result).stall(StallAt::Body(100)).once());
    simulator.fault(Fault::on(Call::Result).reply(503).header("Retry-After", "0").times(2));
    let files = client.save_results(&task, folder.path(), None).await.unwrap();
    assert_eq!((files.len(), names(folder.path()).len()), (2, 2));

    let never = tempfile::tempdir().unwrap();
    simulator.fault(Fault::on(Call::Result).half());
    let error = client.save_results(&task, never.path(), None).await.unwrap_err();
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Transport, Some(task.id.as_str())));
    assert!(names(never.path()).is_empty(), "{:?}", names(never.path()));
}

#[tokio::test]
async fn what_is_no_picture_is_a_protocol_error_and_the_others_are_saved() {
    let (simulator, client, mut task, folder) = start().await;
    simulator.fault(Fault::on(Call::Result).reply(200).body("<html>gone</html>").once());
    let error = client.save_results(&task, folder.path(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert_eq!(names(folder.path()).len(), 1);

    for hostile in ["file:///etc/passwd", "user_upload/x.png", "ftp://127.0.0.1/x", "javascript:alert(1)"] {
        task.result_paths = vec![hostile.to_owned()];
        let error = client.save_results(&task, folder.path(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{hostile}: {error}");
    }
}

#[tokio::test]
async fn an_expired_address_is_asked_for_once_more() {
    let (simulator, client, task, folder) = start().await;
    simulator.clear_journal();
    simulator.fault(Fault::on(Call::Result).reply(403).times(2));
    assert_eq!(client.save_results(&task, folder.path(), None).await.unwrap().len(), 2);
    assert_eq!(simulator.count(Call::QueryTask), 1);

    simulator.fault(Fault::on(Call::Result).reply(404));
    let error = client.save_results(&task, tempfile::tempdir().unwrap().path(), None).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Api, Some(404)));
    assert_eq!(simulator.count(Call::QueryTask), 2, "once, and not for ever");
}

#[tokio::test]
async fn fewer_addresses_are_no_replacement_for_expired_ones() {
    let (simulator, client, task, folder) = start().await;
    simulator.fault(Fault::on(Call::Result).reply(403).once());
    simulator.fault(Fault::on(Call::QueryTask).answer_task(json!({"result_paths": []})));
    let error = client.save_results(&task, folder.path(), None).await.unwrap_err();
    assert_eq!((error.kind(), names(folder.path()).len()), (ErrorKind::Api, 1), "{error}");
}

#[tokio::test]
async fn what_a_server_quotes_of_a_credential_is_not_told() {
    let (simulator, client, _, _) = start().await;
    let code = xiezhen_simulator::DEFAULT_APP_CODE;
    simulator.fault(
        Fault::on(Call::ListStyles).reply(400).header("X-Ca-Error-Message", format!("Invalid AppCode {code}")).once(),
    );
    simulator.fault(Fault::on(Call::ListStyles).reply(200).body(format!("<html>{code}</html>")).once());
    for kind in [ErrorKind::Authentication, ErrorKind::Protocol] {
        let error = client.list_styles().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!serde_json::to_string(&error).unwrap().contains(code), "{error}");
    }
}

#[tokio::test]
async fn nothing_that_a_server_quotes_leaves_a_part_of_a_credential() {
    let (simulator, client, _, _) = start().await;
    let code = xiezhen_simulator::DEFAULT_APP_CODE;
    // It begins before what is shown ends.
    let long = format!("{}{code}", "x".repeat(200 - code.len() / 2));
    simulator.fault(Fault::on(Call::ListStyles).reply(200).body(long.clone()).once());
    simulator.fault(Fault::on(Call::ListStyles).reply(200).body(json!({"ret": 7, "msg": long})).once());
    simulator.fault(Fault::on(Call::ListStyles).reply(403).header("X-Ca-Request-Id", code).once());
    for _ in 0..3 {
        let error = client.list_styles().await.unwrap_err();
        let told = serde_json::to_string(&error).unwrap();
        assert!(!told.contains(&code[..8]), "{told}");
    }
}

#[tokio::test]
async fn a_host_that_throttles_pictures_is_rate_limited() {
    let (simulator, _, task, folder) = start().await;
    let client = service::builder(&simulator.url()).max_retries(1_u32).build().unwrap();
    simulator.fault(Fault::on(Call::Result).reply(429).header("Retry-After", "0"));
    let error = client.save_results(&task, folder.path(), None).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::RateLimited, true), "{error}");
    simulator.clear_faults();
    simulator.fault(Fault::on(Call::Result).reply(408).once());
    assert_eq!(client.save_results(&task, folder.path(), None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn many_may_save_one_task_at_once_and_what_a_killed_one_left_is_swept() {
    let (_simulator, client, task, folder) = start().await;
    let first = client.save_results(&task, folder.path(), Some("x")).await.unwrap().swap_remove(0);
    let stem = first.file_stem().unwrap().to_str().unwrap();
    fs::write(folder.path().join(format!(".{stem}-abcdef.tmp")), "half").unwrap();
    let saves = join_all((0..40).map(|_| client.save_results(&task, folder.path(), Some("x")))).await;
    assert!(saves.iter().all(|saved| saved.as_ref().is_ok_and(|files| files.len() == 2)), "{saves:?}");
    assert_eq!(names(folder.path()).len(), 2, "{:?}", names(folder.path()));
}

#[tokio::test]
async fn two_customers_in_one_folder_never_meet() {
    let (_simulator, client, task, folder) = start().await;
    let other = service::generated(&client).await;
    client.save_results(&task, folder.path(), Some("仙")).await.unwrap();
    client.save_results(&other, folder.path(), Some("仙")).await.unwrap();
    assert_eq!(names(folder.path()).len(), 4);
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_file_and_loses_no_state() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(folder.path()) else {
        eprintln!("skipped: this machine lets nobody mount a small disk");
        return;
    };
    let (simulator, client, _, roomy) = start().await;
    let job = service::job();
    let checkpoint = roomy.path().join("job.json");
    let error =
        client.run(&job, RunOptions::default().save_to(folder.path()).checkpoint(&checkpoint)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));

    let created = simulator.created();
    let again = Job::read_checkpoint(&checkpoint).unwrap();
    client.run(&again, RunOptions::default().save_to(roomy.path()).checkpoint(&checkpoint)).await.unwrap();
    assert!(again.portraits().iter().all(|portrait| portrait.files.len() == 2));
    assert_eq!(simulator.created(), created, "nothing was paid again");
}

/// Sixteen KiB, and then no more.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let mounted =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0).status();
    }
}

#[tokio::test]
async fn no_redirect_carries_a_credential_away() {
    let (simulator, client, _, _) = start().await;
    let elsewhere = simulator.space("elsewhere");
    let there = format!("{}/cloud/aigc_product_brief_query", elsewhere.url());
    simulator.fault(Fault::on(Call::ListStyles).reply(302).header("Location", &there).body(json!({})));
    let error = client.list_styles().await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Protocol, Some(302)));
    assert!(elsewhere.journal().is_empty());
}

#[tokio::test]
async fn a_task_without_pictures_saves_none() {
    let (_simulator, client, _, folder) = start().await;
    let task = Task {
        id: "7e1cac92-e348".into(),
        state: TaskState::Succeeded,
        raw_state: 3,
        kind: TaskKind::Generation,
        result_paths: Vec::new(),
        reason: None,
    };
    assert!(client.save_results(&task, folder.path(), None).await.unwrap().is_empty());
}
