//! The door between JavaScript and `bot_protocol::block`: three calls over bytes in memory.
//!
//! Owns the layout that `lib/core.js` reads. Contains no rule of the format.
//!
//! JavaScript asks [`input`] for room, writes UTF-8 there, calls, and finds the answer at
//! [`text_at`] (UTF-8) and [`numbers_at`] (32-bit numbers). Positions of fields are counted in UTF-16
//! units, so that JavaScript cuts them out of the string that it has instead of copying them.

mod calls;
mod fields;

use std::cell::{Cell, RefCell};

use bot_protocol::block::{build, parse};

/// What both sides see.
#[derive(Default)]
struct Desk {
    input: Vec<u8>,
    text: String,
    wide: Vec<u16>,
    numbers: Vec<u32>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
    /// What JavaScript says about a block to build. Stands still, so that it looks once.
    static ORDER: [Cell<u32>; fields::ORDER_LEN] = const { [const { Cell::new(0) }; fields::ORDER_LEN] };
}

fn with_desk<T>(work: impl FnOnce(&mut Desk) -> T) -> T {
    DESK.with_borrow_mut(work)
}

/// The text of the first `len` bytes; JavaScript writes what `TextEncoder` makes, which is UTF-8.
fn text(input: &[u8], len: usize) -> &str {
    std::str::from_utf8(&input[..len.min(input.len())]).unwrap_or_default()
}

/// Makes room for `len` bytes and says where.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *const u8 {
    with_desk(|desk| {
        if desk.input.len() < len {
            desk.input.resize(len.next_power_of_two(), 0);
        }
        desk.input.as_ptr()
    })
}

/// Where the text of the last answer is.
#[unsafe(no_mangle)]
pub extern "C" fn text_at() -> *const u8 {
    with_desk(|desk| desk.text.as_ptr())
}

/// How long the side text of the last parsed block is.
#[unsafe(no_mangle)]
pub extern "C" fn side_len() -> usize {
    with_desk(|desk| desk.text.len())
}

/// Where the numbers of the last parsed block are.
#[unsafe(no_mangle)]
pub extern "C" fn numbers_at() -> *const u32 {
    with_desk(|desk| desk.numbers.as_ptr())
}

/// Where JavaScript writes the numbers of a block to build: always the same place.
#[unsafe(no_mangle)]
pub extern "C" fn order_at() -> *const Cell<u32> {
    ORDER.with(|order| order.as_ptr())
}

/// Where the last built block is, in UTF-16.
#[unsafe(no_mangle)]
pub extern "C" fn block_at() -> *const u16 {
    with_desk(|desk| desk.wide.as_ptr())
}

/// Parses; 0 is no block, otherwise the count of numbers, laid out as [`fields::lay_out`] says.
#[unsafe(no_mangle)]
pub extern "C" fn parse_block(len: usize) -> usize {
    with_desk(|Desk { input, text: side, numbers, .. }| {
        let text = text(input, len);
        side.clear();
        numbers.clear();
        let Ok(act) = parse(text) else { return 0 };
        fields::lay_out(&act, text, side, numbers);
        numbers.len()
    })
}

/// Builds from fields that stand one after the other in the input, as [`fields::take_up`] says.
/// Returns the length of the block in UTF-16 units, or minus that of an error message.
#[unsafe(no_mangle)]
pub extern "C" fn build_block(len: usize) -> isize {
    let order = ORDER.with(|order| order.each_ref().map(Cell::get));
    with_desk(|Desk { input, wide, .. }| {
        let built = fields::take_up(text(input, len), &order).and_then(|act| build(&act));
        let (text, sign) = match built {
            Ok(text) => (text, 1),
            Err(error) => (error.to_string(), -1),
        };
        wide.clear();
        widen(&text, wide);
        sign * wide.len() as isize
    })
}

/// UTF-16, which JavaScript takes over several times faster than UTF-8 with a single arrow in it.
fn widen(text: &str, wide: &mut Vec<u16>) {
    wide.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let is_rare = |byte: u8| !byte.is_ascii();
        let plain = if rest.is_ascii() { None } else { rest.bytes().position(is_rare) };
        let plain = plain.unwrap_or(rest.len());
        wide.extend(rest.as_bytes()[..plain].iter().map(|byte| u16::from(*byte)));
        let mut rare = rest[plain..].chars();
        wide.extend(rare.next().iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()));
        rest = rare.as_str();
    }
}

/// Everything else: a JSON array `[verb, …]` in, JSON out. Returns its length.
#[unsafe(no_mangle)]
pub extern "C" fn call(len: usize) -> usize {
    with_desk(|Desk { input, text: out, .. }| {
        *out = calls::answer(text(input, len));
        out.len()
    })
}
