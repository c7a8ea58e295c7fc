//! Reads the service's envelope `{ret, body}`, and says what an answer is that is not one.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    call::AttemptOutcome,
    error::{Error, ErrorKind},
    wire::{self, Asked, Body, Object, Reply},
};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(deserialize_with = "wire::integer")]
    ret: i64,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What is told of foreign text: without what must not be told.
pub(crate) type Redact<'a> = &'a dyn Fn(&str) -> String;

/// The reply in a 2xx, or what its absence means.
pub(crate) fn parse<T: Reply>(
    bytes: &[u8],
    asked: Asked<'_>,
    redact: Redact<'_>,
) -> Result<T, (AttemptOutcome, Error)> {
    let json = wire::text(bytes);
    let outcome = read(&json, asked);
    // Written by a server that has numbers which JSON has not.
    let outcome = match outcome {
        Err(Unread::NoJson(_)) => wire::without_nan(&json).map_or(outcome, |json| read(&json, asked)),
        outcome => outcome,
    };
    outcome.map_err(|unread| match unread {
        Unread::Refused(ret) => {
            let error = Error::new(ErrorKind::Api, format!("the service refused with ret {ret}")).with_ret(ret);
            (AttemptOutcome::Refused, add_details(error, bytes, redact))
        }
        Unread::NoJson(what) | Unread::Other(what) => {
            let error = Error::new(
                ErrorKind::Protocol,
                format!("the answer is not what the service documents: {}", redact(&what)),
            );
            (AttemptOutcome::Unreadable, error.with_body_start(bytes, redact))
        }
    })
}

/// Why an answer gave no reply.
enum Unread {
    /// `ret` was not 0.
    Refused(i64),
    /// It is not JSON, or has no envelope.
    NoJson(String),
    /// It is JSON, but not what the service documents.
    Other(String),
}

fn read<T: Reply>(json: &str, asked: Asked<'_>) -> Result<T, Unread> {
    if json.trim_ascii().is_empty() {
        return Err(Unread::Other("it is empty".into()));
    }
    let Object(envelope) =
        serde_json::from_str::<Object<Envelope<'_>>>(json).map_err(|error| Unread::NoJson(error.to_string()))?;
    if envelope.ret != 0 {
        return Err(Unread::Refused(envelope.ret));
    }
    let body = envelope.body.ok_or_else(|| Unread::Other("it has no `body`".into()))?;
    let wire = serde_json::from_str(body.get()).map_err(|error| Unread::Other(format!("`body`: {error}")))?;
    T::read(Body { text: body.get(), wire }, asked).map_err(Unread::Other)
}

