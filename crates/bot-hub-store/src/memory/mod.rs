//! A store that loses everything when the process ends.
//!
//! Owns the promises of [`Store`] for one process: committed data is there until the process ends. For
//! `demo`, for tests, and for measuring the hub without a disk. Never writes a file.
//!
//! * `room`: one room's log, members and receipts.
//! * `records`: the small records.

mod records;
mod room;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bot_hub_core::change::{Answer, Change, Found, LOCATED_MAX, Outcome, Page, Query, Snapshot};
use bot_protocol::id::Epoch;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use self::records::Records;
use self::room::Room;
use super::pause;
use super::record::{RecordPage, RecordQuery};
use super::{
    AccessWrite, BotRecord, InviteRecord, Loaded, Reader, Store, StoreError, TokenRecord, Write,
};

/// All data in memory, shared with its readers.
#[derive(Debug)]
pub struct MemoryStore {
    world: Arc<Mutex<World>>,
}

#[derive(Debug)]
struct World {
    epoch: Epoch,
    rooms: FxHashMap<RoomName, Room>,
    bots: FxHashMap<BotId, BotRecord>,
    tokens: Vec<TokenRecord>,
    invites: BTreeMap<SmolStr, InviteRecord>,
    names: BTreeSet<BotId>,
    ended: BTreeMap<BotId, Timestamp>,
    newest_at: Timestamp,
    age_waits: Option<Timestamp>,
    records: Records,
}

#[derive(Debug)]
struct MemoryReader {
    world: Arc<Mutex<World>>,
}

impl MemoryStore {
    /// An empty store with a new epoch.
    pub fn new() -> Result<Self, StoreError> {
        let world = World {
            epoch: super::random_epoch()?,
            rooms: FxHashMap::default(),
            bots: FxHashMap::default(),
            tokens: Vec::new(),
            invites: BTreeMap::new(),
            names: BTreeSet::new(),
            ended: BTreeMap::new(),
            newest_at: Timestamp::default(),
            age_waits: None,
            records: Records::default(),
        };
        Ok(Self { world: Arc::new(Mutex::new(world)) })
    }
}

/// Locks the data. A lock poisoned by a reader's panic is safe to use, because only `commit` changes data.
fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(lock(&self.world).load())
    }

    fn commit(&mut self, batch: &[Write]) -> Result<Vec<Outcome>, StoreError> {
        let mut world = lock(&self.world);
        // Checked first, because a refused batch must change nothing.
        world.check_rooms(batch)?;
        Ok(batch.iter().map(|write| world.apply(write)).collect())
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        Ok(Box::new(MemoryReader { world: Arc::clone(&self.world) }))
    }
}

impl Reader for MemoryReader {
    fn answer(&mut self, query: &Query) -> Answer {
        let world = lock(&self.world);
        match query {
            Query::Page { room, span, entries_max, bytes_max } => {
                let page = world.rooms.get(room).map_or_else(Page::default, |room| {
                    room.page(*span, *entries_max as usize, *bytes_max as usize)
                });
                Answer::Page(page)
            }
            Query::Locate { room, id, from, by } => {
                let room = world.rooms.get(room);
                let found = room.map(|room| room.locate(id, from.as_ref(), by));
                Answer::Located(found.unwrap_or_default())
            }
            Query::Find { id, from, room: only, recipients } => {
                let rooms = world.rooms.iter();
                let rooms = rooms.filter(|(name, _)| only.as_ref().is_none_or(|it| it == *name));
                let mut found: Vec<_> =
                    rooms.flat_map(|(name, room)| room.find(name, id, from.as_ref())).collect();
                found.sort_by(super::oldest_first);
                found.truncate(LOCATED_MAX);
                let max = recipients.of_each(found.len());
                for it in &mut found {
                    part_of(it, recipients.after.as_deref(), max);
                }
                Answer::Found(found)
            }
        }
    }

    fn records(&mut self, query: &RecordQuery) -> Result<RecordPage, StoreError> {
        Ok(lock(&self.world).records.page(query))
    }
}

/// Reduces the fate of a message to the first `max` bots after the given one.
fn part_of(found: &mut Found, after: Option<&str>, max: usize) {
    found.bots.retain(|bot| after.is_none_or(|after| bot.as_str() > after));
    if found.bots.len() > max {
        found.bots.truncate(max);
        found.next = found.bots.last().map(|bot| bot.as_str().into());
    }
    let (first, last) = (found.bots.first(), found.bots.last());
    found.receipts.retain(|it| Some(&it.bot) >= first && Some(&it.bot) <= last);
}

