//! The core's enumerations as C's. Those are written out, because cbindgen expands no macro: what the core's tables have and
//! C's don't does not compile.

use crate::{
    job::xiezhen_stage as Stage,
    task::{xiezhen_kind as TaskKind, xiezhen_state as TaskState},
};

macro_rules! conversions {
    ($($(#[doc = $doc:tt])+ $name:ident { $($(#[doc = $about:tt])+ $member:ident $word:literal,)+ })+) => {$(
        impl From<xiezhen_core::$name> for $name {
            fn from(value: xiezhen_core::$name) -> Self {
                match value { $(xiezhen_core::$name::$member => Self::$member,)+ }
            }
        }
    )+};
}
xiezhen_core::task_enums!(conversions);
xiezhen_core::job_enums!(conversions);