/// Adds `ret` and whatever text a refusal carries (the document names no field for it), or how it began.
pub(crate) fn add_details(error: Error, bytes: &[u8], redact: Redact<'_>) -> Error {
    let json = wire::text(bytes);
    let Ok(Value::Object(fields)) = serde_json::from_str(&json) else {
        return if bytes.is_empty() { error } else { error.with_body_start(bytes, redact) };
    };
    let said = wire::said(&fields);
    let error = match said {
        Some(text) => error.appended(&redact(text)),
        None => error,
    };
    // Text that is not UTF-8 is a guess: the answer itself is kept beside it.
    let is_certain = said.is_some() && std::str::from_utf8(bytes).is_ok();
    let error = if is_certain { error } else { error.with_body_start(json.as_bytes(), redact) };
    match fields.get("ret").and_then(|ret| wire::integer(ret).ok()) {
        Some(ret) => error.with_ret(ret),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::{Created, Style, Task, TaskKind, TaskState};

    fn parse<T: Reply>(bytes: &[u8]) -> Result<T, (AttemptOutcome, Error)> {
        super::parse(bytes, Asked::default(), &str::to_owned)
    }

    fn refused<T: Reply + std::fmt::Debug>(bytes: &[u8]) -> (AttemptOutcome, Error) {
        parse::<T>(bytes).unwrap_err()
    }

    #[test]
    fn what_is_quoted_is_redacted_before_it_is_cut() {
        let redact = |text: &str| text.replace("secret-code", "[REDACTED]");
        // It begins before the two hundredth byte and ends after it.
        let echoed = format!("{}secret-code and more", "x".repeat(193));
        let (_, error) = super::parse::<Created>(echoed.as_bytes(), Asked::default(), &redact).unwrap_err();
        assert!(!error.body_start().unwrap().contains("secret"), "{:?}", error.body_start());
        let (_, error) =
            super::parse::<Created>(b"{\"ret\":\"secret-code\",\"body\":1}", Asked::default(), &redact).unwrap_err();
        assert!(!error.message().contains("secret"), "{error}");
        let refusal = format!("{{\"ret\":7,\"msg\":\"{echoed}\"}}");
        let (_, error) = super::parse::<Created>(refusal.as_bytes(), Asked::default(), &redact).unwrap_err();
        assert!(error.message().contains("xxx") && !error.message().contains("secret"), "{error}");
    }

    #[test]
    fn the_documents_answers_are_read() {
        let created: Created = parse(br#"{"ret":0,"body":{"task_id":"00e0931c","user_id":"U0000000013835"}}"#).unwrap();
        assert_eq!(created.user_id, "U0000000013835");
        let task: Task = parse(
            br#"{"body":{"state":3,"id":"7e1cac92","tsk_type":2,"result_paths":["https://example.com/image1.png"]},"ret":0}"#,
        )
        .unwrap();
        assert_eq!((task.state, task.kind), (TaskState::Succeeded, TaskKind::Generation));
        let styles: Vec<Style> = parse(
            "{\"body\":[{\"name\":\"仙气十足\",\"style\":\"2005\",\"template\":\"t\",\"sex\":\"女\"}],\"ret\":0}"
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(styles[0].name, "仙气十足");
    }

    #[test]
    fn a_mark_before_the_text_and_unknown_fields_do_no_harm() {
        let path: String = parse("\u{feff}{\"ret\":0,\"body\":\"a/b.jpg\",\"trace\":{\"x\":[1]}}".as_bytes()).unwrap();
        assert_eq!(path, "a/b.jpg");
    }

    #[test]
    fn what_is_not_the_documents_is_a_protocol_error() {
        for bytes in [
            &b""[..],
            b"  \n",
            b"<html>busy</html>",
            b"{\"ret\":0,\"body\":{\"task_id\":\"a\"",
            b"{\"ret\":0}",
            b"{\"ret\":0,\"body\":null}",
            b"{\"ret\":\"zero\",\"body\":{}}",
            b"[0,[\"task\",\"user\"]]",
            b"{\"ret\":0,\"body\":[\"task\",\"user\"]}",
            b"{\"ret\":0,\"ret\":0,\"body\":{\"task_id\":\"a\",\"user_id\":\"b\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":\"a\",\"task_id\":\"b\",\"user_id\":\"c\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":NaN,\"user_id\":\"b\"}}",
            b"\xff\xfe{\x00\"\x00r\x00e\x00t\x00\"\x00:\x000\x00}\x00",
            b"{\"body\":{\"task_id\":\"a\",\"user_id\":\"b\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":1.5,\"user_id\":\"b\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":[1],\"user_id\":\"b\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":\"\",\"user_id\":\"b\"}}",
            b"\xd0\xb4\xd5\xe6{\"ret\":0}",
            b"[]",
        ] {
            let (ending, error) = refused::<Created>(bytes);
            assert_eq!((ending, error.kind()), (AttemptOutcome::Unreadable, ErrorKind::Protocol), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_plain_is_read_however_it_is_written() {
        for body in [
            r#"{"id":"7","state":"3","tsk_type":2.0,"result_paths":[]}"#,
            r#"{"id":7,"state":3.0,"tsk_type":"2","result_paths":null,"score":NaN,"note":"NaN \\\" -Infinity"}"#,
            r#"{"id":"7","state":3,"tsk_type":2,"score":-Infinity}"#,
        ] {
            let task: Task = parse(format!(r#"{{"ret":"0","body":{body}}}"#).as_bytes()).unwrap();
            let expected = (TaskState::Succeeded, TaskKind::Generation, "7", 0);
            assert_eq!((task.state, task.kind, task.id.as_str(), task.result_paths.len()), expected, "{body}");
        }
        for missing in [r#"{"id":"7","state":1}"#, r#"{"id":"7","state":1,"tsk_type":null}"#] {
            let task: Task = parse(format!(r#"{{"ret":0.0,"body":{missing}}}"#).as_bytes()).unwrap();
            assert_eq!(task.kind, TaskKind::Unknown);
        }
        let styles: Vec<Style> = parse(br#"{"ret":0,"body":[{"name":"n","style":2005}]}"#).unwrap();
        assert_eq!(styles[0].style, "2005");
    }

    #[test]
    fn a_create_whose_task_can_be_read_has_succeeded() {
        let created = |body: &str, sent: &str| {
            let answer = format!(r#"{{"ret":0,"body":{body}}}"#);
            let asked = Asked { task_id: None, json: sent.as_bytes() };
            super::parse::<Created>(answer.as_bytes(), asked, &str::to_owned).unwrap()
        };
        let generation = r#"{"user_id":"U1","style":"s"}"#;
        for body in [r#"{"task_id":1234567890123456789}"#, r#"{"task_id":1234567890123456789,"user_id":null}"#] {
            let created = created(body, generation);
            assert_eq!((created.task_id.as_str(), created.user_id.as_str()), ("1234567890123456789", "U1"));
        }
        assert_eq!(created(r#"{"task_id":"a"}"#, r#"{"img_set":[]}"#).user_id, "");
    }

    #[test]
    fn an_answer_about_another_task_is_none() {
        let asked = Asked { task_id: Some("mine"), json: b"" };
        let answer = br#"{"ret":0,"body":{"id":"theirs","state":3,"tsk_type":2,"result_paths":["https://x/1.png"]}}"#;
        let (ending, error) = super::parse::<Task>(answer, asked, &str::to_owned).unwrap_err();
        assert_eq!((ending, error.kind()), (AttemptOutcome::Unreadable, ErrorKind::Protocol));
        assert!(error.message().contains("about task \"theirs\""), "{error}");
    }

    #[test]
    fn a_refusals_words_are_found_wherever_they_stand() {
        for (answer, words) in [
            (&b"{\"ret\":7,\"body\":\"no face\"}"[..], "no face"),
            (b"{\"ret\":7,\"ret_msg\":\"no face\"}", "no face"),
            (b"{\"ret\":\"7\",\"detail\":\"no face\"}", "no face"),
            (b"{\"ret\":7,\"error\":{\"code\":1,\"message\":\"no face\"}}", "no face"),
            // GBK.
            (b"{\"ret\":7,\"msg\":\"\xc3\xbb\xd3\xd0\xc8\xcb\xc1\xb3\"}", "没有人脸"),
        ] {
            let (ending, error) = refused::<Created>(answer);
            assert_eq!((ending, error.ret()), (AttemptOutcome::Refused, Some(7)), "{answer:?}");
            assert!(error.message().contains(words), "{error}");
            assert_eq!(error.body_start().is_some(), std::str::from_utf8(answer).is_err(), "{error:?}");
        }
        let (_, error) = refused::<Created>(b"{\"ret\":7,\"code\":{\"x\":1}}");
        assert!(error.body_start().unwrap().contains("code"), "{:?}", error.body_start());
        let failed: Task = parse(br#"{"ret":0,"body":{"id":"a","state":5,"msg":"no face"}}"#).unwrap();
        assert_eq!(failed.reason.as_deref(), Some("no face"));
    }

    #[test]
    fn a_refusal_keeps_the_services_number_and_words() {
        let (ending, error) = refused::<Created>("{\"ret\":1203,\"msg\":\"图片数量不足\",\"body\":null}".as_bytes());
        assert_eq!((ending, error.kind(), error.ret()), (AttemptOutcome::Refused, ErrorKind::Api, Some(1203)));
        assert!(error.message().contains("图片数量不足"), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse::<Task>(&bytes);
            let _ = parse::<Vec<Style>>(&bytes);
            let _ = add_details(Error::new(ErrorKind::Api, "x"), &bytes, &str::to_owned);
        }

        #[test]
        fn any_number_is_a_state(state: i64, kind: i64) {
            let json = format!(r#"{{"ret":0,"body":{{"id":"a","state":{state},"tsk_type":{kind},"result_paths":null}}}}"#);
            let task: Task = parse(json.as_bytes()).unwrap();
            prop_assert_eq!(task.raw_state, state);
            prop_assert_eq!(task.state == TaskState::Unknown, !(1..=5).contains(&state));
        }
    }
}
