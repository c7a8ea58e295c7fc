//! A run's progress, however it is shown. Counts are kept here; bars and lines only draw.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, PoisonError},
};

use super::{bars::Bars, lines::Lines};
use crate::event::OnEvent;

enum Display {
    Bars(Bars),
    Lines(Lines),
}

/// Shows a run's events on standard error until it is stopped.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Option<Display>>>);

impl Progress {
    /// Log records between bars would tear them: `may_draw` is false then.
    pub(super) fn new(may_draw: bool) -> Self {
        let steerable = is_steerable(std::env::var_os("TERM").as_deref(), cfg!(windows));
        let display = if may_draw && steerable && io::stderr().is_terminal() {
            Display::Bars(Bars::new())
        } else {
            Display::Lines(Lines::default())
        };
        Self(Arc::new(Mutex::new(Some(display))))
    }

    pub(super) fn on_event(&self) -> OnEvent {
        let this = self.clone();
        Arc::new(move |event| match this.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(Display::Bars(bars)) => bars.show(&event),
            Some(Display::Lines(lines)) => lines.show(&event),
            None => {}
        })
    }

    /// Leaves what is shown as it is. A create that runs on shows nothing any more.
    pub(super) fn stop(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Whether bars would be seen on a terminal of this kind. Windows names none.
pub(super) fn is_steerable(term: Option<&OsStr>, windows: bool) -> bool {
    term.map_or(windows, |term| term != "dumb" && !term.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_nothing_is_known_of_gets_lines() {
        let steerable = |term: Option<&str>, windows| is_steerable(term.map(AsRef::as_ref), windows);
        assert!(steerable(Some("xterm"), false) && steerable(None, true));
        assert!(!steerable(None, false) && !steerable(Some("dumb"), false) && !steerable(Some(""), false));
    }
}
