//! The atoms of the grammar: white space, keys at the start of a line, the guard character.
//!
//! Owns what the reader and the writer must agree on to the letter. Never decides what a line means
//! in its place.

use super::act::Key;

/// Zero-width space: put where a value would otherwise be read as structure. It is not white space
/// to JavaScript's `trim`, so v0.1 keeps it where it is.
pub(super) const GUARD: char = '\u{200B}';

/// What JavaScript's `trim` and `\s` take for white space; Rust's list differs (it has U+0085, and
/// lacks U+FEFF), and the two must cut alike.
pub(super) fn is_space(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r'
            | ' '
            | '\u{A0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200A}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202F}'
            | '\u{205F}'
            | '\u{3000}'
            | '\u{FEFF}'
    )
}

/// `text` without white space at either end.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// A space that a platform may have put for another: what stuffing and margins are made of.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{A0}' | '\u{202F}')
}

/// `line` without the blanks before it.
pub(super) fn trim_blanks(line: &str) -> &str {
    line.trim_start_matches(is_blank)
}

/// What stands before the colon of a field line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKey<'a> {
    Known(Key),
    Unknown(&'a str),
}

/// The key that `line` begins with, and the byte after its colon.
///
/// Letters and a colon, as in v0.1. For keys that we know, also `Request-Id:`, `request_id:` and
/// a no-break space before the colon, which typewriter-minded editors insert.
pub(super) fn key_at_start(line: &str) -> Option<(LineKey<'_>, usize)> {
    let bytes = line.as_bytes();
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters == 0 {
        return None;
    }
    if bytes.get(letters) == Some(&b':') {
        let word = &line[..letters];
        let key = Key::from_word(word).map_or(LineKey::Unknown(word), LineKey::Known);
        return Some((key, letters + 1));
    }
    let (word, after_colon) = loose_key(line)?;
    let plain: String = word.chars().filter(char::is_ascii_alphabetic).collect();
    Some((LineKey::Known(Key::from_word(&plain)?), after_colon))
}

/// A word of letters, `-` and `_`, no-break spaces, a colon: everything that some reader might take
/// for a key. Returns the word and the byte after the colon.
fn loose_key(line: &str) -> Option<(&str, usize)> {
    let bytes = line.as_bytes();
    if !bytes.first()?.is_ascii_alphabetic() {
        return None;
    }
    let is_word = |byte: &&u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_');
    let (word, rest) = line.split_at(bytes.iter().take_while(is_word).count());
    let value = rest.trim_start_matches(['\u{A0}', '\u{202F}']).strip_prefix(':')?;
    Some((word, line.len() - value.len()))
}

/// Whether the first line of `line`, its leading blanks apart, looks like a field. The writer puts one
/// space before such a line and the reader takes one away; both ask here.
pub(super) fn looks_like_field(line: &str) -> bool {
    loose_key(trim_blanks(line)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(LineKey<'_>, usize)>) {
        assert_eq!(key_at_start(line), expected, "{line:?}");
        assert!(expected.is_none() || looks_like_field(line), "{line:?} would not be stuffed");
    }

    #[test]
    fn a_key_is_letters_and_a_colon_at_the_start_of_a_line() {
        check("From: Lotbot", Some((LineKey::Known(Key::From), 5)));
        check("REQUESTID:x", Some((LineKey::Known(Key::RequestId), 10)));
        check("Custom: x", Some((LineKey::Unknown("Custom"), 7)));
        check(" From: Lotbot", None);
        check("1. From: Lotbot", None);
        check(": x", None);
        check("Frоm: x", None);
    }

    #[test]
    fn only_keys_that_we_know_may_be_spelt_loosely() {
        check("Request-Id: x", Some((LineKey::Known(Key::RequestId), 11)));
        check("request_id: x", Some((LineKey::Known(Key::RequestId), 11)));
        check("From\u{A0}: x", Some((LineKey::Known(Key::From), 7)));
        check("Follow-up: x", None);
        check("From : x", None);
    }
}
