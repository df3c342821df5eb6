//! What a frame is about, as far as that can be told of bytes that are no frame.
//!
//! Owns the search for `type`, `id` and `ref` in JSON that is broken, cut off or too large to be held:
//! the sender of a refused message should know which one it was. Takes the bytes in pieces of any size and keeps
//! none of them. Never says whether the JSON is right.

use serde::Deserialize;
use smol_str::SmolStr;

use crate::id::MessageId;
use crate::work::spend;

/// The longest string that is looked into: an id of 64 characters, each written as `\u0041`.
const STRING_BYTES_MAX: usize = 2 + 6 * 64;

/// Reads over the bytes of one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skim {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    place: Place,
    /// The string at the first level that is being read, with its quotes.
    string: Vec<u8>,
    key: SmolStr,
    kind: Option<SmolStr>,
    id: Option<SmolStr>,
    reference: Option<SmolStr>,
}

/// What a string at the first level would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Key,
    Value,
}

impl Skim {
    /// What these bytes say.
    pub fn of(json: &[u8]) -> Self {
        let mut skim = Self::default();
        skim.read(json);
        skim
    }

    /// Goes on with the bytes that come next.
    pub fn read(&mut self, bytes: &[u8]) {
        spend(bytes.len());
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match self.in_string {
                // Most bytes are those of a long text, and say nothing.
                true if self.is_passed_over() => rest = self.pass_over(byte, behind),
                true => self.inside(byte),
                false => self.outside(byte),
            }
        }
    }

    /// Whether nothing of the string matters but where it ends.
    fn is_passed_over(&self) -> bool {
        !self.is_escaped && (self.depth != 1 || self.string.len() >= STRING_BYTES_MAX)
    }

    /// Goes on behind the byte that may end the string.
    fn pass_over<'a>(&mut self, byte: u8, behind: &'a [u8]) -> &'a [u8] {
        if matches!(byte, b'"' | b'\\') {
            self.inside(byte);
            return behind;
        }
        let end = memchr::memchr2(b'"', b'\\', behind).unwrap_or(behind.len());
        &behind[end..]
    }

    /// The `type`, if it has come.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The key of the first level that was read last.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What a refusal refers to: the id of what is about a message, the `ref` of an `operate`, else the
    /// type.
    pub fn reference(&self) -> Option<SmolStr> {
        let names_message = matches!(self.kind(), None | Some("message" | "receipt" | "status"));
        let id = self.id.as_ref().filter(|id| names_message && MessageId::new(id).is_ok());
        let operation =
            self.reference.as_ref().filter(|_| matches!(self.kind(), Some("operate" | "operated")));
        id.or(operation).or(self.kind.as_ref()).cloned()
    }

    fn inside(&mut self, byte: u8) {
        if self.depth == 1 && self.string.len() < STRING_BYTES_MAX {
            self.string.push(byte);
        }
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => {
                self.in_string = false;
                if self.depth == 1 {
                    self.note();
                }
            }
            _ => {}
        }
    }

    fn outside(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.in_string = true;
                self.string.clear();
                self.string.push(byte);
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' if self.depth == 1 => self.place = Place::Value,
            b',' if self.depth == 1 => self.place = Place::Key,
            _ => {}
        }
    }

    /// A string of the first level has ended. What stands twice counts once: as it stood first.
    fn note(&mut self) {
        let text = serde_json::from_slice::<Short>(&self.string).unwrap_or_default().0;
        match (self.place, self.key.as_str()) {
            (Place::Key, _) => self.key = text,
            (Place::Value, "type") => drop(self.kind.get_or_insert(text)),
            (Place::Value, "id") => drop(self.id.get_or_insert(text)),
            (Place::Value, "ref") => drop(self.reference.get_or_insert(text)),
            (Place::Value, _) => {}
        }
    }
}

/// An attacker's megabyte must not come back as an echo.
#[derive(Default)]
struct Short(SmolStr);

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        Ok(Self(SmolStr::from_iter(text.chars().take(64))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, kind: Option<&str>, reference: Option<&str>) {
        for size in [1, 7, usize::MAX] {
            let mut skim = Skim::default();
            json.as_bytes().chunks(size.min(json.len().max(1))).for_each(|piece| skim.read(piece));
            let found = (skim.kind(), skim.reference());
            assert_eq!((found.0, found.1.as_deref()), (kind, reference), "{json:.80}");
        }
    }

    #[test]
    fn a_frame_is_known_by_its_id_its_ref_or_its_type() {
        check(r#"{"type":"message","id":"m1","text":"#, Some("message"), Some("m1"));
        check(r#"{"text":"{\"id\":\"no\"}","id":"m1""#, None, Some("m1"));
        check(r#"{"meta":{"id":"no"},"x":["id"],"id":"m1""#, None, Some("m1"));
        check(r#"{"type":"message","id":"m1","id":"m2"}"#, Some("message"), Some("m1"));
        check(r#"{"type":"message","id":"a b"}"#, Some("message"), Some("message"));
        check(r#"{"type":"message","id":"\u006d1"}"#, Some("message"), Some("m1"));
        check(r#"{"type":"join","id":"m1","room":"a b"}"#, Some("join"), Some("join"));
        check(r#"{"type":"operate","ref":"r1","do":{"ref":"no"}}"#, Some("operate"), Some("r1"));
        check(r#"{"type":"message","text":"\"#, Some("message"), Some("message"));
        check(r#"{"id":"m"#, None, None);
        check("]]]]", None, None);
        check("", None, None);
    }

    #[test]
    fn the_longest_id_is_found_and_a_longer_string_is_none() {
        let id = r"\u0041".repeat(64);
        check(&format!(r#"{{"id":"{id}"}}"#), None, Some(&"A".repeat(64)));
        check(
            &format!(r#"{{"id":"{}","type":"message"}}"#, "A".repeat(900)),
            Some("message"),
            Some("message"),
        );
    }
}
