//! JSON that an older hub let in and no strict reader takes, made readable.
//!
//! Owns the replacements: half of a surrogate pair becomes U+FFFD, a number that no double holds becomes
//! a string of its digits. Everything else stays as it is, byte for byte.

use std::borrow::Cow;

use super::strict;
use crate::work::spend;

/// The text itself if every strict reader takes it, else one that they take.
pub fn mend(json: &str) -> Cow<'_, str> {
    // A key that stands twice hurts no reader: most take the later one.
    let is_readable = |json: &str| serde_json::from_str::<serde_json::Value>(json).is_ok();
    spend(json.len());
    if strict::check(json.as_bytes()).is_ok() || is_readable(json) {
        return Cow::Borrowed(json);
    }
    let mended = replace(json);
    // Nested deeper than anybody reads, or no JSON at all.
    if is_readable(&mended) { Cow::Owned(mended) } else { Cow::Borrowed("null") }
}

fn replace(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => string(rest, &mut out),
            '-' | '0'..='9' => number(rest, &mut out),
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[len..];
    }
    out
}

/// Copies the string that `text` begins with, and says how long it was.
fn string(text: &str, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut copied) = (1, 0);
    while at < bytes.len() && bytes[at] != b'"' {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match (surrogate(text, at), surrogate(text, at + 6)) {
            (Some(Half::High), Some(Half::Low)) => at += 12,
            (Some(_), _) => {
                out.push_str(&text[copied..at]);
                out.push('\u{FFFD}');
                at += 6;
                copied = at;
            }
            (None, _) => at += 2,
        }
    }
    let end = text.floor_char_boundary((at + 1).min(text.len()));
    out.push_str(&text[copied.min(end)..end]);
    end
}

/// One half of a pair that stands for a character beyond U+FFFF.
#[derive(Clone, Copy, PartialEq)]
enum Half {
    High,
    Low,
}

fn surrogate(text: &str, at: usize) -> Option<Half> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xD800..=0xDBFF => Some(Half::High),
        0xDC00..=0xDFFF => Some(Half::Low),
        _ => None,
    }
}

/// Copies the number that `text` begins with, and says how long it was.
fn number(text: &str, out: &mut String) -> usize {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let number = &text[..end];
    let is_finite = number.parse::<f64>().is_ok_and(f64::is_finite);
    if is_finite {
        out.push_str(number);
    } else {
        out.extend(["\"", number, "\""]);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::mend;

    #[test]
    fn what_cannot_be_represented_is_replaced_and_the_rest_stays() {
        let check = |json: &str, expected: &str| assert_eq!(mend(json), expected);
        check(r#"{"a":1.0,  "b":["\ud83d\ude00"]}"#, r#"{"a":1.0,  "b":["\ud83d\ude00"]}"#);
        check(r#"{"a":1e400,"b":-1E+999}"#, r#"{"a":"1e400","b":"-1E+999"}"#);
        check(r#"{"k":"\ud83d"}"#, "{\"k\":\"\u{FFFD}\"}");
        check(
            r#"{"\ude00x":"a\\ud83d\ud83d\ud83d\ude00"}"#,
            "{\"\u{FFFD}x\":\"a\\\\ud83d\u{FFFD}\\ud83d\\ude00\"}",
        );
        check(r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#);
        check("{", "null");
        check(r#"["\ud83d"#, "null");
        check("\"\\é", "null");
        check(&"[".repeat(500), "null");
    }
}
