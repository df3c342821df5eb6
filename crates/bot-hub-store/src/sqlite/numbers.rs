//! The numbers of rooms.
//!
//! Owns one row, from which follow which number is free and which epoch a room has, and how a removed room is
//! marked until everything of it is cleared away: it keeps its number and loses its name. So nobody finds it,
//! and no other room gets rows of it.

use bot_hub_core::change::Remains;
use bot_protocol::id::Epoch;
use rusqlite::{Connection, OptionalExtension, Row};

use super::schema::{is_meta_damaged, nat, read_epoch, read_meta, write_meta};
use super::stored;
use super::sum::Sum;
use crate::rule::Numbers;

const KEY: &str = "room_numbers";

/// Room numbers have 23 bits (`schema::ROOMS_MAX`): both fit one row.
const HIGHEST_BITS: u32 = 32;

/// The name of a removed room: no room can be called so.
const REMOVED: &str = "removed ";

/// What is known of the numbers; nothing before the first removal.
pub(super) fn read(conn: &Connection) -> rusqlite::Result<Numbers> {
    let Some(both) = read_meta(conn, KEY)? else { return Ok(Numbers::default()) };
    let both = nat(both);
    let highest = both & ((1 << HIGHEST_BITS) - 1);
    Ok(Numbers { before: Some(both >> HIGHEST_BITS), highest })
}

/// Notes that a room is removed, before it is.
pub(super) fn note_removal(conn: &Connection, known: Numbers) -> rusqlite::Result<Numbers> {
    let numbers = known.after_removal(highest(conn)?);
    let before = numbers.before.unwrap_or(0);
    let both = (before << HIGHEST_BITS) | numbers.highest;
    write_meta(conn, KEY, both.cast_signed())?;
    Ok(numbers)
}

/// The number of the next room.
pub(super) fn next(conn: &Connection, known: Numbers) -> rusqlite::Result<i64> {
    Ok(highest(conn)?.max(known.highest).cast_signed() + 1)
}

fn highest(conn: &Connection) -> rusqlite::Result<u64> {
    let mut statement = conn.prepare_cached("SELECT max(id) FROM room")?;
    let highest: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(highest.map_or(0, nat))
}

/// Whether it cannot be told which rooms have epochs of their own.
pub(super) fn is_damaged(conn: &Connection) -> rusqlite::Result<bool> {
    is_meta_damaged(conn, KEY)
}

/// All rooms have the epoch of the store from now on, which is a new one.
pub(super) fn forget(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM meta WHERE key = ?1", [KEY]).map(drop)
}

/// The epoch of a room that is not known to the start.
pub(super) fn epoch_of(conn: &Connection, known: Numbers, number: i64) -> rusqlite::Result<Epoch> {
    Ok(known.epoch_of(nat(number), read_epoch(conn)?.unwrap_or_default()))
}

/// The checksum of a removed room.
fn removed_sum(sum: &mut Sum, number: i64) -> i64 {
    sum.of("removed").number(nat(number)).narrow()
}

/// Takes a room its name.
pub(super) fn mark_removed(conn: &Connection, sum: &mut Sum, number: i64) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached("UPDATE room SET name = ?2, sum = ?3 WHERE id = ?1")?;
    statement.execute((number, format!("{REMOVED}{number}"), removed_sum(sum, number)))?;
    Ok(())
}

/// What a removed room left behind, from `room_columns!`; `None` for every other row.
pub(super) fn remains_row(sum: &mut Sum, row: &Row<'_>) -> rusqlite::Result<Option<Remains>> {
    let (number, name): (i64, String) = (row.get(0)?, row.get(1)?);
    let is_removed = is_removed_name(&name) && row.get::<_, i64>(7)? == removed_sum(sum, number);
    Ok(is_removed.then_some(Remains(nat(number))))
}

fn is_removed_name(name: &str) -> bool {
    name.starts_with(REMOVED)
}

/// Whether the room with that number was removed, and perhaps cleared away.
pub(super) fn is_gone(conn: &Connection, number: i64) -> rusqlite::Result<bool> {
    Ok(!stored::has_number(conn, number)? || is_removed(conn, number)?)
}

/// Whether the room with that number was removed.
pub(super) fn is_removed(conn: &Connection, number: i64) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare_cached("SELECT name FROM room WHERE id = ?1")?;
    let name = statement.query_row([number], |row| row.get::<_, String>(0)).optional()?;
    Ok(name.is_some_and(|name| is_removed_name(&name)))
}
