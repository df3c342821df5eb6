//! Names of a copy that are others' by now.
//!
//! Owns which bots of a copy must not come back with it. A restore undoes a removal, as it undoes everything;
//! but where another bot has the name since, that one would read what the former one was told, for instance
//! with the token that the configuration file has for the name. Never reads messages.

use std::collections::BTreeMap;
use std::path::Path;

use bot_hub_core::change::{Change, DroppedRange, Loss};
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rusqlite::Connection;

use super::batch::Batch;
use super::cache::Cache;
use super::connect::{self, Options};
use super::error::SqliteError;
use super::names::Names;
use super::schema::nat;
use super::sum::Sum;
use super::{clock, load};
use crate::record::{RecordKind, RecordWrite};
use crate::{AccessWrite, InviteRecord, Write};

/// Which bots were removed from the store at `present` after the copy was made, and when, where another bot
/// has the name there. A store that cannot be read knows of none.
pub(super) fn since(copy: &Connection, present: &Path) -> Vec<(BotId, Timestamp)> {
    let renamed = || -> Result<Vec<(BotId, Timestamp)>, SqliteError> {
        let present = connect::as_it_is(present, &Options::default())?;
        let before: BTreeMap<BotId, Timestamp> = clock::read_ended(copy)?.into_iter().collect();
        let (bots, copied) = (load::bot_names(&present)?, load::bot_names(copy)?);
        let (mut names, mut renamed) = (Names::default(), Vec::new());
        for (bot, at) in clock::read_ended(&present)? {
            let is_another = bots.contains(&bot) && before.get(&bot).is_none_or(|it| *it < at);
            if is_another && (copied.contains(&bot) || names.number(copy, &bot)?.is_some()) {
                renamed.push((bot, at));
            }
        }
        Ok(renamed)
    };
    renamed().unwrap_or_default()
}

/// Ends these bots in a copy, as if they had been removed there.
pub(super) fn end(copy: &Connection, bots: &[(BotId, Timestamp)]) -> Result<(), SqliteError> {
    if bots.is_empty() {
        return Ok(());
    }
    let mut sum = Sum::default();
    let invites = load::invites(copy, &mut sum)?;
    let mut writes = Vec::new();
    for (bot, at) in bots {
        writes.extend(waiting(copy, bot, *at)?);
        writes.push(Write::Access(AccessWrite::ForgetBot(bot.clone(), *at)));
        writes.push(Write::Record(RecordWrite::Remove(RecordKind::PROFILE, bot.as_str().into())));
        let open = invites.iter().filter(|it| it.by == *bot && it.revoked_at.is_none());
        let revoked = open.map(|it| InviteRecord { revoked_at: Some(*at), ..it.clone() });
        writes.extend(revoked.map(|it| Write::Access(AccessWrite::Invite(Box::new(it)))));
    }
    copy.execute_batch("BEGIN IMMEDIATE")?;
    Batch::new(copy, &mut Cache::default(), &mut sum).run(&writes)?;
    Ok(copy.execute_batch("COMMIT")?)
}

/// What waits for a bot is dropped with it.
fn waiting(copy: &Connection, bot: &BotId, at: Timestamp) -> Result<Vec<Write>, SqliteError> {
    let mut statement = copy.prepare(
        "SELECT room.name, member.cursor FROM member JOIN room ON room.id = member.room
         JOIN name ON name.id = member.bot WHERE name.name = ?1 ORDER BY room.name",
    )?;
    let rows = statement
        .query_map([bot.as_str()], |row| Ok((row.get::<_, String>(0)?, nat(row.get(1)?))))?;
    let mut writes = Vec::new();
    for row in rows {
        let (room, cursor) = row?;
        // Of a room whose name is damaged nothing can be said.
        let Ok(room) = RoomName::new(&room) else { continue };
        let range = DroppedRange { from: cursor + 1, to: u64::MAX, reason: Loss::Removed };
        writes.push(Write::Change(Change::Drop { room, bot: bot.clone(), range, at }));
    }
    Ok(writes)
}
