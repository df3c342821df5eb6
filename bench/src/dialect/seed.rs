//! The original protocol: `auth`, `join`, `message`, `ack` as JSON text frames over WebSocket.
//! What comes often is recognised by its first bytes; everything else goes through a real JSON parser.

use anyhow::{Context, Result, bail};
use memchr::memmem;
use serde_json::{Value, json};

use super::{Event, Part};
use crate::text::{self, Template};
use crate::ws::{self, opcode};

const TEXT_KEY: &[u8] = b"\"text\":\"";
const DELIVERED_KEY: &[u8] = b"\"delivered\":";

/// The name of a bot in configurations and frames.
pub fn bot_name(bot: usize) -> String {
    format!("b{bot:05}")
}

/// The token of a bot.
pub fn token(bot: usize) -> String {
    format!("token-for-{}", bot_name(bot))
}

fn room_name(room: usize) -> String {
    format!("room-{room:05}")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Upgrading,
    Authenticating,
    Joining,
    Ready,
}

/// One connection of a seed client.
#[derive(Debug)]
pub struct Seed {
    part: Part,
    stage: Stage,
    /// Where the text was in the last message. The fields before it seldom change their length.
    text_at: usize,
}

/// See [`super::Tongue::template`].
pub fn template(part: Part, len: usize) -> Template {
    let (room, lane) = (part.room.unwrap_or(0), part.says.unwrap_or(0));
    let head = format!(r#"{{"type":"message","room":"{}","text":""#, room_name(room));
    let payload = [head.as_bytes(), &text::first(lane, len), b"\"}"].concat();
    let mut bytes = Vec::new();
    ws::frame(&mut bytes, opcode::TEXT, &payload);
    let start = ws::payload_at(payload.len());
    Template::new(bytes, start + head.len(), Some(start))
}

impl Seed {
    pub(super) fn new(part: Part) -> Self {
        Self { part, stage: Stage::Upgrading, text_at: 0 }
    }

    pub(super) fn greet(&self, out: &mut Vec<u8>) {
        ws::upgrade(out);
    }

    pub(super) fn next(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Event)>> {
        if self.stage == Stage::Upgrading {
            let Some(used) = ws::upgraded(input)? else { return Ok(None) };
            say(out, &json!({"type": "auth", "token": token(self.part.bot)}));
            self.stage = Stage::Authenticating;
            return Ok(Some((used, Event::Nothing)));
        }
        let Some(header) = ws::header(input)? else { return Ok(None) };
        let end = header.head + header.len;
        let Some(payload) = input.get(header.head..end) else { return Ok(None) };
        let event = match header.opcode {
            opcode::TEXT => self.text(payload, header.head, out)?,
            opcode::PING => {
                ws::frame(out, opcode::PONG, payload);
                Event::Nothing
            }
            opcode::PONG => Event::Nothing,
            opcode::CLOSE => bail!("the server closed: {}", close_reason(payload)),
            other => bail!("unexpected operation code {other:#x}"),
        };
        Ok(Some((end, event)))
    }

    fn text(&mut self, payload: &[u8], base: usize, out: &mut Vec<u8>) -> Result<Event> {
        if payload.starts_with(b"{\"type\":\"message\"") {
            return self.message(payload, base);
        }
        if payload.starts_with(b"{\"type\":\"ack\"") {
            return Ok(Event::Ack(delivered(payload)));
        }
        let frame: Value = serde_json::from_slice(payload)
            .with_context(|| format!("not JSON: `{}`", String::from_utf8_lossy(payload)))?;
        match (self.stage, frame["type"].as_str().unwrap_or_default()) {
            (Stage::Authenticating, "auth_ok") => Ok(self.authenticated(out)),
            (Stage::Joining, "joined") => {
                self.stage = Stage::Ready;
                Ok(Event::Ready)
            }
            (Stage::Ready, "message") => self.message(payload, base),
            (Stage::Ready, "ack") => Ok(Event::Ack(delivered(payload))),
            // Errors and announced losses end the run; so does a type that a seed client must never be sent.
            _ => bail!("unexpected frame while {:?}: `{frame}`", self.stage),
        }
    }

    fn authenticated(&mut self, out: &mut Vec<u8>) -> Event {
        let Some(room) = self.part.room else {
            self.stage = Stage::Ready;
            return Event::Ready;
        };
        say(out, &json!({"type": "join", "room": room_name(room)}));
        self.stage = Stage::Joining;
        Event::Nothing
    }

    #[inline]
    fn message(&mut self, payload: &[u8], base: usize) -> Result<Event> {
        let before = self.text_at.wrapping_sub(TEXT_KEY.len());
        if payload.get(before..self.text_at) != Some(TEXT_KEY) {
            let Some(at) = memmem::find(payload, TEXT_KEY) else {
                bail!("a message without text: `{}`", String::from_utf8_lossy(payload));
            };
            self.text_at = at + TEXT_KEY.len();
        }
        Ok(Event::Delivery { at: base + self.text_at, end: base + payload.len() })
    }
}

fn say(out: &mut Vec<u8>, frame: &Value) {
    ws::frame(out, opcode::TEXT, frame.to_string().as_bytes());
}

fn delivered(payload: &[u8]) -> Option<u32> {
    let at = memmem::find(payload, DELIVERED_KEY)? + DELIVERED_KEY.len();
    let digits = payload[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number: u32, digit| number.wrapping_mul(10) + u32::from(digit - b'0')))
}

