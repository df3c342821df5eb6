//! What became of one message.
//!
//! Owns the look-up of marks, receipts and dropped ranges by entry. Never writes.

use std::collections::BTreeMap;

use bot_hub_core::change::{Found, Loss, ReceiptRecord};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::load::dropped_row;
use super::names::Names;
use super::read::{ONE, SqliteReader, Unknown, single};
use super::row::Intact;
use super::rows::{mark_sum, reason_of, receipt_sum, state_number, state_of};
use super::schema::{nat, seq_of};
use super::stored::{self, bound, member_columns};
use super::sum::Sum;

impl SqliteReader {
    /// One message and what became of it.
    pub(super) fn fate(&mut self, number: i64, at: i64) -> Result<Found, Unknown> {
        let Self { conn, names, sum, .. } = self;
        let room: String = conn
            .prepare_cached("SELECT name FROM room WHERE id = ?1")?
            .query_row([number], |row| row.get(0))?;
        let room = RoomName::new(&room).map_err(|_| Unknown::Damaged)?;
        let seq = seq_of(at);
        let mut one = conn.prepare_cached(ONE)?;
        let intact = single(conn, &mut one, names, sum, (&room, number), seq)?;
        let Intact { entry, .. } = intact.ok_or(Unknown::Damaged)?;
        let mut receipts = BTreeMap::new();
        let mut note = |receipt: ReceiptRecord| {
            receipts.insert((receipt.bot.clone(), receipt.state), receipt);
        };
        // In this order, so that what a bot said itself stands above what its mark says.
        marks(conn, names, sum, (&room, number), seq, &mut note)?;
        newest(conn, names, sum, (&room, number), seq, &mut note)?;
        ranges(conn, names, sum, (&room, number), seq, &mut note)?;
        own(conn, names, sum, (&room, number), seq, &mut note)?;
        let receipts = receipts.into_values().collect();
        let (from, sent_at) = (entry.draft.from.clone(), entry.draft.sent_at);
        Ok(Found { room, seq, from, sent_at, receipts })
    }
}

/// What a bot said of an entry itself.
pub(super) fn said_of(
    conn: &Connection,
    room: i64,
    seq: u64,
    bot: i64,
) -> rusqlite::Result<Vec<ReceiptState>> {
    let mut statement =
        conn.prepare_cached("SELECT state FROM receipt WHERE room = ?1 AND seq = ?2 AND bot = ?3")?;
    let mut rows = statement.query((room, bound(seq), bot))?;
    let mut said = Vec::new();
    while let Some(row) = rows.next()? {
        said.extend(state_of(row.get(0)?));
    }
    Ok(said)
}

/// Whether an entry was dropped with a bot's membership. Nothing that is dropped later begins in that
/// range.
pub(super) fn was_dropped_at_the_end(
    conn: &Connection,
    room: i64,
    seq: u64,
    bot: i64,
) -> rusqlite::Result<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT upto, reason FROM dropped WHERE room = ?1 AND bot = ?2 AND start <= ?3
         ORDER BY start DESC LIMIT 1",
    )?;
    let key = (room, bot, bound(seq));
    let range = statement.query_row(key, |row| Ok((nat(row.get(0)?), row.get(1)?))).optional()?;
    Ok(range.is_some_and(|(upto, reason)| {
        upto >= seq && reason_of(reason).is_some_and(Loss::ends_reading)
    }))
}

fn observed(
    room: &RoomName,
    seq: u64,
    bot: BotId,
    state: ReceiptState,
    at: Timestamp,
) -> ReceiptRecord {
    ReceiptRecord { room: room.clone(), seq, bot, state, at, reason: None, reply: None }
}

/// Which members' newest marks passed the entry.
fn newest(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    seq: u64,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let sql = concat!("SELECT ", member_columns!(), ", bot FROM member WHERE room = ?1");
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([number])?;
    while let Some(row) = rows.next()? {
        let (joined, stored) = stored::joined_row(row)?;
        let Some(bot) = names.name(conn, row.get(10)?)? else { continue };
        if joined.sum(sum, room, &bot) != stored {
            continue;
        }
        for (state, run) in joined.marks() {
            if let Some(run) = run.filter(|run| (run.start..=run.upto).contains(&seq)) {
                note(observed(room, seq, bot.clone(), state, run.at));
            }
        }
    }
    Ok(())
}

/// When each bot's marks had passed the entry, as far as that is past.
fn marks(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    seq: u64,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let mut bots = conn
        .prepare_cached("SELECT bot FROM mark WHERE room = ?1 AND bot > ?2 ORDER BY bot LIMIT 1")?;
    let mut passed = conn.prepare_cached(
        "SELECT start, upto, at, sum FROM mark
         WHERE room = ?1 AND bot = ?2 AND state = ?3 AND start <= ?4 ORDER BY start DESC LIMIT 1",
    )?;
    let mut last = i64::MIN;
    loop {
        let mut rows = bots.query((number, last))?;
        let Some(row) = rows.next()? else { return Ok(()) };
        last = row.get(0)?;
        let Some(bot) = names.name(conn, last)? else { continue };
        for state in [ReceiptState::Delivered, ReceiptState::Received] {
            let mut rows = passed.query((number, last, state_number(state), bound(seq)))?;
            let Some(row) = rows.next()? else { continue };
            let (run, stored) = stored::run_row(row)?;
            if run.upto >= seq && mark_sum(sum, room, &bot, state, &run) == stored {
                note(observed(room, seq, bot.clone(), state, run.at));
            }
        }
    }
}

/// For whom the entry was dropped.
fn ranges(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    seq: u64,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT start, upto, reason, at, sum, bot FROM dropped
         WHERE room = ?1 AND start <= ?2 AND upto >= ?2",
    )?;
    let mut rows = statement.query((number, bound(seq)))?;
    while let Some(row) = rows.next()? {
        let Some(bot) = names.name(conn, row.get(5)?)? else { continue };
        if let Some((range, at)) = dropped_row(sum, room, &bot, row)? {
            let reason = Some(range.reason.word().to_owned());
            let state = range.reason.state();
            note(ReceiptRecord { reason, ..observed(room, seq, bot, state, at) });
        }
    }
    Ok(())
}

/// What each bot said of the entry itself.
fn own(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number): (&RoomName, i64),
    seq: u64,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT bot, state, at, reason, reply, sum FROM receipt WHERE room = ?1 AND seq = ?2",
    )?;
    let mut rows = statement.query((number, bound(seq)))?;
    while let Some(row) = rows.next()? {
        if let Some(receipt) = receipt_row(conn, names, sum, room, seq, row)? {
            note(receipt);
        }
    }
    Ok(())
}

/// `bot, state, at, reason, reply, sum` of `receipt`; `None` if it is damaged.
pub(super) fn receipt_row(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    room: &RoomName,
    seq: u64,
    row: &Row<'_>,
) -> rusqlite::Result<Option<ReceiptRecord>> {
    let bot = names.name(conn, row.get(0)?)?;
    let (Some(bot), Some(state)) = (bot, state_of(row.get(1)?)) else { return Ok(None) };
    let reply: Option<String> = row.get(4)?;
    let receipt = ReceiptRecord {
        reason: row.get(3)?,
        reply: reply.and_then(|id| MessageId::new(&id).ok()),
        ..observed(room, seq, bot, state, Timestamp(nat(row.get(2)?)))
    };
    let is_intact = receipt_sum(sum, &receipt) == row.get::<_, i64>(5)?;
    Ok(is_intact.then_some(receipt))
}
