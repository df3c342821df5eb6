//! What was redacted, as rows.
//!
//! Owns the table `redaction`: who took out what an entry said, with a checksum over that and over what is
//! left of the entry. An entry whose text is gone matches its own checksum no more; it is damaged unless a
//! redaction says otherwise. Never knows the text.

use bot_hub_core::entry::{Draft, Extras};
use bot_protocol::frame::server::{REDACTED, Redaction};
use bot_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::error::is_damage;
use super::names::Names;
use super::schema::{int, nat, seq_of};
use super::sum::Sum;

/// What is left of an entry whose row does not match its checksum; `None` if it is damaged.
pub(super) fn left_of(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    place: i64,
    found: &Draft,
    proof: &[u8],
) -> rusqlite::Result<Option<Draft>> {
    let sql = "SELECT by, at, why, sum FROM redaction WHERE place = ?1";
    let row = conn.prepare_cached(sql)?.query_row([place], |row| {
        let (by, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok((by, at, row.get::<_, Option<String>>(2)?, row.get::<_, i64>(3)?))
    });
    let (by, at, why, stored) = match row.optional() {
        Err(error) if !is_damage(&error) => return Err(error),
        Ok(Some(row)) => row,
        _ => return Ok(None),
    };
    let Some(by) = names.name(conn, by)? else { return Ok(None) };
    let redaction = Redaction { at: Timestamp(nat(at)), by, why: why.map(Into::into) };
    let expected = sum.redaction(seq_of(place), proof, found, &redaction);
    let left = found.redact(redaction);
    Ok((is_bare(found) && expected == stored).then_some(left))
}

/// Whether a row holds nothing but what a redaction leaves.
fn is_bare(found: &Draft) -> bool {
    let extras = found.extras.as_deref();
    let is_bare = |it: &Extras| it.thread.is_none() && it.act.is_none() && it.meta.is_none();
    found.text == REDACTED && extras.is_none_or(is_bare)
}

/// Takes out what the entry says. `left` is what stays, `proof` the checksum and the chain as they were.
pub(super) fn write(
    conn: &Connection,
    names: &mut Names,
    sum: &mut Sum,
    place: i64,
    left: &Draft,
    proof: &[u8],
) -> rusqlite::Result<()> {
    let Some(redaction) = left.redaction() else { return Ok(()) };
    // Freed pages are overwritten with zeros. Not so otherwise: retention would write every page twice.
    conn.pragma_update(None, "secure_delete", true)?;
    let mut statement = conn.prepare_cached(
        "UPDATE entry SET size = 0, text = ?2, thread = NULL, act = NULL, meta = NULL WHERE place = ?1",
    )?;
    let updated = statement.execute((place, REDACTED));
    conn.pragma_update(None, "secure_delete", false)?;
    updated?;
    let by = names.number_or_new(conn, &redaction.by)?;
    let row_sum = sum.redaction(seq_of(place), proof, left, redaction);
    let mut statement = conn.prepare_cached(
        "INSERT INTO redaction (place, by, at, why, sum) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    statement.execute((place, by, int(redaction.at.0), redaction.why.as_deref(), row_sum))?;
    Ok(())
}
