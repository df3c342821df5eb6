//! Writes an act as a block.
//!
//! Owns the order of fields, the rules of sending, and the sentences of v0.1 that scripts match on.

use super::error::Problem;
use super::escape::{push_guarded, push_value};
use super::fence::FENCE;
use super::text::is_space;
use super::{Act, Depth, FIELDS_MAX, Key, Kind, Priority, Status, TEXT_BYTES_MAX};

/// What the random end of a request id is made of.
pub const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Why an act must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A field that the kind cannot do without, by its name in JavaScript.
    #[error("{0} requires field: {1}")]
    Missing(Kind, &'static str),
    /// A RESPONSE that says nothing.
    #[error("RESPONSE requires either status or result")]
    EmptyResponse,
    /// Only a RESPONSE may be sent now.
    #[error("Depth limit reached ({depth}). Cannot send {kind}. Must send RESPONSE instead.")]
    DepthReached {
        /// The depth that the act was to have.
        depth: Depth,
        /// The kind that is refused.
        kind: Kind,
    },
    /// A depth that no conversation has.
    #[error(
        "Depth {0} makes no sense: count from 1, with a limit between 1 and {limit}",
        limit = super::DEPTH_MAX_LIMIT
    )]
    DepthNonsense(Depth),
    /// A recipient with white space in it: no parser could read the header.
    #[error("{0} requires field: to (one word, not `{1}`)")]
    ToNotAWord(Kind, String),
    /// A word where one of a short list is wanted.
    #[error("`{0}` is not a {1}: use {2}")]
    NotOneOf(String, &'static str, &'static str),
    /// A key in `meta` that is not of `a-z`, stands twice, or is one of the format's own.
    #[error("`{0}` cannot be a meta key: use letters a-z, each key once, none of the known fields")]
    MetaKey(String),
    /// More fields than a parser reads.
    #[error("a block has at most {FIELDS_MAX} fields")]
    TooManyFields,
    /// Longer than a parser reads.
    #[error("the block would be longer than {TEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl BuildError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::DepthReached { .. } => "answer with a RESPONSE that says how far you got",
            Self::DepthNonsense(_) => "use the depth of the message that you answer, plus one",
            Self::ToNotAWord(..) => "address one bot by its name, or `all` in a BROADCAST",
            Self::TooLong => "send a link, or a part of it",
            Self::EmptyResponse => Problem::Missing(Kind::Response, Key::Result).hint(),
            Self::Missing(..) | Self::NotOneOf(..) | Self::MetaKey(_) | Self::TooManyFields => {
                "correct the field and send again"
            }
        }
    }

    /// Whether the act was refused for its depth.
    pub fn is_depth(&self) -> bool {
        matches!(self, Self::DepthReached { .. } | Self::DepthNonsense(_))
    }
}

/// The block that says `act`.
pub fn build(act: &Act<'_>) -> Result<String, BuildError> {
    check(act)?;
    let text = write(act);
    if text.len() > TEXT_BYTES_MAX { Err(BuildError::TooLong) } else { Ok(text) }
}

/// The rules of sending, in the order in which v0.1 complains.
fn check(act: &Act<'_>) -> Result<(), BuildError> {
    let kind = act.kind;
    let missing = |key: &'static str| Err(BuildError::Missing(kind, key));
    if act.to.is_empty() {
        return missing("to");
    }
    if act.from.is_empty() {
        return missing("from");
    }
    if act.request_id.is_empty() {
        return missing(Key::RequestId.json_name());
    }
    let has_body = act.body().is_some_and(|body| !body.is_empty() || act.part().is_some());
    if !has_body && kind != Kind::Response {
        return missing(kind.body().json_name());
    }
    if !has_body && act.status.is_none() {
        return Err(BuildError::EmptyResponse);
    }
    if act.to.contains(is_space) {
        return Err(BuildError::ToNotAWord(kind, act.to.to_string()));
    }
    act.depth.map_or(Ok(()), |depth| depth.check(kind))?;
    check_meta(act)
}

fn check_meta(act: &Act<'_>) -> Result<(), BuildError> {
    // Eleven fields of our own at most.
    if act.meta.len() > FIELDS_MAX - 11 {
        return Err(BuildError::TooManyFields);
    }
    for (index, (key, _)) in act.meta.iter().enumerate() {
        let is_word = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_taken = act.meta[..index].iter().any(|(earlier, _)| earlier == key);
        if !is_word || is_taken || Key::from_word(key).is_some() {
            return Err(BuildError::MetaKey(key.to_string()));
        }
    }
    Ok(())
}

/// Writes without checking; `split` measures parts with it.
pub(super) fn write(act: &Act<'_>) -> String {
    let mut out = String::with_capacity(written_len(act));
    out.push_str(FENCE);
    out.push_str("\n[");
    out.push_str(act.kind.as_str());
    out.push_str(" → @");
    push_guarded(&mut out, &act.to);
    out.push_str("]\nFrom");
    push_value(&mut out, &act.from);
    out.push_str("\nRequestId");
    push_value(&mut out, &act.request_id);
    push_text(&mut out, "\nTask", act.task.as_deref());
    push_word(&mut out, "\nStatus: ", act.status.map(Status::as_str));
    push_text(&mut out, "\nResult", act.result.as_deref());
    push_text(&mut out, "\nQuestion", act.question.as_deref());
    push_text(&mut out, "\nMessage", act.message.as_deref());
    push_text(&mut out, "\nContext", act.context.as_deref());
    push_depth(&mut out, act.depth);
    push_text(&mut out, "\nCallback", act.callback.as_deref());
    push_word(&mut out, "\nPriority: ", act.priority.map(Priority::as_str));
    for (key, value) in &act.meta {
        out.push('\n');
        out.push_str(&key[..1].to_ascii_uppercase());
        out.push_str(&key[1..]);
        push_value(&mut out, value);
    }
    out.push('\n');
    out.push_str(FENCE);
    out
}

fn push_text(out: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push_str(key);
        push_value(out, value);
    }
}

fn push_word(out: &mut String, key: &str, word: Option<&str>) {
    if let Some(word) = word {
        out.push_str(key);
        out.push_str(word);
    }
}

/// Enough for common text, so that the block is written without moving it.
fn written_len(act: &Act<'_>) -> usize {
    let texts = Key::ALL.iter().filter_map(|key| act.text(*key)).map(str::len).sum::<usize>();
    let meta = act.meta.iter().map(|(key, value)| key.len() + value.len() + 3).sum::<usize>();
    texts + meta + act.to.len() + 160
}

fn push_depth(out: &mut String, depth: Option<Depth>) {
    let Some(depth) = depth else { return };
    out.push_str("\nDepth: ");
    push_number(out, depth.current);
    out.push('/');
    push_number(out, depth.max);
}

/// Digits without the machinery of formatting, which costs as much as the rest of a small block.
fn push_number(out: &mut String, number: u32) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// A new request id: the name in `a-z0-9`, and six digits that the caller drew at random. Only the
/// remainder by 36 of each counts.
pub fn request_id(name: &str, random: [u8; 6]) -> String {
    let mut id: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    id.push('-');
    id.extend(random.map(|digit| char::from(DIGITS[usize::from(digit) % DIGITS.len()])));
    id
}
