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
    /// What to do about that.
    pub(super) advice: Option<String>,
}

/// The billed calls that a job has made.
fn billed(job: &Job) -> usize {
    let generations = job.portraits().into_iter().filter(|portrait| portrait.task_id.is_some()).count();
    generations + usize::from(job.training_task_id().is_some())
}

impl Row {
    pub(super) fn pictures(&self) -> usize {
        self.job.iter().flat_map(Job::portraits).map(|portrait| portrait.files.len()).sum()
    }

    pub(super) fn stage(&self) -> &'static str {
        self.job.as_ref().map_or(Stage::Uploading, Job::stage).name()
    }

    fn made(&self) -> usize {
        self.job.as_ref().map_or(0, billed)
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
    let mut line = |cells: [&str; 8]| table.write_record(cells.map(harmless)).map_err(std::io::Error::from);
    line(["key", "state", "model", "pictures", "billed calls", "error", "message", "advice"]).map_err(failed)?;
    for row in rows {
        let (code, message) = row.error.as_ref().map_or(("", ""), |error| (error.code(), error.message()));
        let (pictures, made) = (row.pictures().to_string(), row.made().to_string());
        let advice = row.advice.as_deref().unwrap_or_default();
        line([&row.key, row.stage(), &row.user_id(), &pictures, &made, code, message, advice]).map_err(failed)?;
    }
    let content = table.into_inner().map_err(|error| failed(error.into_error()))?;
    disk::write(path, &content, FileMode::Usual).map_err(failed)
}

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
