//! Right inputs, from which wrong ones are made.

use serde_json::{Value, json};

fn bytes(values: impl IntoIterator<Item = Value>) -> Vec<Vec<u8>> {
    values.into_iter().map(|value| value.to_string().into_bytes()).collect()
}

/// The document's own answers, and a refusal.
pub(crate) fn answers() -> Vec<Vec<u8>> {
    bytes([
        json!({"ret": 0, "body": "user_upload/T0000000000101/3f072b2b-66b2-4446-a9c0-1d892890728a.jpg"}),
        json!({"ret": 0, "body": {"task_id": "00e0931c-de26-4e67-9b7e-15f56ea4c0f5", "user_id": "U0000000013835"}}),
        json!({"ret": 0, "body": {"state": 3, "id": "00e0931c", "tsk_type": 1, "result_paths": []}}),
        json!({"ret": 0, "body": {"state": 4, "id": "7e1c", "tsk_type": 2, "result_paths": ["https://e.com/1.png"]}}),
        json!({"ret": 0, "body": [{"name": "仙气十足", "style": "20057d0c", "template": "https://e.com/t", "sex": "女"}]}),
        json!({"ret": 1203, "msg": "图片数量不足", "body": null}),
    ])
}

/// The host that the corpus' jobs belong to.
pub(crate) const HOST: &str = "fuzz.example:9";

/// A job at each of its stages, as the first version wrote it and as this one does.
pub(crate) fn jobs() -> Vec<Vec<u8>> {
    let first = first_jobs();
    let text = |job: &Vec<u8>| String::from_utf8_lossy(job).into_owned();
    let today = first.iter().filter_map(|job| {
        let job = xiezhen::Job::from_json(&text(job)).ok()?.to_json().ok()?;
        let mut job: Value = serde_json::from_str(&job).ok()?;
        // Every case follows from the seed alone.
        job.as_object_mut()?.insert("id".into(), "7e1cac92-e348-4b7a-9c1d-000000000001".into());
        Some(job.to_string().into_bytes())
    });
    today.chain(first.clone()).collect()
}

fn first_jobs() -> Vec<Vec<u8>> {
    let photo = json!({"path": "/nowhere/1.jpg", "sha256": "00", "bytes": 5, "uploaded": "user_upload/1.jpg"});
    let work = |task: Value, state: Value, intent: bool| {
        let seen = if task.is_null() { (json!(0), Value::Null) } else { (json!(5), json!(1_700_000_000_000_u64)) };
        json!({"task_id": task, "state": state, "error": null, "intent": intent, "next_look": 0, "looked": seen.0,
               "steps": {"looks": 2, "failures": 0}, "waiting_since": seen.1})
    };
    let portrait = |style: &str, task: Value, state: Value, intent: bool| {
        let mut portrait = work(task, state, intent);
        if let Some(fields) = portrait.as_object_mut() {
            fields.insert("style".into(), style.into());
            fields.insert("style_id".into(), "20057d0c-8cef-447e-88d0-a8f3490fd0b0".into());
            fields.insert("urls".into(), json!(["http://127.0.0.1:9/1.png"]));
            fields.insert("files".into(), json!([]));
        }
        portrait
    };
    let job = |stage: &str, user: Value, training: Value, portraits: Value| {
        json!({"version": 1, "revision": 7, "host": HOST, "stage": stage, "user_id": user, "training": training,
               "photos": vec![photo.clone(); 8], "portraits": portraits, "save_to": null})
    };
    let error = json!({"code": "outcome_unknown", "message": "lost", "retryable": false, "http_status": 504,
                       "retry_after": 3.5, "sent": "{}", "task": null});
    let mut lost = work(Value::Null, Value::Null, true);
    if let Some(fields) = lost.as_object_mut() {
        fields.insert("error".into(), error);
    }
    let user = || json!("U1");
    let trained = || work("t1".into(), "succeeded".into(), false);
    bytes([
        job("uploading", Value::Null, work(Value::Null, Value::Null, false), json!([])),
        job("training", user(), work("t1".into(), "waiting".into(), false), json!([])),
        job("failed", Value::Null, lost, json!([])),
        job("generating", user(), trained(), json!([portrait("仙", "t2".into(), "running".into(), false)])),
        job("saving", user(), trained(), json!([portrait("仙", "t2".into(), "partly_succeeded".into(), false)])),
        job(
            "generating",
            user(),
            work("t1".into(), "succeeded".into(), false),
            json!([
                portrait("仙", Value::Null, Value::Null, true),
                portrait("花", "t3".into(), "failed".into(), false)
            ]),
        ),
    ])
}

