//! The statements that insert entries.
//!
//! Owns the columns. Most messages consist of a text only; for them no other column is bound.

use bot_hub_core::entry::Draft;
use bot_protocol::frame::Opaque;
use rusqlite::{CachedStatement, Connection, Statement};

use crate::sqlite::row::StoredId;
use crate::sqlite::schema::int;

/// Looks up the id and adds it to its index in one step. An existing message stays unchanged.
const FULL: &str = "
    INSERT INTO entry (place, room, sender, id, sent_at, size, proof, text,
                       reply_to, thread, expires_at, act, meta)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT DO NOTHING";

const PLAIN: &str = "
    INSERT INTO entry (place, room, sender, id, sent_at, size, proof, text)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT DO NOTHING";

/// Prepared once per batch: looking a statement up again would cost a tenth of an append.
#[derive(Default)]
pub(super) struct Statements<'a> {
    full: Option<CachedStatement<'a>>,
    plain: Option<CachedStatement<'a>>,
}

/// The values to insert.
pub(super) struct Row<'a> {
    pub(super) place: i64,
    pub(super) room: i64,
    pub(super) sender: i64,
    pub(super) size: u64,
    pub(super) proof: [u8; 32],
    pub(super) draft: &'a Draft,
}

impl<'a> Statements<'a> {
    /// Returns whether a row was inserted; it is not if the id or the place is taken.
    pub(super) fn insert(&mut self, conn: &'a Connection, row: &Row<'_>) -> rusqlite::Result<bool> {
        let statement = match row.draft.extras {
            None => kept(&mut self.plain, conn, PLAIN)?,
            Some(_) => kept(&mut self.full, conn, FULL)?,
        };
        bind_plain(statement, row)?;
        bind_extras(statement, row)?;
        Ok(statement.raw_execute()? == 1)
    }
}

fn kept<'s, 'a>(
    slot: &'s mut Option<CachedStatement<'a>>,
    conn: &'a Connection,
    sql: &str,
) -> rusqlite::Result<&'s mut CachedStatement<'a>> {
    match slot {
        Some(statement) => Ok(statement),
        slot => Ok(slot.insert(conn.prepare_cached(sql)?)),
    }
}

fn bind_plain(statement: &mut Statement<'_>, row: &Row<'_>) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, row.place)?;
    statement.raw_bind_parameter(2, row.room)?;
    statement.raw_bind_parameter(3, row.sender)?;
    statement.raw_bind_parameter(4, StoredId::of(&row.draft.id))?;
    statement.raw_bind_parameter(5, int(row.draft.sent_at.0))?;
    statement.raw_bind_parameter(6, int(row.size))?;
    statement.raw_bind_parameter(7, row.proof)?;
    statement.raw_bind_parameter(8, &*row.draft.text)
}

fn bind_extras(statement: &mut Statement<'_>, row: &Row<'_>) -> rusqlite::Result<()> {
    let Some(extras) = &row.draft.extras else { return Ok(()) };
    statement.raw_bind_parameter(9, extras.reply_to.as_ref().map(|id| id.as_str()))?;
    statement.raw_bind_parameter(10, extras.thread.as_deref())?;
    statement.raw_bind_parameter(11, extras.expires_at.map(|at| int(at.0)))?;
    statement.raw_bind_parameter(12, extras.act.as_ref().map(Opaque::as_json))?;
    statement.raw_bind_parameter(13, extras.meta.as_ref().map(Opaque::as_json))
}
