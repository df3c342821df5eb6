//! Reads a block from any text.
//!
//! Owns the grammar of fields and what a kind must have. Never fails half way: an act is complete
//! or there is none. One pass over the text, and no allocation for a block that needs no repair.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use memchr::memchr;

use super::error::{ParseError, Problem};
use super::escape::decode;
use super::fence::{self, Fenced, Fences, Next, Pair};
use super::header::{self, Header};
use super::text::{LineKey, is_space, key_at_start, trim};
use super::{Act, Depth, FIELDS_MAX, Key, Kind, PARTS_MAX, Priority, Status, TEXT_BYTES_MAX};
use crate::work::spend;

/// Something that was repaired or passed over while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The block is a quotation.
    Quoted,
    /// The fence is not made of backticks.
    Lookalike,
    /// Lines ended in carriage return and newline.
    CarriageReturns,
    /// A language tag stood after the fence.
    Tag,
    /// The arrow was not `→`.
    Arrow,
    /// The name was a resolved mention.
    Mention,
    /// `&lt;`, `&gt;` and `&amp;` were turned back in all values.
    Html,
    /// Lines between header and first field say nothing.
    Stray,
    /// A key that stood before: for `From` and `RequestId` it is text, otherwise the later counts.
    Repeated(Key),
    /// A value that the key does not take, treated as absent.
    Ignored(Key),
    /// A field that acts of this kind do not have.
    OffKind(Key),
}

/// The act that `text` carries in its first fenced block.
///
/// ```
/// use bot_protocol::block::parse;
///
/// let text = "```\n[REQUEST → @Mantis]\nFrom: Lotbot\nRequestId: lotbot-1\nTask: wave\n```";
/// assert_eq!(parse(text).unwrap().task.as_deref(), Some("wave"));
/// assert_eq!(parse("hello").unwrap_err().to_string(), "1:1: there is no fenced text");
/// ```
pub fn parse(text: &str) -> Result<Act<'_>, ParseError> {
    read(text, &mut |_, _| {}).map(|(act, _)| act)
}

/// The acts of all blocks in `text`, in order, but at most [`PARTS_MAX`] of them; what is malformed
/// is passed over. A quotation counts only when no block follows that is not one.
pub fn parse_all(text: &str) -> impl Iterator<Item = Act<'_>> {
    let blocks =
        Blocks { text, fences: Fences::new(text), quoted: VecDeque::new(), looks_on: true };
    blocks.take(PARTS_MAX)
}

/// The blocks of a text, in one pass over its fences.
struct Blocks<'a> {
    text: &'a str,
    fences: Fences<'a>,
    /// Quotations since the last block that is not one.
    quoted: VecDeque<Pair<'a>>,
    /// There may be something behind the last pair of fences.
    looks_on: bool,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Act<'a>;

    fn next(&mut self) -> Option<Act<'a>> {
        while self.looks_on {
            match self.fences.next() {
                Next::Pair(pair) if pair.is_quote() => self.quoted.push_back(pair),
                Next::Pair(pair) => {
                    self.quoted.clear();
                    if let Some(act) = self.read(pair) {
                        return Some(act);
                    }
                }
                Next::Unclosed(_) => {
                    self.fences.from = self.text.len();
                    self.looks_on = false;
                }
                Next::Nothing => self.looks_on = false,
            }
        }
        while let Some(pair) = self.quoted.pop_front() {
            if let Some(act) = self.read(pair) {
                return Some(act);
            }
        }
        self.lookalike()
    }
}

impl<'a> Blocks<'a> {
    fn read(&self, pair: Pair<'a>) -> Option<Act<'a>> {
        let fenced = fence::clean(self.text, pair, &mut |_| {});
        read_fenced(&fenced, self.text, &mut |_, _| {}).ok()
    }

    /// What is fenced otherwise, behind the last real fence.
    fn lookalike(&mut self) -> Option<Act<'a>> {
        let rest = &self.text[self.fences.from..];
        let fenced = fence::find_lookalike(rest, &mut |_| {});
        self.fences.from += fenced.as_ref().map_or(rest.len(), |fenced| fenced.end);
        let act = fenced.and_then(|fenced| read_fenced(&fenced, rest, &mut |_, _| {}).ok());
        if act.is_none() {
            self.fences.from = self.text.len();
        }
        act
    }
}

/// Finds out a line number, which costs a walk over the text; most callers do not ask.
pub(super) type Line<'a> = &'a dyn Fn() -> usize;

/// Like [`parse`], telling `note` what had to be repaired and in which line; also returns where the
/// block ends.
pub(super) fn read<'a>(
    text: &'a str,
    note: &mut dyn FnMut(Line<'_>, Note),
) -> Result<(Act<'a>, usize), ParseError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(ParseError { line: 1, column: 1, problem: Problem::TooLong });
    }
    let found = fence::find(text, &mut |what| note(&|| 1, what));
    let fenced = found.map_err(|(at, problem)| unfenced(text, at, problem))?;
    let act = read_fenced(&fenced, text, note).map_err(|(at, problem)| {
        let (line, column) = fenced.locate(text, at);
        ParseError { line, column, problem }
    })?;
    Ok((act, fenced.end))
}

