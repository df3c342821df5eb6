//! A position in a text that knows its line and column.
//!
//! Owns counting: a line ends with `\n`, `\r\n` or `\r`, as editors count; a column is one character.

use std::str::Chars;

use super::super::problem::Place;

/// Reads a text character by character. Every step counts, so that a place costs nothing.
pub(super) struct Cursor<'a> {
    rest: Chars<'a>,
    place: Place,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.chars(), place: Place { line: 1, column: 1 } }
    }

    /// Where the next character stands.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Takes the next character.
    pub(super) fn next(&mut self) -> Option<char> {
        let taken = self.rest.next()?;
        let half_of_crlf = taken == '\r' && self.peek() == Some('\n');
        if matches!(taken, '\n' | '\r') && !half_of_crlf {
            self.place = Place { line: self.place.line.saturating_add(1), column: 1 };
        } else {
            self.place.column = self.place.column.saturating_add(1);
        }
        Some(taken)
    }

    /// Whether a word starts here, or a word in brackets: YAML and TOML look like that.
    pub(super) fn is_braceless(&self) -> bool {
        let mut next = self.rest.clone();
        match next.next() {
            Some('[') => next.next().is_some_and(is_name_start),
            first => first.is_some_and(is_name_start),
        }
    }

    /// Whether a line comment ends here.
    pub(super) fn at_line_end(&self) -> bool {
        self.peek().is_none_or(is_line_end)
    }
}

/// What JSON5 calls a line terminator.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// What may stand between two tokens; the byte order mark is white space to JSON5.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{a0}' | '\u{feff}' | '\u{1680}' | '\u{2000}'..='\u{200a}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// What a key without quotes may start with.
pub(super) fn is_name_start(c: char) -> bool {
    matches!(c, '$' | '_') || c.is_alphabetic()
}

/// What may follow.
pub(super) fn is_name(c: char) -> bool {
    is_name_start(c) || c.is_numeric()
}
