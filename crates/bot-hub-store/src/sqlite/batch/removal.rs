//! The end of a room: it is marked as removed at once, and cleared away in steps.
//!
//! Owns the order of the steps. The row of the room goes last: until then its number is taken, and a start
//! finds what is left to do.

use bot_hub_core::change::{Outcome, Remains, Removed};
use bot_protocol::name::RoomName;

use super::Batch;
use super::trim::{named, oldest_row};
use crate::pause;
use crate::sqlite::error::{SqliteError, is_damage};
use crate::sqlite::numbers;
use crate::sqlite::schema::{int, place};
use crate::sqlite::stored;

/// So many rows of another kind are as much work as one entry.
const ROWS_PER_ENTRY: i64 = 8;

/// What a room has besides its entries, with the key of each table.
const REST: [&str; 6] = [
    "DELETE FROM redaction WHERE place IN (SELECT place FROM redaction
     WHERE place BETWEEN ?1 << 40 AND (?1 << 40) + 1099511627775 LIMIT ?2)",
    "DELETE FROM expiring WHERE place IN (SELECT place FROM expiring
     WHERE place BETWEEN ?1 << 40 AND (?1 << 40) + 1099511627775 LIMIT ?2)",
    "DELETE FROM receipt WHERE room = ?1 AND (seq, bot, state) IN
     (SELECT seq, bot, state FROM receipt WHERE room = ?1 LIMIT ?2)",
    "DELETE FROM mark WHERE room = ?1 AND (bot, state, start) IN
     (SELECT bot, state, start FROM mark WHERE room = ?1 LIMIT ?2)",
    "DELETE FROM dropped WHERE room = ?1 AND (bot, start) IN
     (SELECT bot, start FROM dropped WHERE room = ?1 LIMIT ?2)",
    "DELETE FROM member WHERE room = ?1 AND bot IN
     (SELECT bot FROM member WHERE room = ?1 LIMIT ?2)",
];

impl Batch<'_> {
    pub(super) fn remove_room(&mut self, name: &RoomName) -> Result<Outcome, SqliteError> {
        let Some(number) = stored::room_number(self.conn, name)? else { return Ok(Outcome::Done) };
        let known = self.numbers()?;
        self.cache.numbers = Some(numbers::note_removal(self.conn, known)?);
        numbers::mark_removed(self.conn, self.sum, number)?;
        self.conn.prepare_cached("DELETE FROM tail WHERE room = ?1")?.execute([number])?;
        self.cache.rooms.forget(name);
        self.forget_records(&pause::of_room(name))?;
        Ok(Outcome::RoomRemoved { remains: Remains(number.unsigned_abs()) })
    }

    pub(super) fn clear(
        &mut self,
        remains: Remains,
        entries_max: u32,
    ) -> Result<Outcome, SqliteError> {
        let number = int(remains.0);
        let nothing = || Outcome::Cleared { removed: Vec::new(), more: false };
        if !numbers::is_removed(self.conn, number)? {
            return Ok(nothing());
        }
        match self.clear_some(number, i64::from(entries_max)) {
            Err(SqliteError::Sql(error)) if is_damage(&error) => {
                // As with retention: it must not stop the rest of the store.
                tracing::error!(%error, "what a removed room left behind is damaged: it stays");
                Ok(nothing())
            }
            other => other,
        }
    }

    fn clear_some(&mut self, number: i64, entries_max: i64) -> Result<Outcome, SqliteError> {
        let removed = self.clear_entries(number, entries_max)?;
        let mut space = (entries_max - removed.len() as i64) * ROWS_PER_ENTRY;
        for sql in REST {
            if space > 0 {
                space -= self.conn.prepare_cached(sql)?.execute((number, space))? as i64;
            }
        }
        if space > 0 {
            self.conn.prepare_cached("DELETE FROM room WHERE id = ?1")?.execute([number])?;
        }
        let removed: Result<Vec<Option<Removed>>, _> =
            removed.into_iter().map(|it| named(&mut self.cache.names, self.conn, it)).collect();
        let removed = removed?.into_iter().flatten().collect();
        Ok(Outcome::Cleared { removed, more: space <= 0 })
    }

    fn clear_entries(
        &self,
        number: i64,
        entries_max: i64,
    ) -> Result<Vec<super::trim::Oldest>, SqliteError> {
        let all = (place(number, 0), place(number, u64::MAX));
        let mut statement = self.conn.prepare_cached(
            "SELECT place, sender, id, sent_at, size, proof FROM entry
             WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3",
        )?;
        let oldest = statement.query_map((all.0, all.1, entries_max), oldest_row)?;
        let oldest: Vec<_> = oldest.collect::<Result<_, _>>()?;
        if let Some(last) = oldest.last() {
            let sql = "DELETE FROM entry WHERE place BETWEEN ?1 AND ?2";
            self.conn.prepare_cached(sql)?.execute((all.0, place(number, last.seq)))?;
        }
        Ok(oldest)
    }
}
