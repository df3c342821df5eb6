//! Bots, tokens and invites in their tables.
//!
//! Owns the columns that are read. A damaged row grants no access and is reported.

use std::collections::BTreeSet;

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::right::Rights;
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, Row};

use crate::sqlite::rows::{bot_sum, invite_sum, token_sum};
use crate::sqlite::schema::nat;
use crate::sqlite::sum::Sum;
use crate::{BotRecord, ClaimRecord, InviteRecord, TokenRecord};

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
pub(in crate::sqlite) use {bot_columns, invite_columns, token_columns};

pub(super) fn bots(conn: &Connection, sum: &mut Sum) -> rusqlite::Result<Vec<BotRecord>> {
    let sql = concat!("SELECT ", bot_columns!(), " FROM bot ORDER BY name");
    let mut statement = conn.prepare(sql)?;
    let bots = statement.query_map([], |row| bot_row(sum, row))?;
    bots.filter_map(|bot| or_report("bot", bot)).collect()
}

/// The names of all bots, damaged rows included.
pub(in crate::sqlite) fn bot_names(conn: &Connection) -> rusqlite::Result<BTreeSet<BotId>> {
    let mut statement = conn.prepare("SELECT name FROM bot")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    Ok(names.collect::<Result<Vec<_>, _>>()?.iter().filter_map(|it| BotId::new(it).ok()).collect())
}

pub(super) fn tokens(conn: &Connection, sum: &mut Sum) -> rusqlite::Result<Vec<TokenRecord>> {
    let sql = concat!("SELECT ", token_columns!(), " FROM token ORDER BY hash");
    let mut statement = conn.prepare(sql)?;
    let tokens = statement.query_map([], |row| token_row(sum, row))?;
    tokens.filter_map(|token| or_report("token", token)).collect()
}

pub(in crate::sqlite) fn invites(
    conn: &Connection,
    sum: &mut Sum,
) -> rusqlite::Result<Vec<InviteRecord>> {
    let sql = concat!("SELECT ", invite_columns!(), " FROM invite ORDER BY id");
    let mut statement = conn.prepare(sql)?;
    let invites = statement.query_map([], |row| invite_row(sum, row))?;
    invites.filter_map(|invite| or_report("invite", invite)).collect()
}

/// Reports a damaged bot, token or invite, which is left out and grants no access.
fn or_report<T>(what: &str, found: rusqlite::Result<Option<T>>) -> Option<rusqlite::Result<T>> {
    let found = found.transpose();
    if found.is_none() {
        tracing::error!("the row of a {what} is damaged: it is refused");
    }
    found
}

/// `bot_columns`; `None` if it is damaged.
pub(in crate::sqlite) fn bot_row(
    sum: &mut Sum,
    row: &Row<'_>,
) -> rusqlite::Result<Option<BotRecord>> {
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
pub(in crate::sqlite) fn token_row(
    sum: &mut Sum,
    row: &Row<'_>,
) -> rusqlite::Result<Option<TokenRecord>> {
    let Ok(bot) = BotId::new(&row.get::<_, String>(1)?) else { return Ok(None) };
    let (hash, created_at) = (row.get(0)?, Timestamp(nat(row.get(2)?)));
    let record = TokenRecord { bot, hash, created_at, expires_at: maybe_time(row, 3)? };
    let is_intact = token_sum(sum, &record) == row.get::<_, i64>(4)?;
    Ok(is_intact.then_some(record))
}

/// `invite_columns`; `None` if it is damaged.
pub(in crate::sqlite) fn invite_row(
    sum: &mut Sum,
    row: &Row<'_>,
) -> rusqlite::Result<Option<InviteRecord>> {
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
