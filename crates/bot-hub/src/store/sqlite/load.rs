//! What the hub has to know when it starts.
//!
//! Owns the reading of everything but the log itself: the cost depends on the number of rooms and
//! members, never on how much was said. Never writes.

use bot_hub_core::change::{DroppedRange, Expiring, MemberRecord, RoomRecord, Snapshot};
use bot_protocol::id::Epoch;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, Row};

use super::clock;
use super::names::Names;
use super::row::{self, entry_columns};
use super::rows::{Joined, Tail, bot_sum, dropped_sum, invite_sum, reason_of, token_sum};
use super::schema::{nat, place};
use super::stored::{self, StoredRoom, bound, room_columns};
use super::sum::Sum;
use crate::store::{BotRecord, ClaimRecord, InviteRecord, Loaded, TokenRecord};

/// Everything that is needed at start.
pub(super) fn load(conn: &Connection, epoch: Epoch) -> rusqlite::Result<Loaded> {
    let mut loading = Loading { conn, names: Names::default(), sum: Sum::default() };
    let mut snapshot = Snapshot { epoch, ..Snapshot::default() };
    for room in loading.rooms()? {
        loading.room(&room, &mut snapshot)?;
    }
    let (bots, tokens, invites) = (loading.bots()?, loading.tokens()?, loading.invites()?);
    snapshot.newest_at = clock::read_newest(conn)?;
    let age_waits = clock::read_age_waits(conn)?;
    Ok(Loaded { snapshot, bots, tokens, invites, age_waits })
}

struct Loading<'a> {
    conn: &'a Connection,
    names: Names,
    sum: Sum,
}

impl Loading<'_> {
    fn rooms(&mut self) -> rusqlite::Result<Vec<StoredRoom>> {
        let sql = concat!("SELECT ", room_columns!(), " FROM room ORDER BY name");
        let mut statement = self.conn.prepare(sql)?;
        let rooms = statement.query_map([], |row| stored::room_row(&mut self.sum, row))?;
        let mut rooms: Vec<_> = rooms.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        for room in rooms.iter().filter(|room| !room.is_intact) {
            tracing::error!(room = %room.room, "the room's own row is damaged: it counts as closed");
        }
        // The index may be damaged, too.
        rooms.sort_by(|one, other| one.room.cmp(&other.room));
        Ok(rooms)
    }

    fn room(&mut self, stored: &StoredRoom, snapshot: &mut Snapshot) -> rusqlite::Result<()> {
        let StoredRoom { id, room, closed, retain, .. } = stored;
        let tail = stored::tail(self.conn, &mut self.sum, room, *id)?;
        let members = self.members(room, *id, &tail)?;
        snapshot.expiring.extend(self.expiring(room, *id, &tail, &members)?);
        snapshot.rooms.push(RoomRecord {
            room: room.clone(),
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

    fn members(
        &mut self,
        room: &RoomName,
        number: i64,
        tail: &Tail,
    ) -> rusqlite::Result<Vec<MemberRecord>> {
        let mut statement = self.conn.prepare_cached("SELECT bot FROM member WHERE room = ?1")?;
        let bots: Vec<i64> =
            statement.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut members = Vec::with_capacity(bots.len());
        for bot_number in bots {
            let Some(bot) = self.names.name(self.conn, bot_number)? else {
                tracing::error!(%room, "the name of a member is damaged: it is left out");
                continue;
            };
            let who = (&bot, bot_number);
            let joined = stored::joined(self.conn, &mut self.sum, (room, number), who, tail)?;
            let Some(joined) = joined else { continue };
            members.push(self.member((room, number), who, joined, tail)?);
        }
        members.sort_by(|one, other| one.bot.cmp(&other.bot));
        Ok(members)
    }

    fn member(
        &mut self,
        room: (&RoomName, i64),
        bot: (&BotId, i64),
        joined: Joined,
        tail: &Tail,
    ) -> rusqlite::Result<MemberRecord> {
        let Joined { rights, since, cursor, .. } = joined;
        let waiting_since = match cursor < tail.head {
            true => stored::sent_at(self.conn, room.1, tail.first.max(cursor + 1), tail.head)?,
            false => None,
        };
        let dropped = self.dropped(room, bot, cursor)?;
        Ok(MemberRecord { bot: bot.0.clone(), rights, since, cursor, waiting_since, dropped })
    }

    fn dropped(
        &mut self,
        room: (&RoomName, i64),
        bot: (&BotId, i64),
        cursor: u64,
    ) -> rusqlite::Result<Vec<DroppedRange>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT start, upto, reason, at, sum FROM dropped
             WHERE room = ?1 AND bot = ?2 AND upto > ?3 ORDER BY start",
        )?;
        let key = (room.1, bot.1, bound(cursor));
        let sum = &mut self.sum;
        let ranges = statement.query_map(key, |row| dropped_row(sum, room.0, bot.0, row))?;
        ranges.filter_map(|range| range.transpose()).map(|range| Ok(range?.0)).collect()
    }

    /// Entries with an expiry after the cursor of whoever is last.
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

    fn bots(&mut self) -> rusqlite::Result<Vec<BotRecord>> {
        let sql = concat!("SELECT ", bot_columns!(), " FROM bot ORDER BY name");
        let mut statement = self.conn.prepare(sql)?;
        let bots = statement.query_map([], |row| bot_row(&mut self.sum, row))?;
        bots.filter_map(|bot| or_report("bot", bot)).collect()
    }

    fn tokens(&mut self) -> rusqlite::Result<Vec<TokenRecord>> {
        let sql = concat!("SELECT ", token_columns!(), " FROM token ORDER BY hash");
        let mut statement = self.conn.prepare(sql)?;
        let tokens = statement.query_map([], |row| token_row(&mut self.sum, row))?;
        tokens.filter_map(|token| or_report("token", token)).collect()
    }

    fn invites(&mut self) -> rusqlite::Result<Vec<InviteRecord>> {
        let sql = concat!("SELECT ", invite_columns!(), " FROM invite ORDER BY id");
        let mut statement = self.conn.prepare(sql)?;
        let invites = statement.query_map([], |row| invite_row(&mut self.sum, row))?;
        invites.filter_map(|invite| or_report("invite", invite)).collect()
    }
}

