//! The client of Bot Hub: one connection that heals itself.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod backoff;
mod error;
mod event;
mod id;
pub mod link;
mod options;

pub use error::{AskError, ConnectError, End, SendError, TellError, Why};
pub use event::Event;
pub use id::message_id;
pub use options::{Acknowledge, Cap, Options};
