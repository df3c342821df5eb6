//! The fate of one message: what each recipient did with it.
//!
//! Owns the look-up of marks, receipts and dropped ranges by entry. Never writes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use bot_hub_core::change::{Found, Loss, ReceiptRecord};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use smol_str::{SmolStr, format_smolstr};

use super::load::dropped_row;
use super::names::Names;
use super::read::{ONE, SqliteReader, Unknown, single};
use super::row::Intact;
use super::rows::{mark_sum, reason_of, receipt_sum, state_number, state_of};
use super::schema::{nat, seq_of};
use super::stored::{self, bound, member_columns};
use super::sum::Sum;

impl SqliteReader {
    /// One message with its fate for some bots, after those of an earlier part.
    pub(super) fn fate(
        &mut self,
        number: i64,
        at: i64,
        after: Option<&str>,
        max: usize,
    ) -> Result<Found, Unknown> {
        let Self { conn, names, sum, .. } = self;
        let room: String = conn
            .prepare_cached("SELECT name FROM room WHERE id = ?1")?
            .query_row([number], |row| row.get(0))?;
        let room = RoomName::new(&room).map_err(|_| Unknown::Damaged)?;
        let seq = seq_of(at);
        let mut one = conn.prepare_cached(ONE)?;
        let intact = single(conn, &mut one, names, sum, (&room, number), seq)?;
        let Intact { entry, .. } = intact.ok_or(Unknown::Damaged)?;
        let part = part(conn, number, seq, after, max)?;
        let mut bots = BTreeSet::new();
        let mut receipts = BTreeMap::new();
        let mut note = |receipt: ReceiptRecord| {
            receipts.insert((receipt.bot.clone(), receipt.state), receipt);
        };
        // In this order, because a bot's own receipt precedes its mark.
        let (of, within) = ((&room, number, seq), part.numbers());
        marks(conn, names, sum, of, &within, &mut note)?;
        newest(conn, names, sum, of, &within, (&mut bots, &mut note))?;
        ranges(conn, names, sum, of, &within, &mut note)?;
        own(conn, names, sum, of, &within, &mut note)?;
        bots.extend(receipts.keys().map(|(bot, _)| bot.clone()));
        let (bots, receipts) = (bots.into_iter().collect(), receipts.into_values().collect());
        let (from, sent_at) = (entry.draft.from.clone(), entry.draft.sent_at);
        let (redaction, next) = (entry.draft.redaction().cloned(), part.next());
        Ok(Found { room, seq, from, sent_at, redaction, receipts, bots, next })
    }
}

/// Some of the possible recipients of a message, by their numbers.
struct Part {
    after: i64,
    /// The last of them, if there are more.
    last: Option<i64>,
}

impl Part {
    fn numbers(&self) -> RangeInclusive<i64> {
        self.after.saturating_add(1)..=self.last.unwrap_or(i64::MAX)
    }

    fn next(&self) -> Option<SmolStr> {
        self.last.map(|last| format_smolstr!("{last}"))
    }
}

/// The number of the last of the next `max` possible recipients.
fn part(
    conn: &Connection,
    room: i64,
    seq: u64,
    after: Option<&str>,
    max: usize,
) -> rusqlite::Result<Part> {
    let after = after.and_then(|text| text.parse().ok()).unwrap_or(0);
    let count = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
    let mut numbers = BTreeSet::new();
    for sql in [NEXT_MEMBERS, NEXT_MARKED, NEXT_DROPPED, NEXT_REPORTERS] {
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query((room, after, count, bound(seq)))?;
        while let Some(row) = rows.next()? {
            numbers.insert(row.get::<_, i64>(0)?);
        }
    }
    let last = max.checked_sub(1).and_then(|last| numbers.iter().nth(last).copied());
    Ok(Part { after, last: last.filter(|_| numbers.len() > max) })
}

const NEXT_MEMBERS: &str =
    "SELECT bot FROM member WHERE room = ?1 AND bot > ?2 AND ?4 > 0 ORDER BY bot LIMIT ?3";

