//! How messages are framed on the wire: as WebSocket frames, server-sent events, or lines of JSON.
//!
//! Owns the bytes around a text, and what replaces WebSocket control frames in the other framings. Never
//! looks into a text, except for line ends.

use crate::door::ws::{self, CloseCode};

/// The framing of a connection, which never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// RFC 6455.
    #[default]
    WebSocket,
    /// `text/event-stream` of HTML: one event per text. The hub's close is an event `close`, whose data has
    /// the code and the reason.
    Sse,
    /// One text per line. The hub's close is the end of the stream.
    JsonLines,
}

/// A comment, which readers skip. It keeps proxies from closing a quiet stream.
const SSE_NOTHING: &[u8] = b":\n\n";
const SSE_DATA: &[u8] = b"data: ";
const SSE_END: &[u8] = b"\n\n";

/// An empty line, which readers skip.
const LINE_END: &[u8] = b"\n";

impl Framing {
    /// How many framings there are; `framing as usize` is less.
    pub const COUNT: usize = 3;

    /// Bytes of a text of `len` bytes with everything around it.
    pub(super) fn framed_len(self, len: usize) -> usize {
        match self {
            Self::WebSocket => len + ws::text_header(len).len(),
            Self::Sse => len + SSE_DATA.len() + SSE_END.len(),
            Self::JsonLines => len + LINE_END.len(),
        }
    }

    /// Appends `text` as one message.
    pub fn append_text(self, out: &mut Vec<u8>, text: &[u8]) {
        match self {
            Self::WebSocket => ws::append_text(out, text),
            Self::Sse | Self::JsonLines => {
                self.append_text_by(out, |out| out.extend_from_slice(text));
            }
        }
    }

    /// Appends what `write` appends as one message. It stays one message in any framing: the hub's JSON
    /// contains no line end, and in other texts a blank replaces it.
    pub fn append_text_by(self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let (before, behind) = match self {
            Self::WebSocket => return ws::append_text_by(out, write),
            Self::Sse => (SSE_DATA, SSE_END),
            Self::JsonLines => (&[][..], LINE_END),
        };
        out.extend_from_slice(before);
        let start = out.len();
        write(out);
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        out.extend_from_slice(behind);
    }

    /// Appends a ping. In framings without answers, it only shows that the connection lives.
    pub(super) fn append_ping(self, out: &mut Vec<u8>, payload: &[u8]) {
        match self {
            Self::WebSocket => ws::append_ping(out, payload),
            Self::Sse => out.extend_from_slice(SSE_NOTHING),
            Self::JsonLines => out.extend_from_slice(LINE_END),
        }
    }

    /// Appends the close frame or its replacement.
    pub(super) fn append_close(self, out: &mut Vec<u8>, code: Option<CloseCode>, reason: &str) {
        match (self, code) {
            (Self::WebSocket, code) => ws::append_close(out, code, reason),
            (Self::Sse, Some(code)) => {
                out.extend_from_slice(b"event: close\n");
                let data = serde_json::json!({ "code": code.0, "reason": reason });
                self.append_text(out, data.to_string().as_bytes());
            }
            (Self::Sse | Self::JsonLines, _) => {}
        }
    }

    /// Whether the peer answers a ping, and so proves that it consumed what came before.
    pub(super) fn proves(self) -> bool {
        self == Self::WebSocket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Framing; Framing::COUNT] = [Framing::WebSocket, Framing::Sse, Framing::JsonLines];

    fn bytes_of(append: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        append(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_text_lies_on_the_wire_as_its_framing_says() {
        let check = |framing: Framing, expected: &str| {
            let text = br#"{"type":"pong"}"#;
            assert_eq!(bytes_of(|out| framing.append_text(out, text)), expected);
            let made = bytes_of(|out| {
                framing.append_text_by(out, |out| out.extend_from_slice(text));
            });
            assert_eq!(made, expected);
        };
        check(Framing::WebSocket, "\u{fffd}\u{f}{\"type\":\"pong\"}");
        check(Framing::Sse, "data: {\"type\":\"pong\"}\n\n");
        check(Framing::JsonLines, "{\"type\":\"pong\"}\n");
    }

    #[test]
    fn a_text_cannot_end_its_own_event_or_line() {
        let forged = b"one\n\ndata: two\r\nevent: three";
        let sse = bytes_of(|out| Framing::Sse.append_text(out, forged));
        assert_eq!(sse, "data: one  data: two  event: three\n\n");
        let lines = bytes_of(|out| Framing::JsonLines.append_text(out, forged));
        assert_eq!(lines, "one  data: two  event: three\n");
    }

    #[test]
    fn what_stands_for_a_ping_and_a_close_is_nothing_that_a_reader_takes_for_a_message() {
        let ping = |framing: Framing| bytes_of(|out| framing.append_ping(out, b""));
        assert_eq!(ALL.map(ping), ["\u{fffd}\0", ":\n\n", "\n"]);
        let close = |framing: Framing, code| {
            bytes_of(|out| framing.append_close(out, code, "the \"hub\"\nstops"))
        };
        let restart = Some(CloseCode::RESTART);
        assert_eq!(
            close(Framing::Sse, restart),
            "event: close\ndata: {\"code\":1012,\"reason\":\"the \\\"hub\\\"\\nstops\"}\n\n"
        );
        assert_eq!(close(Framing::JsonLines, restart), "");
        assert_eq!(close(Framing::Sse, None), "");
        assert!(close(Framing::WebSocket, restart).ends_with("the \"hub\"\nstops"));
    }

    #[test]
    fn the_length_of_a_framed_text_is_known_beforehand() {
        for framing in ALL {
            for len in [0, 1, 125, 126, 0xFFFF, 0x1_0000] {
                let mut out = Vec::new();
                framing.append_text(&mut out, &vec![b'x'; len]);
                assert_eq!(out.len(), framing.framed_len(len), "{framing:?} {len}");
            }
        }
    }
}
