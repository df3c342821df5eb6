//! What can be listed, in the order of names.
//!
//! Owns the order: a page of a list is taken from where it begins, without a look at what comes before
//! or after it. Never holds what the store does not know yet.

use std::collections::BTreeMap;
use std::ops::Bound;

use bot_protocol::name::{BotId, RoomName};

use super::table::step;
use crate::index::{BotIx, RoomIx};

/// The hub's rooms, by who may see them, and its bots.
#[derive(Debug, Default)]
pub(crate) struct Shelves {
    open: BTreeMap<RoomName, RoomIx>,
    closed: BTreeMap<RoomName, RoomIx>,
    direct: BTreeMap<RoomName, RoomIx>,
    bots: BTreeMap<BotId, BotIx>,
}

impl Shelves {
    pub(crate) fn place(&mut self, name: &RoomName, room: RoomIx, closed: bool) {
        if name.direct_pair().is_some() {
            self.direct.insert(name.clone(), room);
            return;
        }
        let (on, off) = match closed {
            true => (&mut self.closed, &mut self.open),
            false => (&mut self.open, &mut self.closed),
        };
        off.remove(name);
        on.insert(name.clone(), room);
    }

    pub(crate) fn remove(&mut self, name: &RoomName) {
        for kind in [&mut self.open, &mut self.closed, &mut self.direct] {
            kind.remove(name);
        }
    }

    /// `None`: nobody vouches for it.
    pub(crate) fn place_bot(&mut self, id: &BotId, bot: Option<BotIx>) {
        match bot {
            Some(bot) => self.bots.insert(id.clone(), bot),
            None => self.bots.remove(id),
        };
    }

    /// Rooms that everybody sees who is no guest.
    pub(crate) fn open(&self, from: Bound<&str>, count: usize) -> Vec<(&RoomName, RoomIx)> {
        taken(&self.open, from, count).collect()
    }

    /// Rooms of every kind, by name.
    pub(crate) fn rooms(&self, from: Bound<&str>, count: usize) -> Vec<(&RoomName, RoomIx)> {
        let kinds = [&self.open, &self.closed, &self.direct];
        let mut rooms: Vec<_> =
            kinds.into_iter().flat_map(|kind| taken(kind, from, count)).collect();
        rooms.sort_unstable();
        rooms.truncate(count);
        rooms
    }

    pub(crate) fn bots(&self, from: Bound<&str>, count: usize) -> Vec<(&BotId, BotIx)> {
        let bots = self.bots.range::<str, _>((from, Bound::Unbounded)).take(count);
        bots.inspect(|_| step()).map(|(id, &bot)| (id, bot)).collect()
    }

    /// How many rooms there are to people: a direct conversation is none.
    pub(crate) fn room_count(&self) -> usize {
        self.open.len() + self.closed.len()
    }

    pub(crate) fn bot_count(&self) -> usize {
        self.bots.len()
    }
}

fn taken<'a>(
    rooms: &'a BTreeMap<RoomName, RoomIx>,
    from: Bound<&str>,
    count: usize,
) -> impl Iterator<Item = (&'a RoomName, RoomIx)> {
    let rooms = rooms.range::<str, _>((from, Bound::Unbounded)).take(count);
    rooms.inspect(|_| step()).map(|(name, &room)| (name, room))
}
