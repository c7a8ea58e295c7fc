//! Photos before they are sent (docs/design.md §11): what is found out about them, and what is made of them.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use serde::Deserialize;
use tokio::time::Instant;
use xiezhen::{Photo, PhotoPlan, PhotoReport, check_photos};

/// What `tests/pictures/expected.json` says of one picture.
#[derive(Clone, Deserialize)]
struct Expected {
    format: Option<String>,
    size: Option<(u32, u32)>,
    plan: Option<PhotoPlan>,
    says: Option<String>,
    remarks: Vec<String>,
    #[cfg_attr(not(feature = "heic"), allow(dead_code))]
    heic: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Expected {
    fn check(&self, report: &PhotoReport) {
        assert_eq!(report.format, self.format, "{report:?}");
        assert_eq!(report.plan, self.plan, "{report:?}");
        assert_eq!(report.size, self.size, "{report:?}");
        match &self.says {
            Some(says) => assert!(report.problems.len() == 1 && report.problems[0].contains(says), "{report:?}"),
            None => assert!(report.problems.is_empty(), "{report:?}"),
        }
        // All are made of one drawing.
        let remarks: Vec<_> = report.remarks.iter().filter(|remark| !remark.contains("the same as")).collect();
        assert_eq!(remarks.len(), self.remarks.len(), "{report:?}");
        assert!(remarks.iter().zip(&self.remarks).all(|(remark, word)| remark.contains(word)), "{report:?}");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pictures"))
}

fn corpus(name: &str) -> PathBuf {
    folder().join("corpus").join(name)
}

fn expected() -> BTreeMap<String, Expected> {
    let expected = serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap();
    #[cfg(feature = "heic")]
    let expected = with_heic(expected);
    expected
}

#[cfg(feature = "heic")]
fn with_heic(expected: BTreeMap<String, Expected>) -> BTreeMap<String, Expected> {
    let laid_over = |(name, mut one): (String, Expected)| {
        for (field, value) in one.heic.take().unwrap_or_default() {
            match field.as_str() {
                "plan" => one.plan = serde_json::from_value(value).unwrap(),
                "says" => one.says = serde_json::from_value(value).unwrap(),
                "size" => one.size = serde_json::from_value(value).unwrap(),
                "remarks" => one.remarks = serde_json::from_value(value).unwrap(),
                other => panic!("{other}"),
            }
        }
        (name, one)
    };
    expected.into_iter().map(laid_over).collect()
}

#[tokio::test]
async fn every_nasty_picture_is_seen_through() {
    let expected = expected();
    assert!(expected.len() >= 50);
    let reports = check_photos(expected.keys().map(|name| corpus(name))).await.unwrap();
    for (expected, report) in expected.values().zip(&reports) {
        expected.check(report);
        assert_eq!(report.bytes, Some(fs::metadata(report.path.as_ref().unwrap()).unwrap().len()));
    }
    let bytes = expected.keys().map(|name| Photo::bytes(fs::read(corpus(name)).unwrap()));
    for (of_bytes, of_file) in check_photos(bytes).await.unwrap().into_iter().zip(reports) {
        assert_eq!(of_bytes, PhotoReport { path: None, ..of_file });
    }
}

#[tokio::test]
async fn the_same_photo_twice_is_remarked_upon_also_mirrored_and_never_for_flat_ones() {
    let names =
        ["good.jpg", "another.jpg", "good.jpg", "mirrored.jpg", "black.png", "white.png", "black.png", "noise.jpg"];
    let reports = check_photos(names.map(corpus)).await.unwrap();
    let alike = |index: usize| reports[index].remarks.iter().find(|remark| remark.contains("the same as")).cloned();
    assert!(alike(0).is_none() && alike(1).is_none(), "{reports:?}");
    assert!(alike(2).unwrap().starts_with("is the same as photo 1"));
    assert!(alike(3).unwrap().starts_with("is nearly the same as photo 1"));
    assert!(alike(4).is_none() && alike(5).is_none() && alike(7).is_none(), "{reports:?}");
    assert!(alike(6).unwrap().starts_with("is the same as photo 5"));
}

#[tokio::test]
async fn the_photos_of_the_demo_are_good_ones() {
    for report in check_photos(crate::service::photos()).await.unwrap() {
        assert_eq!(
            (report.plan, report.problems.len(), report.remarks.len()),
            (Some(PhotoPlan::AsIs), 0, 0),
            "{report:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_photo_is_in_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let photos = [folder.path().join("missing.jpg"), folder.path().to_owned(), corpus("good.jpg")];
    let reports = check_photos(photos).await.unwrap();
    assert!(reports[0].problems[0].starts_with("can't be read"), "{reports:?}");
    assert_eq!(reports[1].problems, ["is not a file"]);
    assert!(reports[0].plan.is_none() && reports[0].bytes.is_none() && reports[0].format.is_none());
    assert_eq!(reports[2].plan, Some(PhotoPlan::AsIs));
    assert!(check_photos(Vec::<PathBuf>::new()).await.unwrap().is_empty());
}

/// Decoding takes a processor; whoever waits for something else meanwhile must not notice.
#[tokio::test(flavor = "current_thread")]
async fn a_check_leaves_its_thread_free() {
    let check = tokio::spawn(check_photos(crate::service::photos()));
    let mut longest = Duration::ZERO;
    while !check.is_finished() {
        let before = Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        longest = longest.max(before.elapsed());
    }
    check.await.unwrap().unwrap();
    assert!(longest < Duration::from_millis(500), "held up for {longest:?}");
}
