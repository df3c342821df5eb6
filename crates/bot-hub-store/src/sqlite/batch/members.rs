//! Memberships, cursors, marks, receipts and dropped ranges.
//!
//! Owns the rows that say how far a member has read. Never touches entries.

use bot_hub_core::change::{DroppedRange, Outcome, ReceiptRecord};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::Batch;
use crate::rule::Run;
use crate::sqlite::cache::Member;
use crate::sqlite::error::SqliteError;
use crate::sqlite::fate::{said_of, was_dropped_at_the_end};
use crate::sqlite::rows::{
    Joined, dropped_sum, mark_sum, reason_number, receipt_sum, state_number,
};
use crate::sqlite::schema::int;
use crate::sqlite::sum::Sum;

impl Batch<'_> {
    pub(super) fn join(&mut self, name: &RoomName, bot: &BotId) -> Result<(), SqliteError> {
        let room = self.cache.rooms.touch(self.conn, self.sum, name)?;
        let head = room.tail.head;
        let member = room.touch(self.conn, self.sum, &mut self.cache.names, name, bot)?;
        if member.joined.is_none() {
            member.joined = Some(Joined::at(head));
            member.is_dirty = true;
        }
        Ok(())
    }

    pub(super) fn grant(
        &mut self,
        name: &RoomName,
        bot: &BotId,
        rights: Rights,
    ) -> Result<(), SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(());
        };
        let (number, head) = (room.id, room.tail.head);
        let member = room.touch(self.conn, self.sum, &mut self.cache.names, name, bot)?;
        let Some(joined) = &mut member.joined else { return Ok(()) };
        member.is_dirty |= joined.rights != rights;
        if joined.rights.has(Right::Read) == rights.has(Right::Read) {
            joined.rights = rights;
            return Ok(());
        }
        let who = (bot, member.bot);
        for (state, run) in joined.marks() {
            write_mark(self.conn, self.sum, (name, number), who, state, run)?;
        }
        *joined = Joined { rights, ..Joined::at(head) };
        Ok(())
    }

    pub(super) fn leave(&mut self, name: &RoomName, bot: &BotId) -> Result<(), SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(());
        };
        let number = room.id;
        let member = room.touch(self.conn, self.sum, &mut self.cache.names, name, bot)?;
        let Some(joined) = member.joined.take() else { return Ok(()) };
        let who = (bot, member.bot);
        for (state, run) in joined.marks() {
            write_mark(self.conn, self.sum, (name, number), who, state, run)?;
        }
        let mut statement =
            self.conn.prepare_cached("DELETE FROM member WHERE room = ?1 AND bot = ?2")?;
        statement.execute((number, who.1))?;
        Ok(())
    }

    pub(super) fn cursor(
        &mut self,
        name: &RoomName,
        bot: &BotId,
        seq: u64,
        state: ReceiptState,
        at: Timestamp,
    ) -> Result<(), SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(());
        };
        // A client may claim any seq, but it cannot have received more than there is.
        let (number, seq) = (room.id, seq.min(room.tail.head));
        let member = room.touch(self.conn, self.sum, &mut self.cache.names, name, bot)?;
        let Some(joined) = &mut member.joined else { return Ok(()) };
        let before = joined.cursor;
        if seq > before {
            joined.cursor = seq;
            member.is_dirty = true;
        }
        let reached = Reached { state, seq, at, before };
        mark(self.conn, self.sum, (name, number), bot, member, reached)
    }

    pub(super) fn delivered(
        &mut self,
        name: &RoomName,
        bot: &BotId,
        seq: u64,
        at: Timestamp,
    ) -> Result<(), SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(());
        };
        let (number, seq) = (room.id, seq.min(room.tail.head));
        let member = room.touch(self.conn, self.sum, &mut self.cache.names, name, bot)?;
        let reached = Reached { state: ReceiptState::Delivered, seq, at, before: 0 };
        mark(self.conn, self.sum, (name, number), bot, member, reached)
    }

    pub(super) fn receipt(&mut self, receipt: &ReceiptRecord) -> Result<Outcome, SqliteError> {
        let ReceiptRecord { room: name, seq, bot, state, at, reason, reply } = receipt;
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(Outcome::Done);
        };
        // A receipt for a removed entry would never be removed.
        if !(room.tail.first..=room.tail.head).contains(seq) {
            return Ok(Outcome::Done);
        }
        let number = room.id;
        let bot = self.cache.names.number_or_new(self.conn, bot)?;
        if !state.may_follow_all(said_of(self.conn, number, *seq, bot)?)
            || was_dropped_at_the_end(self.conn, number, *seq, bot)?
        {
            return Ok(Outcome::Late);
        }
        let sum = receipt_sum(self.sum, receipt);
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO receipt (room, seq, bot, state, at, reason, reply, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?;
        statement.execute(params![
            number,
            int(*seq),
            bot,
            state_number(*state),
            int(at.0),
            reason.as_deref(),
            reply.as_ref().map(|id| id.as_str()),
            sum,
        ])?;
        Ok(Outcome::Done)
    }

    pub(super) fn dropped(
        &mut self,
        name: &RoomName,
        bot: &BotId,
        range: &DroppedRange,
        at: Timestamp,
    ) -> Result<(), SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(());
        };
        let (room, head) = (room.id, room.tail.head);
        let range = &DroppedRange { to: range.to.min(head), ..*range };
        if range.from > range.to {
            return Ok(());
        }
        let number = self.cache.names.number_or_new(self.conn, bot)?;
        let mut statement = self.conn.prepare_cached(
            "SELECT upto, at FROM dropped WHERE room = ?1 AND bot = ?2 AND start = ?3",
        )?;
        let key = (room, number, int(range.from));
        let known: Option<(i64, i64)> =
            statement.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let upto = known.map_or(range.to, |(upto, _)| range.to.max(upto.cast_unsigned()));
        let at = known.map_or(at, |(_, first)| Timestamp(first.cast_unsigned()));
        let range = DroppedRange { to: upto, ..*range };
        let sum = dropped_sum(self.sum, name, bot, &range, at);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO dropped (room, bot, start, upto, reason, at, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let reason = reason_number(range.reason);
        statement.execute((room, number, key.2, int(upto), reason, int(at.0), sum))?;
        Ok(())
    }

    /// Writes the memberships of a room that the batch changed.
    pub(super) fn write_members(&mut self, name: &RoomName) -> Result<(), SqliteError> {
        let conn = self.conn;
        let Some(room) = self.cache.rooms.touched(name) else { return Ok(()) };
        let number = room.id;
        for bot in room.take_touched() {
            let Some(member) = room.touched(&bot) else { continue };
            if std::mem::take(&mut member.is_dirty)
                && let Some(joined) = member.joined
            {
                let who = (&bot, member.bot);
                write_member(conn, self.sum, (name, number), who, &joined)?;
            }
        }
        Ok(())
    }
}

