//! Long acts in several messages.
//!
//! Owns the division and its inverse. Every part is a whole block with the fields that v0.1 wants,
//! so that the original reads each; `Part: 2/3` says how they belong together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::build::{BuildError, build, write};
use super::{Act, Key};
use crate::work::spend;

/// The most parts of one act: a reader must hold them all.
pub const PARTS_MAX: usize = 999;

/// Room for `Part: 999/999` and its newline.
const PART_LINE: usize = 14;

/// The key under which v0.1 finds the part, in `meta`.
const PART: &str = "part";

/// Which part of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

/// Why an act was not divided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The act must not be sent at all.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Not even the fields that every part repeats have room.
    #[error("a limit of {limit} is too small for this act: every part needs {needed}")]
    TooSmall {
        /// What was allowed.
        limit: usize,
        /// What there must be.
        needed: usize,
    },
    /// More than [`PARTS_MAX`].
    #[error("the act would take more than {PARTS_MAX} parts")]
    TooMany,
    /// A part is not divided again.
    #[error("the act is a part already")]
    IsPart,
}

/// Why parts were not joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// No acts were given.
    #[error("there are no parts to join")]
    Nothing,
    /// One has no `Part` and is not alone.
    #[error("`{0}` is not a part of anything")]
    NotAPart(String),
    /// Of another act, or another sender.
    #[error("part {0} belongs to another message")]
    Stranger(usize),
    /// The same part twice, with different text.
    #[error("part {0} is there twice, and differs")]
    Conflict(usize),
    /// Still to come.
    #[error("{have} of {of} parts are there; part {missing} is missing")]
    Missing {
        /// How many there are.
        have: usize,
        /// How many there must be.
        of: usize,
        /// The first that is not there.
        missing: usize,
    },
}

impl Act<'_> {
    /// Which part of a longer act this is.
    pub fn part(&self) -> Option<Part> {
        let (_, value) = self.meta.iter().find(|(key, _)| key == PART)?;
        let (index, of) = value.split_once('/')?;
        let (index, of) = (index.parse().ok()?, of.parse().ok()?);
        (1 <= index && index <= of && of <= PARTS_MAX).then_some(Part { index, of })
    }
}

/// What can be divided: the body, the context, the unknown fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Text(Key),
    Meta(usize),
}

/// The blocks that say `act`, none longer than `limit`, counted in UTF-16 units as chat platforms
/// do. An act that fits is one block without a `Part`.
pub fn split(act: &Act<'_>, limit: usize) -> Result<Vec<String>, SplitError> {
    let whole = build(act)?;
    if utf16_len(&whole) <= limit {
        return Ok(vec![whole]);
    }
    if act.meta.iter().any(|(key, _)| key == PART) {
        return Err(SplitError::IsPart);
    }
    let head = head(act);
    let fixed = utf16_len(&write(&head)) + PART_LINE;
    let mut parts = divide(act, &head, fixed, limit)?;
    let of = parts.len();
    for (index, part) in parts.iter_mut().enumerate() {
        part.meta.push((PART.into(), format!("{}/{of}", index + 1).into()));
    }
    Ok(parts.iter().map(build).collect::<Result<_, _>>()?)
}

/// What every part repeats: v0.1 needs the ids and the body (here the guard that stands for an
/// empty one), and acts on depth, status and priority of each message that it sees.
fn head<'a>(act: &'a Act<'_>) -> Act<'a> {
    let borrow = |text: &'a Cow<'_, str>| Cow::Borrowed(&**text);
    let mut head =
        Act::empty(act.kind, borrow(&act.to), borrow(&act.from), borrow(&act.request_id));
    head.status = act.status;
    head.depth = act.depth;
    head.callback = act.callback.as_ref().map(borrow);
    head.priority = act.priority;
    if act.body().is_some() {
        *head.body_mut() = Some(Cow::Borrowed(""));
    }
    head
}

