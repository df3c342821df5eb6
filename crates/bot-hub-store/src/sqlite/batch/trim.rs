//! Retention: removes the oldest entries.
//!
//! Owns what is removed together with an entry. `rule` decides which entries go.

use bot_hub_core::change::{Outcome, Removed};
use bot_protocol::frame::operator::Retention;
use bot_protocol::name::RoomName;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use rusqlite::{OptionalExtension, Row};

use super::Batch;
use crate::rule::{self, Kept};
use crate::sqlite::error::{SqliteError, is_damage};
use crate::sqlite::names::Names;
use crate::sqlite::row::{StoredId, parts};
use crate::sqlite::rows::{Tail, state_number};
use crate::sqlite::schema::{int, nat, place, seq_of};

/// Marks are cleaned up only once per this many removed entries: they are few, and each clean-up needs a
/// look-up for every bot of the room.
const MARKS_EVERY: u64 = 256;

/// The facts about an entry that retention needs.
pub(super) struct Oldest {
    pub(super) seq: u64,
    sender: i64,
    id: Option<bot_protocol::id::MessageId>,
    sent_at: Timestamp,
    size: u64,
    chain: [u8; 16],
}

impl Batch<'_> {
    pub(super) fn trim(
        &mut self,
        name: &RoomName,
        rule: &Retention,
        now: Timestamp,
        entries_max: u32,
    ) -> Result<Outcome, SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(Outcome::Trimmed { removed: Vec::new(), more: false, oldest_at: None });
        };
        let (number, mut tail) = (room.id, room.tail);
        let oldest = match self.oldest(number, &tail, entries_max) {
            Err(SqliteError::Sql(error)) if is_damage(&error) => {
                // Damage in one room must not stop the rest of the store.
                tracing::error!(room = %name, %error, "the oldest entries are damaged: they stay");
                let removed = Vec::new();
                return Ok(Outcome::Trimmed { removed, more: false, oldest_at: None });
            }
            other => other?,
        };
        let before = tail.first;
        let mut removed = Vec::new();
        let mut more = false;
        tail.oldest_at = None;
        for (index, entry) in oldest.into_iter().enumerate() {
            let kept = Kept { entries: tail.entries(), bytes: tail.bytes };
            let goes = rule::removes(rule, kept, entry.sent_at, now);
            if !goes || index == entries_max as usize {
                tail.oldest_at = Some(entry.sent_at);
                more = goes;
                break;
            }
            tail.first = entry.seq + 1;
            tail.bytes = tail.bytes.saturating_sub(entry.size);
            tail.base = entry.chain;
            removed.extend(named(&mut self.cache.names, self.conn, entry)?);
        }
        let oldest_at = tail.oldest_at;
        if tail.first > before {
            self.forget_entries(number, before, tail.first)?;
            let room = self.cache.rooms.touch(self.conn, self.sum, name)?;
            room.tail = tail;
            room.is_tail_dirty = true;
        }
        Ok(Outcome::Trimmed { removed, more, oldest_at })
    }

    /// The oldest entries: one more than may be removed.
    fn oldest(&self, room: i64, tail: &Tail, entries_max: u32) -> Result<Vec<Oldest>, SqliteError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT place, sender, id, sent_at, size, proof FROM entry
             WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3",
        )?;
        let span = (place(room, tail.first), place(room, tail.head), i64::from(entries_max) + 1);
        let rows = statement.query_map(span, oldest_row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes the entries from `before` up to but excluding `first`, with their receipts and marks.
    fn forget_entries(&self, room: i64, before: u64, first: u64) -> Result<(), SqliteError> {
        let span = (place(room, before), place(room, first - 1));
        for sql in [
            "DELETE FROM entry WHERE place BETWEEN ?1 AND ?2",
            "DELETE FROM expiring WHERE place BETWEEN ?1 AND ?2",
            "DELETE FROM redaction WHERE place BETWEEN ?1 AND ?2",
        ] {
            self.conn.prepare_cached(sql)?.execute(span)?;
        }
        let below = (room, int(first));
        let sql = "DELETE FROM receipt WHERE room = ?1 AND seq < ?2";
        self.conn.prepare_cached(sql)?.execute(below)?;
        if before / MARKS_EVERY == first / MARKS_EVERY {
            return Ok(());
        }
        let sql = "DELETE FROM dropped WHERE room = ?1 AND upto < ?2 AND upto <= coalesce(
             (SELECT cursor FROM member
              WHERE member.room = dropped.room AND member.bot = dropped.bot), ?2)";
        self.conn.prepare_cached(sql)?.execute(below)?;
        self.forget_marks(room, first)
    }

    fn forget_marks(&self, room: i64, first: u64) -> Result<(), SqliteError> {
        let mut bots = self.conn.prepare_cached(
            "SELECT bot FROM mark WHERE room = ?1 AND bot > ?2 ORDER BY bot LIMIT 1",
        )?;
        let mut delete = self.conn.prepare_cached(
            "DELETE FROM mark
             WHERE room = ?1 AND bot = ?2 AND state = ?3 AND start < ?4 AND upto < ?4",
        )?;
        let mut bot = i64::MIN;
        while let Some(next) = bots.query_row((room, bot), |row| row.get(0)).optional()? {
            bot = next;
            for state in [ReceiptState::Delivered, ReceiptState::Received] {
                delete.execute((room, bot, state_number(state), int(first)))?;
            }
        }
        Ok(())
    }
}

pub(super) fn oldest_row(row: &Row<'_>) -> rusqlite::Result<Oldest> {
    let proof: Vec<u8> = row.get(5)?;
    Ok(Oldest {
        seq: seq_of(row.get(0)?),
        sender: row.get(1)?,
        id: StoredId::read(row.get_ref(2)?),
        sent_at: Timestamp(nat(row.get(3)?)),
        size: nat(row.get(4)?),
        chain: parts(&proof).map_or(Tail::EMPTY.base, |(_, chain)| chain),
    })
}

/// The senders of removed entries. A damaged entry may not tell its sender and is removed all the same.
pub(super) fn named(
    names: &mut Names,
    conn: &rusqlite::Connection,
    entry: Oldest,
) -> rusqlite::Result<Option<Removed>> {
    let from = names.name(conn, entry.sender)?;
    let Oldest { seq, sent_at, size: bytes, .. } = entry;
    Ok(from.zip(entry.id).map(|(from, id)| Removed { seq, from, id, sent_at, bytes }))
}
