//! Who and what exists: bots, rooms, connections.
//!
//! Owns the tables and their look-ups. Rules live elsewhere.
//!
//! Rooms and bots stand in vectors and are named by their index everywhere inside, so that a message
//! costs one look-up by name at the door and array accesses after that. The hash maps are never
//! iterated over: their order would leak into what the hub does, and a simulation from a seed would
//! not replay.

mod ahead;
mod census;
pub(crate) mod losses;
mod marks;
pub(crate) mod meaning;
pub(crate) mod member;
mod pauses;
mod rooms;
mod runs;
mod said;
mod shelves;
mod table;
pub(crate) mod window;

use std::cell::Cell;
use std::collections::VecDeque;

use bot_protocol::frame::client::BotState;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use self::rooms::Rooms;
use self::said::Said;
use self::shelves::Shelves;
use self::table::{Table, step};

pub(crate) use self::census::Census;
pub(crate) use self::meaning::Place;
pub(crate) use self::member::{Member, PlaceOf};
pub use self::pauses::PauseCounts;
pub(crate) use self::pauses::{Key, Pauses, Scope};
pub(crate) use self::rooms::{Fate, Room};
#[cfg(feature = "steps")]
pub use self::table::take_steps;
pub(crate) use self::window::Slot;

use crate::expiries::Expiries;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::{Caps, ConnId, Profile, Standing};

/// Who ended a connection: what its bot did not receive may have been the cause only if nobody else
/// was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It ended by itself: the peer closed it, or it broke.
    Alone,
    /// The hub did, for a reason of its own.
    ByHub,
}

#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) id: BotId,
    /// Somebody vouches for it: a token or a declaration. Others are names in old logs.
    pub(crate) exists: bool,
    /// What it may do at all, looked up whenever it does something.
    pub(crate) standing: Standing,
    /// It is about to be removed.
    pub(crate) removing: bool,
    /// When the last bot of that name was removed: what was sent until then is not this one's.
    pub(crate) ended_at: Timestamp,
    /// The connection that is delivered to.
    pub(crate) conn: Option<ConnId>,
    /// Connections that send and ask only.
    pub(crate) sides: Vec<ConnId>,
    /// How many of its connections asked for receipts.
    pub(crate) receipt_conns: u32,
    /// Since when names were suggested to it, and how often.
    pub(crate) suggestions: Cell<(Timestamp, u32)>,
    /// Where it is a member, and at which index among the room's members.
    pub(crate) rooms: FxHashMap<RoomIx, u32>,
    /// The same rooms in the order of joining.
    pub(crate) room_list: Vec<RoomIx>,
    pub(crate) state: BotState,
    pub(crate) note: Option<SmolStr>,
    /// What is said of it, if anything is.
    pub(crate) profile: Option<Box<Profile>>,
    pub(crate) since: Timestamp,
    pub(crate) last_seen: Option<Timestamp>,
    /// Rooms that it made by joining them, since the hub started.
    pub(crate) rooms_made: u32,
    /// What it said within a day, since the hub started.
    pub(crate) said: Said,
    /// Memberships of rooms on their way to the store; direct conversations do not count.
    pub(crate) joining: usize,
    /// When its connection was taken over lately.
    pub(crate) takeovers: VecDeque<Timestamp>,
}

impl Bot {
    /// Of one that has that name nothing is known, but that there is the name.
    pub(crate) fn new(id: &BotId) -> Self {
        Self {
            id: id.clone(),
            exists: false,
            standing: Standing::default(),
            removing: false,
            ended_at: Timestamp::default(),
            conn: None,
            sides: Vec::new(),
            receipt_conns: 0,
            suggestions: Cell::default(),
            rooms: FxHashMap::default(),
            room_list: Vec::new(),
            state: BotState::Offline,
            note: None,
            profile: None,
            since: Timestamp::default(),
            last_seen: None,
            rooms_made: 0,
            said: Said::default(),
            joining: 0,
            takeovers: VecDeque::new(),
        }
    }
}

/// An entry on its way to a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flight {
    pub(crate) room: RoomIx,
    pub(crate) seq: u64,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) bot: BotIx,
    pub(crate) plain: bool,
    pub(crate) side: bool,
    /// It is shown rooms as an operator's.
    pub(crate) watching: bool,
    /// The rooms of which that is so by name.
    pub(crate) watched: Vec<RoomIx>,
    pub(crate) caps: Caps,
    /// Entries handed over whose fate on the wire is not known yet; the first is number `landed + 1`.
    pub(crate) flights: VecDeque<Flight>,
    /// How many left `flights` again.
    pub(crate) landed: u64,
    /// How many are on the socket.
    pub(crate) written: u64,
    /// Bytes in `flights`.
    pub(crate) outstanding: usize,
    /// The probe that is under way: its number, and what its answer proves.
    pub(crate) probe: Option<(u64, u64)>,
    /// Rooms that wait for space on this connection.
    pub(crate) starved: Vec<RoomIx>,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) bots: Table<Bot>,
    pub(crate) rooms: Rooms,
    pub(crate) conns: FxHashMap<ConnId, Conn>,
    pub(crate) shelves: Shelves,
    /// Memberships, of all rooms together.
    pub(crate) memberships: usize,
    /// Bots with a connection that reads.
    pub(crate) online: usize,
    /// How much of what the configuration declares the store does not know yet.
    pub(crate) declaring: usize,
    pub(crate) expiries: Expiries,
    pub(crate) pauses: Pauses,
    bot_names: FxHashMap<BotId, BotIx>,
    room_names: FxHashMap<RoomName, RoomIx>,
}

