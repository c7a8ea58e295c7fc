//! What is told of an error beside its kind and message, as it becomes known.

use std::{error::Error as StdError, path::Path, sync::Arc, time::Duration};

use super::{Cause, Error};
use crate::{task::Task, text};

impl Error {
    pub(crate) fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    pub(crate) fn with_ret(mut self, ret: i64) -> Self {
        self.0.ret = Some(ret);
        self
    }

    pub(crate) fn with_gateway(mut self, request_id: Option<String>, code: Option<String>) -> Self {
        self.0.request_id = request_id;
        self.0.gateway_code = code;
        self
    }

    /// Names the task, unless one is named already. An empty id names none.
    #[must_use]
    pub fn with_task_id(mut self, task_id: &str) -> Self {
        if !task_id.is_empty() {
            self.0.task_id.get_or_insert_with(|| task_id.to_owned());
        }
        self
    }

    /// Names the user model, unless one is named already. An empty id names none.
    #[must_use]
    pub fn with_user_id(mut self, user_id: &str) -> Self {
        if !user_id.is_empty() {
            self.0.user_id.get_or_insert_with(|| user_id.to_owned());
        }
        self
    }

    pub(crate) fn with_task(mut self, task: Task) -> Self {
        self.0.task_id = Some(task.id.clone());
        self.0.task = Some(task);
        self
    }

    pub(crate) fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.0.retry_after = delay.map(|delay| delay.as_secs_f64());
        self
    }

    /// Keeps how a foreign text began; `redact` is done before it is cut.
    pub(crate) fn with_body_start(mut self, body: &[u8], redact: impl Fn(&str) -> String) -> Self {
        const SHOWN: usize = 200;
        // Longer than any credential beyond what is shown: the rest need not be looked through.
        const LOOKED_AT: usize = 64 << 10;
        let clean = redact(&String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body)));
        self.0.body_start = Some(clean.chars().take(SHOWN).collect());
        self
    }

    pub(crate) fn with_sent(mut self, sent: Option<String>) -> Self {
        self.0.sent = sent;
        self
    }

    pub(crate) fn with_path(mut self, path: &Path) -> Self {
        self.0.path = Some(path.to_owned());
        self
    }

    /// Keeps what caused this, for chains of causes.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Cause(Some(Arc::new(source)));
        self
    }

    /// Says that trying again later is safe although the kind alone does not.
    pub(crate) fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// Puts where it happened before the message.
    pub(crate) fn within(mut self, place: &str) -> Self {
        let message = text::readable(format!("{place}: {}", self.written()));
        let problems = self.clone().into_problems();
        self.write(message, problems);
        self
    }

    /// Adds what to do about it.
    pub(crate) fn advising(mut self, advice: &str) -> Self {
        self.write(format!("{}; {advice}", self.written()), Vec::new());
        self
    }

    /// Adds what the service said in its own words.
    pub(crate) fn appended(mut self, said: &str) -> Self {
        let shown: String = said.chars().take(200).collect();
        self.write(format!("{}, {shown:?}", self.written()), Vec::new());
        self
    }
}
