//! Who answered how often in one conversation.
//!
//! Owns the counts, and that a person who speaks sets them back. Decides nothing.

use bot_protocol::time::Timestamp;

use crate::index::{BotIx, RoomIx};

/// So many bots of one conversation are counted one by one; of more, those that spoke last.
const SEATS_MAX: usize = 64;

/// **Bound:** [`SEATS_MAX`] seats.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conversation {
    pub(super) seats: Vec<Seat>,
    /// Answers of all bots beyond the first few of each.
    pub(super) all: u32,
    /// Who spoke last, as a count of persons' messages: see [`Conversation::begin`].
    pub(super) persons: u64,
    pub(super) last_at: Timestamp,
    /// Another limit of turns than that of the room, after a pause.
    pub(super) turns_max: Option<u16>,
    /// The part of the bound of all bots that was warned of.
    pub(super) warned: u8,
    /// When it was stopped last.
    pub(super) tripped_at: Option<Timestamp>,
}

/// What one bot did in it, in one room.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seat {
    pub(super) room: RoomIx,
    pub(super) bot: BotIx,
    /// For whom it counts: itself, or who invited it.
    pub(super) payer: BotIx,
    pub(super) turns: u16,
    /// Answers in a row that said nothing new.
    pub(super) worn: u8,
    pub(super) persons: u64,
    pub(super) last_at: Timestamp,
    /// The part of the turns that was warned of.
    pub(super) warned: u8,
}

impl Conversation {
    /// Somebody is about to answer in `room`, where a person spoke last when `persons` messages of persons were
    /// counted in the whole hub. What was counted before that is void.
    pub(super) fn begin(&mut self, now: Timestamp, persons: u64) {
        if persons > self.persons {
            (self.all, self.turns_max, self.warned) = (0, None, 0);
            self.persons = persons;
        }
        self.last_at = now;
    }

    /// The seat of a bot, counted since a person spoke.
    pub(super) fn seat(
        &mut self,
        now: Timestamp,
        (room, bot, payer): (RoomIx, BotIx, BotIx),
        persons: u64,
    ) -> &mut Seat {
        let known = self.seats.iter().position(|it| it.bot == bot && it.room == room);
        let at = known.unwrap_or_else(|| {
            if self.seats.len() == SEATS_MAX {
                let oldest = self.seats.iter().enumerate().min_by_key(|(_, it)| it.last_at);
                let oldest = oldest.map_or(0, |(at, _)| at);
                self.seats.swap_remove(oldest);
            }
            let (turns, worn, warned) = (0, 0, 0);
            self.seats.push(Seat { room, bot, payer, turns, worn, persons, last_at: now, warned });
            self.seats.len() - 1
        });
        let seat = &mut self.seats[at];
        if persons > seat.persons {
            seat.reset();
            seat.persons = persons;
        }
        (seat.last_at, seat.payer) = (now, payer);
        seat
    }

    /// Turns that count for `payer`. In `room` a person spoke last at `persons`.
    pub(super) fn turns_of(&self, payer: BotIx, room: RoomIx, persons: u64) -> u64 {
        let counts = |it: &&Seat| it.payer == payer && (it.room != room || it.persons >= persons);
        self.seats.iter().filter(counts).map(|it| u64::from(it.turns)).sum()
    }

    /// A bot is free again: it begins anew, with that many turns from now on if another number than the room's.
    pub(super) fn free(&mut self, bot: BotIx, turns_max: Option<u16>) {
        for seat in self.seats.iter_mut().filter(|it| it.bot == bot) {
            seat.reset();
        }
        (self.all, self.warned) = (0, 0);
        self.turns_max = turns_max;
    }
}

impl Seat {
    fn reset(&mut self) {
        (self.turns, self.worn, self.warned) = (0, 0, 0);
    }
}