/// `status`, then headers, an empty line, a body: as the target `refusals` reads it.
pub(crate) fn refusals() -> Vec<Vec<u8>> {
    [
        "400\nx-ca-error-code: A400AC\nx-ca-error-message: Invalid AppCode\nx-ca-request-id: 1\n\n",
        "403\nx-ca-error-message: Throttled by API Flow Control\nretry-after: 3\n\n",
        "429\nx-ca-error-code: T429IN\nretry-after: Wed, 21 Oct 2026 07:28:00 GMT\n\nbusy",
        "429\nx-ca-error-code: T429ID\nx-ca-error-message: Throttled by DOMAIN Flow Control\n\n",
        "400\nx-ca-error-message: Timestamp Expired\ndate: Wed, 21 Oct 2026 07:28:00 GMT\n\n",
        "403\nx-ca-error-message: Nonce Used\n\n",
        "504\nx-ca-error-code: D504TO\nx-ca-error-message: Backend service request timed out\n\n<html>",
        "302\nlocation: http://127.0.0.1/\n\n",
        "500\nx-ca-error-code: B403MQ\n\n{\"ret\":7,\"msg\":\"no\"}",
        "418\n\n{\"ret\":-1,\"error\":\"x\"}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

/// What the corpus' addresses are signed for.
pub(crate) const CALLBACK_KEYS: [&str; 3] = ["order-1", "订单", "a.b/c?d"];

/// Requests to addresses of ours, as the target `callbacks` reads them.
pub(crate) fn callbacks() -> Result<Vec<Vec<u8>>, xiezhen::Error> {
    let callbacks = xiezhen::Callbacks::new("https://fuzz.example/hooks", crate::targets::CALLBACK_SECRET)?;
    let mut all = Vec::new();
    for key in CALLBACK_KEYS {
        let target = callbacks.url(key)?.replace("https://fuzz.example", "");
        for (method, query, body) in [
            ("POST", "", r#"{"task_id":"00e0931c","state":3,"user_id":"U1"}"#),
            (
                "PUT",
                "",
                r#"{"ret":0,"body":{"state":3,"id":"00e0931c","tsk_type":1,"result_paths":["https://e.com/1"]}}"#,
            ),
            ("POST", "?a=b", r#"{"code":200,"data":"{\"taskId\":7,\"userId\":\"U1\"}"}"#),
            ("GET", "?a=b?task_id=00e0931c&state=3", ""),
            ("POST", "&id=7", "task_id=00e0931c&user_id=U1"),
        ] {
            all.push(format!("{method} {target}{query}\n{body}").into_bytes());
        }
    }
    Ok(all)
}

/// The beginnings of pictures, of every type that is told apart, and the whole of one.
pub(crate) fn photos() -> Vec<Vec<u8>> {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0";
    let bmp = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\0\x01\0\0\0\x01\0\0\x01\0\x18\0";
    let webp = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01\x2a\0\x01\0\x01";
    let lossless = b"RIFF\x24\0\0\0WEBPVP8L\x18\0\0\0\x2f\xff\xc0\x3f\0";
    let extended = b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\0\0\xff\0\0";
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x20meta\0\0\0\0\0\0\0\x14iprp\0\0\0\x0cipco";
    let avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf\0\0\0\x14meta\0\0\0\0\0\0\0\x08ispe";
    let tiff = b"II\x2a\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\0\x01\0\0\x01\x01\x03\0\x01\0\0\0\0\x01\0\0";
    let jxl = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl ";
    let gif = b"GIF89a\0\x01\0\x01\x80\0\0";
    let ico = b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x18\0";
    let psd = b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\x01\0\0\0\x01\0";
    let mut all: Vec<Vec<u8>> = vec![
        png.to_vec(),
        bmp.to_vec(),
        webp.to_vec(),
        lossless.to_vec(),
        extended.to_vec(),
        heic.to_vec(),
        avif.to_vec(),
        tiff.to_vec(),
        jxl.to_vec(),
        gif.to_vec(),
        ico.to_vec(),
        psd.to_vec(),
    ];
    // The header of a real JPEG, with all the segments that a camera writes before the size.
    all.push(include_bytes!("../../photos/01.jpg").iter().copied().take(2048).collect());
    all
}

/// Small pictures, whole, of each kind that something else becomes of.
pub(crate) fn pictures() -> Vec<Vec<u8>> {
    macro_rules! pictures {
        ($($name:literal)+) => { vec![$(include_bytes!(concat!("../../pictures/seeds/", $name)).to_vec()),+] };
    }
    pictures![
        "good.jpg" "grey.jpg" "coarse.jpg" "progressive.jpg" "profile.jpg" "profile-turned.jpg" "location.jpg"
        "mirrored.jpg" "segments.jpg" "cmyk.jpg" "ycck.jpg" "12-bit.jpg" "good.png" "interlaced.png" "text.png"
        "turned.png" "profile.png" "transparent.png" "16-bit.png" "animated.png" "good.webp" "lossless.webp"
        "location.webp" "turned.webp" "transparent.webp" "animated.webp" "good.bmp" "true.bmp" "good.gif"
        "animated.gif" "lzw.tif" "deflated.tif" "packed.tif" "jpeg.tif"
    ]
}

/// These can't be sent: one of 12 bits, and a TIFF of a palette.
#[cfg(test)]
const REFUSED: usize = 2;

/// What a host of pictures answers, and what is in the folder: as the target `results` reads it.
pub(crate) fn results() -> Vec<Vec<u8>> {
    let png = include_bytes!("../../pictures/corpus/white.png");
    let answers: [(&str, &[u8]); 7] = [
        ("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 212\r\n\r\n", png),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd4\r\n", png),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", png),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 212\r\n\r\n", png),
        ("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n", b""),
        ("HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-211/212\r\ncontent-length: 212\r\n\r\n", png),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\n\r\n", b"<E>"),
    ];
    let folders =
        ["", "link\n", "pipe\nhidden\n", "folder\n", "file\nlink hidden\n", "again\nlink\n", "linked folder\n"];
    let all = answers.iter().zip(folders.iter().cycle().skip(1)).chain(answers.iter().zip(folders.iter()));
    all.map(|((head, body), folder)| [folder.as_bytes(), b"\n", head.as_bytes(), body].concat()).collect()
}

#[cfg(test)]
mod tests {
    use xiezhen::{
        Job,
        internals::{make_photo, read_answer},
    };

    /// A corpus that is refused at the door would fuzz the door only.
    #[test]
    fn the_corpus_is_read() -> Result<(), xiezhen::Error> {
        for job in super::jobs() {
            Job::from_json(&String::from_utf8_lossy(&job))?;
        }
        let callbacks = xiezhen::Callbacks::new("https://fuzz.example", crate::targets::CALLBACK_SECRET)?;
        for request in super::callbacks()? {
            let text = String::from_utf8_lossy(&request).into_owned();
            let (head, body) = text.split_once('\n').unwrap_or_default();
            let (method, target) = head.split_once(' ').unwrap_or_default();
            let received = callbacks.receive::<&str>(method, target, &[], body.as_bytes());
            assert!(received.hint.is_some_and(|hint| !hint.task_ids.is_empty()), "{text}");
        }
        let read = super::answers().iter().map(|answer| 4 - read_answer(answer).len()).collect::<Vec<_>>();
        assert_eq!(read, [1, 1, 1, 1, 1, 0]);
        let refused: Vec<_> =
            super::pictures().into_iter().filter_map(|photo| make_photo(photo, 1 << 20).err()).collect();
        assert_eq!(refused.len(), super::REFUSED, "{refused:?}");
        Ok(())
    }
}
