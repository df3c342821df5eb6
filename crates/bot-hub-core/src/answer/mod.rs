//! What follows when a change is committed.
//!
//! Owns the order: `apply` brings the tables up to date, and then the one who waits hears of it, entries are
//! delivered, and what senders are to be told is looked up. Of what somebody else has committed the same
//! follows, and nobody waits. `refused` does it for what the store did not take, `retry` tries that again;
//! `asked` does it for questions. Changes are answered in their order, so the queue needs no keys.

mod asked;
mod refused;
mod retry;

use bot_protocol::frame::answer::Done;

use crate::apply::Effect;
use crate::change::{Change, Outcome};
use crate::hub::Hub;
use crate::index::Named;
use crate::pause::PauseKey;
use crate::waiting::{Underway, Waiter};

impl Hub {
    /// The oldest change on its way to the store is there.
    pub(crate) fn committed(&mut self, outcome: Outcome) {
        let Some(Underway { change, named, waiter }) = self.underway.pop_front() else {
            debug_assert!(false, "an outcome without a change");
            return;
        };
        self.landed(&change, named, &waiter);
        let effect = self.world.apply(self.now, change, named, outcome);
        self.answer(effect, waiter);
    }

    /// Somebody else has made these changes.
    pub(crate) fn committed_elsewhere(&mut self, batch: Vec<(Change, Outcome)>) {
        for (change, outcome) in batch {
            if let Change::Append(draft) = &change {
                self.newest_at = self.newest_at.max(draft.sent_at);
            }
            let effect = self.world.apply(self.now, change, Named::default(), outcome);
            self.answer(effect, Waiter::Nobody);
        }
    }

    /// A change is not on its way any more: what counts those is one less.
    fn landed(&mut self, change: &Change, named: Named, waiter: &Waiter) {
        if let Change::Pause(line) = change
            && let Some(key) = self.world.pause_key(&PauseKey::of(line))
        {
            self.world.pauses.has_come(key);
        }
        let Named { room: Some(room), bot } = named else { return };
        match (change, bot) {
            (Change::CreateRoom { .. }, _) => {
                let making = &mut self.world.room_mut(room).making;
                *making = making.saturating_sub(1);
            }
            (Change::Join { .. }, Some(bot)) => self.world.joining(room, bot, -1),
            (Change::Trim { .. }, _) => self.world.room_mut(room).trimming = false,
            (Change::Drop { .. }, Some(bot)) if matches!(waiter, Waiter::Losers { .. }) => {
                if let Some(member) = self.world.member_mut(room, bot) {
                    member.unstored_losses = member.unstored_losses.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    /// Says what follows from a change to whom it concerns: `waiter` asked for it.
    fn answer(&mut self, effect: Effect, waiter: Waiter) {
        match effect {
            Effect::Appended { room, from, entry, is_next } => {
                self.append_answered(room, from, &entry, waiter);
                if !is_next {
                    // Something before it was never told of here: readers find it in the log.
                    self.pump_all(room);
                }
            }
            Effect::Repeated { room, from, entry, first_at } => {
                self.repeat_answered((room, from), &entry, first_at, waiter);
            }
            Effect::NotThere(draft) => self.not_there_answered(&draft, waiter),
            Effect::Nothing | Effect::Made => self.confirm(waiter),
            Effect::RoomRemoved { room, members, remains } => {
                self.removal_answered(room, members, remains, waiter);
            }
            Effect::Cleared { remains, removed, more } => self.cleared(remains, &removed, more),
            Effect::Retained(room) => {
                self.confirm(waiter);
                self.trim(room);
            }
            Effect::Joined { room, bot, is_new } => self.join_answered(room, bot, is_new, waiter),
            Effect::Granted { room, bot, before, is_told } => {
                let dropped = before.map_or(0, |mut it| self.reading_ended(room, &mut it));
                self.grant_answered(room, bot, is_told);
                self.confirm_parting(waiter, dropped);
            }
            Effect::Left { room, left, why } => self.leave_answered(room, left, why, waiter),
            Effect::Placed { room, bot, state, learned } => {
                self.tell_of_place(room, waiter);
                self.placed_elsewhere(room, bot, state, learned);
            }
            Effect::Recorded(recorded) => self.receipt_answered(recorded, waiter),
            Effect::Lost { room, bot, reason, learned } => {
                self.loss_answered(room, bot, waiter);
                self.lost_elsewhere(room, bot, reason, learned);
            }
            Effect::Redacted { room, told, is_done } => {
                self.redact_answered(room, *told, is_done, waiter);
            }
            Effect::Trimmed { room, removed, losers, more } => {
                self.trim_answered(room, &removed, losers);
                if more {
                    self.trim(room);
                }
            }
            Effect::Paused(key) => self.pause_answered(key, waiter),
            Effect::Resumed { key, ended } => self.resume_answered(key, ended, waiter),
        }
    }

    /// Answers an operator; the other waiters get an answer of their own.
    pub(crate) fn confirm(&mut self, waiter: Waiter) {
        if let Waiter::Operator { conn, reference } = waiter {
            self.operated(conn, reference, Done::dropping(0));
        }
    }

    /// How much of what the configuration declares is not stored yet. While that is anything, a hub is
    /// not ready.
    pub fn declaring(&self) -> usize {
        self.world.declaring + self.declared_late.len()
    }
}
