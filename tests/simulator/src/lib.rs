//! The AI portrait service as its document states it, over real sockets.
//!
//! A [`Simulator`] listens on loopback, checks credentials as the gateway does, keeps what is uploaded and renders
//! pictures from it. Faults are asked for per [`Space`]; a journal keeps every request it saw.
//!
//! It shares no code with the client it is there to test.

mod action;
mod answer;
mod armed;
mod call;
mod callback;
mod clock;
mod connection;
mod control;
mod exchange;
mod fault;
mod gateway;
mod identity;
mod journal;
mod look;
mod picture;
mod server;
mod service;
mod settings;
mod signature;
mod space;
mod store;
mod style;
mod task;
mod upload;
mod world;

pub use action::{Action, Answered, HalfOf, LargeOf, Placed, RawOf, SlowOf, StallAt};
pub use armed::Progress;
pub use call::Call;
pub use fault::Fault;
pub use journal::{Auth, Entry, Moment};
pub use server::{Builder, DEFAULT_APP_CODE, DEFAULT_APP_KEY, DEFAULT_APP_SECRET, Simulator};
pub use settings::{CallbackBody, CallbackMethod, Settings};
pub use space::Space;
pub use style::{STYLES, Style};
pub use task::Task;
