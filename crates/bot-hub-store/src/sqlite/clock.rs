//! Times that the store keeps.
//!
//! Owns a few rows: the newest stored time, by which the next start judges its clock; until when retention
//! by age pauses; and when bots were removed. Never reads a clock.

use bot_protocol::name::BotId;
use bot_protocol::time::Timestamp;
use rusqlite::Connection;

use super::schema::{int, nat, read_meta, read_metas, write_meta};

const NEWEST: &str = "newest_at";
const AGE_WAITS: &str = "age_waits";
const ENDED: &str = "ended:";

/// The newest stored time; the earliest possible one if none is stored or it is damaged.
pub(super) fn read_newest(conn: &Connection) -> rusqlite::Result<Timestamp> {
    let newest = read_meta(conn, NEWEST)?;
    Ok(newest.map_or_else(Timestamp::default, |at| Timestamp(nat(at))))
}

pub(super) fn write_newest(conn: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    write_meta(conn, NEWEST, int(at.0))
}

pub(super) fn read_age_waits(conn: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    Ok(read_meta(conn, AGE_WAITS)?.map(|at| Timestamp(nat(at))))
}

pub(super) fn write_age_waits(conn: &Connection, until: Option<Timestamp>) -> rusqlite::Result<()> {
    match until {
        Some(at) => write_meta(conn, AGE_WAITS, int(at.0)),
        None => conn.execute("DELETE FROM meta WHERE key = ?1", [AGE_WAITS]).map(drop),
    }
}

/// Stores when a bot was removed.
pub(super) fn write_ended(conn: &Connection, bot: &BotId, at: Timestamp) -> rusqlite::Result<()> {
    write_meta(conn, &format!("{ENDED}{bot}"), int(at.0))
}

/// The removed bots with their times, ordered by name.
pub(super) fn read_ended(conn: &Connection) -> rusqlite::Result<Vec<(BotId, Timestamp)>> {
    let ended = read_metas(conn, ENDED)?.into_iter();
    let named = ended.filter_map(|(name, at)| Some((BotId::new(&name).ok()?, Timestamp(nat(at)))));
    Ok(named.collect())
}
