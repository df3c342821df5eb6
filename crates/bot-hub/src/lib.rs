//! The body of Bot Hub: store, doors, configuration and command line around the brain.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod config;
pub mod door;
pub mod store;
