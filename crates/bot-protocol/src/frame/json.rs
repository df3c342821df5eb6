//! JSON text where it is hot: what goes out with every message is written by hand, and a `message` of
//! the usual shape is read without a general parser.
//!
//! Owns speed, never a rule: serde's derived shape is the specification, and tests hold both to it.
//! Whatever is unusual is left to serde.

use smol_str::SmolStr;

use super::client::Message;
use crate::id::MessageId;
use crate::name::{BotId, RoomName};
use crate::time::Timestamp;
use crate::work::spend;

/// Bytes looked at together. The loop over one of them has no early end, so that the compiler makes a
/// few vector instructions of it.
const CHUNK: usize = 32;

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[inline(always)]
fn is_plain(chunk: &[u8; CHUNK]) -> bool {
    chunk.iter().fold(0, |found, &byte| found | u8::from(needs_escape(byte))) == 0
}

/// Whether a byte is in the text that no JSON string may hold. Without an early end, for the same reason.
fn has_control(text: &str) -> bool {
    text.bytes().fold(u8::MAX, u8::min) < 0x20
}

/// How many bytes at the front can stand in a JSON string as they are.
fn plain_prefix(text: &[u8]) -> usize {
    let (chunks, _) = text.as_chunks::<CHUNK>();
    let plain = chunks.iter().take_while(|chunk| is_plain(chunk)).count();
    // The last chunk may overlap the one before it: that is cheaper than a loop over what is left.
    if plain == chunks.len() && text.last_chunk().is_some_and(is_plain) {
        return text.len();
    }
    let rest = text[CHUNK * plain..].iter().take_while(|byte| !needs_escape(**byte));
    CHUNK * plain + rest.count()
}

/// Appends a text as a JSON string, as `serde_json` would.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_prefix(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(&byte) = rest.get(plain) else { break };
        write_escaped(out, byte);
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

