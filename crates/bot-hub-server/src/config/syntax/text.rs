//! Texts in quotes, and their escapes.
//!
//! Owns their grammar. Never decides what a text means.

use super::Flaw;
use super::cursor::{Cursor, is_line_end};

const HINT_ESCAPE: &str = "write `\\\\` for a backslash";

/// Reads a text in single or double quotes; the cursor stands on the opening one.
pub(super) fn quoted(cursor: &mut Cursor<'_>) -> Result<String, Flaw> {
    let start = cursor.place();
    let quote = cursor.next();
    let mut text = String::new();
    loop {
        let place = cursor.place();
        match cursor.next() {
            None | Some('\n' | '\r') => {
                let message = "this text has no closing quote on its line";
                return Err(Flaw::new(
                    start,
                    message,
                    "close it with the same quote that opens it",
                ));
            }
            next if next == quote => return Ok(text),
            Some('\\') => match escape(cursor) {
                Ok(escaped) => text.extend(escaped),
                Err(message) => return Err(Flaw::new(place, message, HINT_ESCAPE)),
            },
            Some(next) => text.push(next),
        }
    }
}

/// What follows a backslash; an escaped end of line is nothing.
fn escape(cursor: &mut Cursor<'_>) -> Result<Option<char>, &'static str> {
    let next = cursor.next().ok_or("the file ends in an escape")?;
    Ok(Some(match next {
        '\r' => {
            if cursor.peek() == Some('\n') {
                cursor.next();
            }
            return Ok(None);
        }
        _ if is_line_end(next) => return Ok(None),
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        '0' if !cursor.peek().is_some_and(|digit| digit.is_ascii_digit()) => '\0',
        '0'..='9' => return Err("a digit cannot be escaped"),
        'x' => char::from_u32(digits(cursor, 2)?).ok_or("this escape is no character")?,
        'u' => unicode(cursor)?,
        other => other,
    }))
}

/// `\u` and four digits, or two of them for a character beyond the basic plane.
fn unicode(cursor: &mut Cursor<'_>) -> Result<char, &'static str> {
    const LONELY: &str = "half of a surrogate pair";
    let first = digits(cursor, 4)?;
    if let Some(character) = char::from_u32(first) {
        return Ok(character);
    }
    if cursor.next() != Some('\\') || cursor.next() != Some('u') {
        return Err(LONELY);
    }
    let units = [first, digits(cursor, 4)?].map(|unit| u16::try_from(unit).unwrap_or_default());
    match char::decode_utf16(units).collect::<Result<Vec<_>, _>>() {
        Ok(characters) if characters.len() == 1 => Ok(characters[0]),
        _ => Err(LONELY),
    }
}

fn digits(cursor: &mut Cursor<'_>, count: u32) -> Result<u32, &'static str> {
    let mut value = 0;
    for _ in 0..count {
        let digit = cursor.next().and_then(|next| next.to_digit(16));
        value = value * 16 + digit.ok_or("an escape with too few hexadecimal digits")?;
    }
    Ok(value)
}
