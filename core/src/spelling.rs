//! How each language spells the arguments that messages name.
//!
//! A message is written once, with each argument's name marked, as in `‹allow_http› allows it`. The languages differ in
//! nothing else, so a text is never searched for words that might be names.

/// How a language spells names of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `connect_timeout`: Rust, Python, C and C++.
    Snake,
    /// `connectTimeoutMs`: Node.
    Camel,
    /// `--connect-timeout`: the command.
    Flags,
}

/// Snake, camel, and what is typed for it. No credential is ever typed: others see command lines.
const NAMES: &[[&str; 3]] = &[
    ["base_url", "baseUrl", "--base-url"],
    ["app_code", "appCode", "XIEZHEN_APP_CODE"],
    ["app_key", "appKey", "XIEZHEN_APP_KEY"],
    ["app_secret", "appSecret", "XIEZHEN_APP_SECRET"],
    [
        "pass app_code, or app_key with app_secret, or set",
        "pass appCode, or appKey with appSecret, or set",
        "run xiezhen login, or set",
    ],
    ["timeout", "timeoutMs", "--call-timeout"],
    ["connect_timeout", "connectTimeoutMs", "--connect-timeout"],
    ["max_retries", "maxRetries", "--max-retries"],
    ["requests_per_second", "requestsPerSecond", "--requests-per-second"],
    ["upload_concurrency", "uploadConcurrency", "--upload-concurrency"],
    ["max_photo_bytes", "maxPhotoBytes", "--max-photo-bytes"],
    ["max_pictures", "maxPictures", "--max-pictures"],
    ["training_schedule", "trainingSchedule", "--training-schedule"],
    ["generation_schedule", "generationSchedule", "--generation-schedule"],
    ["ca_file", "caFile", "--ca-file"],
    ["proxy", "proxy", "--proxy"],
    ["allow_http", "allowHttp", "--allow-http"],
    ["allow_private_results", "allowPrivateResults", "--allow-private-results"],
    ["require_https_results", "requireHttpsResults", "--require-https-results"],
    ["public_url", "publicUrl", "--callback"],
    ["secret", "secret", "XIEZHEN_CALLBACK_SECRET"],
    ["img_set", "imgSet", "img_set"],
    ["callback_url", "callbackUrl", "callback_url"],
    ["user_id", "userId", "--user-id"],
    ["task_id", "taskId", "TASK_ID"],
    ["style", "style", "--style"],
    ["save_to", "saveTo", "--out"],
    ["give_photo", "givePhoto", "give_photo"],
    ["checkpoint", "checkpoint", "--checkpoint"],
    ["recreate", "recreate", "--recreate"],
    ["inf", "Infinity", "inf"],
];

/// The same text with each marked name as `spelling` has it. What is in no table stays as it is.
pub(crate) fn spell(written: &str, spelling: Spelling) -> String {
    let mut spelled = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, marked)) = rest.split_once('‹') {
        spelled.push_str(before);
        let name = marked.split_once('›').and_then(|(name, after)| Some((find(name, spelling)?, after)));
        rest = match name {
            Some((name, after)) => {
                spelled.push_str(name);
                after
            }
            None => {
                spelled.push('‹');
                marked
            }
        };
    }
    spelled + rest
}

fn find(name: &str, spelling: Spelling) -> Option<&'static str> {
    let [snake, camel, flag] = NAMES.iter().find(|[snake, ..]| *snake == name)?;
    Some(match spelling {
        Spelling::Snake => snake,
        Spelling::Camel => camel,
        Spelling::Flags => flag,
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_name_that_the_core_marks_is_in_the_table() {
        fn check(folder: &Path) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    check(&path);
                } else if !path.ends_with("spelling.rs") {
                    let source = fs::read_to_string(&path).unwrap();
                    let marked = source.split('‹').skip(1).filter_map(|marked| Some(marked.split_once('›')?.0));
                    // Pages have arrows of the same kind.
                    let is_name = |name: &&str| name.starts_with(|c: char| c.is_ascii_lowercase());
                    for name in marked.filter(is_name) {
                        let is_known = find(name, Spelling::Snake).is_some();
                        assert!(is_known, "{name} in {}", path.display());
                    }
                }
            }
        }
        check(Path::new("src"));
    }

    #[test]
    fn a_marked_name_is_spelled_as_each_language_does() {
        let written = "‹base_url› is http://: allow it with ‹allow_http›, not ‹unknown› or ‹";
        assert_eq!(
            spell(written, Spelling::Snake),
            "base_url is http://: allow it with allow_http, not ‹unknown› or ‹"
        );
        assert_eq!(spell(written, Spelling::Camel), "baseUrl is http://: allow it with allowHttp, not ‹unknown› or ‹");
        assert_eq!(
            spell(written, Spelling::Flags),
            "--base-url is http://: allow it with --allow-http, not ‹unknown› or ‹"
        );
    }
}
