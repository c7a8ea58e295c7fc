//! What the core's tables have, as JavaScript sees it.

use std::{path::PathBuf, time::Duration};

use napi_derive::napi;

/// What the core has, as JavaScript has it.
pub(crate) trait IntoJs {
    type Js;

    fn into_js(self) -> Self::Js;
}

impl<T: IntoJs> IntoJs for Option<T> {
    type Js = Option<T::Js>;

    fn into_js(self) -> Self::Js {
        self.map(T::into_js)
    }
}

impl<T: IntoJs> IntoJs for Vec<T> {
    type Js = Vec<T::Js>;

    fn into_js(self) -> Self::Js {
        self.into_iter().map(T::into_js).collect()
    }
}

macro_rules! into_js {
    ($($from:ty => $to:ty: |$value:ident| $made:expr;)+) => {
        $(impl IntoJs for $from {
            type Js = $to;

            fn into_js(self) -> $to {
                let $value = self;
                $made
            }
        })+
    };
}
into_js! {
    String => String: |text| text;
    i64 => i64: |number| number;
    u64 => Bytes: |size| size as Bytes;
    usize => Count: |count| count as Count;
    (u32, u32) => Size: |size| size;
    Duration => Delay: |delay| delay.as_secs_f64();
    PathBuf => LocalPath: |path| path.to_string_lossy().into_owned();
}

// The names that the tables have for types. `scripts/addon.mjs` puts what they stand for into the declarations.
#[napi]
pub type Index = u32;
#[napi]
pub type Count = u32;
#[napi]
pub type Bytes = f64;
#[napi]
pub type Size = (u32, u32);
#[napi]
pub type Delay = f64;
#[napi]
pub type LocalPath = String;
#[napi]
pub type Call = String;

/// The enumerations of a table.
macro_rules! enums {
    ($($(#[doc = $doc:tt])+ $name:ident { $($(#[doc = $about:tt])+ $member:ident $word:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[napi(string_enum = "snake_case")]
        pub enum $name {
            $($(#[doc = $about])+ $member,)+
        }

        impl IntoJs for xiezhen::$name {
            type Js = $name;

            fn into_js(self) -> $name {
                match self { $(Self::$member => $name::$member,)+ }
            }
        }

        impl From<$name> for xiezhen::$name {
            fn from(value: $name) -> Self {
                match value { $($name::$member => Self::$member,)+ }
            }
        }
    )+};
}
xiezhen::task_enums!(enums);
xiezhen::job_enums!(enums);
xiezhen::photo_enums!(enums);

/// The values of a table: objects that the core's are made into.
macro_rules! values {
    ($($rows:tt)*) => { $crate::values::objects! { (object, object_from_js = false) $($rows)* } };
}
pub(crate) use values;

/// The same of values that JavaScript hands back.
macro_rules! returning_values {
    ($($(#[doc = $doc:tt])+ $name:ident { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])? $field:ident: $outer:ident $(<$inner:ident>)? $(= $default:ident)?,
    )* })+) => {
        objects! { (object) $($(#[doc = $doc])+ $name { $($(#[doc = $about])+ $field: $outer $(<$inner>)?,)* })+ }

        $(impl From<$name> for xiezhen::$name {
            fn from(value: $name) -> Self {
                Self { $($field: value.$field.into()),* }
            }
        })+
    };
}

macro_rules! objects {
    ($kind:tt $($(#[doc = $doc:tt])+ $name:ident { $(
        $(#[doc = $about:tt])+ $(#[serde($($serde:tt)*)])? $field:ident: $outer:ident $(<$inner:ident>)?,
    )* $(; $($core:tt)*)? })+) => {$(
        $(#[doc = $doc])+
        #[allow(clippy::struct_field_names)] // The vendor's name of a style's id.
        #[napi $kind]
        pub struct $name {
            $($(#[doc = $about])+ pub $field: $outer $(<$inner>)?,)*
        }

        impl IntoJs for xiezhen::$name {
            type Js = $name;

            fn into_js(self) -> $name {
                let Self { $($field,)* .. } = self;
                $name { $($field: $field.into_js()),* }
            }
        }
    )+};
}
pub(crate) use objects;

xiezhen::task_values!(returning_values);
xiezhen::photo_values!(values);
