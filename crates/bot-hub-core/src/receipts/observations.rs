//! What was observed about single entries: stored first, told then.
//!
//! Owns the order of the two. A sender that heard of something which a crash then undid would be told the
//! opposite later.

use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::Receipt;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::apply::Recorded;
use crate::change::{Change, Loss, ReceiptRecord};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::ConnId;
use crate::waiting::{About, Notification, Observation, RangeNotification, Underway, Waiter};
use crate::world::Slot;

impl Hub {
    /// Makes a change that must not get lost.
    pub(crate) fn store_observation(&mut self, observation: Observation) {
        let Observation { record, notification } = observation;
        let named = Named::member(notification.room, notification.bot);
        self.change(Change::Receipt(record), named, Waiter::Observed(Box::new(notification)));
    }

    /// A receipt is stored, or comes late.
    pub(crate) fn receipt_answered(&mut self, recorded: Recorded, waiter: Waiter) {
        let Recorded { room, bot, record, is_late, goes_on, is_news } = recorded;
        match waiter {
            // The store may have it with the place already, and nobody was told. A lower rung that comes late
            // is no news to anybody.
            Waiter::Observed(it) if !is_late || it.state == ReceiptState::Received && goes_on => {
                self.notify(*it);
            }
            waiter @ Waiter::Senders(_) if goes_on => self.tell_of_place(room, waiter),
            Waiter::Nobody if !is_late => {
                let (after, to) = (record.seq - 1, record.seq);
                let about = About::recorded(bot, record);
                self.look_up_notifications(room, vec![RangeNotification { after, to, about }]);
            }
            _ => {}
        }
        if is_news {
            self.note_place(room, bot);
            self.note_losses(room, bot);
            self.pump(room, bot);
        }
    }

    /// Tells senders what a bot received, when that is stored. Where nobody wants to know, the place is
    /// saved with many others, later.
    pub(crate) fn tell_received(&mut self, room: RoomIx, bot: BotIx, slots: &[Slot]) {
        let wanted = slots.iter().filter(|slot| self.wants_receipts(slot.from, slot.sent_at));
        let told = wanted.map(|slot| self.notification(room, bot, slot, ReceiptState::Received));
        let told: Vec<Notification> = told.collect();
        if !told.is_empty() {
            self.tell_when_saved(room, bot, told);
        }
    }

    /// Saves a bot's place, and tells the senders when it is stored.
    fn tell_when_saved(&mut self, room: RoomIx, bot: BotIx, told: Vec<Notification>) {
        let before = self.underway.len();
        self.save_place(room, bot);
        let is_new = self.underway.len() > before;
        match self.underway.back_mut() {
            Some(Underway { waiter: Waiter::Senders(nobody), .. }) if is_new => *nobody = told,
            _ => told.into_iter().for_each(|it| self.record(it)),
        }
    }

    /// Saves a place that a client named, and tells the senders of what it thereby received when it is
    /// stored.
    pub(crate) fn tell_of_claim(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        received: Vec<RangeNotification>,
    ) {
        let is_member = self.world.member(room, bot).is_some();
        if received.is_empty() || self.receipt_conns == 0 || !is_member {
            return;
        }
        let before = self.underway.len();
        self.save_place(room, bot);
        let is_cursor = |it: &Underway| matches!(it.change, Change::Cursor { .. });
        if self.underway.len() == before || !self.underway.back().is_some_and(is_cursor) {
            self.repeat_place(room, bot);
        }
        if let Some(Underway { change: Change::Cursor { .. }, waiter, .. }) =
            self.underway.back_mut()
        {
            *waiter = Waiter::Claimed(received);
        }
    }

    /// Whether the sender of a message of that time has a connection that asked for receipts.
    pub(crate) fn wants_receipts(&self, bot: BotIx, sent_at: Timestamp) -> bool {
        // Mostly nobody does, and then nothing has to be looked up for every entry.
        self.receipt_conns > 0
            && self.world.bot(bot).receipt_conns > 0
            && self.world.is_own(bot, sent_at)
    }