/// Fills part after part with as much of each stream as has room.
fn divide<'a>(
    act: &'a Act<'_>,
    head: &Act<'a>,
    fixed: usize,
    limit: usize,
) -> Result<Vec<Act<'a>>, SplitError> {
    let mut parts: Vec<Act<'a>> = Vec::new();
    let mut room = 0usize;
    for (stream, text) in streams(act) {
        let mut rest = text;
        let mut is_first = true;
        while is_first || !rest.is_empty() {
            let label = label(act, stream);
            let (len, cost) = fitting(rest, room.saturating_sub(label));
            let is_stuck = len == 0 && !(rest.is_empty() && room >= label + cost);
            if is_stuck {
                if room + fixed == limit || limit < fixed + label + 4 {
                    let needed = fixed + label + 4;
                    return Err(SplitError::TooSmall { limit, needed });
                }
                if parts.len() == PARTS_MAX {
                    return Err(SplitError::TooMany);
                }
                parts.push(head.clone());
                room = limit - fixed;
                continue;
            }
            let part = parts.last_mut().expect("room is only in a part that exists");
            put(part, act, stream, &rest[..len]);
            rest = &rest[len..];
            // A field has one line per part: what is left of it opens the next.
            room = if rest.is_empty() { room - label - cost } else { 0 };
            is_first = false;
        }
    }
    Ok(parts)
}

fn streams<'a>(act: &'a Act<'_>) -> impl Iterator<Item = (Stream, &'a str)> {
    let is_divided = |key: &Key| !matches!(key, Key::From | Key::RequestId | Key::Callback);
    let texts = Key::ALL
        .into_iter()
        .filter(is_divided)
        .filter_map(|key| Some((Stream::Text(key), act.text(key)?)));
    let meta = act.meta.iter().enumerate().map(|(at, (_, value))| (Stream::Meta(at), &**value));
    texts.chain(meta)
}

/// The length of `Key: ` and the newline after the value.
fn label(act: &Act<'_>, stream: Stream) -> usize {
    let key = match stream {
        Stream::Text(key) => key.as_str(),
        Stream::Meta(at) => &act.meta[at].0,
    };
    key.len() + 3
}

fn put<'a>(part: &mut Act<'a>, act: &'a Act<'_>, stream: Stream, text: &'a str) {
    match stream {
        Stream::Text(key) => {
            *part.text_mut(key).expect("only text fields are divided") = Some(text.into());
        }
        Stream::Meta(at) => part.meta.push((Cow::Borrowed(&act.meta[at].0), text.into())),
    }
}

/// How many bytes of `text` fit into `room` when written as a value, and what they take. Prefers to
/// end after a line, else after a word, unless that would leave half of the room empty.
fn fitting(text: &str, room: usize) -> (usize, usize) {
    // Guards at both ends, which is also what an empty value takes at most.
    const ENDS: usize = 2;
    let mut cost = ENDS;
    let mut len = 0;
    let (mut line, mut word) = ((0, 0), (0, 0));
    for c in text.chars() {
        cost += written_len(c);
        if cost > room {
            break;
        }
        spend(c.len_utf8());
        len += c.len_utf8();
        match c {
            '\n' => line = (len, cost),
            ' ' => word = (len, cost),
            _ => {}
        }
    }
    if len == text.len() {
        return (len, cost);
    }
    [line, word].into_iter().find(|(at, _)| at * 2 > len).unwrap_or_else(|| {
        let exact = text[..len].chars().map(written_len).sum::<usize>();
        (len, ENDS + exact)
    })
}

/// The most that a character can take: a backtick may need a guard, and a newline the space before
/// what looks like a field.
fn written_len(c: char) -> usize {
    c.len_utf16() + usize::from(matches!(c, '`' | '\n'))
}

fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The act whose parts these are, in any order; a part that came twice counts once. A single act
/// that is no part is itself.
pub fn join(parts: &[Act<'_>]) -> Result<Act<'static>, JoinError> {
    let first = parts.first().ok_or(JoinError::Nothing)?;
    if parts.len() == 1 && first.part().is_none() {
        return Ok(first.clone().into_owned());
    }
    let mut by_index = BTreeMap::new();
    let mut of = 0;
    for act in parts {
        spend(1 + act.meta.len());
        let part = act.part().ok_or_else(|| JoinError::NotAPart(act.request_id.to_string()))?;
        of = if of == 0 { part.of } else { of };
        if part.of != of || !belong_together(first, act) {
            return Err(JoinError::Stranger(part.index));
        }
        if by_index.insert(part.index, act).is_some_and(|earlier| earlier != act) {
            return Err(JoinError::Conflict(part.index));
        }
    }
    let missing = (1..=of).find(|index| !by_index.contains_key(index));
    if let Some(missing) = missing {
        return Err(JoinError::Missing { have: by_index.len(), of, missing });
    }
    Ok(concatenate(by_index.into_values()))
}

fn belong_together(one: &Act<'_>, other: &Act<'_>) -> bool {
    (one.kind, &one.to, &one.from, &one.request_id, one.status, one.depth, one.priority)
        == (
            other.kind,
            &other.to,
            &other.from,
            &other.request_id,
            other.status,
            other.depth,
            other.priority,
        )
        && one.callback == other.callback
}

fn concatenate<'a>(parts: impl Iterator<Item = &'a Act<'a>>) -> Act<'static> {
    let mut parts = parts.cloned().map(Act::into_owned);
    let mut whole = parts.next().expect("there is at least one part");
    whole.meta.retain(|(key, _)| key != PART);
    let fields = whole.meta.iter().enumerate();
    let mut known: BTreeMap<_, _> = fields.map(|(at, (key, _))| (key.clone(), at)).collect();
    for part in parts {
        for key in Key::ALL {
            let Some(more) = part.text(key).filter(|_| key != Key::Callback) else { continue };
            if let Some(text) = whole.text_mut(key) {
                text.get_or_insert_default().to_mut().push_str(more);
            }
        }
        part.meta.into_iter().filter(|(key, _)| key != PART).for_each(|(key, more)| {
            spend(more.len());
            let next = whole.meta.len();
            let at = *known.entry(key.clone()).or_insert(next);
            match whole.meta.get_mut(at) {
                Some((_, value)) => value.to_mut().push_str(&more),
                None => whole.meta.push((key, more)),
            }
        });
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{Kind, parse};

    #[track_caller]
    fn check(act: &Act<'_>, limit: usize, parts: usize) {
        let texts = split(act, limit).unwrap();
        assert_eq!(texts.len(), parts, "{texts:#?}");
        assert!(texts.iter().all(|text| utf16_len(text) <= limit), "{texts:#?}");
        let mut acts: Vec<Act<'_>> = texts.iter().map(|text| parse(text).unwrap()).collect();
        acts.reverse();
        assert_eq!(join(&acts).as_ref(), Ok(act));
    }

    #[test]
    fn an_act_that_fits_stays_whole() {
        check(&Act::new(Kind::Request, "ben", "ann", "ann-1", "wave"), 2000, 1);
    }

    #[test]
    fn a_long_act_comes_back_from_its_parts() {
        let long = "All work and no play.\nStatus: done\n``` \u{1F600} ".repeat(40);
        check(&Act::new(Kind::Response, "ann", "ben", "ann-1", long.as_str()), 500, 5);
        let mut act = Act::new(Kind::Request, "ben", "ann", "ann-1", "wave");
        act.context = Some(long.into());
        act.meta.push(("note".into(), " spaces ".repeat(50).into()));
        check(&act, 700, 4);
        act.priority = Some(crate::block::Priority::High);
        act.callback = Some("@cat".into());
        check(&act, 1000, 3);
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        let long = "x".repeat(5000);
        let act = Act::new(Kind::Request, "ben", "ann", "ann-1", long.as_str());
        let error = split(&act, 50).unwrap_err().to_string();
        assert_eq!(error, "a limit of 50 is too small for this act: every part needs 95");
        assert_eq!(split(&act, 95), Err(SplitError::TooMany));
    }

    #[test]
    fn parts_are_only_joined_with_their_own() {
        let text = "one two three ".repeat(20);
        let act = Act::new(Kind::Request, "ben", "ann", "ann-1", text.as_str());
        let texts = split(&act, 200).unwrap();
        let parts: Vec<Act<'_>> = texts.iter().map(|text| parse(text).unwrap()).collect();
        assert_eq!(
            join(&parts[1..]),
            Err(JoinError::Missing { have: parts.len() - 1, of: parts.len(), missing: 1 })
        );
        let mut forged = parts.clone();
        forged[1].from = "eve".into();
        assert_eq!(join(&forged), Err(JoinError::Stranger(2)));
        let mut doubled = parts.clone();
        doubled.push(parts[0].clone());
        assert_eq!(join(&doubled).as_ref(), Ok(&act));
        doubled.last_mut().unwrap().task = Some("other".into());
        assert_eq!(join(&doubled), Err(JoinError::Conflict(1)));
        assert_eq!(join(&[]), Err(JoinError::Nothing));
    }
}
