//! What became of a message, and who is told.
//!
//! Owns the ladder of receipts: what recipients report, what senders hear, and the answer to
//! `status`. Receipts are facts about entries, never entries: they wake nobody and are not ordered
//! with what is said.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::{Receipt as Report, Status};
use bot_protocol::frame::server::{
    ErrorFrame, GapReason, Receipt, RecipientStatus, StatusReport, Step,
};
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::ask::Ask;
use crate::change::{Change, DroppedRange, Found, Query, ReceiptRecord};
use crate::hub::Hub;
use crate::io::ConnId;
use crate::member::Slot;
use crate::world::{BotIx, RoomIx};

impl Hub {
    /// A bot says what it did with an entry.
    pub(crate) fn receipt(&mut self, conn: ConnId, report: Report) {
        let Some(state) = self.conn(conn) else { return };
        let bot = state.bot;
        let reference = report.id.as_ref().map_or("receipt", MessageId::as_str).to_owned();
        if state.side || !state.caps.ack {
            let error = ErrorFrame::new(Code::NotAllowed)
                .message(
                    "only a reading connection that asked for the cap `ack` has receipts to give",
                )
                .hint("send \"caps\":[\"ack\"] in `auth`");
            return self.send_error(conn, error.about(reference));
        }
        let room = match self.member_room(&report.room, bot) {
            Ok(room) => room,
            Err(error) => return self.send_error(conn, error.about(reference)),
        };
        match (&report.id, report.seq) {
            (None, Some(seq)) => self.received_through(room, bot, seq),
            (Some(id), _) => {
                let in_window = self.world.member(room, bot).and_then(|member| member.find(id));
                match in_window {
                    Some(seq) => self.report_in_window(room, bot, seq, report),
                    None => self.look_up_receipt(conn, bot, room, report),
                }
            }
            (None, None) => self.refuse(conn, Code::BadFrame, "receipt"),
        }
        self.pump(room, bot);
    }

