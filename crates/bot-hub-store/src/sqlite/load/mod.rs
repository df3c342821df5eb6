//! Reads what the hub needs at its start.
//!
//! Owns reading everything except the log itself. The cost depends on the number of rooms, members and
//! receipts out of order, not on the number of messages. Never writes.
//!
//! * `scan`: a table read once, beside the rooms.
//! * `registry`: bots, tokens and invites.

mod registry;
mod scan;

use bot_hub_core::change::{DroppedRange, Expiring, MemberRecord, Remains, RoomRecord, Snapshot};
use bot_protocol::id::Epoch;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, Row, Statement};

pub(super) use self::registry::{
    bot_columns, bot_names, bot_row, invite_columns, invite_row, invites, token_columns, token_row,
};
use self::scan::Scan;
use super::clock;
use super::error::is_damage;
use super::fate::receipt_row;
use super::names::{Names, intact};
use super::numbers;
use super::records;
use super::row::{self, entry_columns};
use super::rows::{Joined, Tail, dropped_sum, reason_of};
use super::schema::{nat, place};
use super::stored::{self, StoredRoom, bound, member_columns, room_columns, tail_columns};
use super::sum::Sum;
use crate::{Loaded, pause};

/// Reads everything that the hub needs at its start.
pub(super) fn load(conn: &Connection, epoch: Epoch) -> rusqlite::Result<Loaded> {
    let mut sum = Sum::default();
    let (rooms, remains) = rooms(conn, &mut sum)?;
    let mut tables = Tables::prepare(conn)?;
    let mut loading = Loading { conn, names: Names::load(conn)?, sum, scans: tables.scan()? };
    let numbers = numbers::read(conn)?;
    let mut snapshot = Snapshot { epoch, remains, ..Snapshot::default() };
    for room in &rooms {
        let epoch = numbers.epoch_of(nat(room.id), epoch);
        loading.room(room, epoch, &mut snapshot)?;
    }
    snapshot.rooms.sort_by(|one, other| one.room.cmp(&other.room));
    snapshot.expiring.sort_by(|one, other| (&one.room, one.seq).cmp(&(&other.room, other.seq)));
    let sum = &mut loading.sum;
    let bots = registry::bots(conn, sum)?;
    let tokens = registry::tokens(conn, sum)?;
    let invites = invites(conn, sum)?;
    snapshot.newest_at = clock::read_newest(conn)?;
    snapshot.ended = clock::read_ended(conn)?;
    snapshot.pauses = pause::load(|query| records::page(conn, sum, query))?;
    let (names, age_waits) = (names(conn)?, clock::read_age_waits(conn)?);
    Ok(Loaded { snapshot, bots, tokens, invites, names, age_waits })
}

/// Every room, by number, and what removed ones left behind.
fn rooms(conn: &Connection, sum: &mut Sum) -> rusqlite::Result<(Vec<StoredRoom>, Vec<Remains>)> {
    let sql = concat!("SELECT ", room_columns!(), " FROM room ORDER BY id");
    let mut statement = conn.prepare(sql)?;
    let mut found = statement.query([])?;
    let (mut rooms, mut remains) = (Vec::new(), Vec::new());
    while let Some(row) = found.next()? {
        match stored::room_row(sum, row)? {
            Some(room) => rooms.push(room),
            None => remains.extend(numbers::remains_row(sum, row)?),
        }
    }
    for room in rooms.iter().filter(|room| !room.is_intact) {
        tracing::error!(room = %room.room, "the room's own row is damaged: it counts as closed");
    }
    Ok((rooms, remains))
}

/// The statements for the tables of rooms, each ordered by room number.
struct Tables<'c> {
    tails: Statement<'c>,
    members: Statement<'c>,
    dropped: Statement<'c>,
    received: Statement<'c>,
}

impl<'c> Tables<'c> {
    fn prepare(conn: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            tails: conn.prepare(concat!(
                "SELECT ",
                tail_columns!(),
                ", room FROM tail ORDER BY room"
            ))?,
            members: conn.prepare(concat!(
                "SELECT ",
                member_columns!(),
                ", room, bot FROM member ORDER BY room, bot"
            ))?,
            dropped: conn.prepare(
                "SELECT start, upto, reason, at, sum, room, bot FROM dropped
                 ORDER BY room, bot, start",
            )?,
            // The index `receipt_ahead` covers this query: most such rows lie before the cursor.
            received: conn.prepare(
                "SELECT room, bot, seq FROM receipt WHERE state = 2 ORDER BY room, bot, seq",
            )?,
        })
    }

    fn scan(&mut self) -> rusqlite::Result<Scans<'_>> {
        Ok(Scans {
            tails: Scan::new(self.tails.query([])?, |row| Ok((row.get(7)?, 0))),
            members: Scan::new(self.members.query([])?, |row| Ok((row.get(10)?, row.get(11)?))),
            dropped: Scan::new(self.dropped.query([])?, |row| Ok((row.get(5)?, row.get(6)?))),
            received: Scan::new(self.received.query([])?, |row| Ok((row.get(0)?, row.get(1)?))),
        })
    }
}

