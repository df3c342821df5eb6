//! How large the parts of a frame are, before anybody reads what they say.
//!
//! Owns one cheap pass over the bytes: how deep they are nested, and how long `text`, `act` and `meta` are
//! as they stand. It skips over strings and builds nothing. Never says whether the JSON is right: of bytes
//! that are none the measures mean nothing, and the parser that runs next says so.

use std::borrow::Cow;

use crate::work::spend;

/// The longest key that is looked into, if every letter of it is escaped.
const KEY_BYTES_MAX: usize = 6 * 4;

/// The measures of one frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Arrays and objects inside one another; counted no further than one beyond the bound.
    pub(super) depth: usize,
    /// Whether the first `type` is `message`.
    pub(super) is_message: bool,
    /// Bytes of the first `text` that is a string, with its quotes and escapes.
    pub(super) text: usize,
    /// Bytes of the longest `act`.
    pub(super) act: usize,
    /// Bytes of the longest `meta`.
    pub(super) meta: usize,
    has_type: bool,
}

impl Survey {
    /// Measures a frame, and stops where it is nested too deeply.
    pub(super) fn of(json: &[u8], depth_max: usize) -> Self {
        let mut survey = Self::default();
        let (mut at, mut depth) = (0, 0_usize);
        // The latest key of the first level, and where its value begins.
        let (mut key, mut value) = (&json[..0], None);
        while let Some(&byte) = json.get(at)
            && survey.depth <= depth_max
        {
            let start = at;
            at += 1;
            match byte {
                b'"' => {
                    at = string_end(json, at);
                    if depth == 1 && value.is_none() {
                        key = &json[start..at];
                    }
                }
                b':' if depth == 1 && value.is_none() => value = Some(at),
                b',' | b'}' if depth == 1 => {
                    let value = value.take().map(|from| json[from..start].trim_ascii());
                    survey.note(key, value.unwrap_or_default());
                    depth -= usize::from(byte == b'}');
                }
                b'{' | b'[' => {
                    depth += 1;
                    survey.depth = survey.depth.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        spend(at);
        survey
    }

    fn note(&mut self, key: &[u8], value: &[u8]) {
        let is_string = value.first() == Some(&b'"');
        match &*unescaped(key) {
            "type" if !std::mem::replace(&mut self.has_type, true) => {
                self.is_message = unescaped(value) == "message";
            }
            "text" if is_string && self.text == 0 => self.text = value.len(),
            "act" => self.act = self.act.max(value.len()),
            "meta" => self.meta = self.meta.max(value.len()),
            _ => {}
        }
    }
}

/// Where the string ends whose first byte behind the quote is at `from`.
fn string_end(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        // Whatever is escaped, it does not end the string.
        at += 1;
    }
    json.len()
}

/// What a short string says, with its quotes; nothing if it is long or broken.
fn unescaped(quoted: &[u8]) -> Cow<'_, str> {
    let inside = quoted.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(b"");
    if !inside.contains(&b'\\') {
        return String::from_utf8_lossy(inside.get(..KEY_BYTES_MAX).unwrap_or(inside));
    }
    let is_short = inside.len() <= KEY_BYTES_MAX.max(6 * "message".len());
    let text = is_short.then(|| serde_json::from_slice(quoted).ok()).flatten();
    Cow::Owned(text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Survey;

    fn measures(json: &str) -> (bool, [usize; 3]) {
        let survey = Survey::of(json.as_bytes(), 32);
        (survey.is_message, [survey.text, survey.act, survey.meta])
    }

    #[test]
    fn the_parts_of_a_frame_are_measured_as_they_stand() {
        let check = |json: &str, expected| assert_eq!(measures(json), expected, "{json}");
        check(r#"{"type":"message","text":"a\"b","meta":{"a":[1, 2]} }"#, (true, [6, 0, 12]));
        check(r#" { "meta" : [ ] , "act" : null, "type" : "message" } "#, (true, [0, 4, 3]));
        check(r#"{"type":"mess\u0061ge","\u0074ext":"x","m\u0065ta":12}"#, (true, [3, 0, 2]));
        check(r#"{"type":"join","type":"message","text":"x","text":"xx"}"#, (false, [3, 0, 0]));
        check(r#"{"type":"message","text":[1],"meta":1,"meta":12}"#, (true, [0, 0, 2]));
        check(r#"{"x":{"text":"no","meta":"no"},"y":["type","message"]}"#, (false, [0, 0, 0]));
        check(r#"{"text":"meta","meta":"act"}"#, (false, [6, 0, 5]));
        for broken in ["", "{", "\"", r#"{"type"#, r#"{"text":"\"#, r#"{"a":"b\"}"#, "}}]]", ":,:,"]
        {
            check(broken, (false, [0, 0, 0]));
        }
    }

    #[test]
    fn the_depth_is_counted_one_beyond_its_bound() {
        let check = |json: &str, depth_max, expected| {
            assert_eq!(Survey::of(json.as_bytes(), depth_max).depth, expected, "{json:.60}");
        };
        check(r#"{"a":[{},{}],"b":"[[[["}"#, 32, 3);
        check(&"[".repeat(200_000), 32, 33);
    }
}
