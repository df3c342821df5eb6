//! The client of Bot Hub: one connection that heals itself.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod backoff;
mod driver;
mod error;
mod event;
mod handle;
mod id;
pub mod link;
mod options;
mod wire;

pub use bot_protocol;
pub use driver::State;
pub use error::{AskError, ConnectError, End, SendError, TellError, Why};
pub use event::Event;
pub use handle::{Client, Events, Sending};
pub use id::message_id;
pub use options::{Acknowledge, Cap, Options};