impl World {
    fn load(&self) -> Loaded {
        let mut names: Vec<_> = self.rooms.keys().collect();
        names.sort();
        let rooms = names.iter().map(|name| self.rooms[*name].record(name)).collect();
        let expiring = names.iter().flat_map(|name| self.rooms[*name].expiring(name)).collect();
        let mut bots: Vec<_> = self.bots.values().cloned().collect();
        bots.sort_by(|one, other| one.bot.cmp(&other.bot));
        let mut tokens = self.tokens.clone();
        tokens.sort_by_key(|token| token.hash);
        let invites = self.invites.values().cloned().collect();
        let ended = self.ended.iter().map(|(bot, at)| (bot.clone(), *at)).collect();
        let (epoch, newest_at) = (self.epoch, self.newest_at);
        let page = |query: &RecordQuery| Ok::<_, Infallible>(self.records.page(query));
        let Ok(pauses) = pause::load(page);
        let snapshot = Snapshot { epoch, rooms, expiring, ended, newest_at, pauses };
        let names = self.names.iter().cloned().collect();
        Loaded { snapshot, bots, tokens, invites, names, age_waits: self.age_waits }
    }

    fn check_rooms(&self, batch: &[Write]) -> Result<(), StoreError> {
        for (index, write) in batch.iter().enumerate() {
            let Write::Change(change) = write else { continue };
            let Some(room) = super::room_of(change) else { continue };
            if self.rooms.contains_key(room) || made_in(&batch[..index], room) {
                continue;
            }
            return Err(StoreError::NoSuchRoom { room: room.clone() });
        }
        Ok(())
    }

    fn apply(&mut self, write: &Write) -> Outcome {
        match write {
            Write::Change(change) => return self.change(change),
            Write::Record(write) => return self.records.apply(write),
            Write::Access(write) => self.access(write),
            Write::Clock(at) => self.newest_at = self.newest_at.max(*at),
            Write::AgeWaits(until) => self.age_waits = *until,
        }
        Outcome::Done
    }

    fn access(&mut self, write: &AccessWrite) {
        match write {
            AccessWrite::Bot(record) => {
                self.bots.insert(record.bot.clone(), record.clone());
            }
            AccessWrite::ForgetBot(bot, at) => {
                self.forget(bot);
                self.ended.insert(bot.clone(), *at);
            }
            AccessWrite::Token(token) => {
                self.tokens.retain(|known| known.hash != token.hash);
                self.tokens.push(token.clone());
            }
            AccessWrite::RevokeTokens(bot) => self.tokens.retain(|token| token.bot != *bot),
            AccessWrite::ExpireTokens(bot, at) => {
                self.tokens.iter_mut().filter(|it| it.bot == *bot).for_each(|it| it.end_at(*at));
            }
            AccessWrite::ForgetToken(hash) => self.tokens.retain(|token| token.hash != *hash),
            AccessWrite::Invite(invite) => {
                self.invites.insert(invite.id.clone(), InviteRecord::clone(invite));
            }
            AccessWrite::ForgetInvite(id) => {
                self.invites.remove(id);
            }
            AccessWrite::Seen(bot, at) => {
                if let Some(record) = self.bots.get_mut(bot) {
                    record.last_seen = record.last_seen.max(Some(*at));
                }
            }
        }
    }

    fn forget(&mut self, bot: &BotId) {
        self.bots.remove(bot);
        self.names.insert(bot.clone());
        self.tokens.retain(|token| token.bot != *bot);
        for room in self.rooms.values_mut() {
            room.leave(bot);
        }
    }

    fn change(&mut self, change: &Change) -> Outcome {
        if let Change::CreateRoom { room, closed } = change {
            self.rooms.entry(room.clone()).or_insert_with(|| Room::new(*closed));
            return Outcome::Done;
        }
        if let Change::WasSaid(draft) = change {
            return self
                .rooms
                .get(&draft.room)
                .map_or(Outcome::Unsaid, |room| room.was_said(draft));
        }
        if let Some(write) = pause::write_of(change) {
            return self.records.apply(&write);
        }
        let name = super::room_of(change).expect("every other change names its room");
        match change {
            Change::Append(draft) => self.names.insert(draft.from.clone()),
            Change::Join { bot, .. } => self.names.insert(bot.clone()),
            _ => false,
        };
        let room = self.rooms.get_mut(name).expect("`check_rooms` has seen the room");
        let outcome = room.apply(change);
        if let (Change::Append(draft), Outcome::Appended { .. }) = (change, &outcome) {
            self.newest_at = self.newest_at.max(super::newest(draft.sent_at));
        }
        outcome
    }
}

/// Whether an earlier write of the batch makes the room.
fn made_in(earlier: &[Write], name: &RoomName) -> bool {
    earlier.iter().any(
        |write| matches!(write, Write::Change(Change::CreateRoom { room, .. }) if room == name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;
    use crate::conformance::Subject;

    fn subject() -> Subject {
        Subject::new(Box::new(MemoryStore::new().unwrap()), Box::new(|store| store))
    }

    conformance!(subject());
}
