//! Questions on their way to the store, and who waits for the answers.

use bot_protocol::frame::client::Receipt;
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;

use crate::change::{Answer, Page};
use crate::hub::Hub;
use crate::io::{ConnId, Ticket};
use crate::settings::READ_RETRY_MS;
use crate::world::{BotIx, RoomIx};

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Ask {
    /// A member that is behind.
    Pump { room: RoomIx, bot: BotIx, conn: ConnId },
    /// Somebody who reads back.
    History { conn: ConnId, room: RoomIx },
    /// Somebody who wants to know what became of a message.
    Status { conn: ConnId, id: MessageId },
    /// A receipt for an entry that is not in the window any more.
    Receipt { conn: ConnId, room: RoomIx, receipt: Receipt },
    /// Senders of dropped entries have to be told.
    Dropped { room: RoomIx, bot: BotIx, to: u64, reason: &'static str },
}

impl Hub {
    pub(crate) fn answered(&mut self, ticket: Ticket, answer: Answer) {
        let Some(ask) = self.asked.remove(&ticket) else { return };
        match (ask, answer) {
            (Ask::Pump { room, bot, conn }, Answer::Page(page)) => {
                self.pumped(room, bot, conn, page);
            }
            (Ask::Pump { room, bot, conn }, _) => self.pump_failed(room, bot, conn),
            (Ask::History { conn, room }, Answer::Page(page)) => {
                self.history_read(conn, room, page);
            }
            (Ask::Status { conn, id }, Answer::Found(found)) => self.status_found(conn, &id, found),
            (Ask::Receipt { conn, room, receipt }, Answer::Found(found)) => {
                self.receipt_found(conn, room, receipt, &found);
            }
            (Ask::Dropped { room, bot, to, reason }, Answer::Page(page)) => {
                self.tell_dropped(room, bot, to, reason, &page);
            }
            // Nobody is owed a second look: the receiver learns of the gap in any case.
            (Ask::Dropped { .. }, _) => {}
            (Ask::History { conn, .. }, _) => self.store_failed(conn, "history"),
            (Ask::Status { conn, id }, _) => self.store_failed(conn, id.as_str()),
            (Ask::Receipt { conn, receipt, .. }, _) => {
                self.store_failed(conn, receipt.id.as_ref().map_or("receipt", MessageId::as_str));
            }
        }
    }

    fn store_failed(&mut self, conn: ConnId, reference: &str) {
        self.refuse(conn, bot_protocol::code::Code::StorageFailed, reference);
    }

    fn pump_failed(&mut self, room: RoomIx, bot: BotIx, conn: ConnId) {
        if let Some(member) = self.world.member_mut(room, bot).filter(|it| it.reader == Some(conn))
        {
            member.reading = false;
            self.unserved.push((room, bot));
            self.read_retry_at = Some(self.now + READ_RETRY_MS);
        }
    }

    pub(crate) fn retry_reads(&mut self) {
        self.read_retry_at = None;
        for (room, bot) in std::mem::take(&mut self.unserved) {
            self.pump(room, bot);
        }
    }

    fn tell_dropped(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        to: u64,
        reason: &'static str,
        page: &Page,
    ) {
        for entry in page.entries.iter().filter(|entry| entry.seq <= to) {
            let from: &BotId = &entry.draft.from;
            let Some(sender) = self.world.bot_ix(from) else { continue };
            let state = bot_protocol::receipt::ReceiptState::Dropped;
            self.notify(sender, room, &entry.draft.id, bot, state, Some(reason), None);
        }
    }
}
