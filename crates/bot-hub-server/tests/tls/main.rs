//! A whole hub with a certificate of a private authority, real sockets, and clients of several kinds.

mod acme;
mod authority;
mod batches;
mod client;
mod files;
mod hub;
mod pebble;
mod reload;
mod stage;
