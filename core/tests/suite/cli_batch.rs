//! `xiezhen batch`: a folder of customers, each a job of its own.

#![allow(clippy::case_sensitive_file_extension_comparisons)]

use std::{fs, path::Path, process::Output};

use serde_json::json;
use xiezhen_simulator::{Call, Fault, STYLES as OFFERED};

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
    assert!(report.starts_with("key,state,model,pictures,billed calls,error,message,advice\nanna,done,"), "{report}");
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

/// What a batch says to each customer: a dry run on standard output, a run on standard error; the last lines, about the
/// whole, left out.
fn told(said: &[u8]) -> Vec<String> {
    let lines = text(said).lines().filter(|line| line.starts_with("  ") || line.contains(": "));
    let about_all = |line: &&str| line.starts_with("billed calls in all") || line.contains("customers done");
    lines.filter(|line| !about_all(line)).map(|line| line.replace("invalid_argument: ", "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_done_stays_done_and_another_order_says_what_to_do_in_a_dry_run_too() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    customers(&folder.join("customers"));
    let url = simulator.url();
    let billed = || simulator.count(Call::CreateUserModel) + simulator.count(Call::CreateTask);
    let file = |name: &str| fs::read_to_string(folder.join("out").join(name)).unwrap();

    // A photo that is cut short, and a style that is mistyped: a dry run refuses what a run would refuse.
    let cut = folder.join("customers/cut");
    fs::create_dir(&cut).unwrap();
    for photo in photos().into_iter().skip(2) {
        let (name, whole) = (Path::new(&photo).file_name().unwrap(), fs::read(&photo).unwrap());
        fs::write(cut.join(name), &whole[..whole.len() / 2]).unwrap();
    }
    let mistyped = OFFERED[1].name.replace('圆', "园");
    let tried = batch(&url, folder, &["--dry-run", "--style", &mistyped]);
    let said = text(&tried.stdout);
    assert!(exit(&tried) == 2 && said.contains(&format!("did you mean {}", OFFERED[1].name)), "{said}");
    assert!(said.ends_with("billed calls in all: 0\n"), "{said}");
    let tried = batch(&url, folder, &["--dry-run"]);
    assert!(exit(&tried) == 2 && text(&tried.stdout).ends_with("in all: 4\n"), "{}", text(&tried.stdout));
    let run = batch(&url, folder, &[]);
    let cut_short = |said: &[u8]| told(said).into_iter().find(|line| line.starts_with("cut: ")).unwrap();
    assert_eq!(cut_short(&tried.stdout), cut_short(&run.stderr));
    assert_eq!((exit(&run), billed()), (2, 4));
    fs::remove_dir_all(&cut).unwrap();

    // Photos that were put away change nothing of what is done.
    let photo = |name: &str| fs::read_dir(folder.join("customers").join(name)).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(photo("anna")).unwrap();
    let tried = batch(&url, folder, &["--dry-run"]);
    assert_eq!(
        (exit(&tried), text(&tried.stdout)),
        (0, "anna: billed calls: 0\nbo: billed calls: 0\nbilled calls in all: 0\n")
    );
    assert_eq!((exit(&batch(&url, folder, &[])), billed()), (0, 4));

    // Other photos, and one more style: neither is done, and each is told what to do.
    fs::write(photo("bo"), fs::read(&photos()[0]).unwrap()).unwrap();
    let tried = batch(&url, folder, &["--dry-run", "--style", STYLES[1]]);
    let run = batch(&url, folder, &["--style", STYLES[1]]);
    assert_eq!((exit(&tried), exit(&run), billed()), (2, 2, 4));
    // A run says some of it as it comes to it, and all of it at the end.
    assert!(told(&run.stderr).ends_with(&told(&tried.stdout)), "{:?} {:?}", told(&run.stderr), told(&tried.stdout));
    let user_id = simulator.tasks().into_iter().find(|task| file("anna/job.json").contains(&task.id)).unwrap().user_id;
    let out = folder.join("out");
    let cheap = format!("run --user-id {user_id} --style {} --out {}/anna/more", STYLES[1], out.display());
    let other = format!(
        "with other photos; nothing was billed. For a new order, give these photos a folder of another name, or move {}/bo away",
        out.display()
    );
    for said in [text(&run.stderr), &file("report.csv"), &file("index.html")] {
        assert!(said.contains(&cheap) && said.contains(&other), "{said}");
    }
    assert!(text(&tried.stdout).ends_with("billed calls in all: 0\n"));
    assert!(file("report.csv").contains("\nanna,done,"), "the pictures are there");

    // Two who are one: nobody is begun, nobody is said to be cancelled, and the report is left as it is.
    let before = file("report.csv");
    fs::create_dir(folder.join("customers/bo2")).unwrap();
    for photo in fs::read_dir(folder.join("customers/bo")).unwrap().flatten() {
        fs::copy(photo.path(), folder.join("customers/bo2").join(photo.file_name())).unwrap();
    }
    let twice = batch(&url, folder, &[]);
    let said = text(&twice.stderr);
    assert!(exit(&twice) == 2 && said.contains("the same job") && !said.contains("cancelled"), "{said}");
    assert_eq!(file("report.csv"), before);

    // The advice is typed.
    let words: Vec<&str> = cheap.split(' ').collect();
    assert_eq!(exit(&xiezhen(&url, &words).output().unwrap()), 0);
    assert_eq!((simulator.count(Call::CreateUserModel), simulator.count(Call::CreateTask)), (2, 3));
}