/// What is wrong, and at which byte of the body. The line is counted only for those who ask.
type Fault = (usize, Problem);

/// The act between two fences of `text`.
fn read_fenced<'a>(
    fenced: &Fenced<'a>,
    text: &str,
    note: &mut dyn FnMut(Line<'_>, Note),
) -> Result<Act<'a>, Fault> {
    if fenced.body.len() > TEXT_BYTES_MAX {
        return Err((0, Problem::TooLong));
    }
    match &fenced.body {
        Cow::Borrowed(body) => read_body(body, fenced, text, note),
        Cow::Owned(body) => read_body(body, fenced, text, note).map(Act::into_owned),
    }
}

/// Without two fences there is no body to locate an error in.
fn unfenced(text: &str, at: usize, problem: Problem) -> ParseError {
    if problem == Problem::NoFence {
        // Most of chat. It has no place worth a search.
        return ParseError { line: 1, column: 1, problem };
    }
    let above = &text[..at];
    spend(text.len());
    let line = 1 + above.matches('\n').count();
    let column = 1 + above.rsplit('\n').next().unwrap_or_default().chars().count();
    let cut_short = problem == Problem::NotClosed
        && text[at..].trim_start_matches('`').lines().take(2).any(header::is_attempt);
    let problem =
        if problem == Problem::NotClosed && !cut_short { Problem::NoFence } else { problem };
    ParseError { line, column, problem }
}

fn read_body<'a>(
    body: &'a str,
    fenced: &Fenced<'_>,
    text: &str,
    note: &mut dyn FnMut(Line<'_>, Note),
) -> Result<Act<'a>, Fault> {
    let mut tell = |at: usize, what: Note| note(&|| fenced.line(text, at), what);
    let (header_at, line) = header_line(body, &mut |at| tell(at, Note::Tag));
    let header = header::parse(line, &mut |what| tell(header_at, what))
        .map_err(|(at, problem)| (header_at + at, header_problem(line, problem)))?;
    let fields_at = (header_at + line.len()).min(body.len());
    let mut reading = Reading::new(&header);
    reading.fields(body, fields_at, &mut tell).map_err(|at| (at, Problem::TooManyFields))?;
    if let Some(key) = reading.missing() {
        let last = body.trim_end_matches(is_space).len();
        return Err((last, Problem::Missing(header.kind, key)));
    }
    if header.is_html {
        tell(header_at, Note::Html);
        return Ok(reading.act.map(unescape_html));
    }
    Ok(reading.act)
}

/// A header that nobody meant as one is other code, not a mistake.
fn header_problem(line: &str, problem: Problem) -> Problem {
    if header::is_attempt(line) { problem } else { Problem::NoHeader }
}

/// The first line that is not white space nor a language tag, trimmed, and where it begins.
fn header_line<'a>(body: &'a str, tag: &mut dyn FnMut(usize)) -> (usize, &'a str) {
    let mut rest = body.trim_start_matches(is_space);
    if !body.starts_with('\n') && is_tag(rest) {
        tag(0);
        rest = rest[first_line(rest).len()..].trim_start_matches(is_space);
    }
    let at = body.len() - rest.len();
    (at, first_line(rest).trim_end_matches(is_space))
}

fn first_line(text: &str) -> &str {
    &text[..memchr(b'\n', text.as_bytes()).unwrap_or(text.len())]
}

/// A language tag is one word on the line of the fence: `text`, `c++`, `x-block`.
fn is_tag(rest: &str) -> bool {
    let word = trim(first_line(rest));
    let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '.' | '#');
    !word.is_empty() && word.len() < rest.len() && word.chars().all(is_tag)
}

/// An act in the making.
struct Reading<'a> {
    act: Act<'a>,
    /// Where each unknown field is in `act.meta`. There may be hundreds in every block.
    meta: BTreeMap<Cow<'a, str>, usize>,
    seen: u16,
    fields: usize,
}

impl<'a> Reading<'a> {
    fn new(header: &Header<'a>) -> Self {
        let act = Act::empty(header.kind, header.to.clone(), Cow::Borrowed(""), Cow::Borrowed(""));
        Self { act, meta: BTreeMap::new(), seen: 0, fields: 0 }
    }

