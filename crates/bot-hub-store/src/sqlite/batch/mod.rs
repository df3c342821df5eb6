//! One batch of writes inside one transaction.
//!
//! Owns the order: writes are applied one after the other; the small rows that they changed are written
//! once at the end. Neither begins nor ends the transaction.

mod append;
mod insert;
mod members;
mod records;
mod redact;
mod registry;
mod removal;
mod trim;

use bot_hub_core::change::{Change, Outcome};
use bot_protocol::frame::operator::Retention;
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use self::insert::Statements;
pub(super) use self::records::put_record;
use super::cache::Cache;
use super::clock;
use super::error::SqliteError;
use super::numbers;
use super::rows::{Tail, room_sum};
use super::schema::{ROOMS_MAX, int};
use super::stored::{self, room_columns};
use super::sum::Sum;
use crate::rule::Numbers;
use crate::{StoreError, Write, pause};

pub(super) struct Batch<'a> {
    conn: &'a Connection,
    cache: &'a mut Cache,
    sum: &'a mut Sum,
    statements: Statements<'a>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(conn: &'a Connection, cache: &'a mut Cache, sum: &'a mut Sum) -> Self {
        Self { conn, cache, sum, statements: Statements::default() }
    }

    /// Applies all writes. One outcome per write.
    pub(super) fn run(mut self, writes: &[Write]) -> Result<Vec<Outcome>, SqliteError> {
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            outcomes.push(self.apply(write)?);
        }
        self.write_touched()?;
        Ok(outcomes)
    }

    fn apply(&mut self, write: &Write) -> Result<Outcome, SqliteError> {
        match write {
            Write::Change(change) => return self.change(change),
            Write::Record(write) => return self.record(write),
            Write::Access(write) => self.access(write)?,
            Write::Clock(at) => self.note_time(*at)?,
            Write::AgeWaits(until) => clock::write_age_waits(self.conn, *until)?,
        }
        Ok(Outcome::Done)
    }

    fn change(&mut self, change: &Change) -> Result<Outcome, SqliteError> {
        match change {
            Change::Append(draft) => return self.append(draft),
            Change::WasSaid(draft) => return self.was_said(draft),
            Change::Trim { room, retain, now, entries_max } => {
                return self.trim(room, retain, *now, *entries_max);
            }
            Change::Redact { room, seq, from, id, redaction } => {
                return self.redact(room, *seq, (from, id), redaction);
            }
            Change::CreateRoom { room, closed } => return self.create_room(room, *closed),
            Change::RemoveRoom { room, .. } => return self.remove_room(room),
            Change::Clear { remains, entries_max } => return self.clear(*remains, *entries_max),
            Change::Retain { room, retain } => self.retain(room, retain)?,
            Change::Join { room, bot } => self.join(room, bot)?,
            Change::Grant { room, bot, rights } => self.grant(room, bot, *rights)?,
            Change::Leave { room, bot, .. } => self.leave(room, bot)?,
            Change::Cursor { room, bot, seq, state, at } => {
                self.cursor(room, bot, *seq, *state, *at)?;
            }
            Change::Delivered { room, bot, seq, at } => self.delivered(room, bot, *seq, *at)?,
            Change::Receipt(receipt) => return self.receipt(receipt),
            Change::Drop { room, bot, range, at } => self.dropped(room, bot, range, *at)?,
            Change::Pause(_) | Change::Resume(_) => {
                if let Some(write) = pause::write_of(change) {
                    return self.record(&write);
                }
            }
        }
        Ok(Outcome::Done)
    }

    fn create_room(&mut self, room: &RoomName, closed: bool) -> Result<Outcome, SqliteError> {
        let number = match stored::room_number(self.conn, room)? {
            Some(number) => number,
            None => self.insert_room(room, closed)?,
        };
        let epoch = numbers::epoch_of(self.conn, self.numbers()?, number)?;
        Ok(Outcome::Made { epoch })
    }

    /// What is known of the numbers of rooms.
    fn numbers(&mut self) -> Result<Numbers, SqliteError> {
        let known = match self.cache.numbers {
            Some(known) => known,
            None => numbers::read(self.conn)?,
        };
        self.cache.numbers = Some(known);
        Ok(known)
    }

    fn insert_room(&mut self, room: &RoomName, closed: bool) -> Result<i64, SqliteError> {
        let number = numbers::next(self.conn, self.numbers()?)?;
        if number > ROOMS_MAX {
            let error = StoreError::Failed(format!("no more than {ROOMS_MAX} rooms fit a store"));
            return Err(error.into());
        }
        let sum = room_sum(self.sum, room, closed, None);
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO room (id, name, closed, retained, sum) VALUES (?1, ?2, ?3, 0, ?4)",
        )?;
        statement.execute((number, room.as_str(), closed, sum))?;
        self.write_tail(room, number, &Tail::EMPTY)?;
        Ok(number)
    }

    fn retain(&mut self, room: &RoomName, retain: &Retention) -> Result<(), SqliteError> {
        let sql = concat!("SELECT ", room_columns!(), " FROM room WHERE name = ?1");
        let mut statement = self.conn.prepare_cached(sql)?;
        let found = statement
            .query_row([room.as_str()], |row| stored::room_row(self.sum, row))
            .optional()?
            .flatten()
            .ok_or_else(|| SqliteError::NoSuchRoom(room.clone()))?;
        let sum = room_sum(self.sum, room, found.closed, Some(retain));
        let bound = |bound: Option<u64>| bound.map(int);
        let mut statement = self.conn.prepare_cached(
            "UPDATE room SET closed = ?2, retained = 1, age_ms = ?3, entries = ?4, bytes = ?5,
                             sum = ?6
             WHERE id = ?1",
        )?;
        let Retention { age_ms, entries, bytes } = retain;
        statement.execute((
            found.id,
            found.closed,
            bound(*age_ms),
            bound(*entries),
            bound(*bytes),
            sum,
        ))?;
        Ok(())
    }

    /// Stores a time if it is the newest.
    fn note_time(&mut self, at: Timestamp) -> Result<(), SqliteError> {
        let known = match self.cache.newest_at {
            Some(known) => known,
            None => clock::read_newest(self.conn)?,
        };
        if at > known {
            clock::write_newest(self.conn, at)?;
        }
        self.cache.newest_at = Some(known.max(at));
        Ok(())
    }

    fn write_touched(&mut self) -> Result<(), SqliteError> {
        for name in self.cache.rooms.take_touched() {
            let Some(room) = self.cache.rooms.touched(&name) else { continue };
            let (number, tail) = (room.id, room.tail);
            let is_dirty = std::mem::take(&mut room.is_tail_dirty);
            self.write_members(&name)?;
            if is_dirty {
                self.write_tail(&name, number, &tail)?;
            }
        }
        Ok(())
    }

    fn write_tail(&mut self, room: &RoomName, number: i64, tail: &Tail) -> Result<(), SqliteError> {
        let sum = tail.sum(self.sum, room);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO tail (room, head, first, bytes, oldest_at, base, chain, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.execute((
            number,
            int(tail.head),
            int(tail.first),
            int(tail.bytes),
            tail.oldest_at.map(|at| int(at.0)),
            tail.base,
            tail.chain,
            sum,
        ))?;
        Ok(())
    }
}
