//! Progress where nothing can be redrawn: a plain line for each thing that happened.

use super::{
    print::{plain, say},
    text::{self, duration},
    uploads::Uploads,
};
use crate::event::Event;

#[derive(Default)]
pub(super) struct Lines {
    uploads: Uploads,
}

impl Lines {
    pub(super) fn show(&mut self, event: &Event) {
        self.uploads.note(event);
        if let Some(line) = self.line(event) {
            say(&plain(&line));
        }
    }

    fn line(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::PhotoUploading { .. } => return None,
            Event::PhotoUploaded { index, .. } => {
                text::photo_uploaded(index + 1, self.uploads.done(), self.uploads.count())
            }
            Event::Training { task_id, state } => text::training_state(task_id, text::state(*state)),
            Event::Trained { user_id } => text::trained(user_id),
            Event::Generating { style, task_id, state } => text::generating_state(style, task_id, text::state(*state)),
            Event::Generated { style, count } => text::generated(style, text::pictures_of(*count)),
            Event::Saved { style, path } => text::saved_in(style, path.display()),
            other => return remark(other),
        })
    }
}

/// Events that are read in the same words wherever they are shown.
pub(super) fn remark(event: &Event) -> Option<String> {
    Some(match event {
        Event::Retrying { call, error, delay } => {
            // Some messages name the call and what it was about; others only say what came.
            let place = if error.message().starts_with(call) { String::new() } else { format!("{call}: ") };
            text::again_in(format!("{place}{}", error.message()), duration(*delay))
        }
        Event::UnknownState { task_id, raw_state } => text::unknown_state(task_id, raw_state),
        Event::Notice { message } => text::notice(message),
        Event::Finished => text::done(),
        _ => return None,
    })
}