    fn received_through(&mut self, room: RoomIx, bot: BotIx, seq: u64) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let mut news = Vec::new();
        member.take_through(seq, |slot| news.push((slot.from, slot.id.clone())));
        self.note_place(room, bot);
        self.stats.received += news.len() as u64;
        for (from, id) in news {
            self.notify(from, room, &id, bot, ReceiptState::Received, None, None);
        }
    }

    fn report_in_window(&mut self, room: RoomIx, bot: BotIx, seq: u64, report: Report) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let Some(before) = member.report(seq, report.state) else { return };
        let from = before.from;
        // Whoever began a turn with an entry has taken responsibility for it.
        if before.state < ReceiptState::Received {
            self.stats.received += 1;
            self.note_place(room, bot);
            self.notify(from, room, &before.id, bot, ReceiptState::Received, None, None);
        }
        if report.state > ReceiptState::Received {
            self.record(room, bot, from, seq, report);
        }
    }

    fn look_up_receipt(&mut self, conn: ConnId, bot: BotIx, room: RoomIx, report: Report) {
        let Some(id) = report.id.clone() else { return };
        let members = self.world.room(room).members.iter();
        let members = members.map(|member| self.bot_id(member.bot));
        // Operators speak in rooms without being members.
        let operators = self.world.bots.iter().filter(|bot| bot.operator).map(|bot| &bot.id);
        let mut senders: Vec<BotId> = members.chain(operators).cloned().collect();
        senders.sort_unstable();
        senders.dedup();
        self.ask(Query::Find { id, senders }, Ask::Receipt { conn, bot, room, receipt: report });
    }

    /// The entry of a receipt was looked up. The connection may be gone: what it reported while it
    /// was open counts.
    pub(crate) fn receipt_found(
        &mut self,
        conn: ConnId,
        bot: BotIx,
        room: RoomIx,
        report: Report,
        found: &[Found],
    ) {
        let (Some(member), Some(id)) = (self.world.member(room, bot), &report.id) else { return };
        if let Some(seq) = member.find(id) {
            // It was handed over again meanwhile.
            self.report_in_window(room, bot, seq, report);
            return self.pump(room, bot);
        }
        let (name, own) = (&self.world.room(room).name, self.bot_id(bot));
        let was_handed = |it: &&Found| {
            it.room == *name
                && it.from != *own
                && (member.since + 1..=member.ever_sent()).contains(&it.seq)
        };
        let Some(message) = found.iter().find(was_handed) else {
            let reference = SmolStr::new(id.as_str());
            return self.refuse(conn, Code::NoSuchMessage, &reference);
        };
        let known = message.receipts.iter().filter(|it| it.bot == *own).map(|it| it.state).max();
        let is_news = known.is_none_or(|known| report.state.may_follow(known));
        if is_news && report.state > ReceiptState::Received {
            let from = self.world.intern_bot(&message.from);
            self.record(room, bot, from, message.seq, report);
        }
    }

    fn record(&mut self, room: RoomIx, bot: BotIx, from: BotIx, seq: u64, report: Report) {
        let record = ReceiptRecord {
            room: self.room_name(room),
            seq,
            bot: self.bot_id(bot).clone(),
            state: report.state,
            at: self.now,
            reason: report.reason,
            reply: report.reply,
        };
        if let Some(id) = &report.id {
            let reason = record.reason.as_deref();
            self.notify(from, room, id, bot, record.state, reason, record.reply.as_ref());
        }
        self.fact(Change::Receipt(record));
    }

    /// Tells the sender's connections that asked for receipts.
    #[expect(clippy::too_many_arguments, reason = "the fields of one frame")]
    pub(crate) fn notify(
        &mut self,
        sender: BotIx,
        room: RoomIx,
        id: &MessageId,
        bot: BotIx,
        state: ReceiptState,
        reason: Option<&str>,
        reply: Option<&MessageId>,
    ) {
        for at in 0.. {
            let sender = self.world.bot(sender);
            let Some(conn) = sender.conn.iter().chain(&sender.sides).nth(at).copied() else {
                return;
            };
            if !self.conn(conn).is_some_and(|it| it.caps.receipts) {
                continue;
            }
            let frame = Receipt {
                room: self.room_name(room),
                id: id.clone(),
                bot: self.bot_id(bot).clone(),
                state,
                at: self.now,
                reason: reason.map(Into::into),
                reply: reply.cloned(),
            };
            self.send(conn, ServerFrame::Receipt(frame));
        }
    }

    /// The hub's own observation about one entry, recorded and told.
    pub(crate) fn observe(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        slot: &Slot,
        state: ReceiptState,
        reason: &str,
    ) {
        let record = ReceiptRecord {
            room: self.room_name(room),
            seq: slot.seq,
            bot: self.bot_id(bot).clone(),
            state,
            at: self.now,
            reason: Some(reason.to_owned()),
            reply: None,
        };
        self.fact(Change::Receipt(record));
        self.notify(slot.from, room, &slot.id, bot, state, Some(reason), None);
    }

    /// An entry that ended every connection it was delivered on.
    pub(crate) fn give_up(&mut self, room: RoomIx, bot: BotIx, slot: &Slot) {
        self.stats.dead += 1;
        let reason = "delivered many times and never received";
        self.observe(room, bot, slot, ReceiptState::Dead, reason);
        self.lose(room, bot, slot.seq, slot.seq, GapReason::Dead);
        if let Some(member) = self.world.member_mut(room, bot) {
            member.attempts = 0;
        }
    }

    /// The retention removed it while it was on its way, and it was not received.
    pub(crate) fn removed_in_flight(&mut self, room: RoomIx, bot: BotIx, slot: &Slot) {
        self.stats.dropped += 1;
        self.lose(room, bot, slot.seq, slot.seq, GapReason::Retention);
        let (state, reason) = (ReceiptState::Dropped, Some("retention"));
        self.notify(slot.from, room, &slot.id, bot, state, reason, None);
    }

    pub(crate) fn record_drop(&mut self, room: RoomIx, bot: BotIx, range: DroppedRange) {
        let change = Change::Drop {
            room: self.room_name(room),
            bot: self.bot_id(bot).clone(),
            range,
            at: self.now,
        };
        self.fact(change);
    }

    /// `status`: a sender asks about its message, an operator about anybody's.
    pub(crate) fn status(&mut self, conn: ConnId, query: &Status) {
        let Some(state) = self.conn(conn) else { return };
        let own = self.bot_id(state.bot).clone();
        let senders: Vec<BotId> = match (&query.from, state.operator) {
            (Some(from), true) => vec![from.clone()],
            (None, true) => self.world.bots.iter().map(|bot| bot.id.clone()).collect(),
            (Some(from), false) if *from != own => {
                let error = ErrorFrame::new(Code::NotAllowed)
                    .message("only an operator may ask about messages of others");
                return self.send_error(conn, error.about(query.id.as_str()));
            }
            (_, false) => vec![own],
        };
        let ask = Ask::Status { conn, id: query.id.clone() };
        self.ask(Query::Find { id: query.id.clone(), senders }, ask);
    }

    pub(crate) fn status_found(&mut self, conn: ConnId, id: &MessageId, found: Vec<Found>) {
        if found.is_empty() {
            return self.refuse(conn, Code::NoSuchMessage, id.as_str());
        }
        for message in found {
            let report = self.status_report(id, message);
            self.send(conn, ServerFrame::Status(report));
        }
    }

    pub(crate) fn status_report(&self, id: &MessageId, message: Found) -> StatusReport {
        let room = self.world.room_ix(&message.room);
        let mut bots: Vec<BotId> = message.receipts.iter().map(|it| it.bot.clone()).collect();
        for member in room.iter().flat_map(|&room| &self.world.room(room).members) {
            if member.since < message.seq {
                bots.push(self.bot_id(member.bot).clone());
            }
        }
        bots.sort_unstable();
        bots.dedup();
        bots.retain(|bot| *bot != message.from);
        let recipients = bots.into_iter().map(|bot| self.recipient(bot, room, &message)).collect();
        StatusReport {
            id: id.clone(),
            room: message.room.clone(),
            seq: message.seq,
            from: message.from.clone(),
            sent_at: message.sent_at,
            recipients,
        }
    }

    /// What is stored about one recipient, and what is only in memory yet.
    fn recipient(&self, bot: BotId, room: Option<RoomIx>, message: &Found) -> RecipientStatus {
        let step = |state, at| Step { state, at, reason: None, reply: None };
        let mut steps = vec![step(ReceiptState::Stored, message.sent_at)];
        let records = message.receipts.iter().filter(|record| record.bot == bot);
        // Marks pass over what was lost as they do over what was delivered: from then on they prove
        // nothing. Ranges grow, so when an entry came to be in one is not known.
        let lost_at = |it: &ReceiptRecord| match it.state {
            ReceiptState::Dropped => Some(Timestamp(0)),
            state => state.is_loss().then_some(it.at),
        };
        let lost_at = records.clone().filter_map(lost_at).min();
        let is_mark = |it: &ReceiptRecord| it.state <= ReceiptState::Received;
        for record in records.filter(|it| !(is_mark(it) && lost_at.is_some_and(|at| it.at >= at))) {
            steps.push(Step {
                state: record.state,
                at: record.at,
                reason: record.reason.as_deref().map(Into::into),
                reply: record.reply.clone(),
            });
        }
        let member =
            room.zip(self.world.bot_ix(&bot)).and_then(|(room, bot)| self.world.member(room, bot));
        let reached = member.and_then(|member| match member.slot(message.seq) {
            Some(slot) => Some(slot.state.min(member.meaning())),
            None => member.dealt_with(message.seq).then(|| member.meaning()),
        });
        let best = steps.iter().map(|step| step.state).max().unwrap_or(ReceiptState::Stored);
        // The cursor passes what is off the ladder too, which does not mean that it was received.
        let is_known = |state| steps.iter().any(|step| step.state == state);
        if let Some(state) = reached.filter(|&it| best <= ReceiptState::Failed && !is_known(it)) {
            steps.push(step(state, self.now));
        }
        // What was given up or expired is dropped as well, which says less.
        steps.retain(|step| step.state != ReceiptState::Dropped || best == ReceiptState::Dropped);
        steps.sort_by_key(|step| step.state);
        let state = steps.last().map_or(ReceiptState::Stored, |step| step.state);
        RecipientStatus { bot, state, steps }
    }
}
