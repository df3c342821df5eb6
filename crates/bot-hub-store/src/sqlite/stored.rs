//! Look-ups of rooms and members, shared by the writer, the readers and the start.
//!
//! Owns the handling of damaged small rows: it may cost a repeated delivery, but never a message. Never
//! writes.

use bot_protocol::frame::operator::Retention;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::names::intact;
use super::row::parts;
use super::rows::{Joined, Tail, mark_sum, room_sum, state_number};
use super::schema::{int, nat, place, seq_of};
use super::sum::Sum;
use crate::rule::Run;

/// A row of `room`.
#[derive(Debug)]
pub(super) struct StoredRoom {
    pub(super) id: i64,
    pub(super) room: RoomName,
    pub(super) closed: bool,
    pub(super) retain: Option<Retention>,
    pub(super) is_intact: bool,
}

/// The columns that [`room_row`] wants.
macro_rules! room_columns {
    () => {
        "id, name, closed, retained, age_ms, entries, bytes, sum"
    };
}
pub(super) use room_columns;

/// The columns that [`joined_row`] wants.
macro_rules! member_columns {
    () => {
        "since, cursor, delivered_start, delivered_upto, delivered_at,
         received_start, received_upto, received_at, rights, sum"
    };
}
pub(super) use member_columns;

/// The columns that [`tail_row`] wants.
macro_rules! tail_columns {
    () => {
        "head, first, bytes, oldest_at, base, chain, sum"
    };
}
pub(super) use tail_columns;

/// Decodes a row of `room`. A damaged one counts as closed and without a retention rule, so that a flipped
/// bit lets nobody in and removes nothing.
pub(super) fn room_row(sum: &mut Sum, row: &Row<'_>) -> rusqlite::Result<Option<StoredRoom>> {
    let Ok(room) = RoomName::new(&row.get::<_, String>(1)?) else { return Ok(None) };
    let bound = |column| row.get::<_, Option<i64>>(column).map(|it| it.map(nat));
    let rule = Retention { age_ms: bound(4)?, entries: bound(5)?, bytes: bound(6)? };
    let retain = row.get::<_, bool>(3)?.then_some(rule);
    let closed = row.get(2)?;
    let is_intact = room_sum(sum, &room, closed, retain.as_ref()) == row.get::<_, i64>(7)?;
    Ok(Some(StoredRoom {
        id: row.get(0)?,
        room,
        closed: closed || !is_intact,
        retain: retain.filter(|_| is_intact),
        is_intact,
    }))
}

/// The number of a room, if it exists.
pub(super) fn room_number(conn: &Connection, room: &RoomName) -> rusqlite::Result<Option<i64>> {
    let mut statement = conn.prepare_cached("SELECT id FROM room WHERE name = ?1")?;
    statement.query_row([room.as_str()], |row| row.get(0)).optional()
}

/// Whether a room has that number, also one that was removed and is not cleared away yet.
pub(super) fn has_number(conn: &Connection, number: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM room WHERE id = ?1")?.exists([number])
}

/// Whether the room with that number has that name.
pub(super) fn has_name(conn: &Connection, number: i64, room: &RoomName) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare_cached("SELECT name FROM room NOT INDEXED WHERE id = ?1")?;
    let name = statement.query_row([number], |row| row.get::<_, String>(0)).optional()?;
    Ok(name.is_some_and(|name| name == room.as_str()))
}

/// The same by scanning all rooms.
pub(super) fn room_number_without_index(
    conn: &Connection,
    room: &RoomName,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT id FROM room NOT INDEXED WHERE name = ?1";
    conn.prepare_cached(sql)?.query_row([room.as_str()], |row| row.get(0)).optional()
}

/// The tail of a room; `None` if its row is damaged or gone.
pub(super) fn checked_tail(
    conn: &Connection,
    sum: &mut Sum,
    room: &RoomName,
    number: i64,
) -> rusqlite::Result<Option<Tail>> {
    let sql = concat!("SELECT ", tail_columns!(), " FROM tail WHERE room = ?1");
    let found = conn.prepare_cached(sql)?.query_row([number], tail_row);
    Ok(intact(found)?.filter(|(tail, stored)| tail.sum(sum, room) == *stored).map(|(tail, _)| tail))
}

/// A tail with the checksum in its row.
pub(super) fn tail_row(row: &Row<'_>) -> rusqlite::Result<(Tail, i64)> {
    let tail = Tail {
        head: nat(row.get(0)?),
        first: nat(row.get(1)?),
        bytes: nat(row.get(2)?),
        oldest_at: row.get::<_, Option<i64>>(3)?.map(|at| Timestamp(nat(at))),
        base: row.get(4)?,
        chain: row.get(5)?,
    };
    Ok((tail, row.get(6)?))
}

