//! What members will never get, on its way to the store.
//!
//! Owns when losses are recorded: a little after they happened, many at once, and at once for a reader
//! that comes to them. Until a loss is stored neither its reader nor a sender hears of it. Never decides
//! what is lost.

use std::collections::BTreeMap;

use crate::apply::Learned;
use crate::change::{Change, Loss};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::waiting::{About, RangeNotification, Underway, Waiter};
use crate::world::Member;

/// Losses are recorded at most this long after they happened, while nobody reads. A crash in between
/// costs nothing: those entries are delivered after all, or found to be lost again.
const DROPS_SAVE_MS: u64 = 1_000;

/// Members whose losses are recorded in one step: a room of thousands that are away must not hold up
/// everybody else's messages.
const DROPS_MAX: usize = 1_024;

/// Who lost a stretch `(after, to)` of a room, why, and whether they are paused there.
type Losers = BTreeMap<(RoomIx, u64, u64, Loss, bool), Vec<BotIx>>;

impl Hub {
    /// Entries that wait for a bot will never reach it. Returns how many of others that are; what was
    /// lost before does not count again.
    pub(crate) fn lose(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        from: u64,
        to: u64,
        reason: Loss,
    ) -> u64 {
        let Some(member) = self.world.member_mut(room, bot) else { return 0 };
        let lost = member.lose(from, to, reason);
        self.note_losses(room, bot);
        lost
    }

    /// A member may have lost something that the store does not know.
    pub(crate) fn note_losses(&mut self, room: RoomIx, bot: BotIx) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if !member.is_lossy && member.losses.has_to_be_given() {
            member.is_lossy = true;
            self.list_lossy(room, bot);
        }
    }

    /// A full buffer may have lost something that was not looked for yet.
    pub(crate) fn settle_buffer(&mut self, room: RoomIx, bot: BotIx) {
        if let Some(member) = self.world.member_mut(room, bot) {
            member.settle_buffer();
            self.note_losses(room, bot);
        }
    }

    /// This member's losses have to be recorded soon.
    pub(crate) fn list_lossy(&mut self, room: RoomIx, bot: BotIx) {
        self.lossy.push_back((room, bot));
        let wait = self.patience(DROPS_SAVE_MS);
        self.drops_at.get_or_insert(self.now + wait);
    }

    /// Records the losses of those that were listed, as many as one step may.
    pub(crate) fn save_drops(&mut self) {
        self.drops_at = None;
        let mut losers = Losers::new();
        for _ in 0..DROPS_MAX {
            let Some((room, bot)) = self.lossy.pop_front() else { break };
            self.give_losses(room, bot, &mut losers);
        }
        self.tell_losers(losers);
        if !self.lossy.is_empty() {
            let wait = self.patience(DROPS_SAVE_MS);
            self.drops_at = Some(self.now + wait);
        }
    }

    /// Records what one member lost. Its reader waits for that.
    pub(crate) fn save_losses(&mut self, room: RoomIx, bot: BotIx) {
        let mut losers = Losers::new();
        self.give_losses(room, bot, &mut losers);
        self.tell_losers(losers);
    }

    fn give_losses(&mut self, room: RoomIx, bot: BotIx, losers: &mut Losers) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        member.is_lossy = false;
        member.settle_buffer();
        let given = member.losses.give();
        let is_paused = self.world.pauses.hold(room, bot);
        let Some(member) = self.world.member_mut(room, bot) else { return };
        member.unstored_losses += u32::try_from(given.len()).unwrap_or(u32::MAX);
        for (range, (after, to)) in given {
            let is_paused = is_paused && range.reason != Loss::Skipped;
            let (name, id, at) = (self.room_name(room), self.bot_id(bot).clone(), self.now);
            let change = Change::Drop { room: name, bot: id, range, at };
            let waiter = Waiter::Losers { after, to, notifications: Vec::new() };
            self.change(change, Named::member(room, bot), waiter);
            losers.entry((room, after, to, range.reason, is_paused)).or_default().push(bot);
        }
    }

    /// The senders hear of it when the last of what was just recorded is stored.
    fn tell_losers(&mut self, losers: Losers) {
        let told = losers.into_iter().map(|((room, after, to, why, is_paused), bots)| {
            let about = About::lost(why, bots.into()).while_paused(is_paused);
            (room, RangeNotification { after, to, about })
        });
        let told: Vec<(RoomIx, RangeNotification)> = told.collect();
        if let (Some(Underway { waiter: Waiter::Losers { notifications, .. }, .. }), false) =
            (self.underway.back_mut(), told.is_empty())
        {
            *notifications = told;
        }
    }

    /// One of a member's losses is stored: it may be told, and what follows it handed over.
    pub(crate) fn loss_answered(&mut self, room: RoomIx, bot: BotIx, waiter: Waiter) {
        if let Waiter::Losers { notifications, .. } = waiter {
            self.pump(room, bot);
            self.look_up_all(notifications);
        }
    }

    /// Somebody else has recorded that a bot will never get something: its senders hear of it, and its
    /// reader here.
    pub(crate) fn lost_elsewhere(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        reason: Loss,
        learned: Learned,
    ) {
        let Some(learned) = learned else { return };
        let told = RangeNotification::all(learned, &About::lost(reason, [bot].into()));
        self.look_up_notifications(room, told);
        self.note_losses(room, bot);
        self.pump(room, bot);
    }

    /// The store refused it; it is recorded again with whatever was lost since.
    pub(crate) fn loss_refused(&mut self, room: RoomIx, bot: BotIx, after: u64, to: u64) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        member.losses.take_back(after, to);
        self.note_losses(room, bot);
        // Its client may have named a position beyond the loss in between: then nothing is recorded again.
        if !self.world.member(room, bot).is_some_and(Member::waits_for_store) {
            self.pump(room, bot);
        }
    }
}