impl World {
    pub(crate) fn bot_ix(&self, id: &BotId) -> Option<BotIx> {
        self.bot_names.get(id).copied()
    }

    /// The bot's index, for bots that exist.
    pub(crate) fn existing_bot(&self, id: &BotId) -> Option<BotIx> {
        self.bot_ix(id).filter(|&bot| self.bot(bot).exists && !self.bot(bot).removing)
    }

    /// The room's index, if the store knows the room and its removal is not on its way.
    pub(crate) fn room_ix(&self, name: &RoomName) -> Option<RoomIx> {
        let is_there = |room: &RoomIx| self.room(*room).durable && !self.room(*room).is_going();
        self.room_names.get(name).copied().filter(is_there)
    }

    /// The room's index, if the store knows the room or is about to.
    pub(crate) fn coming_room_ix(&self, name: &RoomName) -> Option<RoomIx> {
        let room = self.room_names.get(name).copied();
        room.filter(|&room| self.room(room).durable || self.room(room).making > 0)
    }

    /// The index of the room that has that name, also of one that is about to come or to go.
    pub(crate) fn named_room_ix(&self, name: &RoomName) -> Option<RoomIx> {
        self.room_names.get(name).copied()
    }

    /// The room's index, if its removal is on its way to the store.
    pub(crate) fn going_room_ix(&self, name: &RoomName) -> Option<RoomIx> {
        self.room_names.get(name).copied().filter(|&room| self.room(room).is_going())
    }

    /// Whether there is such a room, or will be as soon as the store has made it.
    pub(crate) fn has_room(&self, name: &RoomName) -> bool {
        self.room_names.contains_key(name)
    }

    /// The store knows the room, and from now on it is seen.
    pub(crate) fn room_is_there(&mut self, room: RoomIx) {
        if !std::mem::replace(&mut self.room_mut(room).durable, true) {
            self.shelve(room);
        }
    }

    /// The room that a change names; one that was never seen gets an index.
    pub(crate) fn named_room(&mut self, named: Named, name: &RoomName) -> RoomIx {
        named.room.unwrap_or_else(|| self.intern_room(name))
    }

    /// The room and the bot that a change names, likewise.
    pub(crate) fn named(&mut self, named: Named, name: &RoomName, id: &BotId) -> (RoomIx, BotIx) {
        (self.named_room(named, name), named.bot.unwrap_or_else(|| self.intern_bot(id)))
    }

    /// Whether only an operator admits members.
    pub(crate) fn set_closed(&mut self, room: RoomIx, closed: bool) {
        let is_news = std::mem::replace(&mut self.room_mut(room).closed, closed) != closed;
        if is_news && self.room(room).durable {
            self.shelve(room);
        }
    }

    /// A membership that the configuration declares is stored, or void.
    pub(crate) fn expects_no_more(&mut self, room: RoomIx, bot: BotIx) {
        let was_expected = self.room_mut(room).expected.remove(&bot);
        self.declaring -= usize::from(was_expected);
    }

    fn shelve(&mut self, room: RoomIx) {
        let state = &self.rooms[room];
        self.shelves.place(&state.name, room, state.closed);
    }

    /// Somebody vouches for the bot, or nobody does any more.
    pub(crate) fn set_exists(&mut self, bot: BotIx, exists: bool) {
        if std::mem::replace(&mut self.bot_mut(bot).exists, exists) != exists {
            let id = &self.bots[bot.0 as usize].id;
            self.shelves.place_bot(id, exists.then_some(bot));
        }
    }

    pub(crate) fn bot(&self, bot: BotIx) -> &Bot {
        step();
        &self.bots[bot.0 as usize]
    }

    pub(crate) fn bot_mut(&mut self, bot: BotIx) -> &mut Bot {
        step();
        &mut self.bots[bot.0 as usize]
    }

    /// Whether a message that names this bot and was sent then is its own, and not of a bot that had its
    /// name before.
    pub(crate) fn is_own(&self, bot: BotIx, sent_at: Timestamp) -> bool {
        sent_at > self.bot(bot).ended_at
    }

    /// A room that was removed, and of which nothing is left to be told, is nowhere: without members.
    pub(crate) fn room(&self, room: RoomIx) -> &Room {
        step();
        &self.rooms[room]
    }

