//! The words of Bot Hub: everything that two parties must spell alike.
//!
//! * [`name`], [`id`], [`time`]: who, where, which message and when, as typed values; [`calendar`]: dates.
//! * [`mod@line`]: short texts on one line, as typed values.
//! * [`word`]: lists of words that a newer hub may add to; [`suggest`]: what a wrong word probably meant.
//! * [`frame`]: what crosses the WebSocket; [`receipt`]: what becomes of a message; [`code`]: every
//!   refusal; [`limits`]: bounds that both sides must know.
//! * [`block`]: the bot-protocol text format, an act as fenced text.
//!
//! This crate has no IO, no clock, no randomness and no async code; it builds for WebAssembly.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod block;
pub mod calendar;
pub mod code;
pub mod depth;
pub mod frame;
pub mod id;
pub mod limits;
pub mod line;
pub mod name;
pub mod receipt;
pub mod right;
#[cfg(feature = "schema")]
mod schema;
pub mod secret;
pub mod suggest;
pub mod time;
pub mod word;
mod work;
