//! The bot-protocol text format: an act written as a fenced block in any text channel.
//!
//! Owns the grammar ([`parse()`], [`build()`]), the conversations that acts form ([`State`]), and the
//! parts that a long act travels in ([`split()`], [`join()`]). Never does IO, reads no clock and draws
//! no random number: moments and random digits are arguments. `docs/bot-protocol.md` is the
//! specification that this module implements.
//!
//! **Invariant:** `parse(build(act)) == act` for every act that `build` accepts, and no value of an
//! act can become a field of its own, in this parser or in that of v0.1.

mod act;
mod build;
mod conversation;
mod depth;
mod error;
mod escape;
mod fence;
mod header;
mod json;
mod lint;
mod message;
mod object;
mod parse;
mod split;
mod stamp;
mod state;
mod text;

pub use act::{Act, Key, Kind, Meta, Priority, Status};
pub use build::{BuildError, DIGITS, build, request_id};
pub use conversation::{Conversation, Event, Warning, timeout_ms};
pub use depth::{DEPTH_MAX_DEFAULT, DEPTH_MAX_LIMIT, Depth};
pub use error::{ParseError, Problem};
pub use json::{Draft, DraftDepth, to_json};
pub use lint::{Finding, Severity, lint};
pub use message::{Message, Step};
pub use parse::{Note, parse, parse_all};
pub use split::{JoinError, PARTS_MAX, Part, SplitError, join, split};
pub use stamp::{parse_stamp, write_stamp};
pub use state::{CLEANUP_AGE_MS_DEFAULT, Filter, State, StateError, TimedOut, Tracked};

/// The longest text that is looked at, in bytes. A block is a chat message; the largest platform
/// limit in use is 40,000 characters, and joined parts stay far below this.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// The most field lines in a block. Without it, a megabyte of `a:` lines would be a quarter of a
/// million unknown fields.
pub const FIELDS_MAX: usize = 256;
