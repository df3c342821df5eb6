//! What was observed about single entries: stored first, told then.
//!
//! Owns the order of the two. A sender that heard of something which a crash then undid would be told the
//! opposite later.

use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::Receipt;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::change::{Change, Loss, Outcome, ReceiptRecord};
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;
use crate::waiting::{Notification, Observation, Pending, RangeNotification};
use crate::world::Slot;

impl Hub {
    /// Makes a change that must not get lost.
    pub(crate) fn store_observation(&mut self, observation: Observation) {
        self.change(
            Change::Receipt(observation.record.clone()),
            Pending::Observation(Box::new(observation)),
        );
    }

    pub(crate) fn observation_settled(&mut self, observation: Observation, outcome: &Outcome) {
        let notification = observation.notification;
        match outcome {
            // The store may have it with the place already, and nobody was told.
            Outcome::Late if notification.state == ReceiptState::Received => {
                self.tell_of_place(
                    (notification.room, notification.bot),
                    notification.seq,
                    vec![notification],
                    Vec::new(),
                );
            }
            // A lower rung that comes late is no news to anybody.
            Outcome::Late => {}
            _ => self.notify(notification),
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
        let before = self.pending.len();
        self.save_place(room, bot);
        let is_new = self.pending.len() > before;
        match self.pending.back_mut() {
            Some(Pending::Cursor { notifications, .. } | Pending::Ahead { notifications, .. })
                if is_new =>
            {
                *notifications = told
            }
            _ => told.into_iter().for_each(|notification| self.record(notification)),
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
        let before = self.pending.len();
        self.save_place(room, bot);
        let is_new = self.pending.len() > before;
        if !(is_new && matches!(self.pending.back(), Some(Pending::Cursor { .. }))) {
            self.repeat_place(room, bot);
        }
        if let Some(Pending::Cursor { claims, .. }) = self.pending.back_mut() {
            *claims = received;
        }
    }

    /// A place is stored, if the membership in which it was reached goes on: with its end those entries
    /// were dropped, before.
    pub(crate) fn tell_of_place(
        &mut self,
        (room, bot): (RoomIx, BotIx),
        seq: u64,
        notifications: Vec<Notification>,
        claims: Vec<RangeNotification>,
    ) {
        let member = self.world.member(room, bot);
        if member.is_some_and(|member| member.reads() && member.since < seq) {
            notifications.into_iter().for_each(|it| self.notify(it));
            self.look_up_notifications(room, claims);
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

    /// The retention removed it while it was on its way, and it was not received.
    pub(crate) fn removed_in_flight(&mut self, room: RoomIx, bot: BotIx, slot: &Slot) {
        self.stats.dropped += 1;
        self.lose(room, bot, slot.seq, slot.seq, Loss::Retention);
        if let Some(member) = self.world.member_mut(room, bot) {
            member.losses.mark_given(slot.seq, slot.seq);
        }
        let reason = Some(SmolStr::new_static(Loss::Retention.word()));
        let notification = self.notification(room, bot, slot, ReceiptState::Dropped);
        self.notify(Notification { reason, ..notification });
    }
}
