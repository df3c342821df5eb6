//! Bots and their tokens.

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::OptionalExtension;

use super::Batch;
use crate::store::sqlite::error::Trouble;
use crate::store::sqlite::load::bot_row;
use crate::store::sqlite::rows::{bot_sum, token_sum};
use crate::store::sqlite::schema::int;
use crate::store::{BotRecord, TokenRecord};

impl Batch<'_> {
    pub(super) fn put_bot(&mut self, bot: &BotRecord) -> Result<(), Trouble> {
        let sum = bot_sum(self.sum, bot);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO bot (name, operator, disabled, created_at, last_seen, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        statement.execute((
            bot.bot.as_str(),
            bot.operator,
            bot.disabled,
            int(bot.created_at.0),
            bot.last_seen.map(|at| int(at.0)),
            sum,
        ))?;
        Ok(())
    }

    pub(super) fn forget_bot(&mut self, bot: &BotId) -> Result<(), Trouble> {
        self.conn.prepare_cached("DELETE FROM bot WHERE name = ?1")?.execute([bot.as_str()])?;
        self.revoke_tokens(bot)?;
        // The table has to know every membership of this batch.
        self.write_touched()?;
        for room in self.rooms_of(bot)? {
            self.leave(&room, bot)?;
        }
        Ok(())
    }

    /// A walk over all memberships: an index would cost every join, and this is rare.
    fn rooms_of(&mut self, bot: &BotId) -> Result<Vec<RoomName>, Trouble> {
        let Some(number) = self.cache.names.number(self.conn, bot)? else { return Ok(Vec::new()) };
        let mut statement = self.conn.prepare_cached(
            "SELECT room.name FROM member JOIN room ON room.id = member.room WHERE bot = ?1",
        )?;
        let names = statement.query_map([number], |row| row.get::<_, String>(0))?;
        let names = names.collect::<Result<Vec<_>, _>>()?;
        Ok(names.iter().filter_map(|name| RoomName::new(name).ok()).collect())
    }

    pub(super) fn put_token(&mut self, token: &TokenRecord) -> Result<(), Trouble> {
        let sum = token_sum(self.sum, token);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO token (hash, bot, created_at, sum) VALUES (?1, ?2, ?3, ?4)",
        )?;
        statement.execute((token.hash, token.bot.as_str(), int(token.created_at.0), sum))?;
        Ok(())
    }

    pub(super) fn revoke_tokens(&self, bot: &BotId) -> Result<(), Trouble> {
        self.conn.prepare_cached("DELETE FROM token WHERE bot = ?1")?.execute([bot.as_str()])?;
        Ok(())
    }

    pub(super) fn saw_bot(&mut self, bot: &BotId, at: Timestamp) -> Result<(), Trouble> {
        let mut statement = self.conn.prepare_cached(
            "SELECT name, operator, disabled, created_at, last_seen, sum FROM bot WHERE name = ?1",
        )?;
        let sum = &mut *self.sum;
        let found = statement.query_row([bot.as_str()], |row| bot_row(sum, row)).optional()?;
        // A damaged row stays as it is: a new checksum would make it look believable.
        if let Some(Some(mut record)) = found {
            record.last_seen = record.last_seen.max(Some(at));
            self.put_bot(&record)?;
        }
        Ok(())
    }
}
