//! NATS over TCP, over WebSocket, and with JetStream behind it. A lane is a subject; whoever joins a room
//! without a lane subscribes to the room. With JetStream a message counts as confirmed when the stream stored it.

use anyhow::{Context, Result, bail};
use memchr::memchr;

use super::{Event, Part};
use crate::text::{self, Template};
use crate::ws::{self, opcode};

const HELLO: &str =
    r#"CONNECT {"verbose":false,"pedantic":false,"echo":false,"lang":"bench","version":"0"}"#;
/// Subscription ids: what is listened to, confirmations, the answer to the creation of the stream.
const HEARD: &[u8] = b"1";
const CONFIRMED: &[u8] = b"2";
const CREATED: &[u8] = b"3";

/// What stands between the protocol and TCP, and behind the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flavour {
    /// WebSocket instead of plain TCP.
    pub websocket: bool,
    /// Publish into a stream and wait for its confirmation.
    pub jetstream: bool,
}

/// One connection of a NATS client.
#[derive(Debug)]
pub struct Nats {
    part: Part,
    flavour: Flavour,
    upgraded: bool,
    greeted: bool,
    ready: bool,
    /// Bytes left of the WebSocket frame that is being read; the server never cuts an operation in two.
    in_frame: usize,
}

fn subject(part: Part, lane: Option<usize>) -> Option<String> {
    lane.map(|lane| format!("bench.lane.{lane:05}"))
        .or_else(|| part.room.map(|room| format!("bench.room.{room:05}")))
}

fn inbox(part: Part) -> String {
    format!("inbox.{:05}", part.bot)
}

/// See [`super::Tongue::template`].
pub fn template(flavour: Flavour, part: Part, len: usize) -> Template {
    let to = subject(part, part.says).unwrap_or_default();
    let reply = if flavour.jetstream { format!(" {}", inbox(part)) } else { String::new() };
    let head = format!("PUB {to}{reply} {len}\r\n");
    let lane = part.says.unwrap_or(0);
    let message = [head.as_bytes(), &text::first(lane, len), b"\r\n"].concat();
    if !flavour.websocket {
        return Template::new(message, head.len(), None);
    }
    let mut bytes = Vec::new();
    ws::frame(&mut bytes, opcode::BINARY, &message);
    let start = ws::payload_at(message.len());
    Template::new(bytes, start + head.len(), Some(start))
}

impl Nats {
    pub(super) fn new(flavour: Flavour, part: Part) -> Self {
        let upgraded = !flavour.websocket;
        Self { part, flavour, upgraded, greeted: false, ready: false, in_frame: 0 }
    }

    pub(super) fn greet(&self, out: &mut Vec<u8>) {
        if self.flavour.websocket {
            ws::upgrade(out);
        }
    }

    pub(super) fn next(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Event)>> {
        if !self.upgraded {
            let used = ws::upgraded(input)?;
            self.upgraded = used.is_some();
            return Ok(used.map(|used| (used, Event::Nothing)));
        }
        if !self.flavour.websocket {
            return self.operation(input, out);
        }
        if self.in_frame == 0 {
            return self.frame(input, out);
        }
        let whole = input.len() >= self.in_frame;
        let inside = &input[..self.in_frame.min(input.len())];
        let step = self.operation(inside, out)?;
        match step {
            Some((used, _)) => self.in_frame -= used,
            None if whole => bail!("an operation continues in the next frame"),
            None => {}
        }
        Ok(step)
    }

