//! What every language has: enumerations, values and events. Each is told once, in a table beside its subject (`task`,
//! `job`, `photo::report`, `event`). The core's own types are made of the tables here; each binding makes its types of the
//! same tables, so what is added to one is everywhere.
//!
//! A table is a macro that hands its rows to another macro. Its documentation is read in every language. Types are named
//! after what they hold where languages have different ones for it. What follows a semicolon is the core's alone.

use std::{path::PathBuf, time::Duration};

/// A position, from 0.
pub(crate) type Index = usize;
/// How many there are of something.
pub(crate) type Count = usize;
/// A size, or a part of one.
pub(crate) type Bytes = u64;
/// Width and height in pixels.
pub(crate) type Size = (u32, u32);
/// A local file or folder.
pub(crate) type LocalPath = PathBuf;
/// The name of a call.
pub(crate) type Call = String;
/// How long something takes.
pub(crate) type Delay = Duration;

/// Defines the enumerations of a table.
macro_rules! define_enums {
    ($($(#[doc = $doc:tt])+ $name:ident { $($(#[doc = $about:tt])+ $member:ident $word:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[doc = $about])+ $member,)+
        }

        impl $name {
            /// The name, the same in every language.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$member => $word,)+ }
            }
        }
    )+};
}
pub(crate) use define_enums;

/// Defines the values of a table.
macro_rules! define_values {
    ($($(#[doc = $doc:tt])+ $name:ident { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])?
        $field:ident: $outer:ident $(<$inner:ident>)? $(= $default:ident)?,
    )* $(; $($own:tt)*)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[doc = $about])+ $(#[serde($($serde)*)])? pub $field: $outer $(<$inner>)?,)*
            $($($own)*)?
        }
    )+};
}
pub(crate) use define_values;
