//! Finds the fenced text that may be a block, and undoes what a platform did to it as a whole.
//!
//! Owns fences, margins (quotes, indentation) and line ends. Never reads what the block says.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memrchr};

use super::error::Problem;
use super::parse::Note;
use super::text::trim_blanks;

/// What opens and closes a block.
pub(super) const FENCE: &str = "```";

/// What some editors make of three backticks. Only looked for, at the start of a line, in a text
/// without any real fence.
const LOOKALIKES: [&str; 5] = ["~~~", "'''", "‘‘‘", "’’’", "´´´"];

/// What stands between two fences.
pub(super) struct Fenced<'a> {
    /// The lines, without margin, ending in `\n` alone.
    pub(super) body: Cow<'a, str>,
    /// Where the body begins in the text.
    start: usize,
    /// What stood before every line.
    margin: &'a str,
    /// Where the closing fence ends in the text.
    pub(super) end: usize,
}

impl Fenced<'_> {
    /// Line and column, from 1, of the byte `at` of the body.
    pub(super) fn locate(&self, text: &str, at: usize) -> (usize, usize) {
        let above = &self.body[..at];
        let lines_above = above.matches('\n').count();
        let line = 1 + text[..self.start].matches('\n').count() + lines_above;
        let before = if lines_above == 0 { line_start(text, self.start) } else { self.margin };
        let in_line = &above[memrchr(b'\n', above.as_bytes()).map_or(0, |newline| newline + 1)..];
        (line, 1 + before.chars().count() + in_line.chars().count())
    }
}

/// The first fenced text that is not a quotation, else the first quotation.
///
/// A reply that quotes a request must not be taken for the request.
pub(super) fn find<'a>(
    text: &'a str,
    note: &mut dyn FnMut(Note),
) -> Result<Fenced<'a>, (usize, Problem)> {
    // Most of chat has neither a fence nor a header: one look is enough.
    if memchr2(b'`', b'[', text.as_bytes()).is_none() {
        return Err((0, Problem::NoFence));
    }
    let mut quotation = None;
    let mut unclosed = None;
    let mut from = 0;
    while let Some(open) = find_fence(text, from) {
        let start = open + FENCE.len();
        let margin = margin(text, open);
        let Some(close) = find_fence(text, start) else {
            unclosed = Some((open, Problem::NotClosed));
            break;
        };
        let (end, fenced) = (close + FENCE.len(), (start, close, margin));
        if !is_quote(margin) {
            return Ok(clean(text, fenced, end, note));
        }
        quotation.get_or_insert((fenced, end));
        from = end;
    }
    if let Some((fenced, end)) = quotation {
        note(Note::Quoted);
        return Ok(clean(text, fenced, end, note));
    }
    match unclosed {
        Some(problem) => Err(problem),
        None => find_lookalike(text, note).ok_or((0, Problem::NoFence)),
    }
}

/// Where the first fenced text ends, whatever it is.
pub(super) fn end_of_first(text: &str) -> Option<usize> {
    let open = find_fence(text, 0)?;
    find_fence(text, open + FENCE.len()).map(|close| close + FENCE.len())
}

fn find_fence(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += memchr(b'`', bytes.get(at..)?)?;
        if bytes[at..].starts_with(FENCE.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
}

/// A block between two lines that begin with the same lookalike.
fn find_lookalike<'a>(text: &'a str, note: &mut dyn FnMut(Note)) -> Option<Fenced<'a>> {
    // A text without a header need not be looked at line by line.
    memchr(b'[', text.as_bytes())?;
    let mut opened: Option<(usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let fence_at = at + line.len() - trim_blanks(line).len();
        let rest = &text[fence_at..at + line.len()];
        match opened {
            None => {
                let fence = LOOKALIKES.iter().find(|fence| rest.starts_with(**fence));
                opened = fence.map(|fence| (fence_at + fence.len(), *fence));
            }
            Some((start, fence)) if rest.starts_with(fence) => {
                note(Note::Lookalike);
                let margin = margin(text, start - fence.len());
                return Some(clean(text, (start, at, margin), fence_at + fence.len(), note));
            }
            Some(_) => {}
        }
        at += line.len();
    }
    None
}

