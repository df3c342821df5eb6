//! What the programs here share: a plain WebSocket, the hub as a process, chance from a seed.
//!
//! Each program is told what to talk to and looks at it from outside only. Nothing of the hub is linked, so a mistake in
//! the hub's own frames or codec cannot hide itself.

pub mod chance;
pub mod peer;
pub mod process;
pub mod wire;
