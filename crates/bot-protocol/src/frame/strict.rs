//! What any strict reader of JSON would refuse, refused here.
//!
//! Owns the rules that `serde_json` leaves out where it keeps JSON raw or skips it: half of a surrogate
//! pair, a number that no double holds, a key that stands twice. The hub relays `meta` and `act` as they
//! came, so that what it lets in is what every reader of a room has to cope with. Never builds a value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::work::spend;

/// Whether every strict reader can represent this JSON text. The error knows the place.
pub fn check(json: &[u8]) -> Result<(), serde_json::Error> {
    spend(json.len());
    let mut reader = serde_json::Deserializer::from_slice(json);
    Strict { keys: &mut Vec::new() }.deserialize(&mut reader)?;
    reader.end()
}

/// Walks over one value.
struct Strict<'s, 'de> {
    /// The keys of the objects that it is in, those of the innermost last.
    keys: &'s mut Vec<Cow<'de, str>>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Strict { keys: &mut *self.keys })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let outer = self.keys.len();
        while let Some(Key(key)) = fields.next_key()? {
            self.keys.push(key);
            fields.next_value_seed(Strict { keys: &mut *self.keys })?;
        }
        let twice = repeated(&mut self.keys[outer..]);
        let refusal =
            twice.map(|key| A::Error::custom(format_args!("duplicate field `{key:.64}`")));
        self.keys.truncate(outer);
        refusal.map_or(Ok(()), Err)
    }
}

/// A key that stands twice. Sorted, not hashed: the keys are a stranger's, and this crate draws no random
/// numbers. Sorting costs a few comparisons for each key, whatever they are.
fn repeated<'k>(keys: &'k mut [Cow<'_, str>]) -> Option<&'k str> {
    keys.sort_unstable_by(|one, other| {
        spend(1);
        one.cmp(other)
    });
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| &*pair[0])
}

/// A key as it stands in the text, unless it holds escapes. Serde's own `Cow` is always a copy.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_a_strict_reader_would_refuse_is_refused() {
        let verdict = |json: &str, says: Option<&str>| match (check(json.as_bytes()), says) {
            (Ok(()), None) => {}
            (Err(error), Some(says)) => {
                assert!(error.to_string().contains(says), "{error}: {json}");
            }
            (found, _) => panic!("{json}: {found:?}"),
        };
        verdict(r#"{"a":[1,-2.5e300,"é\ud83d\ude00",null,true,{}]}"#, None);
        verdict("18446744073709551616", None);
        verdict("1e400", Some("number out of range"));
        verdict(r#"{"a":-1e999}"#, Some("number out of range"));
        verdict(r#"["\ud83d"]"#, Some("hex escape"));
        verdict(r#"["\ud83dx"]"#, Some("hex escape"));
        verdict(r#"["\ude00"]"#, Some("surrogate"));
        verdict(r#"{"\ud83d":1}"#, Some("hex escape"));
        verdict(r#"{"a":1,"a":1}"#, Some("duplicate field `a`"));
        verdict(r#"{"a":1,"\u0061":1}"#, Some("duplicate field `a`"));
        verdict(r#"[{"b":{"a":1,"c":[],"a":2}}]"#, Some("duplicate field `a`"));
        verdict(r#"[{"a":1},{"a":1}]"#, None);
        verdict("[1] x", Some("trailing characters"));
        verdict("", Some("EOF"));
    }
}
