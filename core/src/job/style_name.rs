//! What a customer calls a style: a name, or an id.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What a style that was asked for stands for, however it was typed.
pub(super) fn normalized(style: &str) -> String {
    as_id(style).unwrap_or_else(|| plain(style))
}

/// An id is shaped like a UUID, in letters of either case.
pub(super) fn as_id(style: &str) -> Option<String> {
    (style.len() == 36 && uuid::Uuid::try_parse(style).is_ok()).then(|| style.to_lowercase())
}

/// The same name is the same, however its characters are composed.
pub(super) fn plain(name: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(name.trim()).into_owned()
}
