//! Everything that is counted.
//!
//! Owns the tables of rooms and bots, and the times at which pauses end. `count` and `pause` work on them.

use std::collections::BTreeSet;

use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;

use super::day::Day;
use super::room::{Room, Rooms};
use super::rules::{Because, Decision};
use super::speed::Speed;
use crate::index::{BotIx, RoomIx};

/// **Bound:** rooms have their own; bots are as many as the hub knows names, and those without anything
/// counted have no place here; one end for each pause.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Books {
    pub(super) rooms: Rooms,
    pub(super) bots: FxHashMap<BotIx, Account>,
    /// Messages of persons so far, in all rooms.
    pub(super) persons: u64,
    /// Pauses so far.
    pub(super) trips: u64,
    /// When pauses end by themselves; without a room those in all rooms.
    pub(super) ends: BTreeSet<(Timestamp, Option<RoomIx>, BotIx)>,
    pub(super) changed: Changed,
}

/// Of what more is counted than was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// In these rooms.
    pub rooms: BTreeSet<RoomIx>,
    /// Of these bots in all rooms.
    pub bots: BTreeSet<BotIx>,
}

/// What is counted of a bot in all rooms together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Account {
    pub(super) speed: Speed,
    pub(super) day: Day,
    pub(super) day_warned: u8,
    /// So much more than the day's limit is allowed, since a person resumed it.
    pub(super) day_granted: u32,
    /// Millionths of a US dollar.
    pub(super) spent: Day,
    pub(super) spent_warned: u8,
    pub(super) spent_granted: u64,
    pub(super) pause: Option<Everywhere>,
    pub(super) tripped_at: Option<Timestamp>,
}

/// A pause in all rooms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Everywhere {
    /// When it ends by itself.
    pub(super) until: Option<Timestamp>,
}

impl Books {
    pub(super) fn account(&mut self, bot: BotIx) -> &mut Account {
        self.bots.entry(bot).or_default()
    }

    /// Nothing is counted in a room any more.
    pub(super) fn forget(&mut self, room: RoomIx) -> Vec<Decision> {
        let members = self.rooms.get(&room).map(|it| &it.members);
        let paused = members.into_iter().flatten().filter(|(_, it)| it.pause.is_some());
        let mut paused: Vec<BotIx> = paused.map(|(bot, _)| *bot).collect();
        paused.sort_unstable();
        let released =
            paused.into_iter().filter_map(|it| self.release(room, it, Because::Off, None));
        let released = released.map(Decision::Resume).collect();
        self.rooms.remove(&room);
        self.changed.rooms.insert(room);
        released
    }

    /// Goes on with a room as it was.
    pub(super) fn restore_room(&mut self, ix: RoomIx, room: Room) {
        self.persons = self.persons.max(room.persons);
        for (bot, member) in &room.members {
            let Some(pause) = &member.pause else { continue };
            self.trips = self.trips.max(pause.trip);
            self.ends.extend(pause.until.map(|until| (until, Some(ix), *bot)));
        }
        self.rooms.insert(ix, room);
    }

    /// Goes on with what is counted of a bot.
    pub(super) fn restore_bot(&mut self, bot: BotIx, account: Account) {
        let until = account.pause.and_then(|it| it.until);
        self.ends.extend(until.map(|until| (until, None, bot)));
        self.bots.insert(bot, account);
    }
}
