//! Messages at the end of a log.
//!
//! Owns numbering, the chain and the answer to a repeated id. Never removes an entry.

use std::sync::Arc;

use bot_hub_core::change::Outcome;
use bot_hub_core::entry::Draft;
use rusqlite::params;

use super::Batch;
use super::insert::Row;
use crate::sqlite::error::SqliteError;
use crate::sqlite::row::{self, Intact, StoredId, entry_columns, proof};
use crate::sqlite::schema::{place, seq_of};
use crate::sqlite::stored;
use crate::sqlite::sum::link;
use crate::{StoreError, newest};

const KNOWN: &str =
    concat!("SELECT ", entry_columns!(), " FROM entry WHERE sender = ?1 AND id = ?2 AND room = ?3");

impl Batch<'_> {
    pub(super) fn append(&mut self, draft: &Arc<Draft>) -> Result<Outcome, SqliteError> {
        let conn = self.conn;
        let sender = self.cache.names.number_or_new(conn, &draft.from)?;
        let room = self.cache.rooms.touch(conn, self.sum, &draft.room)?;
        let seq = room.tail.head + 1;
        let size = draft.size() as u64;
        let sum = self.sum.entry(seq, size, draft);
        let chain = link(&room.tail.chain, &sum);
        let place = place(room.id, seq);
        let row = Row { place, room: room.id, sender, size, proof: proof(&sum, &chain), draft };
        if !self.statements.insert(conn, &row)? {
            let number = room.id;
            return match self.known(draft, number, sender)? {
                Outcome::Unsaid => Err(place_is_taken(draft)),
                outcome => Ok(outcome),
            };
        }
        if room.tail.oldest_at.is_none() {
            room.tail.oldest_at = Some(draft.sent_at);
        }
        room.tail.head = seq;
        room.tail.bytes += size;
        room.tail.chain = chain;
        room.is_tail_dirty = true;
        if draft.expires_at().is_some() {
            conn.prepare_cached("INSERT INTO expiring (place) VALUES (?1)")?.execute([place])?;
        }
        if self.cache.newest_at.is_none_or(|known| draft.sent_at >= known) {
            self.note_time(newest(draft.sent_at))?;
        }
        Ok(Outcome::Appended { seq })
    }

    pub(super) fn was_said(&mut self, draft: &Draft) -> Result<Outcome, SqliteError> {
        let Some(room) = stored::room_number(self.conn, &draft.room)? else {
            return Ok(Outcome::Unsaid);
        };
        let Some(sender) = self.cache.names.number(self.conn, &draft.from)? else {
            return Ok(Outcome::Unsaid);
        };
        self.known(draft, room, sender)
    }

    /// The outcome for an id that the sender may have used in the room before.
    fn known(&mut self, draft: &Draft, room: i64, sender: i64) -> Result<Outcome, SqliteError> {
        let mut statement = self.conn.prepare_cached(KNOWN)?;
        let mut rows = statement.query(params![sender, StoredId::of(&draft.id), room])?;
        let Some(found) = rows.next()? else { return Ok(Outcome::Unsaid) };
        let seq = seq_of(found.get(0)?);
        let names = &mut self.cache.names;
        let intact = row::decode(self.conn, names, self.sum, &draft.room, found)?;
        // A damaged entry may differ from what the sender wrote, so it must not be acknowledged.
        Ok(match intact {
            Some(it) if self.said(&it, draft) => {
                Outcome::Duplicate { seq, sent_at: it.entry.draft.sent_at }
            }
            _ => Outcome::Conflict,
        })
    }

    /// Whether an entry says, or said before it was redacted, what the draft says.
    fn said(&mut self, Intact { entry, sum, .. }: &Intact, draft: &Draft) -> bool {
        if entry.draft.redaction().is_none() {
            return entry.draft.says_the_same(draft);
        }
        // Its checksum is that of what was said.
        let again = Draft { sent_at: entry.draft.sent_at, ..draft.clone() };
        self.sum.entry(entry.seq, again.size() as u64, &again) == *sum
    }
}

/// The error if the store did not take an entry although its id is new.
fn place_is_taken(draft: &Draft) -> SqliteError {
    let room = &draft.room;
    let cause = format!("the next place of `{room}` is taken; hint: run `verify`");
    StoreError::Failed(cause).into()
}
