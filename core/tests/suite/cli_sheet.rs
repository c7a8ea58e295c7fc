//! The contact sheet that the command `xiezhen` leaves beside the pictures.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::command::{exit, run, text, through, xiezhen};
use crate::service::{self, STYLES, photos};
use serde_json::{Value, json};
use xiezhen_simulator::{Call, Fault, STYLES as OFFERED};

/// The values of an attribute, as they are written.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let begin = format!(" {attribute}=\"");
    page.split(&begin).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The local file behind a relative address.
fn file_of(address: &str, folder: &Path) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = address.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(text(&after[..2]), 16).unwrap());
            rest = &after[2..];
        } else {
            assert!(first.is_ascii_alphanumeric() || b"-._~/".contains(first), "{address}");
            bytes.push(*first);
            rest = after;
        }
    }
    folder.join(String::from_utf8(bytes).unwrap())
}

fn sheet(out: &Path) -> String {
    fs::read_to_string(out.join("index.html")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_prints_its_files_and_leaves_a_contact_sheet() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("甲 & 乙");

    let output = run(&simulator.url(), &out).output().unwrap();

    let said = text(&output.stderr);
    assert_eq!(exit(&output), 0, "{said}");
    let files: Vec<PathBuf> = text(&output.stdout).lines().map(PathBuf::from).collect();
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|file| file.parent() == Some(&out) && fs::metadata(file).unwrap().len() > 1000));
    // Plain lines: nothing that steers a terminal.
    assert!(!said.contains(['\u{1b}', '\r']), "{said}");
    assert!(said.contains("(10 of 10)") && said.contains("trained: user model") && said.contains("done\n"), "{said}");

    let page = sheet(&out);
    assert!(STYLES.iter().all(|style| page.contains(&format!("<h2>{style}</h2>"))));
    let (templates, local): (Vec<&str>, Vec<&str>) =
        values(&page, "src").iter().partition(|src| src.starts_with("data:image/jpeg;base64,"));
    let shown: Vec<PathBuf> = local.iter().map(|src| file_of(src, &out).canonicalize().unwrap()).collect();
    let expected: Vec<PathBuf> = files.iter().chain(&photos()).map(|file| file.canonicalize().unwrap()).collect();
    // Small, and once more large.
    assert_eq!(shown, [expected.clone(), expected].concat());
    assert_eq!(templates.len(), STYLES.len(), "beside each style its template");

    // Each picture leads to itself, large, and that back to it; no script is needed.
    for number in 0..files.len() + photos().len() {
        for there in
            [format!("id=\"large-{number}\""), format!("href=\"#large-{number}\""), format!("id=\"at-{number}\"")]
        {
            assert!(page.contains(&there), "{there}");
        }
    }
    assert!(!page.contains("<script") && page.contains(".large:target"), "{page}");

    // Typed again, it has nothing to do, and the templates are still there.
    simulator.clear_journal();
    let again = run(&simulator.url(), &out).output().unwrap();
    assert_eq!((exit(&again), again.stdout), (0, output.stdout));
    assert_eq!(simulator.journal().len(), 0);
    assert_eq!(sheet(&out), page);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_pages_follow_the_umask_and_a_checkpoint_is_its_owners() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let within = ["-c", "umask 027 && exec \"$0\" \"$@\""];
    let output = through("sh", &within, &run(&simulator.url(), &out)).output().unwrap();
    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    let mode = |file: &Path| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    let pictures: Vec<PathBuf> = text(&output.stdout).lines().map(PathBuf::from).collect();
    assert!(pictures.len() == 4 && pictures.iter().all(|picture| mode(picture) == 0o640), "{pictures:?}");
    assert_eq!([mode(&out.join("index.html")), mode(&out.join("job.json"))], [0o640, 0o600]);
}