    /// Reads all lines from `at` on. Fails with the byte of the field that is one too many.
    fn fields(
        &mut self,
        body: &'a str,
        at: usize,
        tell: &mut dyn FnMut(usize, Note),
    ) -> Result<(), usize> {
        let mut open: Option<(LineKey<'a>, usize, usize)> = None;
        let mut line_at = next_line(body, at);
        while line_at < body.len() {
            let line = &body[line_at..];
            match key_at_start(line).filter(|(key, _)| self.begins_field(*key, line_at, tell)) {
                Some((key, value_at)) => {
                    self.close(open, body, line_at, tell);
                    self.fields += 1;
                    if self.fields > FIELDS_MAX {
                        return Err(line_at);
                    }
                    open = Some((key, line_at, line_at + value_at));
                }
                None if open.is_none() && !trim(first_line(line)).is_empty() => {
                    tell(line_at, Note::Stray);
                }
                None => {}
            }
            line_at = next_line(body, line_at);
        }
        self.close(open, body, body.len(), tell);
        Ok(())
    }

    /// Whether `key` begins a field here. `From` and `RequestId` come first in every block, so a
    /// second one was smuggled in by a value and is text of that value.
    fn begins_field(
        &mut self,
        key: LineKey<'_>,
        at: usize,
        tell: &mut dyn FnMut(usize, Note),
    ) -> bool {
        let LineKey::Known(key) = key else { return true };
        let bit = 1 << key as u16;
        let again = self.seen & bit != 0;
        self.seen |= bit;
        if again {
            tell(at, Note::Repeated(key));
        }
        !(again && matches!(key, Key::From | Key::RequestId))
    }

    /// Files the value that ends before `end`.
    fn close(
        &mut self,
        open: Option<(LineKey<'a>, usize, usize)>,
        body: &'a str,
        end: usize,
        tell: &mut dyn FnMut(usize, Note),
    ) {
        let Some((key, line_at, value_at)) = open else { return };
        spend(end - value_at);
        let value = decode(&body[value_at..end]);
        match key {
            LineKey::Known(key) => self.set(key, value, line_at, tell),
            LineKey::Unknown(word) => self.set_meta(word, value),
        }
    }

    fn set(&mut self, key: Key, value: Cow<'a, str>, at: usize, tell: &mut dyn FnMut(usize, Note)) {
        if !belongs(self.act.kind, key) {
            tell(at, Note::OffKind(key));
        }
        let act = &mut self.act;
        let is_known = match key {
            Key::From => {
                act.from = value;
                true
            }
            Key::RequestId => {
                act.request_id = value;
                true
            }
            Key::Status => {
                act.status = Status::parse(trim_quotes(&value));
                act.status.is_some()
            }
            Key::Priority => {
                act.priority = Priority::parse(trim_quotes(&value));
                act.priority.is_some()
            }
            Key::Depth => {
                act.depth = Depth::parse(trim_quotes(&value));
                act.depth.is_some()
            }
            Key::Task
            | Key::Result
            | Key::Question
            | Key::Message
            | Key::Context
            | Key::Callback => {
                *act.text_mut(key).expect("all keys of this arm are text") = Some(value);
                true
            }
        };
        if !is_known {
            tell(at, Note::Ignored(key));
        }
    }

    fn set_meta(&mut self, word: &'a str, value: Cow<'a, str>) {
        let is_lower = word.bytes().all(|byte| byte.is_ascii_lowercase());
        let key =
            if is_lower { Cow::Borrowed(word) } else { Cow::Owned(word.to_ascii_lowercase()) };
        let next = self.act.meta.len();
        let at = *self.meta.entry(key.clone()).or_insert(next);
        match self.act.meta.get_mut(at) {
            Some((_, old)) => *old = value,
            None => self.act.meta.push((key, value)),
        }
    }

    /// The first field that the act cannot do without and has not got. A part of a longer act
    /// (see `split`) may have an empty body.
    fn missing(&self) -> Option<Key> {
        let act = &self.act;
        if act.from.is_empty() {
            return Some(Key::From);
        }
        if act.request_id.is_empty() {
            return Some(Key::RequestId);
        }
        let is_there = |body: &str| !body.is_empty() || act.part().is_some();
        let is_said = act.kind == Kind::Response && act.status.is_some();
        let body = act.kind.body();
        (!is_said && !act.body().is_some_and(is_there)).then_some(body)
    }
}

fn next_line(body: &str, at: usize) -> usize {
    let next = memchr(b'\n', &body.as_bytes()[at..]).map_or(body.len(), |newline| at + newline + 1);
    spend(next - at);
    next
}

/// Whether acts of this kind are written with this field.
fn belongs(kind: Kind, key: Key) -> bool {
    match key {
        Key::From | Key::RequestId | Key::Depth => true,
        Key::Status => kind == Kind::Response,
        Key::Task | Key::Result | Key::Question | Key::Message => kind.body() == key,
        Key::Context => kind != Kind::Clarify,
        Key::Callback | Key::Priority => kind.body() == Key::Task,
    }
}

/// A word from a short list, without the quotes that an editor may have put around it.
fn trim_quotes(value: &str) -> &str {
    value.trim_matches(['"', '\'', '“', '”', '„', '‘', '’', '«', '»'])
}

/// Undoes the escaping of Slack and of HTML mail, in the order that undoes it once.
fn unescape_html(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr(b'&', text.as_bytes()).is_none() {
        return text;
    }
    Cow::Owned(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
