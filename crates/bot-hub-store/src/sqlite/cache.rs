//! The writer's cache of rooms and members.
//!
//! Owns the rows that nearly every batch changes, so that each is read once and written once per batch.
//! Within a transaction the cache may be newer than the tables; a rollback empties it.

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::Connection;
use rustc_hash::FxHashMap;

use super::error::SqliteError;
use super::names::Names;
use super::rows::{Joined, Tail};
use super::stored;
use super::sum::Sum;
use crate::rule::Numbers;

#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) names: Names,
    pub(super) rooms: Rooms,
    /// The stored newest time, after it was read once.
    pub(super) newest_at: Option<Timestamp>,
    /// What the store's rooms were numbered, likewise.
    pub(super) numbers: Option<Numbers>,
}

#[derive(Debug, Default)]
pub(super) struct Rooms {
    rooms: FxHashMap<RoomName, Room>,
    /// The rooms with changes to write.
    touched: Vec<RoomName>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: i64,
    pub(super) tail: Tail,
    pub(super) is_tail_dirty: bool,
    members: FxHashMap<BotId, Member>,
    is_touched: bool,
    touched: Vec<BotId>,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) bot: i64,
    pub(super) joined: Option<Joined>,
    pub(super) is_dirty: bool,
    is_touched: bool,
}

impl Rooms {
    /// The room for a change; it is written with the batch.
    pub(super) fn touch(
        &mut self,
        conn: &Connection,
        sum: &mut Sum,
        name: &RoomName,
    ) -> Result<&mut Room, SqliteError> {
        if !self.rooms.contains_key(name) {
            let id = stored::room_number(conn, name)?;
            let id = id.ok_or_else(|| SqliteError::NoSuchRoom(name.clone()))?;
            self.rooms.insert(name.clone(), Room::new(id, stored::tail(conn, sum, name, id)?));
        }
        let room = self.rooms.get_mut(name).expect("it was put there if it was not");
        if !room.is_touched {
            room.is_touched = true;
            self.touched.push(name.clone());
        }
        Ok(room)
    }

    /// The same, where a change does nothing without its room.
    pub(super) fn touch_known(
        &mut self,
        conn: &Connection,
        sum: &mut Sum,
        name: &RoomName,
    ) -> Result<Option<&mut Room>, SqliteError> {
        match self.touch(conn, sum, name) {
            Err(SqliteError::NoSuchRoom(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The room is gone, with what was still to be written of it.
    pub(super) fn forget(&mut self, name: &RoomName) {
        self.rooms.remove(name);
    }

    /// The rooms with changes to write. Clears the list.
    pub(super) fn take_touched(&mut self) -> Vec<RoomName> {
        std::mem::take(&mut self.touched)
    }

    /// A room that has changes.
    pub(super) fn touched(&mut self, name: &RoomName) -> Option<&mut Room> {
        let room = self.rooms.get_mut(name)?;
        room.is_touched = false;
        Some(room)
    }
}

impl Room {
    pub(super) fn new(id: i64, tail: Tail) -> Self {
        Self {
            id,
            tail,
            is_tail_dirty: false,
            members: FxHashMap::default(),
            is_touched: false,
            touched: Vec::new(),
        }
    }

    /// The bot's row in the room, whether it is a member or not, for a change.
    pub(super) fn touch(
        &mut self,
        conn: &Connection,
        sum: &mut Sum,
        names: &mut Names,
        name: &RoomName,
        bot: &BotId,
    ) -> Result<&mut Member, SqliteError> {
        if !self.members.contains_key(bot) {
            let number = names.number_or_new(conn, bot)?;
            let (room, who) = ((name, self.id), (bot, number));
            let member = Member {
                bot: number,
                joined: stored::joined(conn, sum, room, who, &self.tail)?,
                is_dirty: false,
                is_touched: false,
            };
            self.members.insert(bot.clone(), member);
        }
        let member = self.members.get_mut(bot).expect("it was put there if it was not");
        if !member.is_touched {
            member.is_touched = true;
            self.touched.push(bot.clone());
        }
        Ok(member)
    }

    /// The bots with changes to write. Clears the list.
    pub(super) fn take_touched(&mut self) -> Vec<BotId> {
        std::mem::take(&mut self.touched)
    }

    /// A bot that has changes.
    pub(super) fn touched(&mut self, bot: &BotId) -> Option<&mut Member> {
        let member = self.members.get_mut(bot)?;
        member.is_touched = false;
        Some(member)
    }
}