/// A damaged bot, token or invite opens no door; that it is missing has to be said somewhere.
fn or_report<T>(what: &str, found: rusqlite::Result<Option<T>>) -> Option<rusqlite::Result<T>> {
    let found = found.transpose();
    if found.is_none() {
        tracing::error!("the row of a {what} is damaged: it is refused");
    }
    found
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

macro_rules! bot_columns {
    () => {
        "name, operator, disabled, created_at, last_seen, guest, sum"
    };
}
macro_rules! token_columns {
    () => {
        "hash, bot, created_at, expires_at, sum"
    };
}
macro_rules! invite_columns {
    () => {
        "id, hash, name, rooms, rights, by, created_at, expires_at, revoked_at, claimed_at,
         claimed_as, client, address, sum"
    };
}
pub(super) use {bot_columns, invite_columns, token_columns};

/// `bot_columns`; `None` if it is damaged.
pub(super) fn bot_row(sum: &mut Sum, row: &Row<'_>) -> rusqlite::Result<Option<BotRecord>> {
    let Ok(bot) = BotId::new(&row.get::<_, String>(0)?) else { return Ok(None) };
    let record = BotRecord {
        bot,
        operator: row.get(1)?,
        disabled: row.get(2)?,
        created_at: Timestamp(nat(row.get(3)?)),
        last_seen: maybe_time(row, 4)?,
        guest: row.get(5)?,
    };
    let is_intact = bot_sum(sum, &record) == row.get::<_, i64>(6)?;
    Ok(is_intact.then_some(record))
}

/// `token_columns`; `None` if it is damaged.
pub(super) fn token_row(sum: &mut Sum, row: &Row<'_>) -> rusqlite::Result<Option<TokenRecord>> {
    let Ok(bot) = BotId::new(&row.get::<_, String>(1)?) else { return Ok(None) };
    let (hash, created_at) = (row.get(0)?, Timestamp(nat(row.get(2)?)));
    let record = TokenRecord { bot, hash, created_at, expires_at: maybe_time(row, 3)? };
    let is_intact = token_sum(sum, &record) == row.get::<_, i64>(4)?;
    Ok(is_intact.then_some(record))
}

/// `invite_columns`; `None` if it is damaged.
pub(super) fn invite_row(sum: &mut Sum, row: &Row<'_>) -> rusqlite::Result<Option<InviteRecord>> {
    let text = |column| row.get::<_, String>(column);
    let bot = |name: String| BotId::new(&name).ok();
    let rooms = text(3)?;
    let rooms: Result<Vec<_>, _> = rooms.split_whitespace().map(RoomName::new).collect();
    let (Some(name), Some(by), Ok(rooms)) = (bot(text(2)?), bot(text(5)?), rooms) else {
        return Ok(None);
    };
    let claimed_as = row.get::<_, Option<String>>(10)?.and_then(bot);
    let claim = match (maybe_time(row, 9)?, claimed_as) {
        (Some(at), Some(bot)) => {
            Some(ClaimRecord { at, bot, client: text(11)?.into(), address: text(12)?.into() })
        }
        _ => None,
    };
    let record = InviteRecord {
        id: text(0)?.into(),
        hash: row.get(1)?,
        name,
        rooms,
        rights: Rights::from_bits(row.get(4)?),
        by,
        created_at: Timestamp(nat(row.get(6)?)),
        expires_at: Timestamp(nat(row.get(7)?)),
        revoked_at: maybe_time(row, 8)?,
        claim,
    };
    let is_intact = invite_sum(sum, &record) == row.get::<_, i64>(13)?;
    Ok(is_intact.then_some(record))
}

fn maybe_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|at| Timestamp(nat(at))))
}
