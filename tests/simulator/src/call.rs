//! Which call a request is, and to which space it belongs.

use serde::{Deserialize, Serialize};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /cloud/upload_file`
    UploadFile,
    /// `POST /cloud/aigc_user_model_create`
    CreateUserModel,
    /// `GET /cloud/aigc_product_brief_query`
    ListStyles,
    /// `POST /cloud/aigc_task_create`
    CreateTask,
    /// `POST /cloud/aigc_task_query`
    QueryTask,
    /// A picture of a generation task.
    Result,
    /// The template picture of a style.
    Template,
    /// A callback that the simulator made; no request is this.
    Callback,
    /// A path the service does not have.
    Unknown,
    /// Every request, when matching or counting; no request is this.
    Any,
}

impl Call {
    /// Whether a request of kind `other` is meant by this one.
    pub fn covers(self, other: Self) -> bool {
        (self == Self::Any && other != Self::Callback) || self == other
    }

    /// The method the gateway publishes this call with.
    pub(crate) fn method(self) -> Option<&'static str> {
        match self {
            Self::UploadFile | Self::CreateUserModel | Self::CreateTask | Self::QueryTask => Some("POST"),
            Self::ListStyles | Self::Result | Self::Template => Some("GET"),
            Self::Callback | Self::Unknown | Self::Any => None,
        }
    }

    /// Whether the gateway asks for a credential: pictures lie on an open host.
    pub(crate) fn behind_gateway(self) -> bool {
        !matches!(self, Self::Result | Self::Template)
    }
}

/// A request's path, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    /// The space: everything before the first part the service knows.
    pub(crate) prefix: &'a str,
    pub(crate) target: Target,
    /// What follows: a control endpoint, or the picture's name.
    pub(crate) rest: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Call(Call),
    Control,
}

const MARKS: [(&str, Target); 4] = [
    ("/cloud/", Target::Call(Call::Unknown)),
    ("/_simulator/", Target::Control),
    ("/results/", Target::Call(Call::Result)),
    ("/templates/", Target::Call(Call::Template)),
];

/// Finds the space and the call of a path.
pub(crate) fn route(path: &str) -> Route<'_> {
    let first = MARKS.iter().filter_map(|(mark, target)| Some((path.find(mark)?, *mark, *target)));
    let Some((at, mark, target)) = first.min_by_key(|(at, _, _)| *at) else {
        return Route { prefix: "", target: Target::Call(Call::Unknown), rest: path };
    };
    let prefix = path.get(..at).unwrap_or_default();
    let rest = path.get(at + mark.len()..).unwrap_or_default();
    let target = if mark == "/cloud/" { Target::Call(cloud_call(rest)) } else { target };
    Route { prefix, target, rest }
}

fn cloud_call(name: &str) -> Call {
    match name {
        "upload_file" => Call::UploadFile,
        "aigc_user_model_create" => Call::CreateUserModel,
        "aigc_product_brief_query" => Call::ListStyles,
        "aigc_task_create" => Call::CreateTask,
        "aigc_task_query" => Call::QueryTask,
        _ => Call::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_call_is_the_space() {
        let found = route("/spaces/t1/cloud/upload_file");
        assert_eq!((found.prefix, found.target), ("/spaces/t1", Target::Call(Call::UploadFile)));
        assert_eq!(route("/cloud/aigc_task_query").prefix, "");
        assert_eq!(route("/a/_simulator/journal").rest, "journal");
        assert_eq!(route("/nowhere").target, Target::Call(Call::Unknown));
    }
}
