//! What was observed about single entries: stored first, told then.
//!
//! Owns the order of the two. A sender that heard of a fact which a crash then undid would be told the
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
use crate::waiting::{Fact, News, Notice, Pending};
use crate::world::Slot;

impl Hub {
    /// Makes a change that must not get lost.
    pub(crate) fn state(&mut self, fact: Fact) {
        self.change(Change::Receipt(fact.record.clone()), Pending::Fact(Box::new(fact)));
    }

    pub(crate) fn fact_settled(&mut self, fact: Fact, outcome: &Outcome) {
        let news = fact.news;
        match outcome {
            // The store may have it with the place already, and nobody was told.
            Outcome::Late if news.state == ReceiptState::Received => {
                self.tell_of_place((news.room, news.bot), news.seq, vec![news], Vec::new());
            }
            // A lower rung that comes late is no news to anybody.
            Outcome::Late => {}
            _ => self.notify(news),
        }
    }

    /// Tells senders what a bot received, when that is stored. Where nobody wants to know, the place is
    /// saved with many others, later.
    pub(crate) fn tell_received(&mut self, room: RoomIx, bot: BotIx, slots: &[Slot]) {
        let wanted = slots.iter().filter(|slot| self.wants_receipts(slot.from, slot.sent_at));
        let told = wanted.map(|slot| self.news(room, bot, slot, ReceiptState::Received));
        let told: Vec<News> = told.collect();
        if !told.is_empty() {
            self.tell_when_saved(room, bot, told);
        }
    }

    /// Saves a bot's place, and tells the senders when it is stored.
    fn tell_when_saved(&mut self, room: RoomIx, bot: BotIx, told: Vec<News>) {
        let before = self.pending.len();
        self.save_place(room, bot);
        let is_new = self.pending.len() > before;
        match self.pending.back_mut() {
            Some(Pending::Cursor { news, .. } | Pending::Ahead { news, .. }) if is_new => {
                *news = told;
            }
            _ => told.into_iter().for_each(|news| self.record(news)),
        }
    }

    /// Saves a place that a client named, and tells the senders of what it thereby received when it is
    /// stored.
    pub(crate) fn tell_of_claim(&mut self, room: RoomIx, bot: BotIx, received: Vec<Notice>) {
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
        news: Vec<News>,
        claims: Vec<Notice>,
    ) {
        let member = self.world.member(room, bot);
        if member.is_some_and(|member| member.reads() && member.since < seq) {
            news.into_iter().for_each(|news| self.notify(news));
            self.look_up_notices(room, claims);
        }
    }

    /// Whether the sender of a message of that time has a connection that asked for receipts.
    pub(crate) fn wants_receipts(&self, bot: BotIx, sent_at: Timestamp) -> bool {
        // Mostly nobody does, and then nothing has to be looked up for every entry.
        self.receipt_conns > 0
            && self.world.bot(bot).receipt_conns > 0
            && self.world.is_own(bot, sent_at)
    }

    /// News about an entry, of now.
    pub(crate) fn news(&self, room: RoomIx, bot: BotIx, slot: &Slot, state: ReceiptState) -> News {
        News {
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
    pub(crate) fn notify(&mut self, news: News) {
        if !self.world.is_own(news.sender, news.sent_at) {
            return;
        }
        for conn in self.receipt_conns_of(news.sender).collect::<Vec<_>>() {
            let frame = self.receipt_frame(&news);
            self.send(conn, ServerFrame::Receipt(frame));
        }
    }

    pub(crate) fn receipt_frame(&self, news: &News) -> Receipt {
        Receipt {
            room: self.room_name(news.room),
            id: news.id.clone(),
            bot: self.bot_id(news.bot).clone(),
            state: news.state.into(),
            at: news.at,
            reason: news.reason.clone(),
            reply: news.reply.clone(),
            others: None,
        }
    }

    /// Stores what became of one entry, and tells its sender.
    pub(crate) fn record(&mut self, news: News) {
        let fact = self.fact(news);
        self.state(fact);
    }

    pub(crate) fn fact(&self, news: News) -> Fact {
        let record = ReceiptRecord {
            room: self.room_name(news.room),
            seq: news.seq,
            bot: self.bot_id(news.bot).clone(),
            state: news.state,
            at: news.at,
            reason: news.reason.as_deref().map(Into::into),
            reply: news.reply.clone(),
        };
        Fact { record, news }
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
        let news = News { reason, ..self.news(room, bot, slot, state) };
        self.record(news);
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
        let news = self.news(room, bot, slot, ReceiptState::Dropped);
        self.notify(News { reason, ..news });
    }
}
