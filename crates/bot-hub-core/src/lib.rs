//! The brain of Bot Hub: rooms, cursors and receipts as a pure state machine.
//!
//! * [`entry`]: what is in a room's log.
//! * [`change`]: what the brain asks of the store, and what it gets back.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod change;
pub mod entry;
