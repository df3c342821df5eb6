//! The door from outside: real bytes on streams in memory, the clock paused wherever time matters.

mod abuse;
mod engine;
mod handshake;
mod keep_alive;
mod listen;
mod stage;
mod timeouts;
