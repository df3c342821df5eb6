//! No loop of bots outlives its budget: counts what bots say to each other without a person, and says whom to pause.
//!
//! Owns the rules and their counts. Pauses nobody itself: what comes out are [`Decision`]s, and its caller keeps cursors
//! where they are, hands over what waits, and tells people. Reads no clock and no store; the same messages give the same decisions.
//!
//! [`Governor::may_say`] is asked before a message is taken, [`Governor::said`] told when it is committed. What reached a
//! bot is not told message by message, which would cost something for each reader: `said` says up to where its sender
//! has been handed the room, and only what comes late, from the log, is told by [`Governor::handed_late`].
//!
//! * `said`: what goes in; `rules`: what the rules are and what comes out
//! * `place`: which conversation a message belongs to
//! * `count`: what it counts for; `pause`: what follows
//! * `room`, `member`, `conversation`, `log`, `books`: what is remembered; `day`, `speed`, `pace`, `words`: arithmetic
//! * `save`: what of it survives a restart

mod books;
mod conversation;
mod count;
mod day;
mod log;
mod member;
mod pace;
mod pause;
mod place;
mod room;
mod rules;
mod said;
mod save;
mod speed;
#[cfg(test)]
mod tests;
mod words;

use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;

use self::books::Books;
use self::count::Count;
use self::log::{Kind, Slot, id_of};
use self::place::place;
use self::room::room_of;

pub use self::books::Changed;
pub use self::rules::{
    Because, ConversationId, Decision, Limits, Paused, Preset, Release, Rule, TooFast, Trip,
    Warning, Why,
};
pub use self::said::{By, Cause, Heard, Said};
pub use self::save::{Damaged, Names};
pub use crate::index::{BotIx, RoomIx};

/// See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Governor {
    limits: Limits,
    /// For rooms without one of their own.
    preset: Preset,
    presets: FxHashMap<RoomIx, Preset>,
    books: Books,
}

/// What a reader may be told with an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Answers between the beginning of its conversation and it.
    pub hops: u16,
    /// How many answers are left to the reader in it, once four of five are used.
    pub turns_left: Option<u16>,
}

/// How much of its limits a bot has used in a room, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Answers in the conversation that it spoke in last, and how many it may give there.
    pub turns: (u64, u64),
    /// Answers of the last 24 hours that count, here and everywhere.
    pub day: (u64, u64),
    /// What it reported to have spent in 24 hours, in millionths of a US dollar.
    pub usd_micro: u64,
    /// A rule has paused it here or everywhere.
    pub paused: bool,
    /// When that ends by itself.
    pub until: Option<Timestamp>,
}

impl Governor {
    /// Counts nothing yet.
    #[must_use]
    pub fn new(limits: Limits, preset: Preset) -> Self {
        Self { limits, preset, ..Self::default() }
    }

    /// Other limits hold from now on.
    pub fn configure(&mut self, limits: Limits, preset: Preset) {
        (self.limits, self.preset) = (limits, preset);
    }

    /// A room has a preset of its own, or the usual one again. Where nothing is counted any more, what was counted is
    /// forgotten, and nobody stays paused.
    pub fn set_preset(&mut self, room: RoomIx, preset: Option<Preset>) -> Vec<Decision> {
        match preset {
            Some(preset) => self.presets.insert(room, preset),
            None => self.presets.remove(&room),
        };
        if self.preset_of(room) == Preset::Off { self.books.forget(room) } else { Vec::new() }
    }

    fn preset_of(&self, room: RoomIx) -> Preset {
        self.presets.get(&room).copied().unwrap_or(self.preset)
    }

    /// Whether a bot may say something in a room now; counts it if so. Persons are not asked for.
    ///
    /// # Errors
    ///
    /// When it has said too much within a minute.
    pub fn may_say(&mut self, now: Timestamp, room: RoomIx, bot: BotIx) -> Result<(), TooFast> {
        let max = self.limits.per_minute;
        if max == 0 || self.preset_of(room) == Preset::Off {
            return Ok(());
        }
        let taken = self.books.account(bot).speed.take(now, max);
        taken.map_err(|retry_after_ms| TooFast { retry_after_ms })
    }

    /// A message was committed. Messages of a room come in the order of its log. `elsewhere` are the other rooms of the
    /// sender, at most 64 of which are looked at, and only if nothing here can be what it answers.
    pub fn said(
        &mut self,
        now: Timestamp,
        said: &Said<'_>,
        elsewhere: impl Iterator<Item = (RoomIx, Heard)>,
    ) -> Vec<Decision> {
        let preset = self.preset_of(said.room);
        if preset == Preset::Off {
            return Vec::new();
        }
        if said.by != By::Person {
            // It has its place among the members before its message has one in a conversation.
            room_of(&mut self.books.rooms, said.room).member(said.from);
        }
        let place = place(&self.books.rooms, now, said, elsewhere);
        let decisions = match said.by {
            By::Person => {
                self.books.persons += 1;
                room_of(&mut self.books.rooms, said.room).persons = self.books.persons;
                Vec::new()
            }
            By::Bot { payer } => {
                let limits = &self.limits;
                self.books.count(Count { now, said, payer, place, preset, limits })
            }
        };
        let kind = match said.by {
            By::Person => Kind::Person,
            By::Bot { .. } if said.heard.is_none() => Kind::PostOnly,
            By::Bot { .. } if said.notice => Kind::Notice,
            By::Bot { .. } => Kind::Bot,
        };
        let (conversation, hops) = (place.conversation, place.hops);
        let slot = Slot { at: now, conversation, from: said.from, id: id_of(said.id), hops, kind };
        let room = room_of(&mut self.books.rooms, said.room);
        room.last_at = now;
        room.log.push(said.seq, slot);
        decisions
    }

