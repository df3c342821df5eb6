//! What follows when the store did not take a change.

use bot_protocol::code::Code;
use bot_protocol::right::Right;

use crate::change::{Change, ReceiptRecord};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::pause::PauseKey;
use crate::waiting::{Observation, Underway, Waiter};

impl Hub {
    /// The oldest change on its way to the store was refused.
    pub(crate) fn change_refused(&mut self, code: Code) {
        self.stats.store_refusals += 1;
        let Some(Underway { change, named, waiter }) = self.underway.pop_front() else {
            debug_assert!(false, "a refusal without a change");
            return;
        };
        if !matches!((&change, &waiter), (Change::CreateRoom { .. }, Waiter::Configuration)) {
            self.landed(&change, named, &waiter);
        }
        match change {
            Change::Append(draft) => {
                self.was_not_stored(&draft);
                self.refuse_sender(waiter, code, draft.id.as_str());
            }
            // Whether it was said before is not known either.
            Change::WasSaid(draft) => self.refuse_sender(waiter, code, draft.id.as_str()),
            Change::CreateRoom { room, .. } => {
                let room = self.world.named_room(named, &room);
                self.room_refused(room, waiter, code);
            }
            Change::Retain { .. } => self.refuse_waiter(waiter, code, "operate"),
            Change::Join { room, bot } => {
                let (room, bot) = self.world.named(named, &room, &bot);
                self.join_refused(room, bot, waiter, code);
            }
            Change::Grant { room, bot, rights } => {
                let (room, bot) = self.world.named(named, &room, &bot);
                if !rights.has(Right::Read) {
                    self.goes_on(room, bot);
                }
                self.refuse_waiter(waiter, code, "operate");
            }
            Change::Leave { room, bot, .. } => {
                let (room, bot) = self.world.named(named, &room, &bot);
                self.goes_on(room, bot);
                self.refuse_waiter(waiter, code, "leave");
            }
            Change::Cursor { room, bot, seq, at, .. } => {
                let (room, bot) = self.world.named(named, &room, &bot);
                self.cursor_refused(room, bot, (seq, at));
                self.retry_told((room, bot), waiter, code);
            }
            Change::Delivered { room, bot, at, .. } => {
                let (room, bot) = self.world.named(named, &room, &bot);
                self.mark_refused(room, bot, at);
            }
            Change::Receipt(record) => self.receipt_refused(record, named, waiter, code),
            Change::Drop { room, bot, .. } => {
                let (room, bot) = self.world.named(named, &room, &bot);
                // What goes with the end of a membership is asked for again with that.
                if let Waiter::Losers { after, to, .. } = waiter {
                    self.loss_refused(room, bot, after, to);
                }
            }
            Change::Redact { room, seq, .. } => {
                let room = self.world.named_room(named, &room);
                self.redact_refused(room, seq, waiter, code);
            }
            Change::RemoveRoom { room, .. } => {
                let room = self.world.named_room(named, &room);
                self.removal_refused(room);
                self.refuse_waiter(waiter, code, "operate");
            }
            Change::Clear { .. } => self.clearing_refused(),
            Change::Trim { .. } => {}
            change @ (Change::Pause(_) | Change::Resume(_)) => {
                self.pause_refused(change, waiter, code);
            }
        }
    }

    /// Who asked hears of it; what a rule or the time did is tried again.
    fn pause_refused(&mut self, change: Change, waiter: Waiter, code: Code) {
        match (change, waiter) {
            (change, Waiter::Nobody) => self.retry_pause(change),
            (_, Waiter::Resuming(it)) => self.refuse(it.conn, code, &it.reference),
            (Change::Pause(line), waiter) => {
                if let Some(key) = self.world.pause_key(&PauseKey::of(&line)) {
                    self.world.pauses.goes_on(key);
                }
                self.refuse_waiter(waiter, code, "operate");
            }
            _ => {}
        }
    }

    fn refuse_sender(&mut self, waiter: Waiter, code: Code, id: &str) {
        match waiter {
            Waiter::Sender(it) => {
                self.refuse(it.conn, code, if it.chosen_id { id } else { "message" });
            }
            Waiter::Doubted { conn, .. } => self.refuse(conn, code, id),
            _ => {}
        }
    }

    fn refuse_waiter(&mut self, waiter: Waiter, code: Code, reference: &str) {
        match waiter {
            Waiter::Client(conn) => self.refuse(conn, code, reference),
            Waiter::Operator { conn, reference } => self.refuse(conn, code, &reference),
            _ => {}
        }
    }

    fn room_refused(&mut self, room: RoomIx, waiter: Waiter, code: Code) {
        match waiter {
            // Still counted among those on their way: how it comes stays decided.
            Waiter::Configuration => self.retry_room(room),
            waiter => self.refuse_waiter(waiter, code, "join"),
        }
    }

    fn join_refused(&mut self, room: RoomIx, bot: BotIx, waiter: Waiter, code: Code) {
        match waiter {
            Waiter::Configuration => self.retry_join(room, bot),
            waiter => self.refuse_waiter(waiter, code, "join"),
        }
    }

    fn receipt_refused(&mut self, record: ReceiptRecord, named: Named, waiter: Waiter, code: Code) {
        match waiter {
            Waiter::Observed(notification) => {
                let notification = *notification;
                self.retry_observation(Observation { record, notification }, code);
            }
            waiter @ Waiter::Senders(_) => {
                let (room, bot) = self.world.named(named, &record.room, &record.bot);
                self.ahead_refused(room, bot, record.seq, record.at);
                self.retry_told((room, bot), waiter, code);
            }
            _ => {}
        }
    }

    /// What was to be told with a refused place.
    fn retry_told(&mut self, (room, bot): (RoomIx, BotIx), waiter: Waiter, code: Code) {
        match waiter {
            Waiter::Senders(told) => self.retry_notifications(told, code),
            Waiter::Claimed(claims) if self.world.member(room, bot).is_some() => {
                self.retry_claims(room, bot, claims);
            }
            _ => {}
        }
    }
}