fn write_member(
    conn: &Connection,
    sum: &mut Sum,
    (room, room_number): (&RoomName, i64),
    (bot, bot_number): (&BotId, i64),
    joined: &Joined,
) -> Result<(), SqliteError> {
    let sum = joined.sum(sum, room, bot);
    let Joined { rights, since, cursor, delivered, received } = joined;
    let mut statement = conn.prepare_cached(
        "INSERT OR REPLACE INTO member (room, bot, since, cursor,
             delivered_start, delivered_upto, delivered_at,
             received_start, received_upto, received_at, rights, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    statement.execute(params![
        room_number,
        bot_number,
        int(*since),
        int(*cursor),
        delivered.map(|run| int(run.start)),
        delivered.map(|run| int(run.upto)),
        delivered.map(|run| int(run.at.0)),
        received.map(|run| int(run.start)),
        received.map(|run| int(run.upto)),
        received.map(|run| int(run.at.0)),
        rights.bits(),
        sum,
    ])?;
    Ok(())
}

/// How far a bot has read a room.
struct Reached {
    state: ReceiptState,
    seq: u64,
    at: Timestamp,
    /// The old cursor: an earlier mark covers the entries up to there.
    before: u64,
}

/// Moves a bot's mark to what it reached.
fn mark(
    conn: &Connection,
    sum: &mut Sum,
    room: (&RoomName, i64),
    bot: &BotId,
    member: &mut Member,
    Reached { state, seq, at, before }: Reached,
) -> Result<(), SqliteError> {
    let Some(joined) = &mut member.joined else { return Ok(()) };
    let (state, newest, floor) = match state {
        ReceiptState::Delivered => (state, &mut joined.delivered, joined.since),
        _ => (ReceiptState::Received, &mut joined.received, joined.since.max(before)),
    };
    if seq <= newest.map_or(0, |run| run.upto).max(floor) {
        return Ok(());
    }
    member.is_dirty = true;
    if newest.as_mut().is_some_and(|run| run.absorb(floor, seq, at)) {
        return Ok(());
    }
    let next = Run::after(newest.as_ref(), floor, seq, at);
    let past = newest.replace(next);
    write_mark(conn, sum, room, (bot, member.bot), state, past)
}

/// Writes a run that ended into the table of past marks.
fn write_mark(
    conn: &Connection,
    sum: &mut Sum,
    (room, room_number): (&RoomName, i64),
    (bot, bot_number): (&BotId, i64),
    state: ReceiptState,
    run: Option<Run>,
) -> Result<(), SqliteError> {
    let Some(run) = run else { return Ok(()) };
    let sum = mark_sum(sum, room, bot, state, &run);
    let mut statement = conn.prepare_cached(
        "INSERT OR REPLACE INTO mark (room, bot, state, start, upto, at, sum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let (start, upto, at) = (int(run.start), int(run.upto), int(run.at.0));
    statement.execute((room_number, bot_number, state_number(state), start, upto, at, sum))?;
    Ok(())
}
