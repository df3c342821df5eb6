//! How far members have come, what they did out of turn, and what they will never get.
//!
//! Owns which of a stored place or loss is news here. What this brain asked for is none: its tables had it
//! before the store.

use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use super::{Effect, Recorded};
use crate::change::{DroppedRange, Outcome, ReceiptRecord};
use crate::index::{BotIx, Named, RoomIx};
use crate::world::{Member, World};

impl World {
    pub(super) fn cursor_stored(
        &mut self,
        now: Timestamp,
        (room, bot): (RoomIx, BotIx),
        seq: u64,
        state: ReceiptState,
    ) -> Effect {
        let head = self.room(room).head;
        let Some(member) = self.going_on(room, bot, seq) else { return Effect::Nothing };
        let learned = member.learn_cursor(seq.min(head), state);
        if learned.is_some() {
            member.refresh_waiting(head, now);
        }
        Effect::Placed { room, bot, state, learned }
    }

    pub(super) fn mark_stored(&mut self, room: RoomIx, bot: BotIx, seq: u64) -> Effect {
        let head = self.room(room).head;
        let Some(member) = self.going_on(room, bot, seq) else { return Effect::Nothing };
        let learned = member.learn_delivered(seq.min(head));
        Effect::Placed { room, bot, state: ReceiptState::Delivered, learned }
    }

    /// The member, if it still reads in the membership in which it came to that entry: with its end those
    /// entries were dropped, before.
    fn going_on(&mut self, room: RoomIx, bot: BotIx, seq: u64) -> Option<&mut Member> {
        self.member_mut(room, bot).filter(|member| member.reads() && member.since < seq)
    }

    pub(super) fn receipt_stored(
        &mut self,
        named: Named,
        record: ReceiptRecord,
        outcome: &Outcome,
    ) -> Effect {
        let (room, bot) = self.named(named, &record.room, &record.bot);
        let is_there = (1..=self.room(room).head).contains(&record.seq);
        let is_late = *outcome == Outcome::Late || !is_there;
        let member = self.going_on(room, bot, record.seq);
        let goes_on = member.is_some();
        let member = member.filter(|_| !is_late);
        let is_news = member.is_some_and(|it| it.learn_receipt(record.seq, record.state));
        Effect::Recorded(Recorded { room, bot, record, is_late, goes_on, is_news })
    }

    pub(super) fn loss_stored(&mut self, room: RoomIx, bot: BotIx, range: DroppedRange) -> Effect {
        let (head, reason) = (self.room(room).head, range.reason);
        let mut learned = None;
        if let Some(member) = self.going_on(room, bot, range.to) {
            let range = DroppedRange { to: range.to.min(head), ..range };
            match reason.ends_reading() {
                true => member.part_with(range),
                false => learned = member.learn_loss(range),
            }
        }
        Effect::Lost { room, bot, reason, learned }
    }
}
