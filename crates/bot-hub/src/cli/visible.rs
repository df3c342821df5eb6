//! Shows foreign text safely on a terminal.
//!
//! Owns which characters could mislead a terminal or a reader, and how they are shown. Every verb prints
//! foreign text through this module.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes every character that a terminal would obey or a person would not see. Line ends and tabs stay,
/// and so do the joiners and selectors that scripts and emojis need.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    // Most texts have no such character, and are not copied.
    if !text.chars().any(is_suspect) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = None;
    for c in text.chars() {
        if is_suspect(c) && !is_needed_after(c, before) {
            write!(shown, "\\u{{{:x}}}", u32::from(c)).expect("a string takes everything");
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// The same in one line: a value in a table or a sentence cannot begin another line.
pub(crate) fn visible_line(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    if shown.contains(['\n', '\t']) {
        return Cow::Owned(shown.replace('\n', "\\n").replace('\t', "\\t"));
    }
    shown
}

/// Escapes the same characters in JSON text with JSON's own escapes, so its meaning stays the same. Outside
/// of strings, JSON contains no such characters.
pub(crate) fn escaped_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_suspect) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if !is_suspect(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(escaped, "\\u{unit:04x}").expect("a string takes everything");
        }
    }
    Cow::Owned(escaped)
}

/// Control characters, line and paragraph separators, characters that change the direction of text, and
/// invisible ones: a line with them says something else than it seems to say.
fn is_suspect(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && c != '\n' && c != '\t';
    }
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Joiners in scripts and emojis, and the variation selector of an emoji. After an ASCII letter, or twice
/// in a row, they have no use.
fn is_needed_after(c: char, before: Option<char>) -> bool {
    let Some(before) = before else { return false };
    match c {
        // A joiner may follow the selector of the emoji before it.
        '\u{200c}' | '\u{200d}' => {
            !before.is_ascii() && (!is_suspect(before) || is_emoji_selector(before))
        }
        _ if is_emoji_selector(c) => {
            !is_suspect(before) && (!before.is_ascii() || matches!(before, '0'..='9' | '#' | '*'))
        }
        _ => false,
    }
}

fn is_emoji_selector(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_or_nobody_would_see_is_shown() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected);
        check("plain\n\ttext ü", "plain\n\ttext ü");
        check("\u{1b}[2Jgone\r", "\\u{1b}[2Jgone\\u{d}");
        check("a\u{202e}b\u{200e}c\u{61c}d", "a\\u{202e}b\\u{200e}c\\u{61c}d");
        check("one\u{2028}two\u{2029}", "one\\u{2028}two\\u{2029}");
        check("pay\u{200d}pal\u{ad}", "pay\\u{200d}pal\\u{ad}");
        check("\u{9b}2J\u{feff}\u{3164}", "\\u{9b}2J\\u{feff}\\u{3164}");
        check("\u{e0041}\u{e0042}", "\\u{e0041}\\u{e0042}");
    }

    #[test]
    fn what_scripts_and_emojis_need_stays() {
        for text in [
            "می\u{200c}خواهم",
            "👩\u{200d}💻",
            "❤\u{fe0f}",
            "🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert_eq!(visible(text), text);
        }
        assert_eq!(visible("❤\u{fe0f}\u{fe0f}"), "❤\u{fe0f}\\u{fe0f}");
    }

    #[test]
    fn json_says_the_same_with_everything_escaped() {
        let json = serde_json::to_string("a\u{202e}b\u{e0041}\u{85}").unwrap();
        let escaped = escaped_json(&json);
        assert_eq!(escaped, r#""a\u202eb\udb40\udc41\u0085""#);
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "a\u{202e}b\u{e0041}\u{85}");
    }
}
