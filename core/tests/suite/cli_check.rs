//! Photos and styles looked at before anything is billed: `xiezhen check`, and `xiezhen styles --html`.

use std::fs;

use crate::command::{exit, json_lines, refused, text, xiezhen};
use crate::service::{self, photos};
use serde_json::json;
use xiezhen::ErrorKind;
use xiezhen_simulator::{Call, STYLES as OFFERED};

/// Nobody listens there: a check asks nobody.
const NOBODY: &str = "http://127.0.0.1:9";

/// A folder with two good photos, half of one, a hidden file and a text.
fn mixed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let good = photos();
    fs::copy(&good[0], folder.path().join("b.jpg")).unwrap();
    fs::copy(&good[1], folder.path().join("a & b.JPEG")).unwrap();
    let whole = fs::read(&good[2]).unwrap();
    fs::write(folder.path().join("half.jpg"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.path().join("notes.txt"), "no photo").unwrap();
    fs::write(folder.path().join(".hidden.jpg"), "no photo").unwrap();
    folder
}

/// Refers to nothing outside of the page, and lets no script run.
fn needs_nobody(page: &str) {
    assert!(page.contains("default-src 'none'; img-src data:"));
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"), "{page}");
}

#[test]
fn a_folder_is_checked_in_the_order_of_its_names() {
    let folder = mixed();
    let output = xiezhen(NOBODY, ["check".as_ref(), folder.path().as_os_str()]).output().unwrap();

    let (table, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(exit(&output), ErrorKind::InvalidArgument.exit_code(), "{table}{said}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].contains("a & b.JPEG") && lines[0].contains("as it is"), "{table}");
    assert!(lines[1].contains("b.jpg") && lines[1].contains("640 × 640"), "{table}");
    assert!(lines[2].contains("half.jpg") && lines[2].contains("refused; is cut short"), "{table}");
    assert!(said.contains("notes.txt") && !said.contains(".hidden.jpg"), "{said}");
}

#[test]
fn json_has_every_field_of_a_report() {
    let folder = mixed();
    let output = xiezhen(NOBODY, ["--json".as_ref(), "check".as_ref(), folder.path().as_os_str()]).output().unwrap();

    let reports = json_lines(&output.stdout).remove(0);
    assert_eq!(reports.as_array().unwrap().len(), 3);
    let (good, half) = (&reports[1], &reports[2]);
    assert_eq!((&good["format"], &good["size"], &good["plan"]), (&json!("jpeg"), &json!([640, 640]), &json!("as_is")));
    assert_eq!((&good["problems"], &half["plan"]), (&json!([]), &json!(null)));
    assert_eq!(half["problems"].as_array().unwrap().len(), 1, "{half}");
}

#[test]
fn a_page_of_verdicts_has_the_bad_ones_first() {
    let folder = mixed();
    let page = folder.path().join("page.html");
    let check = |language: &str| {
        let arguments = ["--lang", language, "check"].map(std::ffi::OsStr::new);
        let mut command = xiezhen(NOBODY, arguments);
        command.arg(folder.path()).arg("--html").arg(&page).output().unwrap()
    };

    assert_eq!(exit(&check("en")), ErrorKind::InvalidArgument.exit_code());

    let english = fs::read_to_string(&page).unwrap();
    needs_nobody(&english);
    assert!(english.find("half.jpg").unwrap() < english.find("a &amp; b.JPEG").unwrap(), "{english}");
    assert_eq!(english.matches("data:image/jpeg;base64,").count(), 2, "half a photo has no thumbnail");

    // A page of ours is written again, another one never.
    check("zh");
    let chinese = fs::read_to_string(&page).unwrap();
    assert!(chinese.contains("<html lang=\"zh\">") && chinese.contains("被拒绝"), "{chinese}");
    fs::write(&page, "<p>somebody's</p>").unwrap();
    assert_eq!(exit(&check("en")), ErrorKind::Io.exit_code());
    assert_eq!(fs::read_to_string(&page).unwrap(), "<p>somebody's</p>");
}

#[test]
fn remarks_are_in_the_language_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let photo = &photos()[0];
    for name in ["1.jpg", "2.jpg"] {
        fs::copy(photo, folder.path().join(name)).unwrap();
    }
    let page = folder.path().join("page.html");
    let check = |language: &str| {
        let folder = folder.path().as_os_str();
        let arguments =
            ["check".as_ref(), folder, "--html".as_ref(), page.as_os_str(), "--lang".as_ref(), language.as_ref()];
        let output = xiezhen(NOBODY, arguments).output().unwrap();
        assert!(text(&output.stderr).contains('8'), "two are too few");
        (text(&output.stdout).to_owned(), fs::read_to_string(&page).unwrap())
    };
    let (table, shown) = check("en");
    assert!(table.contains("is the same as photo 1") && !table.contains("different photos"), "{table}");
    assert!(shown.contains("is the same as photo 1: a model trains better from different photos"), "{shown}");
    let (table, shown) = check("zh");
    assert!(table.contains("与第 1 张相同") && !table.contains("photo 1"), "{table}");
    assert!(shown.contains("与第 1 张相同：各不相同的照片训练效果更好") && !shown.contains("photo 1"), "{shown}");
}

#[test]
fn a_folder_without_photos_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(xiezhen(NOBODY, ["check"]).arg(folder.path()), ErrorKind::InvalidArgument);
    assert!(said.contains(&folder.path().display().to_string()), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gallery_shows_every_style_and_needs_nobody_afterwards() {
    let simulator = service::start().await;
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("styles.html");

    let output = xiezhen(&simulator.url(), ["styles", "--html"]).arg(&page).output().unwrap();

    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    let page = fs::read_to_string(&page).unwrap();
    needs_nobody(&page);
    assert_eq!(page.matches("<figure>").count(), OFFERED.len());
    assert_eq!(page.matches("data:image/jpeg;base64,").count(), OFFERED.len());
    let calls = simulator.journal().iter().filter(|entry| entry.call == Call::ListStyles).count();
    assert_eq!(calls, 1, "templates are no calls of the gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_as_good_as_its_photos_for_a_run() {
    let simulator = service::start().await;
    let out = tempfile::tempdir().unwrap();
    let photo = photos().remove(0);

    let mut command = xiezhen(&simulator.url(), ["run", "--style", service::STYLES[0], "--out"]);
    let output = command.arg(out.path()).arg(photo.parent().unwrap()).output().unwrap();

    assert_eq!(exit(&output), 0, "{}", text(&output.stderr));
    let uploads = simulator.journal().iter().filter(|entry| entry.call == Call::UploadFile).count();
    assert_eq!(uploads, photos().len());
}
