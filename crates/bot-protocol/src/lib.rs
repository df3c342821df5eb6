//! The words of Bot Hub: everything that two parties must spell alike.
//!
//! * [`name`] and [`time`]: who, where and when, as typed values.
//! * [`block`]: the bot-protocol text format, an act as fenced text.
//!
//! This crate has no IO, no clock, no randomness and no async code; it builds for WebAssembly.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod block;
pub mod name;
pub mod time;
