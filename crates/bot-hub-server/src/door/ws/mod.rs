//! The WebSocket framing of RFC 6455, server side, without extensions and without IO.
//!
//! Owns converting between bytes and messages. Reads no socket, clock or channel, and never looks into a
//! message, except to identify one that is too large. It exists beside crates with the same purpose because
//! of three needs that none of them meets: a message to many is encoded once *with* its header and shared
//! as bytes, an idle connection holds no buffer, and the memory that a peer can use is bounded by
//! configuration in every state (claimed lengths, fragments, unread pings).

mod close;
mod decode;
mod encode;
mod handshake;
mod mask;
mod skip;
mod utf8;
mod violation;

pub use close::{CloseCode, CloseFrame};
pub use decode::{DecodeLimits, Decoder, Event, Input};
pub use encode::{
    CLOSE_REASON_BYTES_MAX, CONTROL_BYTES_MAX, Header, append_close, append_ping, append_pong,
    append_text, append_text_by, text_header,
};
pub use handshake::accept_key;
pub use skip::{Refusal, Room, Skipped};
pub use violation::Violation;

/// The opcodes that RFC 6455 section 5.2 defines.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0x0;
    pub(crate) const TEXT: u8 = 0x1;
    pub(crate) const BINARY: u8 = 0x2;
    pub(crate) const CLOSE: u8 = 0x8;
    pub(crate) const PING: u8 = 0x9;
    pub(crate) const PONG: u8 = 0xA;
}

#[cfg(test)]
mod tests;
