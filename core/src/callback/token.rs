//! The last part of a callback address: which create it belongs to, and the proof that we made it.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// HMAC-SHA256 is cut to 128 bits: more than anybody can guess, and an address stays short.
const MAC_BYTES: usize = 16;
/// The slot of an address that belongs to no job.
const SINGLE: &str = "-";
/// Addresses have to fit wherever somebody keeps them.
pub(super) const LONGEST_KEY: usize = 512;

/// The create that an address was made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    /// The job's id, or whatever the caller calls it.
    pub(crate) key: String,
    /// `t` for the training, a style's index for its generation; `None` for a single call.
    pub(crate) slot: Option<String>,
    /// Counts the creates of one slot.
    pub(crate) attempt: u32,
}

impl Subject {
    fn to_text(&self) -> String {
        let mut text = URL_SAFE_NO_PAD.encode(&self.key);
        // Writing to a String can't fail.
        let _ = write!(text, ".{}.{}", self.slot.as_deref().unwrap_or(SINGLE), self.attempt);
        text
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (key, slot, attempt) = (parts.next()?, parts.next()?, parts.next()?);
        let key = String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
        let slot = (slot != SINGLE).then(|| slot.to_owned());
        parts.next().is_none().then_some(Self { key, slot, attempt: attempt.parse().ok()? })
    }
}

/// `<base64url(key)>.<slot>.<attempt>.<mac>`
pub(super) fn sign(secret: &SecretString, subject: &Subject) -> String {
    let text = subject.to_text();
    let mac = mac(secret, &text).map(|mac| mac.finalize().into_bytes());
    let cut = mac.as_ref().and_then(|mac| mac.get(..MAC_BYTES)).unwrap_or_default();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(cut))
}

/// Whose token this is, if one of the secrets made it. Every secret is tried, so that time tells nothing about them.
pub(super) fn verify(secrets: &[SecretString], token: &str) -> Option<Subject> {
    // No token of ours is longer.
    let (text, given) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST_KEY * 2)?;
    // Decoding is strict: a last character with other spare bits is another text, and refused.
    let given = URL_SAFE_NO_PAD.decode(given).ok().filter(|given| given.len() == MAC_BYTES)?;
    let is_made_by = |secret| mac(secret, text).is_some_and(|mac| mac.verify_truncated_left(&given).is_ok());
    let ours = secrets.iter().fold(false, |found, secret| is_made_by(secret) | found);
    // Only what was signed is taken apart.
    if ours { Subject::from_text(text) } else { None }
}

/// HMAC takes keys of any length.
fn mac(secret: &SecretString, text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}
