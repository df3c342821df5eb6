//! Bots, their tokens, and invites.
//!
//! Owns their writes. Never decides who has access.

use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::Batch;
use crate::sqlite::clock;
use crate::sqlite::error::SqliteError;
use crate::sqlite::load::{bot_columns, bot_row, token_columns, token_row};
use crate::sqlite::rows::{bot_sum, invite_sum, room_list, token_sum};
use crate::sqlite::schema::int;
use crate::{AccessWrite, BotRecord, InviteRecord, TokenRecord};

impl Batch<'_> {
    pub(super) fn access(&mut self, write: &AccessWrite) -> Result<(), SqliteError> {
        match write {
            AccessWrite::Bot(bot) => self.put_bot(bot),
            AccessWrite::ForgetBot(bot, at) => self.forget_bot(bot, *at),
            AccessWrite::Token(token) => self.put_token(token),
            AccessWrite::RevokeTokens(bot) => self.revoke_tokens(bot),
            AccessWrite::ExpireTokens(bot, at) => self.expire_tokens(bot, *at),
            AccessWrite::ForgetToken(hash) => self.forget_token(hash),
            AccessWrite::Invite(invite) => self.put_invite(invite),
            AccessWrite::ForgetInvite(id) => self.forget_invite(id),
            AccessWrite::Seen(bot, at) => self.saw_bot(bot, *at),
        }
    }

    fn put_bot(&mut self, bot: &BotRecord) -> Result<(), SqliteError> {
        let sum = bot_sum(self.sum, bot);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO bot (name, operator, disabled, created_at, last_seen, guest, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute((
            bot.bot.as_str(),
            bot.operator,
            bot.disabled,
            int(bot.created_at.0),
            bot.last_seen.map(|at| int(at.0)),
            bot.guest,
            sum,
        ))?;
        Ok(())
    }

    fn forget_bot(&mut self, bot: &BotId, at: Timestamp) -> Result<(), SqliteError> {
        clock::write_ended(self.conn, bot, at)?;
        self.conn.prepare_cached("DELETE FROM bot WHERE name = ?1")?.execute([bot.as_str()])?;
        self.revoke_tokens(bot)?;
        // The name is registered even if the bot never sends a message, so that no later bot can be
        // mistaken for it.
        self.cache.names.number_or_new(self.conn, bot)?;
        // The query needs the memberships that this batch has not written yet.
        self.write_touched()?;
        for room in self.rooms_of(bot)? {
            self.leave(&room, bot)?;
        }
        Ok(())
    }

    /// Scans all memberships: removing a bot is rare, and an index would make every join more expensive.
    fn rooms_of(&mut self, bot: &BotId) -> Result<Vec<RoomName>, SqliteError> {
        let Some(number) = self.cache.names.number(self.conn, bot)? else { return Ok(Vec::new()) };
        let mut statement = self.conn.prepare_cached(
            "SELECT room.name FROM member JOIN room ON room.id = member.room WHERE bot = ?1",
        )?;
        let names = statement.query_map([number], |row| row.get::<_, String>(0))?;
        let names = names.collect::<Result<Vec<_>, _>>()?;
        Ok(names.iter().filter_map(|name| RoomName::new(name).ok()).collect())
    }

    fn put_token(&mut self, token: &TokenRecord) -> Result<(), SqliteError> {
        let sum = token_sum(self.sum, token);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO token (hash, bot, created_at, expires_at, sum)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let expires_at = token.expires_at.map(|at| int(at.0));
        let created_at = int(token.created_at.0);
        statement.execute((token.hash, token.bot.as_str(), created_at, expires_at, sum))?;
        Ok(())
    }

    fn expire_tokens(&mut self, bot: &BotId, at: Timestamp) -> Result<(), SqliteError> {
        let sql = concat!("SELECT ", token_columns!(), " FROM token WHERE bot = ?1");
        let mut statement = self.conn.prepare_cached(sql)?;
        let sum = &mut *self.sum;
        let tokens = statement.query_map([bot.as_str()], |row| token_row(sum, row))?;
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        // A damaged row stays as it is: it grants no access.
        for mut token in tokens.into_iter().flatten() {
            token.end_at(at);
            self.put_token(&token)?;
        }
        Ok(())
    }

    fn forget_token(&self, hash: &[u8; 32]) -> Result<(), SqliteError> {
        self.conn.prepare_cached("DELETE FROM token WHERE hash = ?1")?.execute([hash])?;
        Ok(())
    }

    fn put_invite(&mut self, invite: &InviteRecord) -> Result<(), SqliteError> {
        let sum = invite_sum(self.sum, invite);
        let mut statement = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO invite (id, hash, name, rooms, rights, by, created_at,
                 expires_at, revoked_at, claimed_at, claimed_as, client, address, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        let claim = invite.claim.as_ref();
        statement.execute(params![
            invite.id.as_str(),
            invite.hash,
            invite.name.as_str(),
            room_list(&invite.rooms),
            invite.rights.bits(),
            invite.by.as_str(),
            int(invite.created_at.0),
            int(invite.expires_at.0),
            invite.revoked_at.map(|at| int(at.0)),
            claim.map(|it| int(it.at.0)),
            claim.map(|it| it.bot.as_str()),
            claim.map(|it| it.client.as_str()),
            claim.map(|it| it.address.as_str()),
            sum,
        ])?;
        Ok(())
    }

    fn forget_invite(&self, id: &str) -> Result<(), SqliteError> {
        self.conn.prepare_cached("DELETE FROM invite WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    fn revoke_tokens(&self, bot: &BotId) -> Result<(), SqliteError> {
        self.conn.prepare_cached("DELETE FROM token WHERE bot = ?1")?.execute([bot.as_str()])?;
        Ok(())
    }

    fn saw_bot(&mut self, bot: &BotId, at: Timestamp) -> Result<(), SqliteError> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            bot_columns!(),
            " FROM bot WHERE name = ?1"
        ))?;
        let sum = &mut *self.sum;
        let found = statement.query_row([bot.as_str()], |row| bot_row(sum, row)).optional()?;
        // A damaged row stays as it is: a new checksum would make it look valid.
        if let Some(Some(mut record)) = found {
            record.last_seen = record.last_seen.max(Some(at));
            self.put_bot(&record)?;
        }
        Ok(())
    }
}
