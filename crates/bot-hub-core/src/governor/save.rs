//! How what is counted becomes bytes, and bytes what was counted.
//!
//! Owns the form: numbers of 7 bits in a byte; rooms and bots by name, as text where a name first occurs and as a number
//! after that. Thousands of small numbers that nobody reads would be five times as long in JSON. One description of each type
//! serves both ways, so that neither can forget a field.

use std::collections::VecDeque;
use std::hash::Hash;

use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;

use super::books::{Account, Everywhere};
use super::conversation::{Conversation, Seat};
use super::day::Day;
use super::log::{Kind, Log, Slot};
use super::member::{Clock, Member, Pause};
use super::pace::Pace;
use super::room::Room;
use super::rules::ConversationId;
use super::speed::Speed;
use super::words::Worn;
use crate::index::{BotIx, RoomIx};

/// What rooms and bots are called, for as long as numbers do not last.
pub trait Names {
    /// The name of a bot.
    fn bot_name(&self, bot: BotIx) -> String;
    /// The name of a room.
    fn room_name(&self, room: RoomIx) -> String;
    /// The bot of a name; it need not exist any more.
    fn bot(&mut self, name: &str) -> Option<BotIx>;
    /// The room of a name; it need not exist any more.
    fn room(&mut self, name: &str) -> Option<RoomIx>;
}

/// Bytes that no governor has written, or that were damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// The first byte of everything that is written; another one for another form.
const FORM: u64 = 1;

/// The bytes of something.
pub(super) fn write<T: Carry + Clone>(it: &T, names: &mut dyn Names) -> Vec<u8> {
    let mut pen = Carrier { names, way: Way::Out(Vec::new()), rooms: Vec::new(), bots: Vec::new() };
    let carried = FORM.clone().carry(&mut pen).and_then(|()| it.clone().carry(&mut pen));
    carried.expect("whatever there is can be written");
    match pen.way {
        Way::Out(bytes) => bytes,
        Way::In(_) => unreachable!("it was made for writing"),
    }
}

/// What the bytes are of.
pub(super) fn read<T: Carry + Default>(bytes: &[u8], names: &mut dyn Names) -> Result<T, Damaged> {
    let way = Way::In(bytes);
    let mut eye = Carrier { names, way, rooms: Vec::new(), bots: Vec::new() };
    let (mut form, mut it) = (0_u64, T::default());
    form.carry(&mut eye)?;
    if form != FORM {
        return Err(Damaged);
    }
    it.carry(&mut eye)?;
    Ok(it)
}

/// Goes through a value and writes or reads it.
pub(super) struct Carrier<'a> {
    names: &'a mut dyn Names,
    way: Way<'a>,
    /// Names that occurred, in their order.
    rooms: Vec<RoomIx>,
    bots: Vec<BotIx>,
}

enum Way<'a> {
    Out(Vec<u8>),
    In(&'a [u8]),
}

impl Carrier<'_> {
    fn byte(&mut self, it: &mut u8) -> Result<(), Damaged> {
        match &mut self.way {
            Way::Out(bytes) => bytes.push(*it),
            Way::In(bytes) => {
                let (first, rest) = bytes.split_first().ok_or(Damaged)?;
                (*it, *bytes) = (*first, rest);
            }
        }
        Ok(())
    }

    /// How many there are. What is read cannot be more than there are bytes.
    fn count(&mut self, have: usize) -> Result<usize, Damaged> {
        let mut count = have as u64;
        count.carry(self)?;
        let count = usize::try_from(count).map_err(|_| Damaged)?;
        match &self.way {
            Way::In(bytes) if count > bytes.len() => Err(Damaged),
            _ => Ok(count),
        }
    }

    fn text(&mut self, it: &mut String) -> Result<(), Damaged> {
        let count = self.count(it.len())?;
        let mut bytes = std::mem::take(it).into_bytes();
        bytes.resize(count, 0);
        for byte in &mut bytes {
            self.byte(byte)?;
        }
        *it = String::from_utf8(bytes).map_err(|_| Damaged)?;
        Ok(())
    }

    fn reads(&self) -> bool {
        matches!(self.way, Way::In(_))
    }
}

/// Something that can be written and read.
pub(super) trait Carry {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged>;
}

impl Carry for u64 {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        let (mut left, mut read) = (*self, 0_u64);
        for shift in (0..64).step_by(7) {
            let mut byte = (left & 0x7f) as u8 | if left > 0x7f { 0x80 } else { 0 };
            by.byte(&mut byte)?;
            read |= u64::from(byte & 0x7f) << shift;
            left >>= 7;
            if byte & 0x80 == 0 {
                *self = read;
                return Ok(());
            }
        }
        Err(Damaged)
    }
}

