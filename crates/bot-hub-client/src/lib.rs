//! The client of Bot Hub: one connection that heals itself.

#![forbid(unsafe_code)]