fn write_escaped(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            return out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends a number in decimal.
pub fn write_number(out: &mut Vec<u8>, number: u64) {
    /// Digits of `u64::MAX`.
    const DIGITS_MAX: usize = 20;
    let mut digits = [0; DIGITS_MAX];
    let (mut at, mut rest) = (DIGITS_MAX, number);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a field whose value is a number, if there is one. `key` is the text up to the number.
pub fn write_count(out: &mut Vec<u8>, key: &[u8], value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(key);
        write_number(out, value);
    }
}

/// How most clients begin.
const USUAL_HEAD: &str = r#"{"type":"message","#;

/// Reads a `message` of strings and plain numbers. `None` is no verdict: serde reads it, or says what
/// is wrong with it.
pub(super) fn read_message(json: &str) -> Option<Message> {
    let mut reader = Reader { json, at: 0 };
    let message = read_all(&mut reader);
    spend(reader.at);
    message
}

fn read_all(reader: &mut Reader<'_>) -> Option<Message> {
    let mut message = Message::default();
    let mut has_text = false;
    let mut is_typed = reader.json.starts_with(USUAL_HEAD);
    match is_typed {
        true => reader.at = USUAL_HEAD.len(),
        false => reader.token(b'{')?,
    }
    loop {
        let key = reader.plain_string()?;
        reader.token(b':')?;
        match key {
            "type" if !is_typed => {
                is_typed = reader.plain_string()? == "message";
                // Another type, and perhaps another `type` behind it.
                is_typed.then_some(())?;
            }
            "text" if !has_text => (message.text, has_text) = (reader.string()?, true),
            "room" => set(&mut message.room, RoomName::new(reader.plain_string()?).ok()?)?,
            "to" => set(&mut message.to, BotId::new(reader.plain_string()?).ok()?)?,
            "id" => set(&mut message.id, MessageId::new(reader.plain_string()?).ok()?)?,
            "reply_to" => set(&mut message.reply_to, MessageId::new(reader.plain_string()?).ok()?)?,
            "thread" => set(&mut message.thread, SmolStr::new(reader.string()?))?,
            "expires_at" => set(&mut message.expires_at, Timestamp(reader.number()?))?,
            _ => return None,
        }
        match reader.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    let is_whole = reader.next().is_none();
    (is_typed && has_text && is_whole).then_some(message)
}

/// A key that comes twice is for serde to refuse.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

/// Where the first quote or backslash is. For keys, names and ids: they are short, and eight bytes at a
/// time are found sooner than by a search for long texts.
fn string_end(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // Marks the bytes of a word that are zero. The lowest mark is right, and only that is looked at.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let found = quotes | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(8 * at + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
    Some(8 * words.len() + at)
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.json.as_bytes()[self.at..]
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.json.as_bytes().get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    fn token(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    /// A string, quotes included, that may hold escapes and bytes that no string may hold; and
    /// whether it holds escapes.
    fn quoted(&mut self) -> Option<(&'a str, bool)> {
        self.token(b'"')?;
        let start = self.at - 1;
        let mut is_escaped = false;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', self.rest())? + 1;
            if self.json.as_bytes()[self.at - 1] == b'"' {
                return Some((&self.json[start..self.at], is_escaped));
            }
            is_escaped = true;
            self.at += 1;
            // A backslash at the very end would lead beyond it.
            self.json.as_bytes().get(self.at)?;
        }
    }

    /// A string in which nothing is escaped. What it holds is for the caller to check.
    fn plain_string(&mut self) -> Option<&'a str> {
        self.token(b'"')?;
        let len = string_end(self.rest())?;
        let text = &self.json[self.at..self.at + len];
        self.at += len;
        self.token(b'"')?;
        Some(text)
    }

    fn string(&mut self) -> Option<String> {
        let (quoted, is_escaped) = self.quoted()?;
        if is_escaped {
            return serde_json::from_str(quoted).ok();
        }
        let text = &quoted[1..quoted.len() - 1];
        (!has_control(text)).then(|| text.to_owned())
    }

    /// A whole number without sign, point or exponent.
    fn number(&mut self) -> Option<u64> {
        let first = self.next()?;
        let start = self.at - 1;
        let digits = self.json.as_bytes()[start..].iter().take_while(|it| it.is_ascii_digit());
        self.at = start + digits.count();
        let is_canonical = first != b'0' || self.at == start + 1;
        let follows = self.json.as_bytes().get(self.at);
        let ends = !follows.is_some_and(|byte| matches!(byte, b'.' | b'e' | b'E'));
        (is_canonical && ends).then(|| self.json[start..self.at].parse().ok())?
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::server::{Ack, ServerFrame};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("JSON is text")
    }

    fn by_serde(json: &str) -> Option<Message> {
        serde_json::from_str(json).ok()
    }

    /// What is read is what serde reads; what is left to serde may be anything.
    fn check(json: &str, is_read: bool) {
        let read = read_message(json);
        assert_eq!(read.is_some(), is_read, "{json}");
        assert!(read.is_none() || read == by_serde(json), "{json}");
    }

    #[test]
    fn usual_messages_are_read_and_others_left_to_serde() {
        check(r#"{"type":"message","room":"lab","text":"hi"}"#, true);
        check(r#" { "text" : "a\n\"b\"\\ \u00e9" , "to":"Ann", "type" : "message" } "#, true);
        check(r#"{"type":"message","room":"lab","text":"x","id":"m1","expires_at":0}"#, true);
        check(r#"{"type":"message","text":"","reply_to":"a","thread":"t\t"}"#, true);
        check(r#"{"type":"message","room":"lab","text":"x","meta":{"a":1}}"#, false);
        check(r#"{"type":"message","room":"lab","text":"x","room":"lab"}"#, false);
        check(r#"{"type":"message","type":"message","text":"x"}"#, false);
        check(r#"{"type":"leave","type":"message","text":"x"}"#, false);
        check(r#"{"type":"message","room":null,"text":"x"}"#, false);
        check(r#"{"type":"message","room":"a b","text":"x"}"#, false);
        check(r#"{"type":"message","room":"lab"}"#, false);
        check(r#"{"type":"join","room":"lab","text":"x"}"#, false);
        check("{\"type\":\"message\",\"text\":\"a\nb\"}", false);
        check(r#"{"type":"message","text":"x"} x"#, false);
        check(r#"{"type":"message","text":"x","expires_at":1.5}"#, false);
        check(r#"{"type":"message","text":"x","expires_at":01}"#, false);
        check(r#"{"type":"message","text":"\ud800"}"#, false);
        check(r#"{"type":"message","text":"x\"#, false);
        check(r#"{"type":"message","text":"x\"}"#, false);
        check("{", false);
        check("", false);
    }

    /// Texts with every kind of character that matters, at every distance from a chunk's end.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ -~]{0,40}",
            1 => any::<char>().prop_map(String::from),
            1 => prop::sample::select(vec!["\"", "\\", "\n", "\u{8}", "\u{c}", "\u{1f}", "\u{7f}", "é", "𝄞"])
                .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn the_end_of_a_short_string_is_found_wherever_it_is() {
        for before in 0..20 {
            for (end, after) in [(b'"', 0), (b'"', 9), (b'\\', 1), (b'\\', 17)] {
                // Bytes that differ from the two by one bit, and the next higher ones.
                let mut bytes: Vec<u8> =
                    b"#!]\xa2\xdc\0".iter().copied().cycle().take(before).collect();
                assert_eq!(string_end(&bytes), None);
                bytes.push(end);
                bytes.extend(std::iter::repeat_n(b'"', after));
                assert_eq!(string_end(&bytes), Some(before), "{bytes:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn strings_are_written_as_serde_writes_them(text in nasty()) {
            let expected = serde_json::to_string(&text).expect("a text is JSON");
            prop_assert_eq!(written(|out| write_string(out, &text)), expected);
        }

        #[test]
        fn acks_are_written_as_serde_writes_them(
            id in prop::option::of("[!-~]{1,64}"), seq: Option<u64>, delivered: u32,
            queued: Option<u32>, duplicate: bool, dropped: Option<u64>
        ) {
            let room = RoomName::new("dm:ann:bob").expect("a name");
            let id = id.and_then(|id| MessageId::new(&id).ok());
            let frame = ServerFrame::Ack(Ack { room, id, seq, delivered, queued, duplicate, dropped });
            prop_assert_eq!(written(|out| frame.write(out)), frame.encode());
        }

        #[test]
        fn numbers_are_written_in_decimal(number: u64, shift in 0..64_u32) {
            let number = number >> shift;
            prop_assert_eq!(written(|out| write_number(out, number)), number.to_string());
        }

        #[test]
        fn what_is_read_is_what_serde_reads(
            text in nasty(), thread in nasty(), expires_at: u64, cut in 0..200_usize, junk in nasty()
        ) {
            let message = Message {
                room: RoomName::new("lab").ok(),
                text,
                thread: Some(thread.into()),
                expires_at: Some(Timestamp(expires_at)),
                ..Message::default()
            };
            let json = super::super::ClientFrame::Message(message.clone()).encode();
            prop_assert_eq!(read_message(&json), Some(message));
            let cut = json.floor_char_boundary(cut);
            for damaged in [json[..cut].to_owned() + &junk, json[..cut].to_owned() + &junk + &json[cut..]] {
                let read = read_message(&damaged);
                prop_assert!(read.is_none() || read == by_serde(&damaged), "{}", damaged);
            }
        }
    }
}
