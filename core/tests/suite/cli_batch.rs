//! `xiezhen batch`: a folder of customers, each a job of its own.

#![allow(clippy::case_sensitive_file_extension_comparisons)]

use std::{fs, path::Path, process::Output};

use serde_json::json;
use xiezhen_simulator::{Call, Fault};

use crate::command::{exit, json_lines, text, xiezhen};
use crate::service::{self, STYLES, photos};

/// A folder with two customers of eight photos each, no two alike.
fn customers(folder: &Path) {
    for (name, skipped) in [("anna", 0), ("bo", 1)] {
        fs::create_dir_all(folder.join(name)).unwrap();
        for photo in photos().into_iter().skip(skipped).take(8) {
            let photo = Path::new(&photo).to_owned();
            fs::copy(&photo, folder.join(name).join(photo.file_name().unwrap())).unwrap();
        }
    }
}

fn batch(url: &str, folder: &Path, more: &[&str]) -> Output {
    let mut command = xiezhen(url, ["batch", "--style", STYLES[0], "--out"]);
    command.arg(folder.join("out")).args(more);
    if !more.contains(&"--manifest") {
        command.arg(folder.join("customers"));
    }
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_customers_is_done_and_goes_on_where_it_stood() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    customers(&folder.path().join("customers"));
    fs::write(folder.path().join("customers/anna/notes.txt"), "x").unwrap();
    fs::create_dir(folder.path().join("customers/nobody")).unwrap();
    let url = simulator.url();

    let output = batch(&url, folder.path(), &["--dry-run"]);
    assert!(text(&output.stdout).ends_with("billed calls in all: 4\n"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("nobody: ") && exit(&output) == 2);
    assert_eq!((simulator.count(Call::CreateUserModel), simulator.count(Call::UploadFile)), (0, 0));

    // Nobody's lack of photos stops no other.
    let output = batch(&url, folder.path(), &[]);
    let said = text(&output.stderr);
    assert_eq!(exit(&output), 2, "{said}");
    assert!(said.contains("notes.txt") && said.contains("2 of 3 customers done"), "{said}");
    for name in ["anna", "bo"] {
        let files: Vec<_> = fs::read_dir(folder.path().join("out").join(name)).unwrap().flatten().collect();
        let names: Vec<_> = files.iter().map(|file| file.file_name().into_string().unwrap()).collect();
        assert!(
            names.iter().any(|name| name == "job.json") && names.iter().any(|name| name == "index.html"),
            "{names:?}"
        );
        assert_eq!(
            names.iter().filter(|name| name.ends_with(".png") || name.ends_with(".jpg")).count(),
            2,
            "{names:?}"
        );
    }
    let report = fs::read_to_string(folder.path().join("out/report.csv")).unwrap();
    assert!(report.starts_with("key,state,model,pictures,billed calls,error,message\nanna,done,"), "{report}");
    assert!(report.contains("\nnobody,uploading,,0,0,invalid_argument,"), "{report}");
    let page = fs::read_to_string(folder.path().join("out/index.html")).unwrap();
    assert!(page.contains("href=\"anna/index.html\"") && page.contains("nobody"), "{page}");
    assert_eq!((simulator.count(Call::CreateUserModel), simulator.count(Call::CreateTask)), (2, 2));

    // Somebody came meanwhile; what was done is not done again.
    fs::remove_dir(folder.path().join("customers/nobody")).unwrap();
    let cai = folder.path().join("customers/cai");
    fs::create_dir(&cai).unwrap();
    for photo in photos().into_iter().skip(2) {
        fs::copy(&photo, cai.join(Path::new(&photo).file_name().unwrap())).unwrap();
    }
    let output = batch(&url, folder.path(), &["--json"]);
    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    let jobs: Vec<_> = json_lines(&output.stdout).into_iter().filter(|line| line["type"] == "job").collect();
    assert_eq!(jobs.len(), 3);
    assert!(jobs.iter().all(|job| job["stage"] == "done" && job["billed_calls"] == 2), "{jobs:?}");
    assert_eq!((simulator.count(Call::CreateUserModel), simulator.count(Call::CreateTask)), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_checked_whole_before_anything_is_begun() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    customers(&folder.path().join("customers"));
    let manifest = folder.path().join("list.csv");
    let typed = manifest.to_str().unwrap().to_owned();
    fs::write(&manifest, "key,folder,colour\n1,customers/anna,red\n1,customers/bo,\n2,nowhere,\n3,,\n").unwrap();
    let output = batch(&simulator.url(), folder.path(), &["--manifest", &typed]);
    let said = text(&output.stderr);
    for problem in
        ["no column \"colour\"", "line 3: key \"1\" was there before", "no folder", "line 5: give either a folder or"]
    {
        assert!(said.contains(problem), "{problem}: {said}");
    }
    assert_eq!((exit(&output), simulator.journal().len()), (2, 0));

    let styles = format!("key,folder,styles\n1,customers/anna,{};{}\n2,customers/bo,\n", STYLES[0], STYLES[1]);
    fs::write(&manifest, styles).unwrap();
    let output = batch(&simulator.url(), folder.path(), &["--manifest", &typed]);
    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    assert_eq!((simulator.count(Call::CreateUserModel), simulator.count(Call::CreateTask)), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_batches_on_one_folder_know_of_each_other_and_the_worst_end_is_the_exit_code() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    customers(&folder.path().join("customers"));
    fs::create_dir(folder.path().join("out")).unwrap();
    let lock = fs::File::create(folder.path().join("out/.batch.lock")).unwrap();
    lock.lock().unwrap();
    let output = batch(&simulator.url(), folder.path(), &[]);
    assert!(exit(&output) == 13 && text(&output.stderr).contains("another batch"), "{}", text(&output.stderr));
    lock.unlock().unwrap();

    simulator.fault(Fault::on(Call::CreateUserModel).once().reply(200).body(json!({"ret": 9, "msg": "no face"})));
    let output = batch(&simulator.url(), folder.path(), &[]);
    assert!(exit(&output) == 7 && text(&output.stderr).contains("no face"), "{}", text(&output.stderr));
    assert_eq!(exit(&batch(&simulator.url(), folder.path(), &[])), 0, "the refused one is begun anew");
}