/// Skips from one bot to the next, however many rows each has.
const NEXT_MARKED: &str = "
    WITH RECURSIVE next (bot) AS (
        SELECT (SELECT min(bot) FROM mark WHERE room = ?1 AND bot > ?2 AND ?4 > 0)
        UNION ALL
        SELECT (SELECT min(bot) FROM mark WHERE room = ?1 AND bot > next.bot)
        FROM next WHERE next.bot IS NOT NULL
        LIMIT ?3
    )
    SELECT bot FROM next WHERE bot IS NOT NULL";

const NEXT_DROPPED: &str = "
    WITH RECURSIVE next (bot) AS (
        SELECT (SELECT min(bot) FROM dropped WHERE room = ?1 AND bot > ?2 AND ?4 > 0)
        UNION ALL
        SELECT (SELECT min(bot) FROM dropped WHERE room = ?1 AND bot > next.bot)
        FROM next WHERE next.bot IS NOT NULL
        LIMIT ?3
    )
    SELECT bot FROM next WHERE bot IS NOT NULL";

const NEXT_REPORTERS: &str = "
    SELECT DISTINCT bot FROM receipt
    WHERE room = ?1 AND seq = ?4 AND bot > ?2 ORDER BY bot LIMIT ?3";

/// A message: its room, the room's number, and its seq.
type Of<'a> = (&'a RoomName, i64, u64);

/// The receipts that a bot gave for an entry.
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

/// Whether an entry was dropped because the bot's membership ended. No later range begins within such a
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

/// The members whose newest marks cover the entry.
fn newest(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number, seq): Of<'_>,
    within: &RangeInclusive<i64>,
    (members, note): (&mut BTreeSet<BotId>, &mut impl FnMut(ReceiptRecord)),
) -> rusqlite::Result<()> {
    let sql = concat!(
        "SELECT ",
        member_columns!(),
        ", bot FROM member WHERE room = ?1 AND bot BETWEEN ?2 AND ?3"
    );
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query((number, within.start(), within.end()))?;
    while let Some(row) = rows.next()? {
        let (joined, stored) = stored::joined_row(row)?;
        let Some(bot) = names.name(conn, row.get(10)?)? else { continue };
        members.insert(bot.clone());
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

/// When past marks of each bot covered the entry.
fn marks(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number, seq): Of<'_>,
    within: &RangeInclusive<i64>,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let mut bots = conn
        .prepare_cached("SELECT bot FROM mark WHERE room = ?1 AND bot > ?2 ORDER BY bot LIMIT 1")?;
    let mut passed = conn.prepare_cached(
        "SELECT start, upto, at, sum FROM mark
         WHERE room = ?1 AND bot = ?2 AND state = ?3 AND start <= ?4 ORDER BY start DESC LIMIT 1",
    )?;
    let mut last = within.start() - 1;
    loop {
        let mut rows = bots.query((number, last))?;
        let Some(row) = rows.next()? else { return Ok(()) };
        last = row.get(0)?;
        if !within.contains(&last) {
            return Ok(());
        }
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

/// The bots for which the entry was dropped.
fn ranges(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number, seq): Of<'_>,
    within: &RangeInclusive<i64>,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT start, upto, reason, at, sum, bot FROM dropped
         WHERE room = ?1 AND bot BETWEEN ?3 AND ?4 AND start <= ?2 AND upto >= ?2",
    )?;
    let mut rows = statement.query((number, bound(seq), within.start(), within.end()))?;
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

/// The receipts that each bot gave for the entry.
fn own(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    (room, number, seq): Of<'_>,
    within: &RangeInclusive<i64>,
    note: &mut impl FnMut(ReceiptRecord),
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT bot, state, at, reason, reply, sum FROM receipt
         WHERE room = ?1 AND seq = ?2 AND bot BETWEEN ?3 AND ?4",
    )?;
    let mut rows = statement.query((number, bound(seq), within.start(), within.end()))?;
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