fn close_reason(payload: &[u8]) -> String {
    match payload {
        [a, b, reason @ ..] => {
            format!("{} `{}`", u16::from_be_bytes([*a, *b]), String::from_utf8_lossy(reason))
        }
        _ => "no reason given".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_server(text: &str) -> Vec<u8> {
        let mut frame = vec![0x81];
        match text.len() {
            len @ 0..126 => frame.push(len as u8),
            len => frame.extend([126, (len >> 8) as u8, len as u8]),
        }
        frame.extend(text.bytes());
        frame
    }

    #[test]
    fn the_greeting_authenticates_then_joins_then_is_ready() {
        let mut seed = Seed::new(Part { bot: 3, room: Some(1), ..Part::default() });
        let mut check = |input: &[u8], expected: Event| {
            let (used, event) = seed.next(input, &mut Vec::new()).unwrap().unwrap();
            assert_eq!((used, event), (input.len(), expected));
        };
        check(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Event::Nothing);
        check(&from_server(r#"{"type":"auth_ok","bot":"b00003"}"#), Event::Nothing);
        check(&from_server(r#"{"type":"joined","room":"room-00001","members":[]}"#), Event::Ready);
        check(&from_server(r#"{"type":"ack","room":"r","delivered":12}"#), Event::Ack(Some(12)));
        check(&from_server(r#"{"delivered":1,"type":"ack"}"#), Event::Ack(Some(1)));
    }

    #[test]
    fn the_text_is_found_wherever_it_stands_and_a_half_frame_waits() {
        let mut seed = Seed { part: Part::default(), stage: Stage::Ready, text_at: 0 };
        let mut check = |text: &str| {
            let input = from_server(text);
            assert!(seed.next(&input[..input.len() - 1], &mut Vec::new()).unwrap().is_none());
            let (_, event) = seed.next(&input, &mut Vec::new()).unwrap().unwrap();
            let Event::Delivery { at, .. } = event else { panic!("{event:?}") };
            assert!(input[at..].starts_with(b"hello"), "{text}");
        };
        check(r#"{"type":"message","room":"r","from":"a","text":"hello"}"#);
        check(r#"{"type":"message","room":"r","from":"a","seq":99,"text":"hello","id":"x"}"#);
        check(r#"{"room":"r","text":"hello","type":"message"}"#);
    }

    #[test]
    fn an_error_or_an_unknown_type_ends_the_run() {
        for text in [r#"{"type":"error","message":"no"}"#, r#"{"type":"gap","lost":3}"#] {
            let mut seed = Seed { part: Part::default(), stage: Stage::Ready, text_at: 0 };
            assert!(seed.next(&from_server(text), &mut Vec::new()).is_err(), "{text}");
        }
    }
}
