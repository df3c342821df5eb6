//! The client half of WebSocket framing, as little of it as a load generator needs.
//! It never fragments, never compresses and never looks inside a payload.

use anyhow::{Result, bail};

/// The mask of every frame. A constant costs the server the same work as a random one (a key of zeros would
/// not: some servers skip the pass over the payload then), and lets a frame be masked once and sent many times.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Operation codes of frames.
pub mod opcode {
    /// A text frame.
    pub const TEXT: u8 = 0x1;
    /// A binary frame.
    pub const BINARY: u8 = 0x2;
    /// The closing frame.
    pub const CLOSE: u8 = 0x8;
    /// A ping, to be answered with the same payload.
    pub const PING: u8 = 0x9;
    /// The answer to a ping.
    pub const PONG: u8 = 0xA;
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Operation code.
    pub opcode: u8,
    /// Bytes of the header itself.
    pub head: usize,
    /// Bytes of the payload.
    pub len: usize,
}

/// Appends the request that turns an HTTP connection into a WebSocket.
pub fn upgrade(out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
}

/// Length of the answer to [`upgrade`], `None` while it is incomplete.
pub fn upgraded(input: &[u8]) -> Result<Option<usize>> {
    let Some(end) = memchr::memmem::find(input, b"\r\n\r\n") else { return Ok(None) };
    if !input.starts_with(b"HTTP/1.1 101") {
        bail!("upgrade refused: `{}`", String::from_utf8_lossy(&input[..end.min(200)]));
    }
    Ok(Some(end + 4))
}

/// Reads a header, `None` while it is incomplete.
#[inline]
pub fn header(input: &[u8]) -> Result<Option<Header>> {
    let [first, second, rest @ ..] = input else { return Ok(None) };
    // A masked frame from a server, a reserved bit or a fragment: none of them was asked for.
    if first & 0xF0 != 0x80 || second & 0x80 != 0 {
        bail!("unexpected frame header {first:#04x} {second:#04x} from the server");
    }
    let (head, len) = match (second & 0x7F, rest) {
        (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            let len = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            (10, usize::try_from(len)?)
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, usize::from(short)),
    };
    Ok(Some(Header { opcode: first & 0x0F, head, len }))
}

/// Appends one whole masked frame.
pub fn frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&KEY);
    out.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ KEY[i & 3]));
}

/// Where the payload starts in a frame made by [`frame`].
pub fn payload_at(len: usize) -> usize {
    match len {
        0..126 => 6,
        126..65536 => 8,
        _ => 14,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_three_lengths_are_read() {
        fn check(input: &[u8], expected: Option<(usize, usize)>) {
            let got = header(input).unwrap().map(|h| (h.head, h.len));
            assert_eq!(got, expected, "{input:?}");
        }
        check(&[0x81], None);
        check(&[0x81, 5], Some((2, 5)));
        check(&[0x81, 126, 1], None);
        check(&[0x81, 126, 1, 0], Some((4, 256)));
        check(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0], Some((10, 65536)));
    }

    #[test]
    fn masked_or_fragmented_frames_from_a_server_are_refused() {
        assert!(header(&[0x81, 0x85]).is_err());
        assert!(header(&[0x01, 0x05]).is_err());
        assert!(header(&[0xC1, 0x05]).is_err());
    }

    #[test]
    fn a_written_frame_is_masked_and_starts_its_payload_where_it_says() {
        for len in [0, 125, 126, 65535, 65536] {
            let payload = vec![b'x'; len];
            let mut out = Vec::new();
            frame(&mut out, opcode::TEXT, &payload);
            let at = payload_at(len);
            assert_eq!(out.len(), at + len);
            assert!(out[at..].iter().enumerate().all(|(i, byte)| byte ^ KEY[i & 3] == b'x'));
        }
    }
}
