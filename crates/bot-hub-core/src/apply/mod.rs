//! From a committed change to the tables.
//!
//! Owns what a change does to rooms and memberships, by the change and its outcome alone: the same whether
//! this brain asked for it or somebody else did. Of a change that this brain asked for, the tables may hold
//! a part already, and then that part does nothing. What follows for those who wait and read is for
//! `answer`: nothing is said here to anybody.

mod log;
mod members;
mod pauses;
mod places;

use std::sync::Arc;

use bot_protocol::frame::pause::PauseLine;
use bot_protocol::frame::server::Redacted;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

pub(crate) use self::log::Losers;

use crate::change::{Change, Loss, Outcome, ReceiptRecord, Remains, Removed};
use crate::entry::{Draft, Entry};
use crate::index::{BotIx, Named, RoomIx};
use crate::world::{Key, Member, World};

/// What a committed change did, for everything that follows from it.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Nothing that concerns anybody but the one who asked.
    Nothing,
    /// A room has one entry more.
    Appended {
        room: RoomIx,
        from: BotIx,
        entry: Entry,
        /// It follows on the last one that was known here.
        is_next: bool,
    },
    /// A sender said that before, at this place and time.
    Repeated { room: RoomIx, from: BotIx, entry: Entry, first_at: Timestamp },
    /// The log has no such message: another one has its id, or it was only asked for.
    NotThere(Arc<Draft>),
    /// A room is there.
    Made,
    /// A room is gone.
    RoomRemoved {
        room: RoomIx,
        /// Who was a member of it.
        members: Vec<Member>,
        remains: Remains,
    },
    /// Some of what a removed room left behind is gone.
    Cleared { remains: Remains, removed: Vec<Removed>, more: bool },
    /// A room has a retention of its own.
    Retained(RoomIx),
    /// A bot is a member, and perhaps was before.
    Joined { room: RoomIx, bot: BotIx, is_new: bool },
    /// What a member may do.
    Granted {
        room: RoomIx,
        bot: BotIx,
        /// The member as it was, if it began or ceased to read.
        before: Option<Box<Member>>,
        /// It reads the room now, or its reading changed.
        is_told: bool,
    },
    /// A bot is no member any more.
    Left { room: RoomIx, left: Option<Box<Member>>, why: Loss },
    /// A cursor or a mark is stored, of a membership that goes on.
    Placed { room: RoomIx, bot: BotIx, state: ReceiptState, learned: Learned },
    /// A receipt is stored, unless it is late.
    Recorded(Recorded),
    /// A member will never get something.
    Lost { room: RoomIx, bot: BotIx, reason: Loss, learned: Learned },
    /// What an entry said is gone from a room's log, if it was there.
    Redacted { room: RoomIx, told: Box<Redacted>, is_done: bool },
    /// The retention removed entries of a room, perhaps none.
    Trimmed { room: RoomIx, removed: Vec<Removed>, losers: Losers, more: bool },
    /// A pause holds.
    Paused(Key),
    /// A pause has ended, if it held.
    Resumed { key: Key, ended: Option<Arc<PauseLine>> },
}

/// The stretches `(after, to)` of a log for which a change is news here; `None` if nothing of it is.
pub(crate) type Learned = Option<Vec<(u64, u64)>>;

/// What became of a receipt.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) room: RoomIx,
    pub(crate) bot: BotIx,
    pub(crate) record: ReceiptRecord,
    /// Something as high is recorded, or that it was dropped with the membership; or there is no such entry.
    pub(crate) is_late: bool,
    /// The membership in which it was received goes on.
    pub(crate) goes_on: bool,
    /// The tables did not have it.
    pub(crate) is_news: bool,
}

impl World {
    /// Takes over what was committed. Changes of one room come in the order of the store.
    #[inline]
    pub(crate) fn apply(
        &mut self,
        now: Timestamp,
        change: Change,
        named: Named,
        outcome: Outcome,
    ) -> Effect {
        match change {
            Change::Append(draft) => self.append(draft, named, &outcome),
            Change::WasSaid(draft) => self.was_said(draft, named, &outcome),
            Change::CreateRoom { room, closed } => {
                let room = self.named_room(named, &room);
                self.room_made(room, closed, &outcome)
            }
            Change::RemoveRoom { room, .. } => self.room_removed(named, &room, &outcome),
            Change::Clear { remains, .. } => match outcome {
                Outcome::Cleared { removed, more } => Effect::Cleared { remains, removed, more },
                _ => Effect::Nothing,
            },
            Change::Retain { room, retain } => {
                let room = self.named_room(named, &room);
                self.room_mut(room).retain = Some(retain);
                Effect::Retained(room)
            }
            Change::Join { room, bot } => {
                let (room, bot) = self.named(named, &room, &bot);
                self.member_joined(room, bot)
            }
            Change::Grant { room, bot, rights } => {
                let (room, bot) = self.named(named, &room, &bot);
                self.member_granted(room, bot, rights)
            }
            Change::Leave { room, bot, why } => {
                let (room, bot) = self.named(named, &room, &bot);
                Effect::Left { room, left: self.remove_member(room, bot).map(Box::new), why }
            }
            Change::Cursor { room, bot, seq, state, .. } => {
                let (room, bot) = self.named(named, &room, &bot);
                self.cursor_stored(now, (room, bot), seq, state)
            }
            Change::Delivered { room, bot, seq, .. } => {
                let (room, bot) = self.named(named, &room, &bot);
                self.mark_stored(room, bot, seq)
            }
            Change::Receipt(record) => self.receipt_stored(named, record, &outcome),
            Change::Drop { room, bot, range, .. } => {
                let (room, bot) = self.named(named, &room, &bot);
                self.loss_stored(room, bot, range)
            }
            Change::Redact { room, seq, from, id, redaction } => {
                let at = self.named_room(named, &room);
                let is_done = self.redacted(at, &outcome);
                let told = Redacted { room, seq, id, from, redacted: redaction };
                Effect::Redacted { room: at, told: Box::new(told), is_done }
            }
            Change::Trim { room, retain, now, .. } => {
                let room = self.named_room(named, &room);
                self.trimmed(room, retain.age_ms.map(|age_ms| (age_ms, now)), outcome)
            }
            Change::Pause(line) => self.paused(*line),
            Change::Resume(key) => self.resumed(&key),
        }
    }
}
