//! How far a batch is: a live line on a terminal, a line for each customer elsewhere, JSON for scripts.

use std::{
    io::{self, IsTerminal as _},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Output;
use crate::{
    cli::{
        print,
        progress::is_steerable,
        text::{self, duration},
    },
    client::Client,
    error::{Error, Result},
    event::Event,
    job::{Job, Stage},
};

const LINE: &str = "{bar:24.cyan/dim}  {msg}";

pub(super) struct Progress {
    client: Client,
    keys: Vec<String>,
    output: Output,
    began: Instant,
    state: Mutex<State>,
}

struct State {
    stages: Vec<Option<Stage>>,
    ended: Vec<bool>,
    failed: usize,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(client: Client, keys: Vec<String>, output: Output) -> Self {
        let term = std::env::var_os("TERM");
        let draws = !output.json && !output.quiet && !output.verbose;
        let bar = (draws && is_steerable(term.as_deref(), cfg!(windows)) && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(LINE).unwrap_or_else(|_| ProgressStyle::default_bar());
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(keys.len() as u64), target).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let (stages, ended) = (vec![None; keys.len()], vec![false; keys.len()]);
        let state = Mutex::new(State { stages, ended, failed: 0, bar });
        Self { client, keys, output, began: Instant::now(), state }
    }

    pub(super) fn event(&self, index: usize, event: &Event) {
        let key = self.keys.get(index).map_or("", String::as_str);
        if self.output.json {
            let mut line = serde_json::to_value(event).unwrap_or_else(|error| json!({ "message": error.to_string() }));
            if let Some(fields) = line.as_object_mut() {
                fields.insert("key".into(), key.into());
            }
            _ = print::json(&line);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = stage_of(event)
            && let Some(known) = state.stages.get_mut(index)
        {
            *known = Some(stage);
        }
        if let (Event::Notice { message }, None, false) = (event, &state.bar, self.output.json || self.output.quiet) {
            print::say(&print::plain(&text::of_customer(key, text::notice(message))));
        }
        self.draw(&state);
    }

    pub(super) fn end(&self, index: usize, ended: &Result<Job>) {
        let key = self.keys.get(index).map_or("", String::as_str);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(over) = state.ended.get_mut(index) {
            *over = true;
        }
        state.failed += usize::from(ended.is_err());
        if state.bar.is_none() && !self.output.json && !self.output.quiet {
            print::say(&print::plain(&text::of_customer(key, outcome(ended))));
        }
        self.draw(&state);
    }

    /// Leaves what is shown as it is.
    pub(super) fn stop(&self) {
        if let Some(bar) = self.state.lock().unwrap_or_else(PoisonError::into_inner).bar.take() {
            bar.abandon();
        }
    }

    fn draw(&self, state: &State) {
        let Some(bar) = &state.bar else { return };
        let over = state.ended.iter().filter(|ended| **ended).count();
        let in_stage = |stage| {
            let both = state.stages.iter().zip(&state.ended);
            both.filter(|(at, ended)| **at == Some(stage) && !**ended).count()
        };
        let calls = self.client.calls();
        let passed = self.began.elapsed();
        let rate = calls as f64 / passed.as_secs_f64().max(1.0);
        let left = (over > 0).then(|| passed.mul_f64((state.ended.len() - over) as f64 / over as f64));
        bar.set_position(over as u64);
        bar.set_message(text::batch_line(
            format!("{over}/{}", state.ended.len()),
            in_stage(Stage::Uploading),
            in_stage(Stage::Training),
            in_stage(Stage::Generating),
            state.failed,
            format!("{calls} ({rate:.1}/s)"),
            left.map_or_else(|| "…".to_owned(), duration),
        ));
    }
}

fn stage_of(event: &Event) -> Option<Stage> {
    Some(match event {
        Event::PhotoUploading { .. } | Event::PhotoUploaded { .. } => Stage::Uploading,
        Event::Training { .. } => Stage::Training,
        Event::Trained { .. } | Event::Generating { .. } | Event::Generated { .. } => Stage::Generating,
        Event::Saved { .. } => Stage::Saving,
        Event::Finished => Stage::Done,
        _ => return None,
    })
}

fn outcome(ended: &Result<Job>) -> String {
    match ended {
        Ok(job) => text::pictures_of(job.portraits().iter().map(|portrait| portrait.files.len()).sum()),
        Err(error) => failure(error),
    }
}

fn failure(error: &Error) -> String {
    format!("{}: {}", error.kind(), error.message())
}