/// The tail of a room. If its row is damaged, it is computed from the entries.
pub(super) fn tail(
    conn: &Connection,
    sum: &mut Sum,
    room: &RoomName,
    number: i64,
) -> rusqlite::Result<Tail> {
    if let Some(tail) = checked_tail(conn, sum, room, number)? {
        return Ok(tail);
    }
    tracing::error!(%room, "where the room's log begins and ends is damaged: it is counted again");
    let span = (place(number, 0), place(number, u64::MAX));
    let mut statement = conn.prepare_cached(
        "SELECT min(place), max(place), total(size) FROM entry WHERE place BETWEEN ?1 AND ?2",
    )?;
    let (first, last, bytes): (Option<i64>, Option<i64>, f64) =
        statement.query_row(span, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(Tail::EMPTY) };
    let mut statement = conn.prepare_cached("SELECT sent_at, proof FROM entry WHERE place = ?1")?;
    let sent_at: i64 = statement.query_row([first], |row| row.get(0))?;
    let proof: Vec<u8> = statement.query_row([last], |row| row.get(1))?;
    Ok(Tail {
        head: seq_of(last),
        first: seq_of(first),
        bytes: bytes as u64,
        oldest_at: Some(Timestamp(nat(sent_at))),
        base: Tail::EMPTY.base,
        chain: parts(&proof).map_or(Tail::EMPTY.chain, |(_, chain)| chain),
    })
}

/// The newest past mark of a bot in a room.
pub(super) fn last_run(
    conn: &Connection,
    sum: &mut Sum,
    (room, room_number): (&RoomName, i64),
    (bot, bot_number): (&BotId, i64),
    state: ReceiptState,
) -> rusqlite::Result<Option<Run>> {
    let mut statement = conn.prepare_cached(
        "SELECT start, upto, at, sum FROM mark
         WHERE room = ?1 AND bot = ?2 AND state = ?3 ORDER BY start DESC LIMIT 1",
    )?;
    let found = statement.query_row((room_number, bot_number, state_number(state)), run_row);
    let found = intact(found)?;
    Ok(found.filter(|(run, stored)| mark_sum(sum, room, bot, state, run) == *stored).map(|it| it.0))
}

/// `start, upto, at, sum` of `mark`.
pub(super) fn run_row(row: &Row<'_>) -> rusqlite::Result<(Run, i64)> {
    let run = Run {
        start: nat(row.get(0)?),
        upto: nat(row.get(1)?),
        at: Timestamp(nat(row.get(2)?)),
        opened: None,
    };
    Ok((run, row.get(3)?))
}

/// A membership. If its row is damaged, the newest past mark gives the position; without one, the bot gets
/// everything that is kept. A repeated message is harmless, a lost one is not.
pub(super) fn joined(
    conn: &Connection,
    sum: &mut Sum,
    room: (&RoomName, i64),
    bot: (&BotId, i64),
    tail: &Tail,
) -> rusqlite::Result<Option<Joined>> {
    let sql = concat!("SELECT ", member_columns!(), " FROM member WHERE room = ?1 AND bot = ?2");
    let found = conn.prepare_cached(sql)?.query_row((room.1, bot.1), joined_row);
    let Some((stored, expected)) = intact(found)? else { return Ok(None) };
    if stored.sum(sum, room.0, bot.0) == expected {
        return Ok(Some(stored));
    }
    tracing::error!(room = %room.0, bot = %bot.0, "how far the member is, is damaged: it goes back");
    let mut cursor = tail.first.saturating_sub(1);
    for state in [ReceiptState::Received, ReceiptState::Delivered] {
        if let Some(run) = last_run(conn, sum, room, bot, state)? {
            cursor = cursor.max(run.upto).min(tail.head);
            break;
        }
    }
    // A flipped bit must not give anybody more than the usual rights.
    let rights = Rights::from_bits(stored.rights.bits() & Rights::USUAL.bits());
    Ok(Some(Joined { rights, ..Joined::at(cursor) }))
}

/// A membership with the checksum in its row.
pub(super) fn joined_row(row: &Row<'_>) -> rusqlite::Result<(Joined, i64)> {
    let run = |first| -> rusqlite::Result<Option<Run>> {
        let number = |column| row.get::<_, Option<i64>>(column).map(|it| it.map(nat));
        let (start, upto, at) = (number(first)?, number(first + 1)?, number(first + 2)?);
        let run = start.zip(upto).zip(at);
        Ok(run.map(|((start, upto), at)| Run { start, upto, at: Timestamp(at), opened: None }))
    };
    let joined = Joined {
        since: nat(row.get(0)?),
        cursor: nat(row.get(1)?),
        delivered: run(2)?,
        received: run(5)?,
        rights: Rights::from_bits(row.get(8)?),
    };
    Ok((joined, row.get(9)?))
}

/// When an entry was sent, or the next one that exists.
pub(super) fn sent_at(
    conn: &Connection,
    room: i64,
    seq: u64,
    head: u64,
) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = conn.prepare_cached(
        "SELECT sent_at FROM entry WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT 1",
    )?;
    let found = statement.query_row((place(room, seq), place(room, head)), |row| row.get(0));
    Ok(intact(found)?.map(|at| Timestamp(nat(at))))
}

/// `seq` as SQLite's integer, for conditions on stored numbers.
pub(super) fn bound(seq: u64) -> i64 {
    int(seq.min(i64::MAX as u64))
}
