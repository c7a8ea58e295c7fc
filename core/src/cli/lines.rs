//! Progress where nothing can be redrawn: a plain line for each thing that happened.

use super::{
    print::{plain, say},
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
                format!("photo {} uploaded ({} of {})", index + 1, self.uploads.done(), self.uploads.count())
            }
            Event::Training { task_id, state } => format!("training {task_id}: {}", state.name()),
            Event::Trained { user_id } => format!("trained: user model {user_id}"),
            Event::Generating { style, task_id, state } => format!("{style} {task_id}: {}", state.name()),
            Event::Generated { style, count } => format!("{style}: {}", pictures(*count)),
            Event::Saved { style, path } => format!("{style}: saved {}", path.display()),
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
            format!("{place}{}; again in {:.1} s", error.message(), delay.as_secs_f64())
        }
        Event::UnknownState { task_id, raw_state } => {
            format!("task {task_id} is in state {raw_state}, which the document does not name; waiting on")
        }
        Event::Notice { message } => format!("notice: {message}"),
        Event::Finished => "done".to_owned(),
        _ => return None,
    })
}

pub(super) fn pictures(count: usize) -> String {
    if count == 1 { "1 picture".to_owned() } else { format!("{count} pictures") }
}
