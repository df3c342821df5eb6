//! The ways to break the grammar that need more than one sentence.
//!
//! Never quotes a text from the file: it may be a token. One character may be shown.

use super::Place;

/// What breaks the grammar, where, and what to do.
pub(super) struct Flaw {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Flaw {
    pub(super) fn new(place: Place, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: hint.into() }
    }
}

pub(super) fn closing(open: char) -> char {
    if open == '{' { '}' } else { ']' }
}

/// One character as a message may show it.
pub(super) fn shown(found: char) -> String {
    if found.is_control() { format!("`{}`", found.escape_debug()) } else { format!("`{found}`") }
}

pub(super) fn missing_colon(place: Place, found: Option<char>) -> Flaw {
    match found {
        None => {
            Flaw::new(place, "the file ends after a key", "is the file complete? write `: value`")
        }
        Some('=') => {
            Flaw::new(place, "expected `:` after the key, found `=`", "write `key: value`")
        }
        Some('-' | '.') => Flaw::new(
            place,
            "a key with `-` or `.` needs quotes",
            "put the key in quotes: only letters, digits, `_` and `$` may stand without",
        ),
        Some(found) => {
            let message = format!("expected `:` after the key, found {}", shown(found));
            Flaw::new(place, message, "write `key: value`")
        }
    }
}

/// A character that starts nothing.
pub(super) fn strange(place: Place, found: char) -> Flaw {
    let hint = match found {
        '“' | '”' | '‘' | '’' | '„' | '«' | '»' | '`' => "use straight quotes: \"…\"",
        '#' => "a comment starts with `//`",
        ';' => "settings are separated by `,`",
        '<' => {
            "this looks like HTML, XML or a merge conflict; the configuration is JSON5: { port: 18795 }"
        }
        '(' | ')' => "an object has `{ }`, a list `[ ]`",
        '@' | '$' | '%' | '&' | '*' | '!' | '?' | '~' => "put texts in quotes: \"…\"",
        _ => "the configuration is JSON5, for example { port: 18795 }; remove this character",
    };
    Flaw::new(place, format!("unexpected {}", shown(found)), hint)
}
