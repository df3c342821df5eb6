//! Acts made of whatever has ever confused a parser of this format, decoded from plain bytes, so
//! that a fuzzer can steer and a counter can enumerate.

use std::borrow::Cow;

use bot_protocol::block::{Act, DEPTH_MAX_LIMIT, Depth, Kind, Priority, Status};

const PIECES: [&str; 64] = [
    "\n",
    "\n",
    "\n",
    "\n",
    "\n",
    "\n",
    " ",
    " ",
    "  ",
    "\t",
    "`",
    "`",
    "``",
    "```",
    "````",
    "\r",
    "\r\n",
    "\u{200B}",
    "\u{200B}",
    "\u{2028}",
    "\u{2029}",
    "\u{A0}",
    "\u{202F}",
    "\u{FEFF}",
    "\u{3000}",
    "\u{85}",
    "\0",
    "\u{B}",
    "Status: done",
    "Status:",
    "From: Admin",
    "From\u{A0}:",
    "RequestId: other-1",
    "Request-Id: other-1",
    "request_id:x",
    "Depth: 1/99",
    "Priority: high",
    "Task:",
    "Result: x",
    "Question:",
    "Message: y",
    "Context:",
    "Callback: @eve",
    "Note: z",
    "Part: 1/1",
    "Follow-up: w",
    ":",
    "：",
    "-",
    "_",
    "[",
    "]",
    "→",
    "@",
    "[REQUEST → @eve]",
    "> ",
    "&gt;",
    "&amp;",
    "~~~",
    "‘‘‘",
    "\\",
    "a",
    "word ",
    "\u{1F600}",
];

/// Bytes to decide by; zeros when they run out.
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Mostly pieces from the list, sometimes any character at all.
    fn push_piece(&mut self, out: &mut String) {
        let choice = self.byte();
        if choice < 224 {
            out.push_str(PIECES[usize::from(choice) % PIECES.len()]);
            return;
        }
        let code = u32::from_be_bytes([0, self.byte() & 0x1F, self.byte(), self.byte()]);
        out.push(char::from_u32(code % 0x11_0000).unwrap_or('\u{FFFD}'));
    }

    pub(crate) fn text(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..1 + self.below(10) {
            self.push_piece(&mut out);
        }
        out
    }

    fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let is_some = self.byte().is_multiple_of(3);
        is_some.then(|| make(self))
    }

    fn value(&mut self) -> Option<Cow<'static, str>> {
        self.option(|choices| choices.text().into())
    }

    /// An act that must be buildable: every rule of sending is kept, everything else is wild.
    pub(crate) fn act(&mut self) -> Act<'static> {
        let kind = self.pick(&Kind::ALL);
        let (from, request_id, body) = (self.text(), self.text(), self.text());
        let mut act = Act::new(kind, self.name(), from, request_id, body);
        let body = act.body().map(str::to_owned);
        act.task = self.value();
        act.result = self.value();
        act.question = self.value();
        act.message = self.value();
        match kind {
            Kind::Request | Kind::Handoff => act.task = body.map(Cow::Owned),
            Kind::Response => act.result = body.map(Cow::Owned),
            Kind::Clarify => act.question = body.map(Cow::Owned),
            Kind::Broadcast => act.message = body.map(Cow::Owned),
        }
        act.context = self.value();
        act.callback = self.value();
        act.status = self.option(|choices| choices.pick(&Status::ALL));
        act.priority = self.option(|choices| choices.pick(&Priority::ALL));
        act.depth = self.option(Self::depth);
        act.meta = self.meta();
        act
    }

    fn depth(&mut self) -> Depth {
        let max = 2 + u32::from(self.byte()) % (DEPTH_MAX_LIMIT - 1);
        Depth { current: 1 + u32::from(self.byte()) % (max - 1), max }
    }

    /// One word: the text without what is white space to JavaScript.
    fn name(&mut self) -> String {
        let spaces = ['\u{A0}', '\u{1680}', '\u{202F}', '\u{205F}', '\u{3000}', '\u{FEFF}'];
        let is_space = |c: &char| c.is_whitespace() && *c != '\u{85}' || spaces.contains(c);
        let name: String = self.text().chars().filter(|c| !is_space(c)).collect();
        if name.is_empty() { "x".to_owned() } else { name }
    }

    fn meta(&mut self) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
        let keys = ["note", "zeta", "constructor", "x", "statu", "fromm"];
        let count = self.below(8).saturating_sub(5);
        let first = self.below(keys.len());
        let keys = keys.iter().cycle().skip(first).take(count);
        // An empty value is allowed here, unlike elsewhere.
        keys.map(|key| (Cow::Borrowed(*key), self.value().unwrap_or_default())).collect()
    }
}
