//! Progress on a terminal: one line for the photos, one for the training, one for each style.

use std::{collections::HashMap, time::Duration};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    lines::remark,
    print::{padded, plain, say, width},
    text,
    uploads::Uploads,
};
use crate::{event::Event, task::TaskState};

const PHOTOS: &str = "{prefix}  {bar:24.cyan/dim}  {msg}";
const BUSY: &str = "{prefix}  {spinner:.cyan} {msg} {elapsed:.dim}";
const DONE: &str = "{prefix}  {spinner:.green} {msg}";
const FAILED: &str = "{prefix}  {spinner:.red} {msg}";
const NOTE: &str = "{msg:.yellow}";

/// What a line is about. A style may be called like another line's label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Photos,
    Training,
    Style(String),
}

impl Topic {
    fn label(&self) -> String {
        match self {
            Self::Photos => text::photos_label(),
            Self::Training => text::training_label(),
            Self::Style(style) => plain(style),
        }
    }
}

/// Of one style.
#[derive(Clone, Copy, Default)]
struct Pictures {
    /// Once it is known.
    count: Option<usize>,
    saved: usize,
}

pub(super) struct Bars {
    drawn: MultiProgress,
    lines: Vec<(Topic, ProgressBar)>,
    /// Says why nothing moves, until something does.
    note: Option<ProgressBar>,
    uploads: Uploads,
    /// Of each style.
    pictures: HashMap<String, Pictures>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self {
            drawn: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            lines: Vec::new(),
            note: None,
            uploads: Uploads::default(),
            pictures: HashMap::new(),
        }
    }

    pub(super) fn show(&mut self, event: &Event) {
        self.uploads.note(event);
        if let Some(note) = self.note.take() {
            note.finish_and_clear();
        }
        match event {
            Event::PhotoUploading { .. } | Event::PhotoUploaded { .. } => self.show_uploads(),
            Event::Training { state, .. } => self.show_state(&Topic::Training, *state, &text::training_now()),
            Event::Trained { .. } => self.end(&Topic::Training, DONE, "✓", &text::model_trained()),
            Event::Generating { style, state, .. } => {
                self.show_state(&Topic::Style(style.clone()), *state, &text::generating_now());
            }
            Event::Generated { style, count } => {
                self.pictures.entry(style.clone()).or_default().count = Some(*count);
                self.busy(&Topic::Style(style.clone()), &text::to_save(text::pictures_of(*count)));
            }
            Event::Saved { style, .. } => self.show_saved(style),
            Event::Retrying { .. } => self.show_note(event),
            Event::UnknownState { .. } | Event::Notice { .. } => {
                // Standard error was a terminal a moment ago; if it is gone, nobody misses the line.
                let _ = self.drawn.println(plain(&remark(event).unwrap_or_default()));
            }
            Event::Finished => self.finish(),
        }
    }

    fn show_uploads(&mut self) {
        let (sent, bytes) = (self.uploads.sent(), self.uploads.bytes());
        let (done, count) = (self.uploads.done(), self.uploads.count());
        let line = self.line(&Topic::Photos);
        line.set_length(bytes);
        line.set_position(sent);
        if done < count {
            line.set_message(text::sending(done, count, HumanBytes(sent), HumanBytes(bytes)));
        } else {
            self.end(&Topic::Photos, DONE, "✓", &text::sent(count, HumanBytes(bytes)));
        }
    }

    fn show_state(&mut self, topic: &Topic, state: TaskState, running: &str) {
        match state {
            TaskState::Waiting => self.busy(topic, &text::waiting_in_queue()),
            TaskState::Running | TaskState::Unknown => self.busy(topic, running),
            TaskState::Succeeded | TaskState::PartlySucceeded => self.busy(topic, &text::ready()),
            TaskState::Failed => self.end(topic, FAILED, "✗", &text::failed()),
        }
    }

    fn show_saved(&mut self, style: &str) {
        let pictures = self.pictures.entry(style.to_owned()).or_default();
        pictures.saved += 1;
        let Pictures { count, saved } = *pictures;
        let topic = &Topic::Style(style.to_owned());
        match count.filter(|count| *count > saved) {
            Some(count) => self.busy(topic, &text::saved_of(saved, text::pictures_of(count))),
            None => self.end(topic, DONE, "✓", &text::saved(text::pictures_of(saved))),
        }
    }

    /// Says what went wrong on a line that vanishes with the next event.
    fn show_note(&mut self, event: &Event) {
        let note = self.drawn.add(ProgressBar::no_length().with_style(style(NOTE)));
        note.set_message(plain(&remark(event).unwrap_or_default()));
        self.note = Some(note);
    }

    fn busy(&mut self, topic: &Topic, message: &str) {
        self.line(topic).set_message(message.to_owned());
    }

    /// Draws a line for the last time, with a mark in place of what moves.
    fn end(&mut self, topic: &Topic, template: &str, mark: &str, message: &str) {
        end(&self.line(topic), template, mark, message);
    }

    /// The run is done, and so is whatever told of no end: pictures that were on disk already.
    fn finish(&mut self) {
        for (_, bar) in self.lines.iter().filter(|(_, bar)| !bar.is_finished()) {
            end(bar, DONE, "✓", &text::done());
        }
    }

    /// The line about something, added when it is first asked for, with all labels equally wide.
    fn line(&mut self, topic: &Topic) -> ProgressBar {
        if let Some((_, bar)) = self.lines.iter().find(|(known, _)| known == topic) {
            return bar.clone();
        }
        let bar = match topic {
            Topic::Photos => ProgressBar::new(0).with_style(style(PHOTOS).progress_chars("━━╌")),
            Topic::Training | Topic::Style(_) => ProgressBar::no_length().with_style(style(BUSY)),
        };
        let bar = self.drawn.add(bar);
        self.lines.push((topic.clone(), bar.clone()));
        let widest = self.lines.iter().map(|(topic, _)| width(&topic.label())).max().unwrap_or_default();
        for (topic, bar) in &self.lines {
            bar.set_prefix(padded(&topic.label(), widest));
        }
        // Draws what came too soon after the last change, too.
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

impl Drop for Bars {
    /// Whatever has not ended stands still, above what is printed next. Nothing is drawn again: a `^C` that the
    /// terminal echoed has moved the cursor to where nobody knows.
    fn drop(&mut self) {
        if self.lines.iter().all(|(_, bar)| bar.is_finished()) {
            return;
        }
        self.drawn.set_draw_target(ProgressDrawTarget::hidden());
        self.lines.iter().map(|(_, bar)| bar).chain(&self.note).for_each(ProgressBar::abandon);
        say("");
    }
}

fn end(bar: &ProgressBar, template: &str, mark: &str, message: &str) {
    bar.disable_steady_tick();
    bar.set_style(style(template).tick_strings(&[mark, mark]));
    bar.abandon_with_message(message.to_owned());
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