    pub(crate) fn room_mut(&mut self, room: RoomIx) -> &mut Room {
        step();
        &mut self.rooms[room]
    }

    pub(crate) fn member(&self, room: RoomIx, bot: BotIx) -> Option<&Member> {
        let at = *self.bot(bot).rooms.get(&room)?;
        self.room(room).members.get(at as usize)
    }

    pub(crate) fn member_mut(&mut self, room: RoomIx, bot: BotIx) -> Option<&mut Member> {
        let at = *self.bot(bot).rooms.get(&room)?;
        self.room_mut(room).members.get_mut(at as usize)
    }

    /// The index of a name; a name that was never seen gets one.
    pub(crate) fn intern_bot(&mut self, id: &BotId) -> BotIx {
        if let Some(bot) = self.bot_ix(id) {
            return bot;
        }
        let ix = BotIx(u32::try_from(self.bots.len()).expect("bots are bounded by memory"));
        self.bots.push(Bot::new(id));
        self.bot_names.insert(id.clone(), ix);
        ix
    }

    /// The index of a room; an empty room is made if there is none.
    pub(crate) fn intern_room(&mut self, name: &RoomName) -> RoomIx {
        if let Some(&room) = self.room_names.get(name) {
            return room;
        }
        let ix = self.rooms.add(name.clone());
        self.room_names.insert(name.clone(), ix);
        ix
    }

    /// One membership more or less is on its way to the store. Both bounds count those too, or a
    /// client that does not wait for answers would not be bound by them.
    pub(crate) fn joining(&mut self, room: RoomIx, bot: BotIx, change: isize) {
        if self.room(room).name.direct_pair().is_some() {
            return;
        }
        let room = &mut self.room_mut(room).joining;
        *room = room.saturating_add_signed(change);
        let bot = &mut self.bot_mut(bot).joining;
        *bot = bot.saturating_add_signed(change);
    }

    /// The connection that is delivered to is another one. Every room knows how many of its members
    /// have one: whoever asks for the rooms gets that number without a look at the members.
    pub(crate) fn set_conn(&mut self, bot: BotIx, conn: Option<ConnId>) -> Option<ConnId> {
        let before = std::mem::replace(&mut self.bot_mut(bot).conn, conn);
        if before.is_some() != conn.is_some() {
            let change = if conn.is_some() { 1 } else { -1 };
            self.online = self.online.saturating_add_signed(change);
            for at in 0..self.bot(bot).room_list.len() {
                let room = self.bot(bot).room_list[at];
                let online = &mut self.room_mut(room).online;
                *online = online.saturating_add_signed(if conn.is_some() { 1 } else { -1 });
            }
        }
        before
    }

    pub(crate) fn insert_member(&mut self, room: RoomIx, member: Member) {
        let bot = member.bot;
        self.room_mut(room).had_members = true;
        let at = self.room(room).members.len();
        let online = u32::from(self.bot(bot).conn.is_some());
        self.room_mut(room).members.push(member);
        self.memberships += 1;
        self.room_mut(room).online += online;
        let at = u32::try_from(at).expect("members are bounded by `members_per_room`");
        self.bot_mut(bot).rooms.insert(room, at);
        self.bot_mut(bot).room_list.push(room);
    }

    /// A room is gone: its name is free, and nobody is a member of it any more. Returns who was.
    pub(crate) fn remove_room(&mut self, room: RoomIx) -> Vec<Member> {
        self.forget_pauses(Scope { room: Some(room), bot: None });
        let state = self.room_mut(room);
        (state.fate, state.online) = (Fate::Gone, 0);
        let members = state.members.take();
        let is_declared = std::mem::take(&mut state.is_declared);
        let expected = std::mem::take(&mut state.expected);
        self.declaring -= usize::from(is_declared) + expected.len();
        if std::mem::take(&mut self.room_mut(room).durable) {
            self.shelves.remove(&self.rooms[room].name);
        }
        self.room_names.remove(&self.rooms[room].name);
        self.memberships -= members.len();
        for member in &members {
            self.bot_mut(member.bot).rooms.remove(&room);
            self.bot_mut(member.bot).room_list.retain(|&other| other != room);
        }
        members
    }

    pub(crate) fn remove_member(&mut self, room: RoomIx, bot: BotIx) -> Option<Member> {
        let at = self.bot_mut(bot).rooms.remove(&room)?;
        self.memberships -= 1;
        self.bot_mut(bot).room_list.retain(|&other| other != room);
        let online = u32::from(self.bot(bot).conn.is_some());
        self.room_mut(room).online -= online;
        let removed = self.room_mut(room).members.swap_remove(at as usize);
        if let Some(moved) = self.room(room).members.get(at as usize).map(|member| member.bot) {
            self.bot_mut(moved).rooms.insert(room, at);
        }
        Some(removed)
    }
}
