//! `PollSchedule`: when a task is polled.

use crate::{arguments::Seconds, values::values};

values! {
    "xiezhen",

    /// When a task is polled: first `initial` seconds after its creation (at once, if this client didn't create it), then
    /// after pauses that grow by `factor` up to `max`; all ±20 % by chance, and a `Retry-After` comes instead.
    PollSchedule {
        /// Seconds from the task's creation to the first poll; more than 0.
        initial: f64,
        /// By how much each pause is longer than the one before; at least 1.
        factor: f64,
        /// The longest pause in seconds; at least `initial`.
        max: f64,
    }
}

impl PollSchedule {
    /// What the core takes, or what is wrong with the option `name`.
    pub(crate) fn to_core(&self, name: &str) -> Result<xiezhen::PollSchedule, String> {
        let initial = Seconds::from(self.initial).time(&format!("initial of {name}"))?;
        let max = Seconds::from(self.max).time(&format!("max of {name}"))?;
        Ok(xiezhen::PollSchedule { initial, factor: self.factor, max })
    }
}