#[tokio::test(flavor = "multi_thread")]
async fn styles_that_nobody_has_listed_have_their_templates_unless_that_fails() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(exit(&run(&simulator.url(), &folder.path().join("trained")).output().unwrap()), 0);
    let user_id = simulator.tasks().remove(0).user_id;
    let templates = |folder: &Path| sheet(folder).matches("<img class=\"template\"").count();
    // An id needs no list.
    let one_more = |name: &str| {
        let mut command = xiezhen(&simulator.url(), ["run", "--user-id", &user_id, "--style", OFFERED[0].id, "--out"]);
        let output = command.arg(folder.path().join(name)).output().unwrap();
        assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
        (templates(&folder.path().join(name)), text(&output.stderr).to_owned())
    };
    assert_eq!(one_more("listed").0, 1);

    let manifest = folder.path().join("list.csv");
    fs::write(&manifest, format!("key,user_id,styles\nanna,{user_id},{}\n", OFFERED[1].id)).unwrap();
    let mut batch = xiezhen(&simulator.url(), ["batch", "--manifest"]);
    let output = batch.arg(&manifest).arg("--out").arg(folder.path().join("batch")).output().unwrap();
    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    assert_eq!(templates(&folder.path().join("batch/anna")), 1);

    simulator.fault(Fault::on(Call::ListStyles).reply(500));
    let (templates, said) = one_more("unlisted");
    assert!(templates == 0 && said.contains("index.html") && !said.contains("500"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_outside_gets_into_the_contact_sheet_unescaped() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let names = ["\"><script>alert(1)</script>", "javascript:alert('2')&amp;", "' onerror='alert(3)"];
    let offered: Vec<Value> = names
        .iter()
        .zip(OFFERED)
        .map(|(name, style)| json!({"name": name, "style": style.id, "template": "", "sex": ""}))
        .collect();
    simulator.fault(Fault::on(Call::ListStyles).reply(200).body(json!({"ret": 0, "msg": "", "body": offered})));
    let source = folder.path().join("a\"b'<script>&#x;?q=1#f%20 写真");
    fs::create_dir(&source).unwrap();
    let hostile: Vec<PathBuf> = photos()
        .iter()
        .enumerate()
        .map(|(n, photo)| {
            let path = source.join(format!("javascript:alert({n}).jpg"));
            fs::copy(photo, &path).unwrap();
            path
        })
        .collect();

    // The photos lie in the folder of the pictures: their addresses begin with what could be a scheme.
    let mut command = xiezhen(&simulator.url(), ["run", "--out"]);
    command.arg(&source).args(&hostile);
    for name in names {
        command.args(["--style", name]);
    }
    let output = command.output().unwrap();
    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));

    let page = sheet(&source);
    let addresses = [values(&page, "src"), values(&page, "href")].concat();
    let local: Vec<_> = addresses.iter().filter(|address| !address.starts_with('#')).collect();
    assert_eq!(local.len(), 3 * (10 + 6) + 6, "small, large, and as a link; results by their names too");
    assert!(local.iter().all(|address| file_of(address, &source).is_file()));
    assert!(!page.contains("<script") && !page.contains("javascript:alert(0"), "{page}");
    assert!(page.contains("<h2>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h2>"));
    assert!(page.contains("<h2>javascript:alert(&#39;2&#39;)&amp;amp;</h2>"));
    // Outside of quoted values, no tag has an attribute of an event.
    let unquoted: String = page.split('"').step_by(2).collect();
    let tags = || unquoted.split('<').skip(1).map(|tag| tag.split('>').next().unwrap());
    assert!(tags().any(|tag| tag.contains(" alt=")) && !tags().any(|tag| tag.contains(" onerror=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_ours_is_left_alone() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "my own page").unwrap();

    let output = run(&simulator.url(), folder.path()).output().unwrap();
    let said = text(&output.stderr);
    assert!(exit(&output) == 0 && said.contains("no contact sheet:") && said.contains("index.html"), "{said}");
    assert_eq!(text(&output.stdout).lines().count(), 4);
    assert_eq!(sheet(folder.path()), "my own page");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_of_another_job_is_left_alone() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let portray = |style: &str, name: &str| {
        let mut command = xiezhen(&simulator.url(), ["run", "--style", style, "--out"]);
        let output = command.arg(out).args(photos()).arg("--checkpoint").arg(out.join(name)).output().unwrap();
        assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
        text(&output.stderr).to_owned()
    };
    portray(STYLES[0], "one.json");
    let first = sheet(out);
    let said = portray(STYLES[1], "two.json");
    assert!(said.contains("index-2.html"), "{said}");
    assert_eq!(sheet(out), first);

    // Each job's own sheet is written anew.
    let said = [portray(STYLES[0], "one.json"), portray(STYLES[1], "two.json")];
    assert!(said[0].contains("/index.html") && said[1].contains("/index-2.html"), "{said:?}");
    assert!(!out.join("index-3.html").exists());
}

/// A page's words: what stands between its tags, and what is said of its pictures.
fn words(page: &str) -> String {
    let body = page.split("</style>").nth(1).unwrap();
    let between = body.split('>').filter_map(|rest| rest.split('<').next()).collect::<Vec<_>>().join(" ");
    [vec![between.as_str()], values(body, "alt"), values(body, "title"), values(body, "aria-label")].concat().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chinese_every_word_of_the_sheet_is() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();

    let output = run(&simulator.url(), folder.path()).args(["--lang", "zh"]).output().unwrap();

    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    let page = sheet(folder.path());
    assert!(page.contains("<html lang=\"zh\">"), "{page}");
    let mut words = words(&page);
    for name in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()) {
        words = words.replace(name.to_str().unwrap(), "");
    }
    let model = serde_json::from_slice::<Value>(&fs::read(folder.path().join("job.json")).unwrap()).unwrap();
    words = words.replace(model["user_id"].as_str().unwrap(), "");
    assert!(words.contains("写真") && words.contains("照片 10") && words.contains("关闭"), "{words}");
    assert!(!words.contains(|c: char| c.is_ascii_alphabetic()), "{words}");
}

/// A page that somebody else can write is read no further than its beginning, and never waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_the_place_of_the_sheet_holds_up_nobody() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("index.html");
    assert!(std::process::Command::new("mkfifo").arg(&page).status().unwrap().success());
    let said = |output: &std::process::Output| {
        assert_eq!(exit(output), 0, "{}", text(&output.stderr));
        text(&output.stderr).to_owned()
    };
    let first = said(&run(&simulator.url(), folder.path()).output().unwrap());
    assert!(first.contains("no contact sheet:") && first.contains("not a regular file"), "{first}");
    fs::remove_file(&page).unwrap();
    fs::File::create(&page).unwrap().set_len(17 << 20).unwrap();
    let second = said(&run(&simulator.url(), folder.path()).output().unwrap());
    assert!(second.contains("no contact sheet:") && second.contains("larger than 16 MiB"), "{second}");
}
