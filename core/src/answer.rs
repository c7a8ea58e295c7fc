//! Reads the document's envelope `{ret, body}`, and says what an answer is that is not one.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    call::AttemptOutcome,
    error::{Error, ErrorKind},
    task::Reply,
};

#[derive(Deserialize)]
struct Envelope<'a> {
    ret: i64,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What is told of foreign text: without what must not be told.
pub(crate) type Redact<'a> = &'a dyn Fn(&str) -> String;

/// The reply in a 2xx, or what its absence means.
pub(crate) fn parse<T: Reply>(bytes: &[u8], redact: Redact<'_>) -> Result<T, (AttemptOutcome, Error)> {
    let json = without_bom(bytes);
    let unreadable = |what: String| {
        let error = Error::new(ErrorKind::Protocol, format!("the answer is not the document's: {}", redact(&what)));
        (AttemptOutcome::Unreadable, error.with_body_start(bytes, redact))
    };
    if json.iter().all(u8::is_ascii_whitespace) {
        return Err(unreadable("it is empty".into()));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
    if envelope.ret != 0 {
        let error = Error::new(ErrorKind::Api, format!("the service refused with ret {}", envelope.ret));
        return Err((AttemptOutcome::Refused, add_details(error, bytes, redact)));
    }
    let body = envelope.body.ok_or_else(|| unreadable("it has no `body`".into()))?;
    let wire = serde_json::from_str(body.get()).map_err(|error| unreadable(format!("`body`: {error}")))?;
    T::from_wire(wire).map_err(|what| unreadable(what.into()))
}

/// Adds `ret` and whatever text a refusal carries: the document names no field for it.
pub(crate) fn add_details(error: Error, bytes: &[u8], redact: Redact<'_>) -> Error {
    let Ok(Value::Object(fields)) = serde_json::from_slice(without_bom(bytes)) else {
        return if bytes.is_empty() { error } else { error.with_body_start(bytes, redact) };
    };
    let text = ["msg", "message", "error", "errmsg", "err_msg", "error_msg", "reason", "desc", "body"]
        .iter()
        .find_map(|name| fields.get(*name)?.as_str())
        .filter(|text| !text.is_empty());
    let error = match text {
        Some(text) => error.appended(&redact(text)),
        None => error,
    };
    match fields.get("ret").and_then(Value::as_i64) {
        Some(ret) => error.with_ret(ret),
        None => error,
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::{Created, Style, Task, TaskKind, TaskState};

    fn parse<T: Reply>(bytes: &[u8]) -> Result<T, (AttemptOutcome, Error)> {
        super::parse(bytes, &str::to_owned)
    }

    fn refused<T: Reply + std::fmt::Debug>(bytes: &[u8]) -> (AttemptOutcome, Error) {
        parse::<T>(bytes).unwrap_err()
    }

    #[test]
    fn what_is_quoted_is_redacted_before_it_is_cut() {
        let redact = |text: &str| text.replace("secret-code", "[REDACTED]");
        // It begins before the two hundredth byte and ends after it.
        let echoed = format!("{}secret-code and more", "x".repeat(193));
        let (_, error) = super::parse::<Created>(echoed.as_bytes(), &redact).unwrap_err();
        assert!(!error.body_start().unwrap().contains("secret"), "{:?}", error.body_start());
        let (_, error) = super::parse::<Created>(b"{\"ret\":\"secret-code\",\"body\":1}", &redact).unwrap_err();
        assert!(!error.message().contains("secret"), "{error}");
        let refusal = format!("{{\"ret\":7,\"msg\":\"{echoed}\"}}");
        let (_, error) = super::parse::<Created>(refusal.as_bytes(), &redact).unwrap_err();
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
            b"{\"ret\":\"0\",\"body\":{}}",
            b"{\"body\":{\"task_id\":\"a\",\"user_id\":\"b\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":1,\"user_id\":\"b\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":\"a\"}}",
            b"{\"ret\":0,\"body\":{\"task_id\":\"\",\"user_id\":\"b\"}}",
            b"\xd0\xb4\xd5\xe6{\"ret\":0}",
            b"[]",
        ] {
            let (outcome, error) = refused::<Created>(bytes);
            assert_eq!((outcome, error.kind()), (AttemptOutcome::Unreadable, ErrorKind::Protocol), "{bytes:?}");
        }
    }

    #[test]
    fn a_refusal_keeps_the_services_number_and_words() {
        let (outcome, error) = refused::<Created>("{\"ret\":1203,\"msg\":\"图片数量不足\",\"body\":null}".as_bytes());
        assert_eq!((outcome, error.kind(), error.ret()), (AttemptOutcome::Refused, ErrorKind::Api, Some(1203)));
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