/// Numbers that are written like the largest.
macro_rules! small {
    ($($small:ty)*) => {$(
        impl Carry for $small {
            fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
                let mut number = u64::from(*self);
                number.carry(by)?;
                *self = Self::try_from(number).map_err(|_| Damaged)?;
                Ok(())
            }
        }
    )*};
}
small!(u8 u16 u32);

/// Structs, field by field.
macro_rules! fields {
    ($($name:ident { $($field:ident)* })*) => {$(
        impl Carry for $name {
            fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
                let Self { $($field),* } = self;
                $($field.carry(by)?;)*
                Ok(())
            }
        }
    )*};
}
fields! {
    ConversationId { room seq }
    Slot { at conversation from id hops kind }
    Log { first slots }
    Seat { room bot payer turns worn persons last_at warned }
    Conversation { seats all persons last_at turns_max warned tripped_at }
    Pace { lengths count next }
    Day { steps }
    Speed { newest counts }
    Pause { trip conversation until settled_at pace spoke_at }
    Clock { period_ms at until }
    Worn { messages heard }
    Everywhere { until }
    Member {
        answered_to late started named named_to spoke_at spoke_in turn_at turn_messages latencies gaps day day_warned
        day_granted unproven pause tripped_at released_at clock
    }
    Room { log members conversations worn persons last_at }
    Account {
        speed day day_warned day_granted spent spent_warned spent_granted pause tripped_at
    }
}

impl Carry for Timestamp {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        self.0.carry(by)
    }
}

impl Carry for Kind {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        const ALL: [Kind; 4] = [Kind::Bot, Kind::Person, Kind::Notice, Kind::PostOnly];
        let mut number = ALL.iter().position(|it| it == self).unwrap_or_default() as u64;
        number.carry(by)?;
        *self = *ALL.get(usize::try_from(number).map_err(|_| Damaged)?).ok_or(Damaged)?;
        Ok(())
    }
}

/// Names: a number of one that occurred before, or the next number and its text.
macro_rules! named {
    ($($index:ident $known:ident $name:ident $find:ident)*) => {$(
        impl Carry for $index {
            fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
                let known = by.$known.iter().position(|it| it == self);
                let mut number = known.unwrap_or(by.$known.len()) as u64;
                number.carry(by)?;
                let number = usize::try_from(number).map_err(|_| Damaged)?;
                if let Some(known) = by.$known.get(number) {
                    *self = *known;
                    return Ok(());
                }
                let mut name = if by.reads() { String::new() } else { by.names.$name(*self) };
                by.text(&mut name)?;
                if by.reads() {
                    *self = by.names.$find(&name).ok_or(Damaged)?;
                }
                by.$known.push(*self);
                Ok(())
            }
        }
    )*};
}
named! {
    RoomIx rooms room_name room
    BotIx bots bot_name bot
}

impl<T: Carry + Default> Carry for Option<T> {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        let mut there = u8::from(self.is_some());
        there.carry(by)?;
        if by.reads() {
            *self = (there == 1).then(T::default);
        }
        self.as_mut().map_or(Ok(()), |it| it.carry(by))
    }
}

impl<T: Carry> Carry for Box<T> {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        (**self).carry(by)
    }
}

impl<A: Carry, B: Carry> Carry for (A, B) {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        self.0.carry(by)?;
        self.1.carry(by)
    }
}

impl<T: Carry, const N: usize> Carry for [T; N] {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        self.iter_mut().try_for_each(|it| it.carry(by))
    }
}

impl<T: Carry + Default> Carry for Vec<T> {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        let count = by.count(self.len())?;
        self.resize_with(count, T::default);
        self.iter_mut().try_for_each(|it| it.carry(by))
    }
}

impl<T: Carry + Default> Carry for VecDeque<T> {
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        let count = by.count(self.len())?;
        self.resize_with(count, T::default);
        self.iter_mut().try_for_each(|it| it.carry(by))
    }
}

/// In the order of the keys: the same counts are the same bytes.
impl<K, V> Carry for FxHashMap<K, V>
where
    K: Carry + Default + Copy + Ord + Hash,
    V: Carry + Default,
{
    fn carry(&mut self, by: &mut Carrier<'_>) -> Result<(), Damaged> {
        let count = by.count(self.len())?;
        let mut all: Vec<(K, V)> = self.drain().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.resize_with(count, Default::default);
        for (key, value) in &mut all {
            key.carry(by)?;
            value.carry(by)?;
        }
        self.extend(all);
        Ok(())
    }
}
