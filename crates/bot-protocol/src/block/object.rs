//! JSON objects that keep what they do not understand: order, numbers and all.
//!
//! Owns reading an object without interpreting its values, and laying JSON out. The state file
//! belongs to several programs; a value that we do not know must come back as it was.

use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Names and values in the order of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(pub(super) Vec<(String, Box<RawValue>)>);

impl Object {
    /// Takes a value out; `None` if there is none, or `null`.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, serde_json::Error> {
        // Of a name that stands twice, the later counts, as in JavaScript.
        let Some(at) = self.0.iter().rposition(|(known, _)| known == name) else { return Ok(None) };
        serde_json::from_str(self.0.remove(at).1.get())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        input.deserialize_map(InOrder)
    }
}

/// `value` as JSON without layout.
pub(super) fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("strings, numbers and maps of strings are JSON")
}

/// JSON text laid out with two spaces per level, as `JSON.stringify(value, null, 2)` does.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut level, mut in_string, mut is_escaped) = (0_usize, false, false);
    let mut opened = false;
    for c in json.chars() {
        if in_string {
            out.push(c);
            in_string = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        level -= usize::from(closes && level > 0);
        if opened != closes && (opened || closes) {
            new_line(&mut out, level);
        }
        out.push(c);
        opened = matches!(c, '{' | '[');
        level += usize::from(opened);
        in_string = c == '"';
        match c {
            ',' => new_line(&mut out, level),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", level));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(pretty(json), expected);
        assert_eq!(pretty(expected), expected);
    }

    #[test]
    fn json_is_laid_out_as_javascript_does() {
        check("{}", "{}");
        check(
            r#"{"a":[],"b":[1,{"c":null}]}"#,
            "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ]\n}",
        );
        check(r#"{"a":"x, \"{[: \\"}"#, "{\n  \"a\": \"x, \\\"{[: \\\\\"\n}");
    }
}
