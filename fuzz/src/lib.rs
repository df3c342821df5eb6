//! The bodies of the fuzz targets: bytes in, a panic if something does not hold.
//!
//! The properties are those of `crates/bot-protocol/tests`, so that a test and a fuzzer never
//! disagree about what must hold.

#[path = "../../crates/bot-protocol/tests/common/mod.rs"]
mod common;

use common::properties::{any_act, any_state, any_text};

/// Any text is read, or refused at a place inside it.
pub fn parse(data: &[u8]) {
    any_text(&String::from_utf8_lossy(data));
}

/// Any act comes back from its block, through platforms and in parts, and forges no field.
pub fn build_parse(data: &[u8]) {
    any_act(data);
}

/// Any state file is read or refused, and keeps what is not touched.
pub fn state_file(data: &[u8]) {
    any_state(&String::from_utf8_lossy(data));
}

/// Bytes that a seed makes, for runs without a fuzzer.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    common::bytes(seed, len)
}
