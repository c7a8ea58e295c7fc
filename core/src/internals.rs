//! For benchmarks and fuzzing: the scheduler without its client, and what reads foreign bytes. No part of the API.

use reqwest::{StatusCode, header::HeaderMap};

pub use crate::wait::{Scheduler, Schedules, TaskSource};
use crate::{
    answer::{self, Redact},
    call::{AttemptOutcome, Call, RetryDecision},
    error::Error,
    gateway::{self, ErrorHeaders},
    photo::{CheckedPhoto, Photo, PhotoPlan, Rules},
    task::{Created, Style, Task},
    wire::Asked,
};

/// What a refused create leads to.
#[derive(Debug)]
pub struct Refusal {
    /// What the caller would be told.
    pub error: Error,
    /// It is sent again.
    pub again: bool,
    /// It may have been carried out.
    pub unknown: bool,
}

fn refusal((outcome, error): (AttemptOutcome, Error)) -> Refusal {
    let next = Call::CreateTask.after(outcome);
    Refusal {
        error,
        again: matches!(next, RetryDecision::Again | RetryDecision::AgainOnce),
        unknown: next == RetryDecision::Unknown,
    }
}

const NOTHING_TO_HIDE: Redact<'_> = &|text| text.to_owned();

/// Reads the body of a 2xx as each of the document's replies; gives what is wrong with it, for each that it is not.
pub fn read_answer(body: &[u8]) -> Vec<Refusal> {
    let outcomes = [
        answer::parse::<String>(body, Asked::default(), NOTHING_TO_HIDE).err(),
        answer::parse::<Created>(body, Asked::default(), NOTHING_TO_HIDE).err(),
        answer::parse::<Vec<Style>>(body, Asked::default(), NOTHING_TO_HIDE).err(),
        answer::parse::<Task>(body, Asked::default(), NOTHING_TO_HIDE).err(),
    ];
    outcomes.into_iter().flatten().map(refusal).collect()
}

/// What an answer that is no 2xx means for a create; `None` if `status` is none.
pub fn read_refusal(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Refusal> {
    let (outcome, error) =
        gateway::refusal(StatusCode::from_u16(status).ok()?, &ErrorHeaders::read(headers, NOTHING_TO_HIDE), body);
    let error = answer::add_details(error, body, NOTHING_TO_HIDE).with_retry_after(gateway::retry_after(headers));
    Some(refusal((outcome, error)))
}

/// The media type of a photo that would be sent, or why it would not.
pub fn check_photo(bytes: Vec<u8>, max_bytes: u64) -> Result<&'static str, String> {
    let rules = Rules { max_bytes, prepare: true };
    let checked = CheckedPhoto::check(&Photo::bytes(bytes), rules).map_err(|rejection| rejection.to_string())?;
    Ok(checked.format.mime())
}

/// What is sent of a photo.
#[derive(Debug)]
pub struct MadePhoto {
    /// What was done to it.
    pub plan: PhotoPlan,
    /// The media type of what is sent.
    pub mime: &'static str,
    /// What is sent.
    pub bytes: Vec<u8>,
}

/// A photo made as one that needs it, in a square of this side.
pub fn scale_photo(content: &[u8], side: u32) -> Result<Vec<u8>, String> {
    crate::photo::scaled(content, side)
}

/// A photo without its metadata.
pub fn clean_photo(content: &[u8]) -> Result<Vec<u8>, String> {
    crate::photo::cleaned(content)
}

/// Checks a photo, and cleans or prepares it where it needs that; or why it would not be sent.
pub fn make_photo(bytes: Vec<u8>, max_bytes: u64) -> Result<MadePhoto, String> {
    let rules = Rules { max_bytes, prepare: true };
    let checked = CheckedPhoto::check(&Photo::bytes(bytes), rules).map_err(|rejection| rejection.to_string())?;
    let plan = checked.findings.plan;
    let made = checked.make(max_bytes).map_err(|rejection| rejection.to_string())?;
    Ok(MadePhoto { plan, mime: made.format.mime(), bytes: made.whole().map_err(|rejection| rejection.to_string())? })
}
