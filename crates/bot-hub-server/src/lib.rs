//! The hub as a server: configuration, sockets, HTTP, TLS, and the engine around the brain.
//!
//! Owns everything between the network and [`bot_hub_core`]. What is stored is `bot_hub_store`'s.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod acts;
pub mod config;
pub mod door;
pub mod engine;
pub mod http_client;
pub mod log;
pub mod net;
pub mod server;
pub mod tls;
