//! Acts as numbers and texts.
//!
//! Owns the order of fields on the desk. `lib/core.js` has the same order.

use std::borrow::Cow;

use bot_protocol::block::{Act, BuildError, Depth, Draft, DraftDepth, Key, Kind};

/// The text fields, after `to`, in the order of v0.1's parsed object.
const TEXTS: [Key; 8] = [
    Key::From,
    Key::RequestId,
    Key::Task,
    Key::Result,
    Key::Context,
    Key::Callback,
    Key::Question,
    Key::Message,
];

/// Added to positions in the side text, which holds what does not stand in the input as it is.
const SIDE: u32 = 1 << 30;

/// How many numbers [`take_up`] reads.
pub(crate) const ORDER_LEN: usize = 14;

/// No such field.
const NONE: u32 = u32::MAX;

/// Kind, status, priority, depth (current, max), then start and end of `to`, of the eight texts, and
/// of each key and value of `meta`. Absent words are `u32::MAX`.
pub(crate) fn lay_out(act: &Act<'_>, text: &str, side: &mut String, numbers: &mut Vec<u32>) {
    let at = |index: Option<usize>| index.map_or(NONE, |index| index as u32);
    numbers.push(act.kind as u32);
    numbers.push(at(act.status.map(|status| status as usize)));
    numbers.push(at(act.priority.map(|priority| priority as usize)));
    let depth = act.depth.map_or((NONE, NONE), |depth| (depth.current, depth.max));
    numbers.extend([depth.0, depth.1]);
    let texts = TEXTS.iter().map(|key| act.text(*key));
    let meta = act.meta.iter().flat_map(|(key, value)| [Some(&**key), Some(&**value)]);
    let first = numbers.len();
    for field in std::iter::once(Some(&*act.to)).chain(texts).chain(meta) {
        let span = field.map_or([NONE, NONE], |field| span(field, text, side));
        numbers.extend(span);
    }
    if !text.is_ascii() {
        to_utf16(text.as_bytes(), 0, &mut numbers[first..]);
    }
    if !side.is_ascii() {
        to_utf16(side.as_bytes(), SIDE, &mut numbers[first..]);
    }
}

/// Start and end in bytes, in the input if `field` is a piece of it.
fn span(field: &str, text: &str, side: &mut String) -> [u32; 2] {
    let start = (field.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    if start <= text.len() && start + field.len() <= text.len() {
        return [start as u32, (start + field.len()) as u32];
    }
    let start = SIDE + side.len() as u32;
    side.push_str(field);
    [start, start + field.len() as u32]
}

/// Turns byte positions in `bytes` into UTF-16 positions, in one walk. The positions are nearly in
/// order, because fields are.
fn to_utf16(bytes: &[u8], base: u32, positions: &mut [u32]) {
    let range = base..base + SIDE;
    let (mut walked, mut units) = (0, 0);
    let mut order = in_order(positions, range);
    order.reverse();
    while let Some(at) = order.pop() {
        let end = (positions[at] - base) as usize;
        units += bytes[walked..end].iter().map(|byte| utf16_units(*byte)).sum::<u32>();
        walked = end;
        positions[at] = base + units;
    }
}

/// The places of the positions in `range`, lowest position first. They come nearly sorted, which
/// is what inserting is good at, and a block has few of them.
fn in_order(positions: &[u32], range: std::ops::Range<u32>) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(positions.len());
    for (at, position) in positions.iter().enumerate().filter(|(_, at)| range.contains(at)) {
        let behind = order.iter().rev().take_while(|earlier| positions[**earlier] > *position);
        order.insert(order.len() - behind.count(), at);
    }
    order
}

/// What the character that begins with `byte` takes; nothing for the bytes inside one.
fn utf16_units(byte: u8) -> u32 {
    u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0)
}

/// Reads the order: kind, depth (current, max), then the UTF-16 lengths of `to`, the eight texts,
/// status and priority; 0 is absent. Ids are made up in JavaScript, which has the random numbers.
pub(crate) fn take_up<'a>(text: &'a str, order: &[u32; ORDER_LEN]) -> Result<Act<'a>, BuildError> {
    let [kind, current, max, lengths @ ..] = order;
    let is_ascii = text.is_ascii();
    let mut rest = text;
    let mut next = |at: usize| {
        let units = lengths[at] as usize;
        let len = if is_ascii { units.min(rest.len()) } else { byte_len(rest, units) };
        let (field, after) = rest.split_at(len);
        rest = after;
        (!field.is_empty()).then_some(Cow::Borrowed(field))
    };
    let draft = Draft {
        kind: Kind::ALL[*kind as usize % Kind::ALL.len()],
        depth: Some(DraftDepth::Numbers(Depth { current: *current, max: *max })),
        to: next(0),
        from: next(1),
        request_id: next(2),
        task: next(3),
        result: next(4),
        context: next(5),
        callback: next(6),
        question: next(7),
        message: next(8),
        status: next(9),
        priority: next(10),
        meta: Vec::new(),
    };
    draft.into_act([0; 6])
}

/// The bytes that `units` UTF-16 units take at the start of `text`.
fn byte_len(text: &str, units: usize) -> usize {
    let mut left = units;
    let is_over = |c: char| {
        let is_over = left == 0;
        left = left.saturating_sub(c.len_utf16());
        is_over
    };
    text.find(is_over).unwrap_or(text.len())
}