    /// What to tell the sender of an entry, as of now.
    pub(crate) fn notification(
        &self,
        room: RoomIx,
        bot: BotIx,
        slot: &Slot,
        state: ReceiptState,
    ) -> Notification {
        Notification {
            sender: slot.from,
            room,
            seq: slot.seq,
            id: slot.id.clone(),
            sent_at: slot.sent_at,
            bot,
            state,
            at: self.now,
            reason: None,
            reply: None,
        }
    }

    /// The connections of a bot that asked for receipts.
    pub(crate) fn receipt_conns_of(&self, bot: BotIx) -> impl Iterator<Item = ConnId> {
        let bot = self.world.bot(bot);
        let conns = bot.conn.iter().chain(&bot.sides).copied();
        conns.filter(|conn| self.conn(*conn).is_some_and(|it| it.caps.receipts))
    }

    /// Whether a connection understands one receipt for a range of messages.
    pub(crate) fn knows_ranges(&self, conn: ConnId) -> bool {
        self.conn(conn).is_some_and(|it| it.caps.ranges)
    }

    /// Tells the sender's connections that asked for receipts. Of what a bot of the same name said
    /// before, a bot hears nothing.
    pub(crate) fn notify(&mut self, notification: Notification) {
        if !self.world.is_own(notification.sender, notification.sent_at) {
            return;
        }
        for conn in self.receipt_conns_of(notification.sender).collect::<Vec<_>>() {
            let frame = self.receipt_frame(&notification);
            self.send(conn, ServerFrame::Receipt(frame));
        }
    }

    pub(crate) fn receipt_frame(&self, notification: &Notification) -> Receipt {
        Receipt {
            room: self.room_name(notification.room),
            id: notification.id.clone(),
            bot: self.bot_id(notification.bot).clone(),
            state: notification.state.into(),
            at: notification.at,
            reason: notification.reason.clone(),
            reply: notification.reply.clone(),
            others: None,
        }
    }

    /// Stores what became of one entry, and tells its sender.
    pub(crate) fn record(&mut self, notification: Notification) {
        let observation = self.observation(notification);
        self.store_observation(observation);
    }

    pub(crate) fn observation(&self, notification: Notification) -> Observation {
        let record = ReceiptRecord {
            room: self.room_name(notification.room),
            seq: notification.seq,
            bot: self.bot_id(notification.bot).clone(),
            state: notification.state,
            at: notification.at,
            reason: notification.reason.as_deref().map(Into::into),
            reply: notification.reply.clone(),
        };
        Observation { record, notification }
    }

    /// The hub's own observation about one entry.
    pub(crate) fn observe(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        slot: &Slot,
        state: ReceiptState,
        reason: &'static str,
    ) {
        let reason = Some(SmolStr::new_static(reason));
        let notification = Notification { reason, ..self.notification(room, bot, slot, state) };
        self.record(notification);
    }

    /// An entry that ended every connection it was delivered on.
    pub(crate) fn give_up(&mut self, room: RoomIx, bot: BotIx, slot: &Slot) {
        self.stats.dead += 1;
        self.lose(room, bot, slot.seq, slot.seq, Loss::Dead);
        if let Some(member) = self.world.member_mut(room, bot) {
            member.attempts = 0;
        }
    }

    /// The retention removed it while it was on its way, or somebody else has recorded that it is lost, and
    /// it was not received.
    pub(crate) fn lost_in_flight(&mut self, room: RoomIx, bot: BotIx, slot: &Slot, why: Loss) {
        self.stats.dropped += 1;
        self.lose(room, bot, slot.seq, slot.seq, why);
        if let Some(member) = self.world.member_mut(room, bot) {
            member.losses.mark_given(slot.seq, slot.seq);
        }
        let reason = Some(SmolStr::new_static(why.word()));
        let notification = self.notification(room, bot, slot, why.state());
        self.notify(Notification { reason, ..notification });
    }
}
