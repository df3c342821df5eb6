//! The body of Bot Hub: store, doors, configuration and command line around the brain.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod cli;
pub mod config;
pub mod door;
pub mod engine;
mod exchange;
pub mod log;
pub mod proto;
pub mod server;
pub mod tls;
mod visible;
