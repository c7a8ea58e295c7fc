//! `report.csv`: what has become of each customer, and what it has cost.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    disk::{self, FileMode},
    error::{Error, Result},
    job::{Job, Stage},
};

/// One customer at the end of a run.
pub(super) struct Row {
    pub(super) key: String,
    pub(super) folder: PathBuf,
    /// As far as it came; `None` if it never began.
    pub(super) job: Option<Job>,
    pub(super) error: Option<Error>,
}

/// Billed calls: those that a job has made, and those that it still has to make.
pub(super) struct Billed {
    pub(super) made: usize,
    pub(super) due: usize,
}

/// What an order costs. `stored` is how far it came before, if it began.
pub(super) fn billed(order: &Job, stored: Option<&Job>) -> Billed {
    let job = stored.unwrap_or(order);
    let training = usize::from(job.training_task_id().is_some());
    let trains = usize::from(job.user_id().is_none());
    let (made, due): (Vec<_>, Vec<_>) = job.portraits().into_iter().partition(|portrait| portrait.task_id.is_some());
    Billed { made: made.len() + training, due: due.len() + trains.saturating_sub(training) }
}

impl Row {
    pub(super) fn new(key: String, folder: PathBuf, job: Option<Job>, error: Option<Error>) -> Self {
        Self { key, folder, job, error }
    }

    pub(super) fn pictures(&self) -> usize {
        self.job.iter().flat_map(Job::portraits).map(|portrait| portrait.files.len()).sum()
    }

    pub(super) fn stage(&self) -> &'static str {
        self.job.as_ref().map_or(Stage::Uploading, Job::stage).name()
    }

    fn made(&self) -> usize {
        self.job.as_ref().map_or(0, |job| billed(job, None).made)
    }

    fn user_id(&self) -> String {
        self.job.as_ref().and_then(Job::user_id).unwrap_or_default()
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "type": "job", "key": self.key, "stage": self.stage(), "user_id": self.user_id(),
            "pictures": self.pictures(), "billed_calls": self.made(),
        })
    }
}

pub(super) fn write(rows: &[Row], path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("can't write the report", path, error);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut line = |cells: [&str; 7]| table.write_record(cells.map(harmless)).map_err(std::io::Error::from);
    line(["key", "state", "model", "pictures", "billed calls", "error", "message"]).map_err(failed)?;
    for row in rows {
        let (code, message) = row.error.as_ref().map_or(("", ""), |error| (error.code(), error.message()));
        let (pictures, made) = (row.pictures().to_string(), row.made().to_string());
        line([&row.key, row.stage(), &row.user_id(), &pictures, &made, code, message]).map_err(failed)?;
    }
    let content = table.into_inner().map_err(|error| failed(error.into_error()))?;
    disk::write(path, &content, FileMode::Usual).map_err(failed)
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
