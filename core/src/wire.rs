//! How the service's JSON is read: what is plain is read, what is ambiguous is refused (docs/design.md §5.8).

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};

use crate::task::{Created, Style, Task, TaskKind, TaskState};

/// What a call asked for, as far as its answer depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The task that was asked about.
    pub(crate) task_id: Option<&'a str>,
    /// The JSON that was sent.
    pub(crate) json: &'a [u8],
}

/// The `body` of an answer, as text and as its [`Reply::Wire`].
pub(crate) struct Body<'a, W> {
    pub(crate) text: &'a str,
    pub(crate) wire: W,
}

/// The `body` of an answer: reads itself, and says what the document's type alone does not.
pub(crate) trait Reply: Sized {
    /// What is on the wire.
    type Wire: de::DeserializeOwned;

    /// Turns what was read into what the caller gets, or says what is wrong with it.
    fn read(body: Body<'_, Self::Wire>, asked: Asked<'_>) -> Result<Self, String>;
}

/// A path that `upload_file` answered.
impl Reply for String {
    type Wire = Self;

    fn read(body: Body<'_, Self>, _: Asked<'_>) -> Result<Self, String> {
        let path = body.wire;
        if path.is_empty() { Err("the path is empty".into()) } else { Ok(path) }
    }
}

impl Reply for Created {
    type Wire = Object<CreatedOnTheWire>;

    /// A create whose task id can be read has succeeded. Whose model a generation uses, the caller knows already.
    fn read(body: Body<'_, Self::Wire>, asked: Asked<'_>) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Sent {
            user_id: Option<String>,
        }
        let Object(wire) = body.wire;
        if wire.task_id.is_empty() {
            return Err("the task's id is empty".into());
        }
        let sent = || serde_json::from_slice::<Sent>(asked.json).ok()?.user_id;
        let user_id = wire.user_id.filter(|id| !id.is_empty()).or_else(sent).unwrap_or_default();
        Ok(Self { task_id: wire.task_id, user_id })
    }
}

impl Reply for Task {
    type Wire = Object<TaskOnTheWire>;

    fn read(body: Body<'_, Self::Wire>, asked: Asked<'_>) -> Result<Self, String> {
        let Object(wire) = body.wire;
        if wire.id.is_empty() {
            return Err("the task's id is empty".into());
        }
        if let Some(task_id) = asked.task_id.filter(|task_id| *task_id != wire.id) {
            let other: String = wire.id.chars().take(100).collect();
            return Err(format!("the answer is about task {other:?}, not {task_id:?}"));
        }
        let state = TaskState::from_raw(wire.state);
        let reason = || said(&serde_json::from_str(body.text).ok()?).map(|said| said.chars().take(200).collect());
        Ok(Self {
            id: wire.id,
            state,
            reason: if state == TaskState::Failed { reason() } else { None },
            raw_state: wire.state,
            kind: wire.tsk_type.map_or(TaskKind::Unknown, TaskKind::from_raw),
            result_paths: wire.result_paths,
        })
    }
}

impl Reply for Vec<Style> {
    type Wire = Vec<Object<StyleOnTheWire>>;

    fn read(body: Body<'_, Self::Wire>, _: Asked<'_>) -> Result<Self, String> {
        if body.wire.iter().any(|Object(style)| style.style.is_empty()) {
            return Err("a style's id is empty".into());
        }
        let style = |Object(s): Object<StyleOnTheWire>| Style {
            name: s.name,
            style: s.style,
            template: s.template,
            sex: s.sex,
        };
        Ok(body.wire.into_iter().map(style).collect())
    }
}

#[derive(Deserialize)]
pub(crate) struct CreatedOnTheWire {
    #[serde(deserialize_with = "id")]
    task_id: String,
    #[serde(default, deserialize_with = "optional_id")]
    user_id: Option<String>,
}

/// `tsk_type` is the document's spelling.
#[derive(Deserialize)]
pub(crate) struct TaskOnTheWire {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(deserialize_with = "integer")]
    state: i64,
    #[serde(default, deserialize_with = "optional_integer")]
    tsk_type: Option<i64>,
    #[serde(default, deserialize_with = "null_is_empty")]
    result_paths: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct StyleOnTheWire {
    name: String,
    #[serde(deserialize_with = "id")]
    style: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    template: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    sex: String,
}

/// `null` says the same as nothing.
fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// A whole number: `3`, `3.0` or `"3"`.
pub(crate) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Scalar::deserialize(from)?.integer()
}

fn optional_integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Option::<Scalar>::deserialize(from)?.map(Scalar::integer).transpose()
}

/// An id: text, or a whole number, whose digits it is.
fn id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Scalar::deserialize(from)?.id()
}

fn optional_id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::<Scalar>::deserialize(from)?.map(Scalar::id).transpose()
}

/// A value that is neither a list nor an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Integer(i64),
    Natural(u64),
    Number(f64),
    Text(String),
}

impl Scalar {
    fn integer<E: de::Error>(self) -> Result<i64, E> {
        // Above this, a number with a point is not exact any more.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let whole = match &self {
            Self::Integer(number) => Some(*number),
            Self::Number(number) if number.fract() == 0.0 && number.abs() <= EXACT => Some(*number as i64),
            Self::Natural(_) | Self::Number(_) => None,
            Self::Text(text) => text.trim().parse().ok(),
        };
        whole.ok_or_else(|| E::custom("a whole number was expected"))
    }

    fn id<E: de::Error>(self) -> Result<String, E> {
        match self {
            Self::Integer(number) => Ok(number.to_string()),
            Self::Natural(number) => Ok(number.to_string()),
            Self::Number(_) => Err(E::custom("an id was expected")),
            Self::Text(text) => Ok(text),
        }
    }
}

/// The service's words in an object, wherever they stand: the document names no field for them.
pub(crate) fn said(fields: &Map<String, Value>) -> Option<&str> {
    const NAMES: [&str; 11] =
        ["msg", "message", "ret_msg", "error", "errmsg", "err_msg", "error_msg", "reason", "detail", "desc", "body"];
    let text = |name: &&str| match fields.get(*name)? {
        Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        Value::Object(inner) => said(inner),
        _ => None,
    };
    NAMES.iter().find_map(text)
}

/// A JSON object: serde's structs would take an array for one, its fields in order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// The text of an answer: UTF-8, or GBK where that alone makes sense of it, without a byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::GBK
            .decode_without_bom_handling_and_without_replacement(bytes)
            .unwrap_or_else(|| String::from_utf8_lossy(bytes)),
    }
}

/// `NaN` and `Infinity`, which some servers write where JSON has no number, as `null`: they do no harm where nobody
/// reads them. `None` if there are none.
pub(crate) fn without_nan(json: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let mut clean = String::with_capacity(json.len());
    let mut rest = json;
    let mut found = false;
    while let Some(at) = rest.find(['"', '-', 'I', 'N']) {
        let (before, here) = rest.split_at(at);
        clean.push_str(before);
        let taken = if here.starts_with('"') {
            let end = end_of_text(here);
            clean.push_str(here.get(..end).unwrap_or(here));
            end
        } else if let Some(word) = WORDS.iter().find(|word| here.starts_with(**word)) {
            clean.push_str("null");
            found = true;
            word.len()
        } else {
            clean.push_str(here.get(..1).unwrap_or(here));
            1
        };
        rest = here.get(taken..).unwrap_or_default();
    }
    clean.push_str(rest);
    found.then_some(clean)
}

/// Where the text that begins here ends, behind its closing quote.
fn end_of_text(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    json.len()
}
