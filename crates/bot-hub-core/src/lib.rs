//! The brain of Bot Hub: rooms, cursors and receipts as a pure state machine.

#![forbid(unsafe_code)]
