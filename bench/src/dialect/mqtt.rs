//! MQTT 3.1.1 with quality of service 0: nothing is confirmed. A lane is a topic.

use anyhow::{Result, bail};

use super::{Event, Part};
use crate::text::{self, Template};

const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const PING_REQUEST: u8 = 0xC0;
const PING_ANSWER: u8 = 0xD0;

/// One connection of an MQTT client.
#[derive(Debug)]
pub struct Mqtt {
    part: Part,
}

fn topic(part: Part, lane: Option<usize>) -> Option<String> {
    lane.map(|lane| format!("lane/{lane:05}"))
        .or_else(|| part.room.map(|room| format!("room/{room:05}")))
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

/// One packet: kind, length in groups of seven bits, body.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut len = body.len();
    while len >= 128 {
        packet.push(len as u8 | 128);
        len >>= 7;
    }
    packet.push(len as u8);
    packet.extend_from_slice(body);
    packet
}

/// See [`super::Tongue::template`].
pub fn template(part: Part, len: usize) -> Template {
    let text = text::first(part.says.unwrap_or(0), len);
    let body = [string(&topic(part, part.says).unwrap_or_default()), text].concat();
    let bytes = packet(PUBLISH, &body);
    let text_at = bytes.len() - len;
    Template::new(bytes, text_at, None)
}

impl Mqtt {
    pub(super) fn new(part: Part) -> Self {
        Self { part }
    }

    pub(super) fn greet(&self, out: &mut Vec<u8>) {
        // Protocol level 4, a clean session, no keep-alive.
        let body = [string("MQTT"), vec![4, 2, 0, 0], string(&format!("bot{:05}", self.part.bot))];
        out.extend_from_slice(&packet(0x10, &body.concat()));
        // A subscription of its own keeps every connection's way to readiness the same.
        let listens = self.part.hears.is_some() || self.part.says.is_none();
        let topic = topic(self.part, self.part.hears).filter(|_| listens);
        let topic = topic.unwrap_or_else(|| format!("nothing/{:05}", self.part.bot));
        let body = [vec![0, 1], string(&topic), vec![0]];
        out.extend_from_slice(&packet(SUBSCRIBE, &body.concat()));
    }

    pub(super) fn next(&self, input: &[u8], out: &mut Vec<u8>) -> Result<Option<(usize, Event)>> {
        let Some((head, len)) = header(input)? else { return Ok(None) };
        let end = head + len;
        let Some(body) = input.get(head..end) else { return Ok(None) };
        let event = match (input[0], body) {
            (PUBLISH, [a, b, ..]) => {
                let at = head + 2 + usize::from(u16::from_be_bytes([*a, *b]));
                Event::Delivery { at, end }
            }
            (CONNACK, [_, 0]) | (PING_ANSWER, _) => Event::Nothing,
            (SUBACK, [_, _, 0]) => Event::Ready,
            (PING_REQUEST, _) => {
                out.extend_from_slice(&packet(PING_ANSWER, &[]));
                Event::Nothing
            }
            (kind, body) => bail!("unexpected packet {kind:#x} {body:?}"),
        };
        Ok(Some((end, event)))
    }
}

/// Bytes before the body, and bytes of the body.
fn header(input: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut len = 0;
    for (index, byte) in input.iter().skip(1).take(4).enumerate() {
        len |= usize::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            return Ok(Some((index + 2, len)));
        }
    }
    if input.len() > 4 { bail!("a packet length of more than four bytes") } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_message_is_read_back_and_half_of_it_waits() {
        let part = Part { says: Some(3), ..Part::default() };
        for len in [32, 200, 4096, 20_000] {
            let mut bytes = Vec::new();
            template(part, len).write(&mut bytes);
            let mqtt = Mqtt::new(part);
            let (used, event) = mqtt.next(&bytes, &mut Vec::new()).unwrap().unwrap();
            let Event::Delivery { at, end } = event else { panic!("{event:?}") };
            assert_eq!((used, &bytes[at..end]), (bytes.len(), &text::first(3, len)[..]));
            assert_eq!(mqtt.next(&bytes[..used - 1], &mut Vec::new()).unwrap(), None);
            assert_eq!(mqtt.next(&bytes[..1], &mut Vec::new()).unwrap(), None);
        }
    }
}
