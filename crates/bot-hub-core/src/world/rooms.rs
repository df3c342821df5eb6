//! The rooms, each in its place.
//!
//! Owns that a place is used again after its room was removed, and that nobody who still names that room gets
//! the next one: to them it is nowhere, a room without members that the store does not know. So a hub in which
//! rooms come and go holds no more than there are at once.

use std::ops::{Index, IndexMut};

use bot_protocol::frame::operator::Retention;
use bot_protocol::id::Epoch;
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashSet;

use super::Member;
use super::table::Table;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;

/// Whether a room is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    /// Its removal is on its way to the store.
    Going,
    /// It was removed. Senders may still have to be told.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: RoomName,
    /// Which of the rooms that had its place it is.
    life: u32,
    pub(crate) fate: Fate,
    /// Positions in its log are of this epoch.
    pub(crate) epoch: Epoch,
    pub(crate) members: Table<Member>,
    /// How many of them have a reading connection.
    pub(crate) online: u32,
    /// Memberships on their way to the store.
    pub(crate) joining: usize,
    /// It had a member since this start.
    pub(crate) had_members: bool,
    pub(crate) closed: bool,
    pub(crate) retain: Option<Retention>,
    /// The store knows it.
    pub(crate) durable: bool,
    /// Wishes to make it that are on their way to the store. The first of them has decided whether it
    /// is closed.
    pub(crate) making: usize,
    /// The configuration declares it.
    pub(crate) is_configured: bool,
    /// The configuration declares it, and the store does not know it yet.
    pub(crate) is_declared: bool,
    /// Members that the configuration declares and that the store does not know yet.
    pub(crate) expected: FxHashSet<BotIx>,
    /// The newest entry.
    pub(crate) head: u64,
    /// The oldest entry that is kept.
    pub(crate) first: u64,
    /// Bytes of what is kept.
    pub(crate) bytes: u64,
    /// The oldest entry that is kept is not older than this.
    pub(crate) oldest_at: Option<Timestamp>,
    /// A removal of entries is under way.
    pub(crate) trimming: bool,
    /// Operators' connections that watch it.
    pub(crate) observers: Vec<ConnId>,
}

impl Room {
    fn new(name: RoomName, life: u32) -> Self {
        Self {
            name,
            life,
            fate: Fate::Stays,
            epoch: Epoch::default(),
            members: Table::default(),
            online: 0,
            joining: 0,
            had_members: false,
            closed: false,
            retain: None,
            durable: false,
            making: 0,
            is_configured: false,
            is_declared: false,
            expected: FxHashSet::default(),
            head: 0,
            first: 1,
            bytes: 0,
            oldest_at: None,
            trimming: false,
            observers: Vec::new(),
        }
    }

    /// Whether its removal is on its way to the store.
    pub(crate) fn is_going(&self) -> bool {
        self.fate == Fate::Going
    }

    /// How many entries it keeps.
    pub(crate) fn kept(&self) -> u64 {
        (self.head + 1).saturating_sub(self.first)
    }
}

#[derive(Debug)]
pub(crate) struct Rooms {
    places: Table<Room>,
    free: Vec<u32>,
    nowhere: Room,
}

impl Default for Rooms {
    fn default() -> Self {
        let name = RoomName::new("nowhere").expect("a name of a room");
        Self { places: Table::default(), free: Vec::new(), nowhere: Room::new(name, 0) }
    }
}

impl Rooms {
    pub(crate) fn add(&mut self, name: RoomName) -> RoomIx {
        let Some(place) = self.free.pop() else {
            let place = u32::try_from(self.places.len()).expect("rooms are bounded by memory");
            self.places.push(Room::new(name, 0));
            return RoomIx { place, life: 0 };
        };
        let room = &mut self.places[place as usize];
        room.name = name;
        RoomIx { place, life: room.life }
    }

    /// Nobody has to know anything of a removed room any more: another one may have its place.
    pub(crate) fn free(&mut self, room: RoomIx) {
        if self.has(room) {
            let nowhere = self.nowhere.name.clone();
            self.places[room.place as usize] = Room::new(nowhere, room.life.wrapping_add(1));
            self.free.push(room.place);
        }
    }

    pub(crate) fn has(&self, room: RoomIx) -> bool {
        self.places.get(room.place as usize).is_some_and(|it| it.life == room.life)
    }

    /// Whether it is there, and its removal is not on its way.
    pub(crate) fn stays(&self, room: RoomIx) -> bool {
        self.has(room) && self[room].fate == Fate::Stays
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// The room in a place, or what is left there; `None` behind the last place.
    pub(crate) fn in_place(&self, place: u32) -> Option<(RoomIx, &Room)> {
        let room = self.places.get(place as usize)?;
        Some((RoomIx { place, life: room.life }, room))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.places.iter()
    }
}

impl Index<RoomIx> for Rooms {
    type Output = Room;

    fn index(&self, room: RoomIx) -> &Room {
        self.places
            .get(room.place as usize)
            .filter(|it| it.life == room.life)
            .unwrap_or(&self.nowhere)
    }
}

impl IndexMut<RoomIx> for Rooms {
    fn index_mut(&mut self, room: RoomIx) -> &mut Room {
        let found = self.places.get_mut(room.place as usize);
        found.filter(|it| it.life == room.life).unwrap_or(&mut self.nowhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RoomName {
        RoomName::new(text).unwrap()
    }

    #[test]
    fn a_place_is_used_again_and_its_former_room_is_nowhere() {
        let mut rooms = Rooms::default();
        let (lab, den) = (rooms.add(name("lab")), rooms.add(name("den")));
        rooms[lab].head = 41;
        rooms.free(lab);
        rooms.free(lab);
        assert_eq!((rooms.len(), rooms.has(lab), rooms.has(den)), (1, false, true));
        let hut = rooms.add(name("hut"));
        assert_eq!((hut.place, rooms.len()), (lab.place, 2));
        assert_eq!((rooms[hut].head, rooms[lab].head), (0, 0));
        rooms[lab].head = 7;
        assert_eq!((rooms[hut].head, rooms[hut].name.as_str()), (0, "hut"));
        assert!(rooms[lab].members.is_empty() && !rooms[lab].durable);
    }

    #[test]
    fn rooms_that_come_and_go_take_no_more_places_than_there_are_at_once() {
        let mut rooms = Rooms::default();
        for number in 0..10_000 {
            let room = rooms.add(name(&format!("room-{number}")));
            rooms.free(room);
        }
        assert_eq!((rooms.places.len(), rooms.free.len()), (1, 1));
    }
}
