//! Redactions: an entry stays, and what it said goes.
//!
//! Owns which entry is meant, and the room's size afterwards. `redaction` owns what is written.

use bot_hub_core::change::Outcome;
use bot_protocol::frame::server::Redaction;
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};

use super::Batch;
use crate::sqlite::error::SqliteError;
use crate::sqlite::read::ONE;
use crate::sqlite::redaction;
use crate::sqlite::row::{self, Intact, proof};
use crate::sqlite::schema::place;

impl Batch<'_> {
    pub(super) fn redact(
        &mut self,
        name: &RoomName,
        seq: u64,
        (from, id): (&BotId, &MessageId),
        redaction: &Redaction,
    ) -> Result<Outcome, SqliteError> {
        let Some(room) = self.cache.rooms.touch_known(self.conn, self.sum, name)? else {
            return Ok(Outcome::Unsaid);
        };
        if !(room.tail.first..=room.tail.head).contains(&seq) {
            return Ok(Outcome::Unsaid);
        }
        let place = place(room.id, seq);
        let Some(Intact { entry, sum, chain }) = self.entry_at(name, place)? else {
            return Ok(Outcome::Unsaid);
        };
        if entry.draft.id != *id || entry.draft.from != *from {
            return Ok(Outcome::Unsaid);
        }
        if entry.draft.redaction().is_some() {
            return Ok(Outcome::Late);
        }
        let left = entry.draft.redact(redaction.clone());
        let names = &mut self.cache.names;
        redaction::write(self.conn, names, self.sum, place, &left, &proof(&sum, &chain))?;
        let bytes = entry.draft.size() as u64;
        let room = self.cache.rooms.touch(self.conn, self.sum, name)?;
        room.tail.bytes = room.tail.bytes.saturating_sub(bytes);
        room.is_tail_dirty = true;
        Ok(Outcome::Redacted { bytes })
    }

    fn entry_at(&mut self, room: &RoomName, place: i64) -> Result<Option<Intact>, SqliteError> {
        let mut statement = self.conn.prepare_cached(ONE)?;
        let mut rows = statement.query([place])?;
        let Some(found) = rows.next()? else { return Ok(None) };
        let names = &mut self.cache.names;
        Ok(row::decode(self.conn, names, self.sum, room, found)?)
    }
}
