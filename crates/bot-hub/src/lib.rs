//! The body of Bot Hub: store, doors, configuration and command line around the brain.

#![forbid(unsafe_code)]

pub mod proto;
