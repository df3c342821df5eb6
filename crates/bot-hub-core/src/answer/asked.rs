//! What follows when the store has answered a question, or could not.

use bot_protocol::code::Code;
use bot_protocol::frame::server::ErrorFrame;
use bot_protocol::id::MessageId;

use crate::change::Answer;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{ConnId, Ticket};
use crate::settings::READ_RETRY_MS;
use crate::waiting::Ask;

impl Hub {
    pub(crate) fn answered(&mut self, ticket: Ticket, mut answer: Answer) {
        let Some(ask) = self.asked.remove(&ticket) else { return };
        self.redactions.cover(ticket, &mut answer);
        self.redactions.forget(|| self.asked.keys().min().copied());
        match (ask, answer) {
            (Ask::Pump { room, bot, until }, Answer::Page(page)) => {
                self.pumped(ticket, room, bot, until, page);
            }
            (Ask::Pump { room, bot, .. }, _) => self.pump_failed(ticket, room, bot),
            (Ask::History { conn, room, way }, Answer::Page(page)) => {
                self.history_read(conn, room, way, page);
            }
            (Ask::Status { conn, id }, Answer::Found(found)) => self.status_found(conn, &id, found),
            (Ask::Receipt { conn, bot, room, receipt }, Answer::Located(found)) => {
                self.receipt_found(conn, bot, room, receipt, &found);
            }
            (Ask::Notifications, Answer::Page(page)) => {
                self.notifications_answered(ticket, Some(page));
            }
            (Ask::Notifications, _) => self.notifications_answered(ticket, None),
            (Ask::Redact { conn, wish }, Answer::Page(page)) => {
                self.redact_looked_up(conn, *wish, page);
            }
            (Ask::Redact { conn, wish }, _) => self.store_failed(conn, &wish.reference),
            (Ask::History { conn, .. }, _) => self.store_failed(conn, "history"),
            (Ask::Status { conn, id }, _) => self.store_failed(conn, id.as_str()),
            (Ask::Receipt { conn, receipt, .. }, _) => {
                self.store_failed(conn, receipt.id.as_ref().map_or("receipt", MessageId::as_str));
            }
        }
    }

    fn store_failed(&mut self, conn: ConnId, reference: &str) {
        let error =
            ErrorFrame::new(Code::StorageFailed).message("the hub's store could not answer");
        self.send_error(conn, error.about(reference));
    }

    fn pump_failed(&mut self, ticket: Ticket, room: RoomIx, bot: BotIx) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if member.reading.take_if(|reading| *reading == ticket).is_some() {
            self.unserved.push((room, bot));
            self.read_retry_at.get_or_insert(self.now + READ_RETRY_MS);
        }
    }

    pub(crate) fn retry_reads(&mut self) {
        self.read_retry_at = None;
        for (room, bot) in std::mem::take(&mut self.unserved) {
            self.pump(room, bot);
        }
    }
}