/// What stands in its line before the byte `at`.
fn line_start(text: &str, at: usize) -> &str {
    let before = &text[..at];
    &before[memrchr(b'\n', before.as_bytes()).map_or(0, |newline| newline + 1)..]
}

/// What stands before the fence at `open` if it is quote marks and blanks, and stands before the
/// next line too. A margin of the fence alone says nothing about the lines: taking it from them
/// could take the space that keeps a value's line from being a field.
fn margin(text: &str, open: usize) -> &str {
    let margin = line_start(text, open);
    let mut rest = margin;
    while !rest.is_empty() {
        let shorter = trim_blanks(rest);
        let shorter = shorter.strip_prefix('>').or(shorter.strip_prefix("&gt;")).unwrap_or(shorter);
        if shorter.len() == rest.len() {
            return "";
        }
        rest = shorter;
    }
    let after = &text[open..];
    let next = memchr(b'\n', after.as_bytes()).map_or("", |newline| &after[newline + 1..]);
    if next.starts_with(margin) { margin } else { "" }
}

fn is_quote(margin: &str) -> bool {
    margin.contains(['>', ';'])
}

/// Takes margin and carriage returns away, if the first line has them.
fn clean<'a>(
    text: &'a str,
    (start, close, margin): (usize, usize, &'a str),
    end: usize,
    note: &mut dyn FnMut(Note),
) -> Fenced<'a> {
    let body = &text[start..close];
    let newline = memchr(b'\n', body.as_bytes()).unwrap_or(0);
    let has_returns = body[..newline].ends_with('\r');
    if margin.is_empty() && !has_returns {
        return Fenced { body: Cow::Borrowed(body), start, margin, end };
    }
    if has_returns {
        note(Note::CarriageReturns);
    }
    let mut clean = String::with_capacity(body.len());
    for (index, line) in body.split('\n').enumerate() {
        let line = if index == 0 { line } else { without_margin(line, margin) };
        let line = if has_returns { line.strip_suffix('\r').unwrap_or(line) } else { line };
        if index > 0 {
            clean.push('\n');
        }
        clean.push_str(line);
    }
    Fenced { body: Cow::Owned(clean), start, margin, end }
}

/// Platforms cut the blanks from the end of an empty quoted line.
fn without_margin<'a>(line: &'a str, margin: &str) -> &'a str {
    let short = margin.trim_end_matches([' ', '\t', '\u{A0}']);
    line.strip_prefix(margin).or(line.strip_prefix(short)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let found = find(text, &mut |_| {}).ok();
        assert_eq!(found.as_ref().map(|fenced| &*fenced.body), expected, "{text:?}");
    }

    #[test]
    fn the_first_fenced_text_counts() {
        check("a ```b``` c ```d```", Some("b"));
        check("```\nx\n```", Some("\nx\n"));
        check("```x", None);
        check("``x``", None);
        check("plain", None);
    }

    #[test]
    fn a_quotation_counts_only_when_there_is_nothing_else() {
        check("> ```\n> old\n> ```\n```\nnew\n```", Some("\nnew\n"));
        check("> ```\n> old\n>\n> ```", Some("\nold\n\n"));
        check("&gt; ```\n&gt; old\n&gt; ```", Some("\nold\n"));
    }

    #[test]
    fn a_margin_counts_only_when_the_block_has_it_too() {
        check("  ```\n  a\n   b\n  ```", Some("\na\n b\n"));
        check("  ```\na\n  b\n  ```", Some("\na\n  b\n  "));
    }

    #[test]
    fn carriage_returns_go_only_from_texts_that_have_them_throughout() {
        check("```\r\na\r\nb\r\n```", Some("\na\nb\n"));
        check("```\na\r\nb\n```", Some("\na\r\nb\n"));
    }

    #[test]
    fn lookalikes_count_only_in_texts_without_a_fence() {
        check("~~~\n[a ~~~ b\n~~~", Some("\n[a ~~~ b\n"));
        check("‘‘‘\n[a\n‘‘‘", Some("\n[a\n"));
        check("~~~\na\n~~~", None);
        check("~~~\na\n~~~\n```\nb\n```", Some("\nb\n"));
    }
}