struct Scans<'s> {
    tails: Scan<'s>,
    members: Scan<'s>,
    dropped: Scan<'s>,
    received: Scan<'s>,
}

/// A damaged name is left out: it grants no access.
fn names(conn: &Connection) -> rusqlite::Result<Vec<BotId>> {
    let mut statement = conn.prepare("SELECT name FROM name ORDER BY name")?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    Ok(texts.filter_map(Result::ok).filter_map(|text| BotId::new(&text).ok()).collect())
}

struct Loading<'a> {
    conn: &'a Connection,
    names: Names,
    sum: Sum,
    scans: Scans<'a>,
}

impl Loading<'_> {
    fn room(
        &mut self,
        stored: &StoredRoom,
        epoch: Epoch,
        snapshot: &mut Snapshot,
    ) -> rusqlite::Result<()> {
        let StoredRoom { id, room, closed, retain, .. } = stored;
        let tail = self.tail(room, *id)?;
        let members = self.members(room, *id, &tail)?;
        snapshot.expiring.extend(self.expiring(room, *id, &tail, &members)?);
        snapshot.rooms.push(RoomRecord {
            room: room.clone(),
            epoch,
            closed: *closed,
            retain: *retain,
            head: tail.head,
            first: tail.first,
            bytes: tail.bytes,
            oldest_at: tail.oldest_at,
            members,
        });
        Ok(())
    }

    /// The first and last entry of the log. If the scan has no valid row, they are counted.
    fn tail(&mut self, room: &RoomName, number: i64) -> rusqlite::Result<Tail> {
        let found = match self.scans.tails.next((number, 0), (number, 0)) {
            Ok(Some(row)) => stored::tail_row(row).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match found {
            Ok(Some((tail, expected))) if tail.sum(&mut self.sum, room) == expected => Ok(tail),
            Err(error) if !is_damage(&error) => Err(error),
            _ => stored::tail(self.conn, &mut self.sum, room, number),
        }
    }

    fn members(
        &mut self,
        room: &RoomName,
        number: i64,
        tail: &Tail,
    ) -> rusqlite::Result<Vec<MemberRecord>> {
        let mut members = Vec::new();
        let mut since = WaitingSince::default();
        while let Some(row) = self.scans.members.next((number, 0), (number, i64::MAX))? {
            let (bot_number, found) = (row.get(11)?, stored::joined_row(row));
            let Some(bot) = self.names.name(self.conn, bot_number)? else {
                tracing::error!(%room, "the name of a member is damaged: it is left out");
                continue;
            };
            let joined = match found {
                Ok((joined, expected)) if joined.sum(&mut self.sum, room, &bot) == expected => {
                    joined
                }
                Err(error) if !is_damage(&error) => return Err(error),
                _ => {
                    let who = (&bot, bot_number);
                    let room = (room, number);
                    let joined = stored::joined(self.conn, &mut self.sum, room, who, tail)?;
                    let Some(joined) = joined else { continue };
                    joined
                }
            };
            let waiting_since = since.look_up(self.conn, number, joined.cursor, tail)?;
            let (of, who) = ((room, number), (&bot, bot_number));
            let dropped = self.dropped(of, who, joined.cursor)?;
            let received = self.received(of, who, joined.cursor)?;
            let Joined { rights, since, cursor, .. } = joined;
            members.push(MemberRecord {
                bot,
                rights,
                since,
                cursor,
                waiting_since,
                received,
                dropped,
            });
        }
        members.sort_by(|one, other| one.bot.cmp(&other.bot));
        Ok(members)
    }

    fn dropped(
        &mut self,
        room: (&RoomName, i64),
        bot: (&BotId, i64),
        cursor: u64,
    ) -> rusqlite::Result<Vec<DroppedRange>> {
        let key = (room.1, bot.1);
        let mut ranges = Vec::new();
        while let Some(row) = self.scans.dropped.next(key, key)? {
            let range = dropped_row(&mut self.sum, room.0, bot.0, row)?;
            ranges.extend(range.map(|(range, _)| range).filter(|range| range.to > cursor));
        }
        Ok(ranges)
    }

    /// The entries received out of order. A damaged row costs a redelivery.
    fn received(
        &mut self,
        (room, number): (&RoomName, i64),
        (bot, bot_number): (&BotId, i64),
        cursor: u64,
    ) -> rusqlite::Result<Vec<u64>> {
        let key = (number, bot_number);
        let mut seqs = Vec::new();
        loop {
            let row = match self.scans.received.next(key, key) {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) if is_damage(&error) => {
                    tracing::error!("receipts are damaged: what they say is delivered again");
                    break;
                }
                Err(error) => return Err(error),
            };
            let seq = nat(row.get(2)?);
            if seq > cursor {
                seqs.push(seq);
            }
        }
        let (conn, names, sum) = (self.conn, &mut self.names, &mut self.sum);
        let mut kept = Vec::new();
        for seq in seqs {
            let mut statement = conn.prepare_cached(RECEIVED)?;
            let mut rows = statement.query((number, bound(seq), bot_number))?;
            let receipt = rows.next().and_then(|row| match row {
                Some(row) => receipt_row(conn, names, sum, room, seq, row),
                None => Ok(None),
            });
            match intact(receipt)?.flatten() {
                Some(_) => kept.push(seq),
                None => {
                    tracing::error!(%room, %bot, seq, "a receipt is damaged: it counts as none");
                }
            }
        }
        Ok(kept)
    }

    /// The entries with an expiry after the lowest cursor.
    fn expiring(
        &mut self,
        room: &RoomName,
        number: i64,
        tail: &Tail,
        members: &[MemberRecord],
    ) -> rusqlite::Result<Vec<Expiring>> {
        let last = members.iter().map(|member| member.cursor).min();
        let Some(last) = last.filter(|cursor| *cursor < tail.head) else { return Ok(Vec::new()) };
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            " FROM expiring JOIN entry USING (place)
             WHERE expiring.place BETWEEN ?1 AND ?2 ORDER BY expiring.place"
        );
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query((place(number, last + 1), place(number, tail.head)))?;
        let mut expiring = Vec::new();
        while let Some(row) = rows.next()? {
            let intact = row::decode(self.conn, &mut self.names, &mut self.sum, room, row)?;
            let Some(row::Intact { entry, .. }) = intact else { continue };
            let Some(at) = entry.draft.expires_at() else { continue };
            let (from, id, seq) = (entry.draft.from.clone(), entry.draft.id.clone(), entry.seq);
            if members.iter().any(|member| member.bot != from && member.cursor < seq) {
                expiring.push(Expiring { room: room.clone(), seq, from, id, at });
            }
        }
        Ok(expiring)
    }
}