    fn frame(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Option<(usize, Event)>> {
        let Some(header) = ws::header(input)? else { return Ok(None) };
        match header.opcode {
            opcode::BINARY | opcode::TEXT => {
                self.in_frame = header.len;
                Ok(Some((header.head, Event::Nothing)))
            }
            opcode::PING | opcode::PONG => {
                let end = header.head + header.len;
                let Some(payload) = input.get(header.head..end) else { return Ok(None) };
                if header.opcode == opcode::PING {
                    ws::frame(out, opcode::PONG, payload);
                }
                Ok(Some((end, Event::Nothing)))
            }
            other => bail!("unexpected operation code {other:#x}"),
        }
    }

    fn say(&self, out: &mut Vec<u8>, operations: &str) {
        if self.flavour.websocket {
            ws::frame(out, opcode::BINARY, operations.as_bytes());
        } else {
            out.extend_from_slice(operations.as_bytes());
        }
    }

    fn operation(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Option<(usize, Event)>> {
        let Some(end) = memchr(b'\n', input).map(|at| at + 1) else { return Ok(None) };
        let line = input[..end].trim_ascii_end();
        if let Some(fields) = line.strip_prefix(b"MSG ") {
            return self.message(input, fields, end);
        }
        let event = match line {
            b"PING" => {
                self.say(out, "PONG\r\n");
                Event::Nothing
            }
            b"PONG" => self.become_ready(!self.creates_the_stream()),
            _ if line.starts_with(b"INFO ") => {
                if !self.greeted {
                    self.introduce(out);
                }
                Event::Nothing
            }
            other => bail!("unexpected line: `{}`", String::from_utf8_lossy(other)),
        };
        Ok(Some((end, event)))
    }

    fn introduce(&mut self, out: &mut Vec<u8>) {
        self.greeted = true;
        let mut said = format!("{HELLO}\r\n");
        let listens = self.part.hears.is_some() || self.part.says.is_none();
        if let Some(subject) = subject(self.part, self.part.hears).filter(|_| listens) {
            said += &format!("SUB {subject} 1\r\n");
        }
        if self.flavour.jetstream {
            said += &format!("SUB {} 2\r\n", inbox(self.part));
        }
        if self.creates_the_stream() {
            let stream = r#"{"name":"BENCH","subjects":["bench.>"],"storage":"file","retention":"limits","max_bytes":4000000000}"#;
            said += &format!(
                "SUB created 3\r\nPUB $JS.API.STREAM.CREATE.BENCH created {}\r\n{stream}\r\n",
                stream.len()
            );
        }
        said += "PING\r\n";
        self.say(out, &said);
    }

    fn creates_the_stream(&self) -> bool {
        self.flavour.jetstream && self.part.bot == 0
    }

    fn become_ready(&mut self, now: bool) -> Event {
        if !now || self.ready {
            return Event::Nothing;
        }
        self.ready = true;
        Event::Ready
    }

    /// `fields` are `subject id [reply-to] length`; the text follows the line.
    fn message(
        &mut self,
        input: &[u8],
        fields: &[u8],
        at: usize,
    ) -> Result<Option<(usize, Event)>> {
        let mut words = fields.split(|byte| *byte == b' ');
        let id = words.nth(1).context("a message without subscription")?;
        let len = words.next_back().context("a message without length")?;
        let len = len.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        let (end, after) = (at + len, at + len + 2);
        if input.len() < after {
            return Ok(None);
        }
        let text = &input[at..end];
        let event = match id {
            HEARD => Event::Delivery { at, end },
            CONFIRMED if text.starts_with(b"{\"stream\":") => Event::Ack(None),
            CREATED if !text.windows(8).any(|part| part == b"\"error\":") => {
                self.become_ready(true)
            }
            _ => bail!("unexpected answer: `{}`", String::from_utf8_lossy(text)),
        };
        Ok(Some((after, event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_ends_ready_and_a_message_is_found_in_pieces() {
        let part = Part { hears: Some(7), ..Part::default() };
        let mut nats = Nats::new(Flavour { websocket: false, jetstream: false }, part);
        let mut out = Vec::new();
        let mut check = |input: &[u8], expected: Option<(usize, Event)>| {
            assert_eq!(nats.next(input, &mut out).unwrap(), expected, "{}", input.escape_ascii());
        };
        check(b"INFO {}\r\n", Some((9, Event::Nothing)));
        check(b"PONG\r\n", Some((6, Event::Ready)));
        check(b"MSG bench.lane.00007 1 5\r\nhel", None);
        check(
            b"MSG bench.lane.00007 1 5\r\nhello\r\nMSG",
            Some((33, Event::Delivery { at: 26, end: 31 })),
        );
        assert!(String::from_utf8(out).unwrap().contains("SUB bench.lane.00007 1\r\n"));
    }
}
