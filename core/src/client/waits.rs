//! Waits: for one task or many, and what makes them poll now.

use std::{sync::Arc, time::Duration};

use super::Client;
use crate::{
    arguments::check_id,
    callback::Hint,
    error::{Error, Result},
    session::Session,
    task::Task,
    wait::WaiterKey,
};

/// A wait that [`Client::begin_wait`] began.
#[must_use = "dropping it ends the wait"]
pub struct Wait {
    session: Arc<Session>,
    waiter_key: WaiterKey,
}

impl Drop for Wait {
    fn drop(&mut self) {
        if self.session.is_ours() {
            self.session.scheduler.give_up(self.waiter_key);
        } else {
            // The parent's, which a child leaves alone.
            std::mem::forget(self.session.clone());
        }
    }
}

impl Client {
    /// Polls a task until it has ended, as often as its schedule says. State 5 is
    /// [`TaskFailed`](crate::ErrorKind::TaskFailed).
    ///
    /// Outages and unreadable answers are waited out. Without a `timeout`, a training may take 2 h and a
    /// generation 30 min. Every error carries the task's id: wait again to go on.
    pub async fn wait_task(&self, task_id: &str, timeout: Option<Duration>) -> Result<Task> {
        check_id("task_id", task_id)?;
        let wait = |session: Arc<Session>| async move { session.scheduler.wait(task_id, timeout).await };
        self.until_closed("wait_task", wait).await.map_err(|error| error.with_task_id(task_id))
    }

    /// [`wait_task`](Self::wait_task) for a caller that has its own way of being told: neither a future nor a task of
    /// the runtime is held, of which thousands take room. Call it within a runtime.
    ///
    /// `on_end` is called once, on a thread of that runtime, and only hands on what it hears: it may not call this
    /// client. Dropping the [`Wait`] ends the wait without a word.
    pub fn begin_wait(
        &self,
        task_id: &str,
        timeout: Option<Duration>,
        on_end: impl FnOnce(Result<Task>) + Send + 'static,
    ) -> Result<Wait> {
        check_id("task_id", task_id)?;
        let session = self.session()?;
        let waiter_key = session.scheduler.begin(task_id, timeout, Box::new(on_end));
        let wait = Wait { session, waiter_key };
        // Closed in between: it may have joined after everybody was told.
        if wait.session.closing.is_cancelled() {
            return Err(Error::cancelled("wait_task").with_task_id(task_id));
        }
        Ok(wait)
    }

    /// [`wait_task`](Self::wait_task) for many at once: thousands cost little more than their queries.
    ///
    /// `on_end` is told of each as it ends, by its index. The answers are in the order of `task_ids`.
    pub async fn wait_many(
        &self,
        task_ids: &[String],
        timeout: Option<Duration>,
        on_end: impl FnMut(usize, &Result<Task>) + Send,
    ) -> Result<Vec<Result<Task>>> {
        let wait =
            |session: Arc<Session>| async move { Ok(session.scheduler.wait_many(task_ids, timeout, on_end).await) };
        self.until_closed("wait_many", wait).await
    }

    /// "Poll this task now", because a callback came. Does nothing if nobody waits for the task, and causes at
    /// most one poll a second.
    pub fn notify(&self, task_id: &str) -> Result<()> {
        check_id("task_id", task_id)?;
        self.session()?.scheduler.notify(task_id);
        Ok(())
    }

    /// The same for a callback that another process has received, or a receiver of your own: the job or the task that it
    /// is about is polled at once, if this client runs it or waits for it.
    pub fn notify_hint(&self, hint: &Hint) -> Result<()> {
        let session = self.session()?;
        match hint.slot {
            Some(_) => session.inboxes.deliver(hint),
            None => hint.task_ids.iter().for_each(|task_id| session.scheduler.notify(task_id)),
        }
        Ok(())
    }
}
