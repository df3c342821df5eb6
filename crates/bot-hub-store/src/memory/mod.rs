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

use bot_hub_core::change::{
    Answer, Change, Found, LOCATED_MAX, Outcome, Page, Query, Remains, Snapshot,
};
use bot_protocol::id::Epoch;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use self::records::Records;
use self::room::Room;
use super::pause;
use super::record::{RecordPage, RecordQuery};
use super::rule::Numbers;
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
    /// Removed rooms, until they are cleared away.
    remains: BTreeMap<Remains, Room>,
    /// How many rooms were ever made.
    made: u64,
    numbers: Numbers,
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
            remains: BTreeMap::new(),
            made: 0,
            numbers: Numbers::default(),
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
        let record = |name: &&RoomName| {
            let room = &self.rooms[*name];
            room.record(name, self.numbers.epoch_of(room.number, self.epoch))
        };
        let rooms = names.iter().map(record).collect();
        let remains = self.remains.keys().copied().collect();
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
        let snapshot = Snapshot { epoch, rooms, remains, expiring, ended, newest_at, pauses };
        let names = self.names.iter().cloned().collect();
        Loaded { snapshot, bots, tokens, invites, names, age_waits: self.age_waits }
    }

    fn check_rooms(&self, batch: &[Write]) -> Result<(), StoreError> {
        for (index, write) in batch.iter().enumerate() {
            let Write::Change(change) = write else { continue };
            let Some(room) = super::room_of(change) else { continue };
            if is_there_after(&batch[..index], room).unwrap_or(self.rooms.contains_key(room)) {
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
        if let Some(write) = pause::write_of(change) {
            return self.records.apply(&write);
        }
        match change {
            Change::CreateRoom { room, closed } => return self.create_room(room, *closed),
            Change::RemoveRoom { room, .. } => return self.remove_room(room),
            Change::Clear { remains, entries_max } => return self.clear(*remains, *entries_max),
            Change::Append(draft) => self.names.insert(draft.from.clone()),
            Change::Join { bot, .. } => self.names.insert(bot.clone()),
            _ => false,
        };
        let Some(room) = room::name_in(change).and_then(|name| self.rooms.get_mut(name)) else {
            return room::without_it(change);
        };
        let outcome = room.apply(change);
        if let (Change::Append(draft), Outcome::Appended { .. }) = (change, &outcome) {
            self.newest_at = self.newest_at.max(super::newest(draft.sent_at));
        }
        outcome
    }

    fn create_room(&mut self, name: &RoomName, closed: bool) -> Outcome {
        let Self { rooms, made, .. } = self;
        let room = rooms.entry(name.clone()).or_insert_with(|| {
            *made += 1;
            Room::new(*made, closed)
        });
        Outcome::Made { epoch: self.numbers.epoch_of(room.number, self.epoch) }
    }

    fn remove_room(&mut self, name: &RoomName) -> Outcome {
        let Some(room) = self.rooms.remove(name) else { return Outcome::Done };
        self.records.forget(&pause::of_room(name));
        self.numbers = self.numbers.after_removal(self.made);
        let remains = Remains(room.number);
        self.remains.insert(remains, room);
        Outcome::RoomRemoved { remains }
    }

    fn clear(&mut self, remains: Remains, entries_max: u32) -> Outcome {
        let Some(room) = self.remains.get_mut(&remains) else {
            return Outcome::Cleared { removed: Vec::new(), more: false };
        };
        let removed = room.clear(entries_max as usize);
        let more = !room.is_clear();
        if !more {
            self.remains.remove(&remains);
        }
        Outcome::Cleared { removed, more }
    }
}

/// Whether the room is there after the earlier writes of a batch; `None` if they do not say.
fn is_there_after(earlier: &[Write], name: &RoomName) -> Option<bool> {
    earlier.iter().rev().find_map(|write| match write {
        Write::Change(Change::CreateRoom { room, .. }) if room == name => Some(true),
        Write::Change(Change::RemoveRoom { room, .. }) if room == name => Some(false),
        _ => None,
    })
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
