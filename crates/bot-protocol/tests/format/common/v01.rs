//! What v0.1's parser makes of a text, as an independent model of its behaviour.
//!
//! The properties ask it whether a value could forge a field there. `bindings/npm/test` holds the
//! model's vectors against the JavaScript original when that is at hand.
//!
//! Behaviour: the first three backticks open, the next three close; the text between is trimmed;
//! its first line must be exactly `[WORD → @name]`; lines split at `\n` alone; a line is a field if
//! it is letters, a colon, optional white space, and then no line terminator up to its end; other
//! lines continue the field above; values are trimmed; later fields replace earlier ones; white
//! space is what JavaScript takes for it.

use std::collections::BTreeMap;

/// A parsed message: its kind, its recipient, and every field under its lower-cased key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) fields: BTreeMap<String, String>,
}

const KINDS: [(&str, &str); 5] = [
    ("REQUEST", "task"),
    ("RESPONSE", "result"),
    ("CLARIFY", "question"),
    ("HANDOFF", "task"),
    ("BROADCAST", "message"),
];

fn is_js_space(c: char) -> bool {
    const RARE: [u32; 9] = [0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF, 0x20];
    let code = u32::from(c);
    (0x09..=0x0D).contains(&code) || (0x2000..=0x200A).contains(&code) || RARE.contains(&code)
}

fn js_trim(text: &str) -> &str {
    text.trim_matches(is_js_space)
}

pub(crate) fn parse(text: &str) -> Option<Seen> {
    let after_open = text.split_once("```")?.1;
    let content = js_trim(after_open.split_once("```")?.0);
    let mut lines = content.split('\n');
    let (kind, to) = header(lines.next()?)?;
    let (_, body) = KINDS.iter().find(|(word, _)| *word == kind)?;
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        if let Some((key, value)) = field(line) {
            fields.push((key.to_ascii_lowercase(), value.to_owned()));
        } else if let Some((_, value)) = fields.last_mut() {
            value.push('\n');
            value.push_str(line);
        }
    }
    let fields: BTreeMap<_, _> =
        fields.into_iter().map(|(key, value)| (key, js_trim(&value).to_owned())).collect();
    let fields = without_bad_words(fields);
    let has = |key: &str| fields.get(key).is_some_and(|value| !value.is_empty());
    let says_something = has(body) || (kind == "RESPONSE" && has("status"));
    (has("from") && has("requestid") && says_something).then_some(Seen { kind, to, fields })
}

fn header(line: &str) -> Option<(String, String)> {
    let inner = line.strip_prefix('[')?.strip_suffix(']')?;
    let (kind, rest) = inner.split_once('→')?;
    let to = rest.trim_start_matches(is_js_space).strip_prefix('@')?;
    let ok = !to.is_empty() && !to.contains(is_js_space);
    ok.then(|| (kind.trim_end_matches(is_js_space).to_owned(), to.to_owned()))
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let value = rest.trim_start_matches(is_js_space);
    (!value.contains(['\r', '\u{2028}', '\u{2029}'])).then_some((key, value))
}

/// Status, priority and depth with another value than the known ones are absent.
fn without_bad_words(mut fields: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_depth = |text: &str| {
        text.split_once('/').is_some_and(|(current, max)| is_number(current) && is_number(max))
    };
    fields.retain(|key, value| match key.as_str() {
        "status" => ["done", "partial", "failed"].contains(&value.as_str()),
        "priority" => ["low", "normal", "high"].contains(&value.as_str()),
        "depth" => is_depth(value),
        _ => true,
    });
    fields
}
