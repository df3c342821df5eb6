//! The brain of Bot Hub: rooms, cursors and receipts as a pure state machine.
//!
//! [`Hub::handle`] takes what happened, [`Hub::poll`] gives what to do about it, [`Hub::deadline`]
//! says when to come back without a cause.
//!
//! * [`io`]: what goes in and what comes out.
//! * [`entry`]: what is in a room's log.
//! * [`change`]: what the brain asks of the store, and what it gets back.
//! * [`settings`]: what an operator can choose.
//!
//! **Invariant:** no IO, no clock, no lock, no randomness, no task. The same inputs give the same
//! outputs, so every rule is tested as a transcript and every failure replays.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod change;
pub mod entry;
pub mod io;
pub mod settings;

mod ahead;
mod ask;
mod connect;
mod deliver;
mod directory;
mod drops;
mod expiry;
mod facts;
mod flight;
mod hub;
mod ids;
mod invite;
mod late;
mod lists;
mod losses;
mod marks;
mod meaning;
mod member;
mod membership;
mod notice;
mod numbers;
mod observe;
mod operate;
mod pages;
mod parting;
mod pending;
mod places;
mod presence;
mod publish;
mod receipts;
mod refused;
mod retention;
mod rights;
mod runs;
mod shelves;
mod stats;
mod status;
mod table;
mod target;
mod window;
mod world;

pub use directory::delivery;
pub use hub::Hub;
pub use numbers::Gauges;
pub use stats::Stats;
#[cfg(feature = "steps")]
pub use table::take_steps;
