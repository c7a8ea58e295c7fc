//! What a client may have other than the one whose connections it shares.

use std::time::Duration;

use secrecy::SecretString;

use super::{
    Options, PollSchedule,
    headers::{check_headers, check_stage},
};
use crate::error::{Error, Result};

/// Options of a client that shares the connections of another: see [`Client::with_options`].
///
/// [`Client::with_options`]: crate::Client::with_options
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct OptionChanges {
    timeout: Option<Duration>,
    max_retries: Option<u32>,
    training_schedule: Option<PollSchedule>,
    generation_schedule: Option<PollSchedule>,
    stage: Option<String>,
    headers: Option<Vec<(String, SecretString)>>,
}

/// Setters that differ in name and type only.
macro_rules! setters {
    ($($name:ident: $type:ty,)+) => {
        impl OptionChanges {
            $(#[doc = concat!("See [`ClientBuilder::", stringify!($name), "`](crate::ClientBuilder::", stringify!($name), ").")]
            pub fn $name(mut self, $name: impl Into<$type>) -> Self {
                self.$name = Some($name.into());
                self
            })+
        }
    };
}

setters! {
    timeout: Duration,
    max_retries: u32,
    training_schedule: PollSchedule,
    generation_schedule: PollSchedule,
    stage: String,
}

impl OptionChanges {
    /// In place of the headers that the client has: see [`ClientBuilder::header`](crate::ClientBuilder::header).
    pub fn headers<N, V>(mut self, headers: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<SecretString>,
    {
        self.headers = Some(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        self
    }

    /// `options` with these changes.
    pub(crate) fn apply(self, options: &Options) -> Result<Options> {
        let (mut problems, mut options) = (Vec::new(), options.clone());
        if let Some(stage) = &self.stage {
            options.stage = check_stage(stage).map_err(|problem| problems.push(problem)).ok();
        }
        if let Some(headers) = &self.headers {
            options.headers = check_headers(headers, &mut problems);
        }
        let limits = &mut options.limits;
        limits.timeout = self.timeout.unwrap_or(limits.timeout);
        limits.max_retries = self.max_retries.unwrap_or(limits.max_retries);
        limits.training_schedule = self.training_schedule.unwrap_or(limits.training_schedule);
        limits.generation_schedule = self.generation_schedule.unwrap_or(limits.generation_schedule);
        problems.extend(limits.problems());
        if problems.is_empty() { Ok(options) } else { Err(Error::invalid(problems)) }
    }
}
