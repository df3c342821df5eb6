//! The door from outside: real bytes on streams in memory, the clock paused wherever time matters.

mod abuse;
mod engine;
mod handshake;
mod listen;
mod stage;
mod timeouts;
