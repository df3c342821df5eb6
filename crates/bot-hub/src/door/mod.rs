//! The door: bytes into frames, and nothing else.

pub mod ws;
