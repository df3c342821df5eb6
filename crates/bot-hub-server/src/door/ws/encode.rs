//! Frames from the hub to a peer: never masked, never fragmented, never compressed.
//!
//! Owns the bytes of a frame. Never writes to a socket.

use std::ops::Deref;

use super::{CloseCode, opcode};

/// RFC 6455 section 5.5: what fits a control frame.
pub const CONTROL_BYTES_MAX: usize = 125;
/// What fits a close frame behind its code.
pub const CLOSE_REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

const FINAL: u8 = 0x80;

/// The header of a frame: 2, 4 or 10 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    bytes: [u8; 10],
    len: u8,
}

impl Deref for Header {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The header of a text message of `len` bytes, for callers that put header and text together
/// themselves.
#[must_use]
pub fn text_header(len: usize) -> Header {
    header(opcode::TEXT, len)
}

/// Appends `text` as one message, ready to be shared with every connection that it goes to.
pub fn append_text(out: &mut Vec<u8>, text: &[u8]) {
    append(out, opcode::TEXT, text);
}

/// Appends what `write` appends as one message: the text is made where it is needed, not copied there.
pub fn append_text_by(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    /// What most messages need.
    const USUAL: usize = 4;
    let start = out.len();
    out.extend_from_slice(&[0; USUAL]);
    write(out);
    let header = text_header(out.len() - start - USUAL);
    if let Some(more) = header.len().checked_sub(USUAL + 1) {
        out.splice(start..start, std::iter::repeat_n(0, more + 1));
    } else if header.len() < USUAL {
        out.copy_within(start + USUAL.., start + header.len());
        out.truncate(out.len() - (USUAL - header.len()));
    }
    out[start..start + header.len()].copy_from_slice(&header);
}

/// Appends a ping. `payload` is cut at [`CONTROL_BYTES_MAX`].
pub fn append_ping(out: &mut Vec<u8>, payload: &[u8]) {
    append(out, opcode::PING, &payload[..payload.len().min(CONTROL_BYTES_MAX)]);
}

/// Appends a pong. `payload` is cut at [`CONTROL_BYTES_MAX`].
pub fn append_pong(out: &mut Vec<u8>, payload: &[u8]) {
    append(out, opcode::PONG, &payload[..payload.len().min(CONTROL_BYTES_MAX)]);
}

/// Appends a close frame. A code that must not be sent is left out, with its reason; a reason that is
/// too long is cut at a character.
pub fn append_close(out: &mut Vec<u8>, code: Option<CloseCode>, reason: &str) {
    let Some(code) = code.filter(|code| code.may_be_sent()) else {
        return append(out, opcode::CLOSE, &[]);
    };
    let reason = &reason[..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)];
    out.extend_from_slice(&header(opcode::CLOSE, 2 + reason.len()));
    out.extend_from_slice(&code.0.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.extend_from_slice(&header(opcode, payload.len()));
    out.extend_from_slice(payload);
}

fn header(opcode: u8, len: usize) -> Header {
    let mut bytes = [0; 10];
    bytes[0] = FINAL | opcode;
    let header_len = if let Ok(len @ ..=125) = u8::try_from(len) {
        bytes[1] = len;
        2
    } else if let Ok(len) = u16::try_from(len) {
        bytes[1] = 126;
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        4
    } else {
        bytes[1] = 127;
        bytes[2..10].copy_from_slice(&(len as u64).to_be_bytes());
        10
    };
    Header { bytes, len: header_len }
}
