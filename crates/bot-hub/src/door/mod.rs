//! The door: bytes into frames, and nothing else.

mod buffers;
mod intent;
mod limits;
mod outbox;
mod secret;
pub mod ws;

pub use buffers::Buffers;
pub use intent::{Answer, Ask, Asker, ConnId, Ended, Intent, Question};
pub use limits::DoorLimits;
pub use outbox::{Outbox, OutboxLimits, Refused};
pub use secret::Secret;