/// The receipt of one entry that was received out of order.
const RECEIVED: &str = "SELECT bot, state, at, reason, reply, sum FROM receipt
     WHERE room = ?1 AND seq = ?2 AND bot = ?3 AND state = 2";

/// When the oldest entry that waits for a member was sent. Most members of a room wait for the same one.
#[derive(Default)]
struct WaitingSince {
    last: Option<(u64, Option<Timestamp>)>,
}

impl WaitingSince {
    fn look_up(
        &mut self,
        conn: &Connection,
        room: i64,
        cursor: u64,
        tail: &Tail,
    ) -> rusqlite::Result<Option<Timestamp>> {
        if cursor >= tail.head {
            return Ok(None);
        }
        let oldest = tail.first.max(cursor + 1);
        match self.last {
            Some((seq, at)) if seq == oldest => Ok(at),
            _ => {
                let at = stored::sent_at(conn, room, oldest, tail.head)?;
                self.last = Some((oldest, at));
                Ok(at)
            }
        }
    }
}

/// `start, upto, reason, at, sum` of `dropped`; `None` if it is damaged.
pub(super) fn dropped_row(
    sum: &mut Sum,
    room: &RoomName,
    bot: &BotId,
    row: &Row<'_>,
) -> rusqlite::Result<Option<(DroppedRange, Timestamp)>> {
    let Some(reason) = reason_of(row.get(2)?) else { return Ok(None) };
    let range = DroppedRange { from: nat(row.get(0)?), to: nat(row.get(1)?), reason };
    let at = Timestamp(nat(row.get(3)?));
    let is_intact = dropped_sum(sum, room, bot, &range, at) == row.get::<_, i64>(4)?;
    Ok(is_intact.then_some((range, at)))
}
