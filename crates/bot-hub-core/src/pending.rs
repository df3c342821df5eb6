//! Changes on their way to the store, and what follows when they are there or refused.
//!
//! Owns the queue's entries and the dispatch of outcomes. Changes are answered in their order, so the
//! queue needs no keys.

use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::operator::Retention;
use serde_json::json;
use smol_str::SmolStr;

use crate::change::{Change, Outcome};
use crate::entry::Draft;
use crate::hub::Hub;
use crate::io::ConnId;
use crate::settings::CURSOR_SAVE_MS;
use crate::world::{BotIx, RoomIx};

/// What waits for a change.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A message; its sender waits for the `ack`.
    Append { room: RoomIx, from: BotIx, draft: Arc<Draft>, conn: ConnId, chosen_id: bool },
    /// A new room.
    Room { room: RoomIx, waiter: Waiter },
    /// A room's own retention.
    Retain { room: RoomIx, retain: Retention, waiter: Waiter },
    /// A new membership.
    Join { room: RoomIx, bot: BotIx, waiter: Waiter },
    /// The end of a membership.
    Leave { room: RoomIx, bot: BotIx, waiter: Waiter },
    /// A cursor or a mark: if it is refused, the next save repeats it.
    Place { room: RoomIx, bot: BotIx },
    /// A fact that must not be forgotten: if it is refused, it is tried again.
    Fact(Box<Change>),
    /// A removal.
    Trim { room: RoomIx },
}

/// Who wants to hear that a change is committed.
#[derive(Clone, Debug)]
pub(crate) enum Waiter {
    /// The configuration, or a message that follows in the same turn.
    Nobody,
    /// The bot that joins or leaves.
    Client(ConnId),
    /// An operator.
    Operator {
        /// Its connection.
        conn: ConnId,
        /// The `ref` of the request.
        reference: SmolStr,
    },
}

/// Facts kept in memory while the disk is full. What is said beyond that is forgotten: it is then
/// known as "delivered" or "received" only, which is true.
const REFUSED_FACTS_MAX: usize = 10_000;

impl Hub {
    pub(crate) fn settle(&mut self, pending: Pending, outcome: Outcome) {
        match (pending, outcome) {
            (Pending::Append { room, from, draft, conn, chosen_id }, outcome) => {
                self.append_settled(room, from, draft, conn, chosen_id, &outcome);
            }
            (Pending::Room { room, waiter }, _) => {
                self.world.room_mut(room).durable = true;
                self.confirm(waiter);
            }
            (Pending::Retain { room, retain, waiter }, _) => {
                self.world.room_mut(room).retain = Some(retain);
                self.confirm(waiter);
                self.trim(room);
            }
            (Pending::Join { room, bot, waiter }, _) => self.join_settled(room, bot, waiter),
            (Pending::Leave { room, bot, waiter }, _) => self.leave_settled(room, bot, waiter),
            (Pending::Trim { room }, Outcome::Trimmed { removed, more }) => {
                self.trimmed(room, &removed, more);
            }
            (Pending::Place { .. } | Pending::Fact(_) | Pending::Trim { .. }, _) => {}
        }
    }

    /// Answers an operator; the other waiters get an answer of their own.
    pub(crate) fn confirm(&mut self, waiter: Waiter) {
        if let Waiter::Operator { conn, reference } = waiter {
            self.operated(conn, reference, json!({ "ok": true }));
        }
    }

    pub(crate) fn change_refused(&mut self, code: Code) {
        self.stats.store_refusals += 1;
        let Some(pending) = self.pending.pop_front() else {
            debug_assert!(false, "a refusal without a change");
            return;
        };
        match pending {
            Pending::Append { draft, conn, chosen_id, .. } => {
                let reference = if chosen_id { draft.id.as_str() } else { "message" };
                self.refuse(conn, code, reference);
            }
            Pending::Room { waiter: Waiter::Nobody, .. } | Pending::Fact(_) => self.retry(pending),
            Pending::Join { room, bot, ref waiter } => {
                self.world.joining(room, bot, -1);
                match waiter {
                    Waiter::Nobody => self.retry(pending),
                    waiter => self.refuse_waiter(waiter.clone(), code, "join"),
                }
            }
            Pending::Room { waiter, .. } => self.refuse_waiter(waiter, code, "join"),
            Pending::Retain { waiter, .. } => self.refuse_waiter(waiter, code, "operate"),
            Pending::Leave { waiter, .. } => self.refuse_waiter(waiter, code, "leave"),
            Pending::Place { room, bot } => {
                if let Some(member) = self.world.member_mut(room, bot) {
                    (member.unsaved_cursor, member.unsaved_delivered) = (true, true);
                    self.mark_unsaved(room, bot);
                }
            }
            Pending::Trim { room } => self.world.room_mut(room).trimming = false,
        }
    }

    fn refuse_waiter(&mut self, waiter: Waiter, code: Code, reference: &str) {
        match waiter {
            Waiter::Nobody => {}
            Waiter::Client(conn) => self.refuse(conn, code, reference),
            Waiter::Operator { conn, reference } => self.refuse(conn, code, &reference),
        }
    }

    /// Nobody is there to try it again, so the brain does, with the next save.
    fn retry(&mut self, pending: Pending) {
        if self.refused.len() < REFUSED_FACTS_MAX {
            self.refused.push(pending);
        }
        self.save_at.get_or_insert(self.now + CURSOR_SAVE_MS);
    }

    /// Saves everything that moved since the last time, and what was refused then.
    pub(crate) fn save_cursors(&mut self) {
        self.save_at = None;
        for pending in std::mem::take(&mut self.refused) {
            match pending {
                Pending::Fact(change) => self.fact(*change),
                Pending::Room { room, .. } => self.make_room(room, Waiter::Nobody),
                Pending::Join { room, bot, .. } => self.add_member(room, bot, Waiter::Nobody),
                _ => {}
            }
        }
        for (room, bot) in std::mem::take(&mut self.unsaved) {
            self.save_place(room, bot);
        }
    }

    /// Makes a change that nobody waits for and that must not get lost.
    pub(crate) fn fact(&mut self, change: Change) {
        self.change(change.clone(), Pending::Fact(Box::new(change)));
    }

    /// Saves where a bot stands in a room, if it moved.
    pub(crate) fn save_place(&mut self, room: RoomIx, bot: BotIx) {
        let at = self.now;
        let (bot_id, name) = (self.bot_id(bot).clone(), self.room_name(room));
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let (cursor, delivered, state) = (member.cursor(), member.delivered(), member.meaning());
        let cursor_moved = std::mem::take(&mut member.unsaved_cursor);
        let delivered_moved = std::mem::take(&mut member.unsaved_delivered);
        member.mark_saved();
        if delivered_moved {
            let (room_name, bot_id) = (name.clone(), bot_id.clone());
            let change = Change::Delivered { room: room_name, bot: bot_id, seq: delivered, at };
            self.change(change, Pending::Place { room, bot });
        }
        if cursor_moved {
            let change = Change::Cursor { room: name, bot: bot_id, seq: cursor, state, at };
            self.change(change, Pending::Place { room, bot });
        }
    }
}
