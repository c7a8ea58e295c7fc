//! `xiezhen batch`: a folder of customers, each a job of its own, on one rate limit.

mod customers;
mod page;
mod progress;
mod table;

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
};

use serde_json::json;

use self::{
    customers::Customer,
    progress::Progress,
    table::{Row, billed},
};
use super::{arguments::Batch, interrupt::Interrupt, print, sheet, text};
use crate::{
    client::{Client, RunManyOptions},
    disk,
    error::{Error, ErrorKind, Result},
    job::Job,
};

/// How its output is wanted.
#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
}

/// Does all of it and returns what to exit with: 0, or the highest code of a customer's error.
pub(super) async fn run(client: &Client, batch: &Batch, output: Output, mut interrupt: Interrupt) -> Result<u8> {
    let customers = customers::read(batch)?;
    for note in customers.iter().flat_map(|customer| &customer.left_out) {
        print::say(&print::plain(note));
    }
    let jobs: Vec<(String, Job)> =
        customers.iter().map(|customer| (customer.key.clone(), customer.job.clone())).collect();
    if batch.dry_run {
        return try_all(client, &jobs, &batch.out, output).await;
    }
    let lock = hold(&batch.out)?;
    let progress = Arc::new(Progress::new(client.clone(), jobs.iter().map(|(key, _)| key.clone()).collect(), output));
    let options = options(batch, &progress);
    let outcome = interrupt.or("the batch", client.run_many(jobs, options)).await;
    progress.stop();
    interrupt.wait_for_creates(client).await;

    let rows = rows(&customers, &batch.out, outcome.as_ref().ok());
    let jobs: Vec<&Job> = rows.iter().filter_map(|row| row.job.as_ref()).collect();
    // Whoever has ended it waits for no templates.
    let templates = if outcome.is_ok() { sheet::templates(client, &jobs).await } else { sheet::Templates::new() };
    write_reports(&rows, templates, &batch.out, output).await?;
    lock.unlock().map_err(|error| Error::io("can't give up the lock", &batch.out, error))?;
    outcome?;
    Ok(rows.iter().filter_map(|row| row.error.as_ref()).map(|error| error.kind().exit_code()).max().unwrap_or(0))
}

fn options(batch: &Batch, progress: &Arc<Progress>) -> RunManyOptions {
    let (events, ends) = (progress.clone(), progress.clone());
    let mut options = RunManyOptions::default()
        .save_to(&batch.out)
        .recreate(batch.run_args.recreate)
        .on_event(move |index, event| events.event(index, &event))
        .on_end(move |index, ended| ends.end(index, ended));
    options.concurrency = batch.concurrency;
    options.timeout = batch.run_args.timeout;
    options.beside_pictures = true;
    options
}

/// Keeps a second batch away from this folder.
fn hold(out: &Path) -> Result<File> {
    std::fs::create_dir_all(out).map_err(|error| Error::io("can't make the folder", out, error))?;
    let path = out.join(".batch.lock");
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = disk::without_waiting(&mut options, disk::Links::Refuse).open(&path);
    let file = file.map_err(|error| Error::io("can't open the lock", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another batch is running in {}", out.display());
            Err(Error::new(ErrorKind::Io, message).with_path(out).retryable())
        }
        Err(TryLockError::Error(error)) => Err(Error::io("can't lock", &path, error)),
    }
}

/// Says what a run would do and cost, and what it would refuse.
async fn try_all(client: &Client, jobs: &[(String, Job)], out: &Path, output: Output) -> Result<u8> {
    let tried = client.try_many(jobs).await?;
    let (mut calls, mut worst) = (0, 0);
    for ((key, job), tried) in jobs.iter().zip(tried) {
        let stored = stored(out, key);
        let due = billed(job, stored.as_ref()).due;
        match &tried {
            Ok(()) => calls += due,
            Err(error) => worst = worst.max(error.kind().exit_code()),
        }
        if output.json {
            let problem = tried.err().map(|error| error.message().to_owned());
            print::json(&json!({ "type": "plan", "key": key, "billed_calls": due, "problem": problem }))?;
        } else {
            let what = tried.map_or_else(|error| error.message().to_owned(), |()| text::billed_calls(due));
            print::result(&print::plain(&format!("{key}: {what}")))?;
        }
    }
    if output.json {
        print::json(&json!({ "type": "total", "billed_calls": calls }))?;
    } else {
        print::result(&text::billed_calls_in_all(calls))?;
    }
    Ok(worst)
}

fn stored(out: &Path, key: &str) -> Option<Job> {
    Job::read_checkpoint(out.join(key).join("job.json")).ok()
}

/// What has become of each customer, whether this run came to them or not.
fn rows(customers: &[Customer], out: &Path, ended: Option<&Vec<Result<Job>>>) -> Vec<Row> {
    let one = |(index, customer): (usize, &Customer)| {
        let folder = out.join(&customer.key);
        let ended = ended.and_then(|ended| ended.get(index));
        let job = match ended {
            Some(Ok(job)) => Some(job.clone()),
            _ => stored(out, &customer.key),
        };
        let error = match ended {
            Some(Err(error)) => Some(error.clone()),
            Some(Ok(_)) => None,
            None => Some(Error::cancelled("the batch")),
        };
        Row::new(customer.key.clone(), folder, job, error)
    };
    customers.iter().enumerate().map(one).collect()
}

async fn write_reports(rows: &[Row], templates: sheet::Templates, out: &Path, output: Output) -> Result<()> {
    for job in rows.iter().filter_map(|row| row.job.as_ref()) {
        if let Err(error) = sheet::write(job, templates.clone()).await {
            print::say(&text::no_contact_sheet(print::plain(error.message())));
        }
    }
    let report = out.join("report.csv");
    table::write(rows, &report)?;
    let page = page::write(rows, out).await?;
    for row in rows {
        match (&row.error, output.json) {
            (Some(error), true) => {
                let mut line = print::tagged("error", serde_json::to_value(error));
                if let Some(fields) = line.as_object_mut() {
                    fields.insert("key".to_owned(), row.key.as_str().into());
                }
                print::json(&line)?;
            }
            (None, true) => print::json(&row.as_json())?,
            (Some(error), false) => {
                print::say(&print::plain(&format!("{}: {}: {}", row.key, error.kind(), error.message())));
            }
            (None, false) => {}
        }
    }
    if !output.json {
        let done = rows.iter().filter(|row| row.error.is_none()).count();
        print::say(&text::batch_done(done, rows.len(), page.display(), report.display()));
    }
    Ok(())
}
