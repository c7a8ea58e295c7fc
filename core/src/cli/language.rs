//! The languages that the command speaks. Its texts are in `text.rs`.

use std::{
    ffi::OsString,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::ValueEnum;

/// A language of the command. Errors of the library stay English, with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// English
    En,
    /// 中文
    Zh,
}

/// One for the process: threads that draw progress speak it too.
static CHINESE: AtomicBool = AtomicBool::new(false);

impl Language {
    /// What `--lang` says, else the environment. Looked for before anything is parsed: help is in it, too.
    pub(super) fn asked_for(arguments: &[OsString], variable: impl Fn(&str) -> Option<String>) -> Self {
        let words = || arguments.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str());
        let behind = words().zip(words().skip(1)).filter(|(word, _)| *word == "--lang").map(|(_, named)| named);
        let within = words().filter_map(|word| word.strip_prefix("--lang="));
        match behind.chain(within).last() {
            Some(named) => Self::from_str(named, true).unwrap_or_else(|_| Self::of_environment(variable)),
            None => Self::of_environment(variable),
        }
    }

    /// What the environment asks for: the first of these variables that is set decides.
    pub(super) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
        if locale.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh")) { Self::Zh } else { Self::En }
    }

    /// The language of everything that is said from now on.
    pub(super) fn speak(self) {
        CHINESE.store(self == Self::Zh, Ordering::Relaxed);
    }

    /// As a page names it.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    pub(super) fn current() -> Self {
        if CHINESE.load(Ordering::Relaxed) { Self::Zh } else { Self::En }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_wins_over_the_environment() {
        let language = |typed: &[&str]| {
            let arguments: Vec<OsString> = typed.iter().map(OsString::from).collect();
            Language::asked_for(&arguments, |_| Some("zh_CN.UTF-8".to_owned()))
        };
        assert_eq!(language(&["xiezhen", "styles"]), Language::Zh);
        assert_eq!(language(&["xiezhen", "styles", "--lang", "en"]), Language::En);
        assert_eq!(language(&["xiezhen", "--lang=EN", "styles"]), Language::En);
        assert_eq!(language(&["xiezhen", "run", "--", "--lang=en"]), Language::Zh);
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let language = |set: &[(&str, &str)]| {
            Language::of_environment(|name| set.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(language(&[("LANG", "zh_CN.UTF-8")]), Language::Zh);
        assert_eq!(language(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C.UTF-8")]), Language::En);
        assert_eq!(language(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_TW")]), Language::Zh);
        assert_eq!(language(&[]), Language::En);
    }
}
