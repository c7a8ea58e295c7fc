//! What happens to a job, as JavaScript hears it.

use napi_derive::napi;
use xiezhen::Event;

use crate::{
    error::Failure,
    values::{Bytes, Call, Count, Delay, Index, IntoJs, LocalPath, TaskState},
};

/// One variant for each event of the core's table.
macro_rules! variants {
    ($($(#[doc = $doc:tt])+ $name:ident $kind:literal { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])? $field:ident: $type:ident,
    )+ })+ ; $(#[doc = $last_doc:tt])+ $last:ident $last_kind:literal) => {
        /// Something that happened to a job. Events come in order; none is lost, but upload bytes are coalesced.
        #[allow(clippy::large_enum_variant)] // Lives for one call.
        #[napi(discriminant = "type", discriminant_case = "snake_case", object_from_js = false)]
        pub enum RawEvent {
            $($(#[doc = $doc])+ $name { $($(#[doc = $about])+ $field: $type,)+ },)+
            $(#[doc = $last_doc])+ $last,
        }

        impl RawEvent {
            /// `None` for an event that this binding does not know yet.
            pub(crate) fn new(event: Event) -> Option<Self> {
                Some(match event {
                    $(Event::$name { $($field),+ } => Self::$name { $($field: $field.into_js()),+ },)+
                    Event::$last => Self::$last,
                    _ => return None,
                })
            }
        }
    };
}
xiezhen::events!(variants);
