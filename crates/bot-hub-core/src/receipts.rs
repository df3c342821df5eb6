//! What became of a message, and who is told.
//!
//! Owns the ladder of receipts: what recipients report, what senders hear, and the answer to
//! `status`. Receipts are facts about entries, never entries: they wake nobody and are not ordered
//! with what is said.

use bot_protocol::code::Code;
use bot_protocol::frame::client::Receipt as Report;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use smol_str::SmolStr;

use crate::ask::Ask;
use crate::change::{Found, Query};
use crate::facts::News;
use crate::hub::Hub;
use crate::io::ConnId;
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
                let in_window =
                    self.world.member(room, bot).and_then(|member| member.window.find(id));
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
        let is_wanted = self.receipt_conns > 0;
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let (mut taken, mut count) = (Vec::new(), 0);
        member.take_through(seq, |slot| {
            count += 1;
            if is_wanted {
                taken.push(slot.clone());
            }
        });
        self.stats.received += count;
        self.note_place(room, bot);
        self.tell_received(room, bot, &taken);
    }

    fn report_in_window(&mut self, room: RoomIx, bot: BotIx, seq: u64, report: Report) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let Some(before) = member.report(seq, report.state) else { return };
        let from = before.from;
        // Whoever began a turn with an entry has taken responsibility for it.
        if before.state < ReceiptState::Received {
            self.stats.received += 1;
            self.note_place(room, bot);
            self.tell_received(room, bot, std::slice::from_ref(&before));
        }
        if report.state > ReceiptState::Received {
            self.record_report(room, bot, from, seq, report);
        }
    }

    fn look_up_receipt(&mut self, conn: ConnId, bot: BotIx, room: RoomIx, report: Report) {
        let Some(id) = report.id.clone() else { return };
        let members = self.world.room(room).members.iter();
        let members = members.map(|member| self.bot_id(member.bot));
        // Operators speak in rooms without being members.
        let operators =
            self.world.bots.iter().filter(|bot| bot.standing.operator).map(|bot| &bot.id);
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
        if let Some(seq) = member.window.find(id) {
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
            self.record_report(room, bot, from, message.seq, report);
        }
    }

    fn record_report(&mut self, room: RoomIx, bot: BotIx, from: BotIx, seq: u64, report: Report) {
        let (Report { state, reason, reply, .. }, at) = (report.clone(), self.now);
        let Some(id) = report.id else { return };
        self.stats.reported[state as usize] += 1;
        let reason = reason.map(SmolStr::from);
        self.record(seq, News { sender: from, room, id, bot, state, at, reason, reply });
    }
}
