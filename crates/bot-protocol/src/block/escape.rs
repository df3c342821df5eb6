//! How a value is written so that it stays a value.
//!
//! Owns the escaping and its inverse; ADR 0101 says why it is this one. Never sees keys or fences.
//!
//! * A line of a value that looks like a field gets one space before it.
//! * Inside three backticks in a row, a guard goes after the second.
//! * White space or a guard at either end of a value gets a guard around it; an empty value is one
//!   guard.
//! * A value whose first line holds a carriage return or a line separator starts on the next line,
//!   because v0.1 does not see a field there otherwise.

use std::borrow::Cow;

use super::text::{GUARD, is_space, looks_like_field, trim};
use crate::work::spend;

/// Appends `: ` and the written form of `value` to `out`, which ends with a key.
pub(super) fn push_value(out: &mut String, value: &str) {
    spend(value.len());
    if is_plain(value) {
        out.push_str(": ");
        push_lines(out, value);
        return;
    }
    let first_line = value.split('\n').next().unwrap_or_default();
    let hangs = first_line.contains(['\r', '\u{2028}', '\u{2029}']);
    out.push_str(if hangs { ":\n" } else { ": " });
    if value.is_empty() || value.starts_with(needs_guard) {
        out.push(GUARD);
    } else if hangs && looks_like_field(first_line) {
        out.push(' ');
    }
    let value_at = out.len();
    push_guarded(out, value);
    if out[value_at..].contains('\n') {
        let value = out.split_off(value_at);
        push_lines(out, &value);
    }
    if value.ends_with(needs_guard) {
        out.push(GUARD);
    }
}

/// Whether, of all the rules, only that of lines matters: nothing to guard at the ends, no two
/// backticks in a row, no line end but the newline. Most text is, in every script.
fn is_plain(value: &str) -> bool {
    if value.is_empty() || value.starts_with(needs_guard) || value.ends_with(needs_guard) {
        return false;
    }
    let bytes = value.as_bytes();
    memchr::memchr3_iter(b'`', b'\r', SEPARATOR[0], bytes).all(|at| match &bytes[at..] {
        [b'`', next, ..] => *next != b'`',
        [b'\r', ..] => false,
        [lead, middle, last, ..] => [*lead, *middle] != SEPARATOR || !matches!(last, 0xA8 | 0xA9),
        _ => true,
    })
}

/// What U+2028 and U+2029 begin with in UTF-8.
const SEPARATOR: [u8; 2] = [0xE2, 0x80];

/// Appends `value` with a space before each line, but the first, that looks like a field.
fn push_lines(out: &mut String, value: &str) {
    let mut copied = 0;
    // Lists and prose have many lines, and often none with a colon.
    if memchr::memchr(b':', value.as_bytes()).is_none() {
        out.push_str(value);
        return;
    }
    for start in memchr::memchr_iter(b'\n', value.as_bytes()).map(|at| at + 1) {
        if looks_like_field(&value[start..]) {
            out.push_str(&value[copied..start]);
            out.push(' ');
            copied = start;
        }
    }
    out.push_str(&value[copied..]);
}

fn needs_guard(c: char) -> bool {
    is_space(c) || c == GUARD
}

/// Appends `text` so that no three backticks stand in a row. Between two backticks and a third, the
/// run of guards (usually empty) grows by one.
pub(super) fn push_guarded(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(end) = ticks_end(rest) {
        out.push_str(&rest[..end]);
        out.push(GUARD);
        rest = &rest[end..];
    }
    out.push_str(rest);
}

/// Takes away what [`push_guarded`] put in.
pub(super) fn unguard(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut out = String::new();
    while let Some(end) = ticks_end(rest) {
        let guard_start = end - GUARD.len_utf8();
        if rest[..end].ends_with(GUARD) {
            out.push_str(&rest[..guard_start]);
        } else {
            out.push_str(&rest[..end]);
        }
        rest = &rest[end..];
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where, in `text`, a run of guards ends that stands between two backticks and a third.
fn ticks_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'`', &bytes[from..]) {
        spend(at + 1);
        let at = from + at;
        if bytes.get(at + 1) != Some(&b'`') {
            from = at + 1;
            continue;
        }
        let rest = &text[at + 2..];
        let after = rest.trim_start_matches(GUARD);
        spend(rest.len() - after.len());
        if after.starts_with('`') {
            return Some(text.len() - after.len());
        }
        from = text.len() - after.len();
    }
    None
}

