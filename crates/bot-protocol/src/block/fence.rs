//! Finds the fenced text that may be a block, and undoes what a platform did to it as a whole.
//!
//! Owns fences, margins (quotes, indentation) and line ends. Never reads what the block says.

use std::borrow::Cow;
use std::cell::Cell;

use memchr::{memchr, memchr2, memrchr};

use super::error::Problem;
use super::parse::Note;
use super::text::trim_blanks;
use crate::work::spend;

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
    /// A byte of the body that was asked for, and the lines above it: the next one is not far.
    counted: Cell<Option<(usize, usize)>>,
}

impl Fenced<'_> {
    /// The line, from 1, of the byte `at` of the body.
    pub(super) fn line(&self, text: &str, at: usize) -> usize {
        let newlines = |text: &str| {
            spend(text.len());
            text.matches('\n').count()
        };
        let (known_at, known) =
            self.counted.get().unwrap_or_else(|| (0, 1 + newlines(&text[..self.start])));
        let line = if at >= known_at {
            known + newlines(&self.body[known_at..at])
        } else {
            known - newlines(&self.body[at..known_at])
        };
        self.counted.set(Some((at, line)));
        line
    }

    /// Line and column, from 1, of the byte `at` of the body.
    pub(super) fn locate(&self, text: &str, at: usize) -> (usize, usize) {
        let above = &self.body[..at];
        spend(above.len());
        let newline = memrchr(b'\n', above.as_bytes());
        let before = if newline.is_none() { line_start(text, 0, self.start) } else { self.margin };
        let in_line = &above[newline.map_or(0, |newline| newline + 1)..];
        (self.line(text, at), 1 + before.chars().count() + in_line.chars().count())
    }
}

/// Two fences that belong together.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// Between the fences.
    start: usize,
    close: usize,
    margin: &'a str,
}

impl Pair<'_> {
    /// Whether it stands behind quote marks.
    pub(super) fn is_quote(&self) -> bool {
        self.margin.contains(['>', ';'])
    }
}

/// The fences of a text, two by two, in one pass, because a text may hold any number of them.
pub(super) struct Fences<'a> {
    text: &'a str,
    /// Behind the last fence.
    pub(super) from: usize,
}

/// What comes next in a text.
pub(super) enum Next<'a> {
    Pair(Pair<'a>),
    /// A fence that opens here and does not close.
    Unclosed(usize),
    Nothing,
}

impl<'a> Fences<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, from: 0 }
    }

    pub(super) fn next(&mut self) -> Next<'a> {
        let Some(open) = find_fence(self.text, self.from) else { return Next::Nothing };
        let margin = margin(self.text, self.from, open);
        let start = open + FENCE.len();
        let Some(close) = find_fence(self.text, start) else { return Next::Unclosed(open) };
        self.from = close + FENCE.len();
        Next::Pair(Pair { start, close, margin })
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
    spend(text.len());
    if memchr2(b'`', b'[', text.as_bytes()).is_none() {
        return Err((0, Problem::NoFence));
    }
    let mut fences = Fences::new(text);
    let mut quotation = None;
    let unclosed = loop {
        match fences.next() {
            Next::Pair(pair) if !pair.is_quote() => return Ok(clean(text, pair, note)),
            Next::Pair(pair) => drop(quotation.get_or_insert(pair)),
            Next::Unclosed(open) => break Some((open, Problem::NotClosed)),
            Next::Nothing => break None,
        }
    };
    if let Some(pair) = quotation {
        note(Note::Quoted);
        return Ok(clean(text, pair, note));
    }
    match unclosed {
        Some(problem) => Err(problem),
        None => find_lookalike(text, note).ok_or((0, Problem::NoFence)),
    }
}

fn find_fence(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let Some(next) = memchr(b'`', bytes.get(at..)?) else {
            spend(bytes.len() - at);
            return None;
        };
        spend(next + 1);
        at += next;
        if bytes[at..].starts_with(FENCE.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
}

/// A block between two lines that begin with the same lookalike.
pub(super) fn find_lookalike<'a>(text: &'a str, note: &mut dyn FnMut(Note)) -> Option<Fenced<'a>> {
    // A text without a header need not be looked at line by line.
    let header = memchr(b'[', text.as_bytes());
    spend(header.unwrap_or(text.len()));
    header?;
    let mut opened: Option<(usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        spend(line.len());
        let fence_at = at + line.len() - trim_blanks(line).len();
        let rest = &text[fence_at..at + line.len()];
        match opened {
            None => {
                let fence = LOOKALIKES.iter().find(|fence| rest.starts_with(**fence));
                opened = fence.map(|fence| (fence_at + fence.len(), *fence));
            }
            Some((start, fence)) if rest.starts_with(fence) => {
                note(Note::Lookalike);
                let margin = margin(text, 0, start - fence.len());
                let pair = Pair { start, close: at, margin };
                return Some(Fenced { end: fence_at + fence.len(), ..clean(text, pair, note) });
            }
            Some(_) => {}
        }
        at += line.len();
    }
    None
}

/// What stands in its line before the byte `at`, as far as it stands behind the byte `from`.
fn line_start(text: &str, from: usize, at: usize) -> &str {
    let before = &text[from..at];
    spend(before.len());
    &before[memrchr(b'\n', before.as_bytes()).map_or(0, |newline| newline + 1)..]
}

/// What stands before the fence at `open` if it is quote marks and blanks, and stands before the
/// next line too. A margin of the fence alone says nothing about the lines: taking it from them
/// could take the space that keeps a value's line from being a field.
///
/// `from` is where the fence before it ends: nothing before that can be in the margin, and looking for
/// the line's start there again for every fence of a line would be quadratic.
fn margin(text: &str, from: usize, open: usize) -> &str {
    let margin = line_start(text, from, open);
    if margin.len() == open - from && from > 0 {
        return "";
    }
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
    let newline = memchr(b'\n', after.as_bytes());
    spend(newline.unwrap_or(after.len()));
    let next = newline.map_or("", |newline| &after[newline + 1..]);
    if next.starts_with(margin) { margin } else { "" }
}

/// Takes margin and carriage returns away, if the first line has them.
pub(super) fn clean<'a>(text: &'a str, pair: Pair<'a>, note: &mut dyn FnMut(Note)) -> Fenced<'a> {
    let Pair { start, close, margin } = pair;
    let (end, counted) = (close + FENCE.len(), Cell::new(None));
    let body = &text[start..close];
    spend(body.len());
    let newline = memchr(b'\n', body.as_bytes()).unwrap_or(0);
    let has_returns = body[..newline].ends_with('\r');
    if margin.is_empty() && !has_returns {
        return Fenced { body: Cow::Borrowed(body), start, margin, end, counted };
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
    Fenced { body: Cow::Owned(clean), start, margin, end, counted }
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
