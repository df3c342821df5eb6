//! Changes on their way to the store, and what follows when they are there or refused.
//!
//! Owns the queue's entries and the dispatch of outcomes. Changes are answered in their order, so the
//! queue needs no keys.

use std::sync::Arc;

use bot_protocol::code::Code;

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
    Room { room: RoomIx },
    /// A new membership; the connection waits for `joined`, an operator for an answer.
    Join { room: RoomIx, bot: BotIx, conn: Option<ConnId> },
    /// The end of a membership; the connection waits for `left`.
    Leave { room: RoomIx, bot: BotIx, conn: Option<ConnId> },
    /// An operator waits for the answer.
    Operated { conn: ConnId, reference: smol_str::SmolStr },
    /// A cursor or a mark: if it is refused, the next save repeats it.
    Place { room: RoomIx, bot: BotIx },
    /// A fact that must not be forgotten: if it is refused, it is tried again.
    Fact(Box<Change>),
    /// A removal.
    Trim { room: RoomIx },
}

/// Facts kept in memory while the disk is full. Beyond that the oldest are forgotten: what they said
/// is then known as "delivered" or "received" only, which is true.
const REFUSED_FACTS_MAX: usize = 10_000;

impl Hub {
    pub(crate) fn settle(&mut self, pending: Pending, outcome: Outcome) {
        match (pending, outcome) {
            (Pending::Append { room, from, draft, conn, chosen_id }, outcome) => {
                self.append_settled(room, from, draft, conn, chosen_id, &outcome);
            }
            (Pending::Room { room }, _) => self.world.room_mut(room).durable = true,
            (Pending::Join { room, bot, conn }, _) => self.join_settled(room, bot, conn),
            (Pending::Leave { room, bot, conn }, _) => self.leave_settled(room, bot, conn),
            (Pending::Operated { conn, reference }, _) => {
                self.operated(conn, reference, serde_json::json!({ "ok": true }));
            }
            (Pending::Trim { room }, Outcome::Trimmed { removed, more }) => {
                self.trimmed(room, &removed, more);
            }
            (Pending::Place { .. } | Pending::Fact(_) | Pending::Trim { .. }, _) => {}
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
            Pending::Join { conn: Some(conn), .. } => self.refuse(conn, code, "join"),
            Pending::Leave { conn: Some(conn), .. } => self.refuse(conn, code, "leave"),
            Pending::Operated { conn, reference } => self.refuse(conn, code, &reference),
            Pending::Place { room, bot } => {
                if let Some(member) = self.world.member_mut(room, bot) {
                    (member.unsaved_cursor, member.unsaved_delivered) = (true, true);
                    self.mark_unsaved(room, bot);
                }
            }
            Pending::Fact(change) => {
                if self.refused.len() < REFUSED_FACTS_MAX {
                    self.refused.push(*change);
                }
                self.save_at.get_or_insert(self.now + CURSOR_SAVE_MS);
            }
            Pending::Trim { room } => self.world.room_mut(room).trimming = false,
            Pending::Room { .. }
            | Pending::Join { conn: None, .. }
            | Pending::Leave { conn: None, .. } => {}
        }
    }

    /// Saves everything that moved since the last time, and what was refused then.
    pub(crate) fn save_cursors(&mut self) {
        self.save_at = None;
        for change in std::mem::take(&mut self.refused) {
            self.fact(change);
        }
        for (room, bot) in std::mem::take(&mut self.unsaved) {
            self.save_place(room, bot);
        }
    }

    /// Makes a change that nobody waits for and that must not get lost.
    pub(crate) fn fact(&mut self, change: Change) {
        self.change(change.clone(), Pending::Fact(Box::new(change)));
    }

    pub(crate) fn save_place(&mut self, room: RoomIx, bot: BotIx) {
        let at = self.now;
        let (bot_id, name) = (self.bot_id(bot).clone(), self.world.room(room).name.clone());
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let (cursor, delivered, state) = (member.cursor(), member.delivered(), member.meaning());
        let cursor_moved = std::mem::take(&mut member.unsaved_cursor);
        let delivered_moved = std::mem::take(&mut member.unsaved_delivered);
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
