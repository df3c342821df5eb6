//! What follows when a change is committed or refused.
//!
//! Owns the dispatch of outcomes; `answers` does the same for questions, `retry` for what a full disk refused.
//! Changes are answered in their order, so the queue needs no keys.

mod answers;
mod retry;

use bot_protocol::code::Code;
use bot_protocol::frame::answer::Done;
use bot_protocol::right::Right;

use crate::change::Outcome;
use crate::hub::Hub;
use crate::waiting::{Pending, Waiter};

impl Hub {
    pub(crate) fn settle(&mut self, pending: Pending, outcome: Outcome) {
        match (pending, outcome) {
            (Pending::Append(said), outcome) => self.append_settled(said, &outcome),
            (Pending::WasSaid(doubted), outcome) => self.was_said_settled(*doubted, &outcome),
            (Pending::Room { room, waiter }, _) => {
                self.room_is_stored(room);
                self.confirm(waiter);
            }
            (Pending::Retain { room, retain, waiter }, _) => {
                self.world.room_mut(room).retain = Some(retain);
                self.confirm(waiter);
                self.trim(room);
            }
            (Pending::Join { room, bot, waiter }, _) => self.join_settled(room, bot, waiter),
            (Pending::Grant { room, bot, rights, waiter }, _) => {
                self.grant_settled(room, bot, rights, waiter);
            }
            (Pending::Leave { room, bot, why, waiter }, _) => {
                self.leave_settled(room, bot, why, waiter);
            }
            (Pending::Fact(fact), outcome) => self.fact_settled(*fact, &outcome),
            (Pending::Drop { room, bot, notices, .. }, _) => {
                self.loss_stored(room, bot);
                self.look_up_all(notices);
            }
            (Pending::Cursor { room, bot, seq, news, claims, .. }, _) => {
                if let Some(member) = self.world.member_mut(room, bot) {
                    member.meaning.mark_stored(seq);
                }
                self.tell_of_place((room, bot), seq, news, claims);
            }
            (Pending::Ahead { room, bot, seq, news, .. }, _) => {
                self.tell_of_place((room, bot), seq, news, Vec::new());
            }
            (Pending::Trim { room }, Outcome::Trimmed { removed, more, oldest_at }) => {
                self.trimmed(room, &removed, oldest_at);
                if more {
                    self.trim(room);
                }
            }
            (Pending::Delivered { .. } | Pending::Trim { .. } | Pending::Parting, _) => {}
        }
    }

    /// Answers an operator; the other waiters get an answer of their own.
    pub(crate) fn confirm(&mut self, waiter: Waiter) {
        if let Waiter::Operator { conn, reference } = waiter {
            self.operated(conn, reference, Done::dropping(0));
        }
    }

    /// How much of what the configuration declares is not stored yet. While that is anything, a hub is
    /// not ready.
    pub fn declaring(&self) -> usize {
        self.declaring
    }

    pub(crate) fn change_refused(&mut self, code: Code) {
        self.stats.store_refusals += 1;
        let Some(pending) = self.pending.pop_front() else {
            debug_assert!(false, "a refusal without a change");
            return;
        };
        match pending {
            Pending::Append(said) => {
                self.was_not_stored(&said);
                let reference = if said.chosen_id { said.draft.id.as_str() } else { "message" };
                self.refuse(said.conn, code, reference);
            }
            // Whether it was said before is not known either.
            Pending::WasSaid(doubted) => self.refuse(doubted.conn, code, doubted.draft.id.as_str()),
            Pending::Room { waiter: Waiter::Nobody, .. } | Pending::Fact(_) => {
                self.retry(pending, code);
            }
            Pending::Drop { room, bot, after, to, .. } => self.loss_refused(room, bot, after, to),
            Pending::Join { room, bot, ref waiter } => {
                self.world.joining(room, bot, -1);
                match waiter {
                    Waiter::Nobody => self.retry(pending, code),
                    waiter => self.refuse_waiter(waiter.clone(), code, "join"),
                }
            }
            Pending::Room { room, waiter } => {
                let known = self.world.room_mut(room);
                known.making = known.making.saturating_sub(1);
                self.refuse_waiter(waiter, code, "join");
            }
            Pending::Retain { waiter, .. } => self.refuse_waiter(waiter, code, "operate"),
            Pending::Grant { room, bot, rights, waiter } => {
                if !rights.has(Right::Read) {
                    self.goes_on(room, bot);
                }
                self.refuse_waiter(waiter, code, "operate");
            }
            Pending::Leave { room, bot, waiter, .. } => {
                self.goes_on(room, bot);
                self.refuse_waiter(waiter, code, "leave");
            }
            Pending::Cursor { room, bot, seq, at, news, claims } => {
                if let Some(member) = self.world.member_mut(room, bot) {
                    // What another kind of reader did is tried again as it was.
                    if member.meaning.refused(seq) {
                        member.unsaved_cursor.get_or_insert(at);
                    }
                    self.save_again(room, bot);
                    self.retry_claims(room, bot, claims);
                }
                self.retry_news(news, code);
            }
            Pending::Ahead { room, bot, seq, at, news } => {
                self.ahead_refused(room, bot, seq, at);
                self.retry_news(news, code);
            }
            Pending::Delivered { room, bot, at } => {
                if let Some(member) = self.world.member_mut(room, bot) {
                    member.unsaved_delivered.get_or_insert(at);
                    self.save_again(room, bot);
                }
            }
            Pending::Trim { room } => self.world.room_mut(room).trimming = false,
            // With the end of the membership, which says so.
            Pending::Parting => {}
        }
    }

    fn refuse_waiter(&mut self, waiter: Waiter, code: Code, reference: &str) {
        match waiter {
            Waiter::Nobody | Waiter::Another => {}
            Waiter::Client(conn) => self.refuse(conn, code, reference),
            Waiter::Operator { conn, reference } => self.refuse(conn, code, &reference),
        }
    }
}
