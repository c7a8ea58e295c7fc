//! `xiezhen batch`: a folder of customers, each a job of its own, on one rate limit.

mod begun;
mod customers;
mod page;
mod progress;
mod table;

pub(super) use self::begun::Commands;

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
};

use serde_json::json;

use self::{
    begun::{Begun, checkpoint},
    customers::Customer,
    progress::Progress,
    table::Row,
};
use super::{
    arguments::Batch,
    interrupt::{Interrupt, off_thread},
    print, sheet, text,
};
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
pub(super) async fn run(
    client: &Client,
    batch: &Batch,
    commands: Commands<'_>,
    output: Output,
    mut interrupt: Interrupt,
) -> Result<u8> {
    let everybody = batch.clone();
    let read = off_thread(move || {
        let customers = customers::read(&everybody)?;
        let begun = begun::read(&customers, &everybody)?;
        let lock = if everybody.dry_run { None } else { Some(hold(&everybody.out)?) };
        Ok::<_, Error>((customers, begun, lock))
    });
    let (customers, begun, lock) = interrupt.or("the batch", async { read.await? }).await?;
    for note in customers.iter().flat_map(|customer| &customer.left_out) {
        print::say(&print::plain(note));
    }
    let begun = Begun::new(begun, batch, commands);
    let jobs = begun.jobs(&customers).await;
    let Some(lock) = lock else { return try_all(client, &jobs, &begun, batch, output).await };
    let progress = Arc::new(Progress::new(client.clone(), jobs.iter().map(|(key, _)| key.clone()).collect(), output));
    let options = options(batch, &progress);
    let outcome = interrupt.or("the batch", client.run_many(jobs, options)).await;
    progress.stop();
    interrupt.wait_for_creates(client).await;
    // Refused as a whole, before anybody was begun: what earlier reports say stays true.
    if let Err(error) = &outcome
        && error.kind() != ErrorKind::Cancelled
    {
        return Err(error.clone());
    }

    let rows = rows(&customers, &begun, &batch.out, outcome.as_ref().ok());
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
async fn try_all(
    client: &Client,
    jobs: &[(String, Job)],
    begun: &Begun<'_>,
    batch: &Batch,
    output: Output,
) -> Result<u8> {
    let tried = client.try_many(jobs, &batch.out, batch.run_args.recreate).await?;
    let (mut calls, mut worst) = (0, 0);
    for ((key, job), tried) in jobs.iter().zip(tried) {
        calls += tried.billed_calls;
        let advice = tried.error.as_ref().and_then(|error| begun.advice(key, job, error));
        worst = worst.max(tried.error.as_ref().map_or(0, |error| error.kind().exit_code()));
        if output.json {
            let problem = tried.error.map(|error| error.message().to_owned());
            let (calls, advice) = (tried.billed_calls, advice.as_deref());
            let plan =
                json!({ "type": "plan", "key": key, "billed_calls": calls, "problem": problem, "advice": advice });
            print::json(&plan)?;
            continue;
        }
        let problem = tried.error.as_ref().map(|error| error.message().to_owned());
        let cost = (problem.is_none() || tried.billed_calls > 0).then(|| text::billed_calls(tried.billed_calls));
        let what: Vec<String> = [problem, cost].into_iter().flatten().collect();
        print::result(&print::plain(&format!("{key}: {}", what.join("; "))))?;
        if let Some(advice) = advice {
            print::result(&format!("  {}", print::plain(&advice)))?;
        }
    }
    if output.json {
        print::json(&json!({ "type": "total", "billed_calls": calls }))?;
    } else {
        print::result(&text::billed_calls_in_all(calls))?;
    }
    Ok(worst)
}

/// What has become of each customer, whether this run came to them or not.
fn rows(customers: &[Customer], begun: &Begun<'_>, out: &Path, ended: Option<&Vec<Result<Job>>>) -> Vec<Row> {
    let one = |(index, customer): (usize, &Customer)| {
        let Customer { key, job: order, .. } = customer;
        let ended = ended.and_then(|ended| ended.get(index));
        let job = match ended {
            Some(Ok(job)) => Some(job.clone()),
            _ => Job::read_checkpoint(checkpoint(out, key)).ok(),
        };
        let error = match ended {
            Some(Err(error)) => Some(error.clone()),
            Some(Ok(_)) => None,
            None => Some(Error::cancelled("the batch")),
        };
        let advice = error.as_ref().and_then(|error| begun.advice(key, order, error));
        Row { key: key.clone(), folder: out.join(key), job, error, advice }
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
                    fields.insert("advice".to_owned(), row.advice.as_deref().into());
                }
                print::json(&line)?;
            }
            (None, true) => print::json(&row.as_json())?,
            (Some(error), false) => {
                print::say(&print::plain(&format!("{}: {}: {}", row.key, error.kind(), error.message())));
                if let Some(advice) = &row.advice {
                    print::say(&format!("  {}", print::plain(advice)));
                }
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
