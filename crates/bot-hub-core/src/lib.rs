//! The brain of Bot Hub: rooms, cursors and receipts as a pure state machine.
//!
//! [`Hub::handle`] takes what happened, [`Hub::poll`] gives what to do about it, [`Hub::deadline`]
//! says when to come back without a cause.
//!
//! * [`io`]: what goes in and what comes out.
//! * [`entry`]: what is in a room's log.
//! * [`access`]: who may come in.
//! * [`change`]: what the brain asks of the store, and what it gets back.
//! * [`governor`]: how much bots may say to each other without a person.
//! * [`pause`]: how a pause is stored.
//! * [`settings`]: what an operator can choose.
//!
//! **Invariant:** no IO, no clock, no lock, no randomness, no task. The same inputs give the same
//! outputs, so every rule is tested as a transcript and every failure replays.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod access;
pub mod change;
pub mod entry;
pub mod governor;
pub mod io;
pub mod pause;
pub mod settings;

mod answer;
mod apply;
mod delivery;
mod expiries;
mod hub;
mod ids;
mod index;
mod receipts;
mod rules;
mod stats;
mod waiting;
mod world;

pub use hub::Hub;
pub use rules::{Gauges, delivery};
pub use stats::Stats;
pub use world::PauseCounts;
#[cfg(feature = "steps")]
pub use world::take_steps;