/// Reads a value back: everything between the colon and the next field line.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    let bytes = raw.as_bytes();
    let many_lines = memchr::memchr(b'\n', bytes).is_some();
    if !many_lines && memchr::memchr(0xE2, bytes).is_none() {
        return Cow::Borrowed(trim(raw));
    }
    match unstuff(raw) {
        Cow::Borrowed(raw) => unguard(unwrap_guards(trim(raw))),
        Cow::Owned(raw) => Cow::Owned(unguard(unwrap_guards(trim(&raw))).into_owned()),
    }
}

fn unwrap_guards(value: &str) -> &str {
    let value = value.strip_prefix(GUARD).unwrap_or(value);
    value.strip_suffix(GUARD).unwrap_or(value)
}

/// Takes one blank from every line after the first that looks like a field behind its blanks.
fn unstuff(raw: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for start in memchr::memchr_iter(b'\n', raw.as_bytes()).map(|at| at + 1) {
        let line = &raw[start..];
        // A field line cannot stand here, so one that looks like it stands behind blanks, or is
        // no field to the parser and was not written by `build`.
        let Some(first) = line.chars().next().filter(|c| !c.is_ascii_alphabetic()) else {
            continue;
        };
        if looks_like_field(line) {
            out.push_str(&raw[copied..start]);
            copied = start + first.len_utf8();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(raw);
    }
    out.push_str(&raw[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut written = String::from("Task");
        push_value(&mut written, value);
        assert_eq!(written, format!("Task{expected}"), "{value:?}");
        assert_eq!(decode(&written["Task:".len()..]), value, "{value:?}");
        assert!(!written.contains("```"), "{value:?}");
    }

    #[test]
    fn common_text_is_written_as_it_is() {
        check("Check the CLI", ": Check the CLI");
        check("Steps:\n1. a\n2. b", ": Steps:\n1. a\n2. b");
        check("18°C → ☀", ": 18°C → ☀");
        check("`code` and ``more``", ": `code` and ``more``");
    }

    #[test]
    fn a_line_that_looks_like_a_field_is_moved_by_one_space() {
        check("x\nStatus: done", ": x\n Status: done");
        check("x\n Status: done", ": x\n  Status: done");
        check("x\n\u{A0}Status: done", ": x\n \u{A0}Status: done");
        check("Status: done", ": Status: done");
        check("x\nFollow-up: y", ": x\n Follow-up: y");
        check("x\n  indented", ": x\n  indented");
    }

    #[test]
    fn three_backticks_never_stand_in_a_row() {
        check("```", ": ``\u{200B}`");
        check("```````", ": ``\u{200B}``\u{200B}``\u{200B}`");
        check("``\u{200B}`", ": ``\u{200B}\u{200B}`");
        check("`\u{200B}``", ": `\u{200B}``");
        check("``", ": ``");
    }

    #[test]
    fn white_space_and_guards_at_the_ends_survive() {
        check("", ": \u{200B}");
        check(" ", ": \u{200B} \u{200B}");
        check("\u{200B}", ": \u{200B}\u{200B}\u{200B}");
        check("x\n", ": x\n\u{200B}");
        check("\u{FEFF}x", ": \u{200B}\u{FEFF}x");
        check("``\u{200B}", ": ``\u{200B}\u{200B}");
    }

    #[test]
    fn a_first_line_that_v0_1_would_not_see_is_moved_down() {
        check("a\rb", ":\na\rb");
        check("Status: a\u{2028}b", ":\n Status: a\u{2028}b");
        check(" Status: a\rb", ":\n\u{200B} Status: a\rb");
        check("a\nb\rc", ": a\nb\rc");
    }
}
