//! The contact sheet that the command `xiezhen` leaves beside the pictures.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::command::{exit, run, text, xiezhen};
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
    let shown: Vec<PathBuf> =
        values(&page, "src").iter().map(|src| file_of(src, &out).canonicalize().unwrap()).collect();
    let expected: Vec<PathBuf> = files.iter().chain(&photos()).map(|file| file.canonicalize().unwrap()).collect();
    assert_eq!(shown, expected);

    // Typed again, it has nothing to do.
    simulator.clear_journal();
    let again = run(&simulator.url(), &out).output().unwrap();
    assert_eq!((exit(&again), again.stdout), (0, output.stdout));
    assert_eq!(simulator.journal().len(), 0);
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
    assert_eq!(addresses.len(), 2 * (10 + 6));
    assert!(addresses.iter().all(|address| file_of(address, &source).is_file()));
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
