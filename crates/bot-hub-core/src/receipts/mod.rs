//! What became of messages: reported, observed, stored, told.
//!
//! `report` takes what recipients say, `observations` what the hub sees itself; `cursors` and `drops` bring both to
//! the store; `notifications` tells senders of stretches of the log; `status` answers who asks.

mod cursors;
mod drops;
mod notifications;
mod observations;
mod report;
mod status;
