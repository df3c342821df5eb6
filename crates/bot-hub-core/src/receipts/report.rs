//! What became of a message, and who is told.
//!
//! Owns the ladder of receipts: what recipients report, what senders hear, and the answer to
//! `status`. Receipts are facts about entries, never entries: they wake nobody and are not ordered
//! with what is said.

use bot_protocol::code::Code;
use bot_protocol::frame::client::Receipt as Report;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::SmolStr;

use crate::change::{Located, Query};
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::ConnId;
use crate::waiting::{Ask, Notification};
use crate::world::Slot;

/// Which entry a receipt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant {
    /// The one with this seq.
    One(u64),
    /// It does not say which of several.
    Several,
    /// None that is known here.
    None,
}

/// The entry that a receipt is about.
struct AboutEntry {
    room: RoomIx,
    seq: u64,
    from: BotIx,
    sent_at: Timestamp,
}

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
            (Some(_), _) => match self.meant_in_window(room, bot, &report) {
                // One that has left the window may have the same id: only the log tells.
                Meant::One(_) if names_only_an_id(&report) => {
                    self.look_up_receipt(conn, bot, room, report);
                }
                Meant::One(seq) => self.report_in_window(room, bot, seq, report),
                Meant::Several => self.refuse_ambiguous(conn, &reference),
                Meant::None => self.look_up_receipt(conn, bot, room, report),
            },
            (None, None) => self.refuse(conn, Code::BadFrame, "receipt"),
        }
        self.pump(room, bot);
    }

    /// Which entry of the window a receipt is about. It is bound to room, sender and id: what names
    /// no sender is about the only entry with that id. `received` is the one that may be said of two
    /// in turn: it goes to the oldest that is not received, since a client takes them in their order.
    fn meant_in_window(&self, room: RoomIx, bot: BotIx, report: &Report) -> Meant {
        let (Some(member), Some(id)) = (self.world.member(room, bot), &report.id) else {
            return Meant::None;
        };
        let from = report.from.as_ref().map(|from| self.world.bot_ix(from));
        let is_meant = |slot: &&Slot| {
            from.is_none_or(|from| from == Some(slot.from))
                && report.seq.is_none_or(|seq| seq == slot.seq)
        };
        let mut slots = member.window.with_id(id).filter(is_meant);
        let oldest_open = slots.clone().find(|slot| !slot.is_taken());
        match (slots.next(), slots.next()) {
            (None, _) => Meant::None,
            (Some(only), None) => Meant::One(only.seq),
            (Some(first), Some(_)) if report.state == ReceiptState::Received => {
                Meant::One(oldest_open.unwrap_or(first).seq)
            }
            _ => Meant::Several,
        }
    }

    fn refuse_ambiguous(&mut self, conn: ConnId, reference: &str) {
        let error = ErrorFrame::new(Code::AmbiguousId)
            .hint("say `from` beside `id`: the sender of the message that is meant");
        self.send_error(conn, error.about(reference));
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
        let said = AboutEntry { room, seq, from: before.from, sent_at: before.sent_at };
        // A bot that began a turn with an entry has taken responsibility for it.
        if before.state < ReceiptState::Received {
            self.stats.received += 1;
            self.note_place(room, bot);
            self.tell_received(room, bot, std::slice::from_ref(&before));
        } else if is_above_received(&report) {
            self.repeat_received(room, bot, seq);
        }
        if report.state > ReceiptState::Received {
            self.record_report(bot, &said, report);
        }
    }

    fn look_up_receipt(&mut self, conn: ConnId, bot: BotIx, room: RoomIx, report: Report) {
        let Some(id) = report.id.clone() else { return };
        let (room_name, by) = (self.room_name(room), self.bot_id(bot).clone());
        let query = Query::Locate { room: room_name, id, from: report.from.clone(), by };
        self.ask(query, Ask::Receipt { conn, bot, room, receipt: report });
    }

    /// The entry of a receipt was looked up. The connection may be gone: what it reported while it
    /// was open counts.
    pub(crate) fn receipt_found(
        &mut self,
        conn: ConnId,
        bot: BotIx,
        room: RoomIx,
        report: Report,
        found: &[Located],
    ) {
        let Some(member) = self.world.member(room, bot) else { return };
        let own = self.bot_id(bot);
        let was_handed = |it: &&Located| {
            it.from != *own
                && report.seq.is_none_or(|seq| seq == it.seq)
                && (member.since + 1..=member.ever_sent()).contains(&it.seq)
        };
        let meant: Vec<&Located> = found.iter().filter(was_handed).collect();
        let in_window = self.meant_in_window(room, bot, &report);
        let is_open = names_only_an_id(&report);
        let reference = SmolStr::new(report.id.as_ref().map_or("receipt", MessageId::as_str));
        match (in_window, &meant[..]) {
            // The retention may have removed it from the log, but not from the window.
            (Meant::One(seq), all) if !is_open || all.iter().all(|it| it.seq == seq) => {
                self.report_in_window(room, bot, seq, report);
                self.pump(room, bot);
            }
            (Meant::None, []) => self.refuse(conn, Code::NoSuchMessage, &reference),
            (Meant::None, [message, rest @ ..])
                if rest.is_empty() || !is_above_received(&report) =>
            {
                self.report_on_stored(room, bot, message, report);
            }
            _ => self.refuse_ambiguous(conn, &reference),
        }
    }

    /// `received` of what is not in the window is known from the cursor.
    fn report_on_stored(&mut self, room: RoomIx, bot: BotIx, message: &Located, report: Report) {
        let is_news =
            is_above_received(&report) && report.state.may_follow_all(message.said.iter().copied());
        if is_news {
            let from = self.world.intern_bot(&message.from);
            let said = AboutEntry { room, seq: message.seq, from, sent_at: message.sent_at };
            if let Some(member) = self.world.member_mut(room, bot) {
                member.take_ahead(message.seq);
            }
            self.note_place(room, bot);
            self.repeat_received(room, bot, message.seq);
            self.record_report(bot, &said, report);
        }
    }

    fn record_report(&mut self, bot: BotIx, said: &AboutEntry, report: Report) {
        let Report { id: Some(id), state, reason, reply, .. } = report else { return };
        self.stats.reported[state as usize] += 1;
        // A bot that did something with the entry has received it: a restart must not know one without the other.
        self.save_place(said.room, bot);
        self.record(Notification {
            sender: said.from,
            room: said.room,
            seq: said.seq,
            id,
            sent_at: said.sent_at,
            bot,
            state,
            at: self.now,
            reason: reason.map(SmolStr::from),
            reply,
        });
    }
}

fn is_above_received(report: &Report) -> bool {
    report.state > ReceiptState::Received
}

/// Whether a receipt says nothing but an id of what it is about, where that may not be enough.
fn names_only_an_id(report: &Report) -> bool {
    report.from.is_none() && report.seq.is_none() && is_above_received(report)
}
