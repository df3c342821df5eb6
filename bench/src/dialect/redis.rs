//! Redis publish and subscribe, in the third version of its protocol (one connection may then do both).
//! A lane is a channel; the answer to `PUBLISH` names how many got the message.

use anyhow::{Result, bail};
use memchr::memchr;

use super::{Event, Part};
use crate::text::{self, Template};

const PUSHED: &[u8] = b">3\r\n$7\r\nmessage\r\n$";

/// One connection of a Redis client.
#[derive(Debug)]
pub struct Redis {
    part: Part,
    ready: bool,
}

fn channel(part: Part, lane: Option<usize>) -> Option<String> {
    lane.map(|lane| format!("lane-{lane:05}"))
        .or_else(|| part.room.map(|room| format!("room-{room:05}")))
}

fn command(words: &[&str]) -> String {
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), words.collect::<String>())
}

/// See [`super::Tongue::template`].
pub fn template(part: Part, len: usize) -> Template {
    let channel = channel(part, part.says).unwrap_or_default();
    let head = format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${len}\r\n", channel.len());
    let lane = part.says.unwrap_or(0);
    let bytes = [head.as_bytes(), &text::first(lane, len), b"\r\n"].concat();
    Template::new(bytes, head.len(), None)
}

impl Redis {
    pub(super) fn new(part: Part) -> Self {
        Self { part, ready: false }
    }

    pub(super) fn greet(&self, out: &mut Vec<u8>) {
        let mut said = command(&["HELLO", "3"]);
        let listens = self.part.hears.is_some() || self.part.says.is_none();
        if let Some(channel) = channel(self.part, self.part.hears).filter(|_| listens) {
            said += &command(&["SUBSCRIBE", &channel]);
        }
        said += &command(&["PING"]);
        out.extend_from_slice(said.as_bytes());
    }

    pub(super) fn next(&mut self, input: &[u8]) -> Result<Option<(usize, Event)>> {
        if let Some(rest) = input.strip_prefix(PUSHED) {
            return message(rest, PUSHED.len());
        }
        let Some(end) = value(input)? else { return Ok(None) };
        let event = match input[..end].trim_ascii_end() {
            b"+PONG" => {
                self.ready = true;
                Event::Ready
            }
            [b':', count @ ..] if self.ready => {
                Event::Ack(Some(number(count)?.try_into().unwrap_or(u32::MAX)))
            }
            [b'%' | b'>', ..] if !self.ready => Event::Nothing,
            other => bail!("unexpected answer: `{}`", String::from_utf8_lossy(other)),
        };
        Ok(Some((end, event)))
    }
}

/// The rest of a pushed message: `length channel $length text`.
fn message(rest: &[u8], base: usize) -> Result<Option<(usize, Event)>> {
    let Some((channel_len, at)) = length(rest)? else { return Ok(None) };
    let at = at + channel_len + 2;
    let Some(after) = rest.get(at + 1..) else { return Ok(None) };
    let Some((len, skipped)) = length(after)? else { return Ok(None) };
    let at = at + 1 + skipped;
    let end = at + len;
    if rest.len() < end + 2 {
        return Ok(None);
    }
    Ok(Some((base + end + 2, Event::Delivery { at: base + at, end: base + end })))
}

/// A number and its line end: the number, and where the next byte is.
fn length(input: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = memchr(b'\n', input) else { return Ok(None) };
    Ok(Some((number(input[..end].trim_ascii_end())?, end + 1)))
}

fn number(digits: &[u8]) -> Result<usize> {
    Ok(std::str::from_utf8(digits)?.parse()?)
}

/// Length of one whole value of any kind, `None` while it is incomplete.
fn value(input: &[u8]) -> Result<Option<usize>> {
    let Some(end) = memchr(b'\n', input).map(|at| at + 1) else { return Ok(None) };
    let line = input[1..end].trim_ascii_end();
    let parts = match input[0] {
        b'$' => {
            let end = end + number(line)? + 2;
            return Ok((input.len() >= end).then_some(end));
        }
        b'*' | b'>' | b'~' => number(line)?,
        b'%' => 2 * number(line)?,
        _ => return Ok(Some(end)),
    };
    let mut at = end;
    for _ in 0..parts {
        let Some(used) = value(&input[at..])? else { return Ok(None) };
        at += used;
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_messages_are_told_apart() {
        let mut redis = Redis::new(Part::default());
        let mut check = |input: &[u8], expected: Option<(usize, Event)>| {
            assert_eq!(redis.next(input).unwrap(), expected, "{}", input.escape_ascii());
        };
        check(b"%1\r\n$5\r\nproto\r\n:3\r\n", Some((19, Event::Nothing)));
        check(b"%1\r\n$5\r\nproto\r\n", None);
        check(b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n", Some((30, Event::Nothing)));
        check(b"+PONG\r\n", Some((7, Event::Ready)));
        check(b":12\r\n", Some((5, Event::Ack(Some(12)))));
        let pushed = b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n";
        check(pushed, Some((35, Event::Delivery { at: 28, end: 33 })));
        (0..pushed.len()).for_each(|cut| check(&pushed[..cut], None));
    }
}