    /// A bot was handed entries of a room from the log, after the first number up to the second one: because they
    /// had waited, or once more because its connection had ended.
    pub fn handed_late(&mut self, now: Timestamp, room: RoomIx, bot: BotIx, after: u64, to: u64) {
        if let Some(room) = self.books.rooms.get_mut(&room) {
            room.member(bot).hand_late(now, after, to);
        }
    }

    /// A bot reported that it has begun to work on an entry.
    pub fn started(&mut self, room: RoomIx, bot: BotIx, seq: u64) {
        if let Some(room) = self.books.rooms.get_mut(&room) {
            room.member(bot).started = Some(seq);
        }
    }

    /// A bot reported what an entry cost it, in millionths of a US dollar: once for each entry.
    pub fn spent(&mut self, now: Timestamp, bot: BotIx, usd_micro: u64) -> Vec<Decision> {
        self.books.spend(now, bot, usd_micro, &self.limits)
    }

    /// When [`Governor::tick`] is wanted at the latest.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.books.ends.first().map(|(at, ..)| *at)
    }

    /// Pauses by rules that are over.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Decision> {
        self.books.end_pauses(now)
    }

    /// A person resumes a bot in a room, with so many turns in the conversation that it was paused in; by itself as many as
    /// the room gives.
    pub fn resume(&mut self, now: Timestamp, room: RoomIx, bot: BotIx, turns: Option<u16>) {
        let turns = turns.unwrap_or_else(|| self.preset_of(room).turns());
        self.books.resume(now, room, bot, turns, self.limits.day);
    }

    /// A person resumes a bot that a rule has paused in all rooms: the limit that was reached is extended by a third.
    pub fn resume_everywhere(&mut self, now: Timestamp, bot: BotIx) {
        self.books.resume_everywhere(now, bot, &self.limits);
    }

    /// What a reader may be told with an entry.
    pub fn note(&self, room: RoomIx, seq: u64, reader: BotIx) -> Option<Note> {
        let slot = self.books.rooms.get(&room)?.log.get(seq)?;
        let (used, max) = self.turns(room, reader, slot.conversation);
        let left = u16::try_from(max.saturating_sub(used)).unwrap_or(u16::MAX);
        let turns_left = (used * 5 >= max * 4).then_some(left);
        Some(Note { hops: slot.hops, turns_left })
    }

    /// How much of its limits a bot has used in a room.
    pub fn standing(&self, now: Timestamp, room: RoomIx, bot: BotIx) -> Standing {
        let account = self.books.bots.get(&bot);
        let member = self.books.rooms.get(&room).and_then(|it| it.members.get(&bot));
        let begun = member.map(|it| it.spoke_in.0).unwrap_or_default();
        let here = member.and_then(|it| it.pause.as_ref()).map(|it| it.until);
        let everywhere = account.and_then(|it| it.pause).map(|it| it.until);
        Standing {
            turns: self.turns(room, bot, begun),
            day: (member.map_or(0, |it| it.day.sum(now)), account.map_or(0, |it| it.day.sum(now))),
            usd_micro: account.map_or(0, |it| it.spent.sum(now)),
            paused: here.is_some() || everywhere.is_some(),
            until: everywhere.or(here).flatten(),
        }
    }

    /// Turns of a bot in a conversation, and its limit there.
    fn turns(&self, room: RoomIx, bot: BotIx, begun: ConversationId) -> (u64, u64) {
        let usual = u64::from(self.preset_of(room).turns());
        let known = self.books.rooms.get(&begun.room);
        let Some(known) = known.and_then(|it| it.conversations.get(&begun.seq)) else {
            return (0, usual);
        };
        let max = known.turns_max.map_or(usual, u64::from);
        let persons = self.books.rooms.get(&room).map_or(0, |it| it.persons);
        let seat = known.seats.iter().find(|it| it.bot == bot && it.room == room);
        (seat.map_or(0, |it| known.turns_of(it.payer, room, persons)), max)
    }

    /// What is counted in a room, to be kept: empty if nothing is. It can be longer than a record of the store may be; it is then cut
    /// in parts, and put together again.
    pub fn save_room(&self, room: RoomIx, names: &mut dyn Names) -> Vec<u8> {
        self.books.rooms.get(&room).map_or_else(Vec::new, |it| save::write(it, names))
    }

    /// What is counted of a bot in all rooms together, to be kept: empty if nothing is.
    pub fn save_bot(&self, bot: BotIx, names: &mut dyn Names) -> Vec<u8> {
        self.books.bots.get(&bot).map_or_else(Vec::new, |it| save::write(it, names))
    }

    /// Goes on with what was kept of a room.
    ///
    /// # Errors
    ///
    /// If the bytes are not what was kept; then nothing is known of the room.
    pub fn restore_room(
        &mut self,
        room: RoomIx,
        bytes: &[u8],
        names: &mut dyn Names,
    ) -> Result<(), Damaged> {
        self.books.restore_room(room, save::read(bytes, names)?);
        Ok(())
    }

    /// Goes on with what was kept of a bot.
    ///
    /// # Errors
    ///
    /// If the bytes are not what was kept; then nothing is known of the bot.
    pub fn restore_bot(
        &mut self,
        bot: BotIx,
        bytes: &[u8],
        names: &mut dyn Names,
    ) -> Result<(), Damaged> {
        self.books.restore_bot(bot, save::read(bytes, names)?);
        Ok(())
    }

    /// Rooms and bots of which more is counted than when this was asked last: what is to be saved.
    pub fn take_changed(&mut self) -> Changed {
        std::mem::take(&mut self.books.changed)
    }
}
