//! From a `message` frame to a committed entry and its `ack`.
//!
//! Owns what a sender is told. **Invariant:** `ack` is sent when the entry is committed, never before.

use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::{Ack, ErrorFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;
use bot_protocol::time::Timestamp;

use crate::change::Change;
use crate::delivery::Handed;
use crate::entry::{Draft, Entry, Extras};
use crate::hub::Hub;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::{ConnId, Output};
use crate::rules::quota::size_of;
use crate::waiting::{Sender, Underway, Waiter};
use crate::world::PlaceOf;

/// Whether the log had a message before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Novelty {
    New,
    Known,
}

impl Hub {
    pub(crate) fn publish(&mut self, conn: ConnId, bot: BotIx, message: Message) {
        let room = match self.accept(bot, &message) {
            Ok(room) => room,
            Err(error) => return self.refuse_message(conn, bot, message, error),
        };
        let sender = Sender { conn, chosen_id: message.id.is_some() };
        let draft = Arc::new(self.draft(self.room_name(room), bot, message));
        self.world.bot_mut(bot).said.add(self.now, draft.size() as u64);
        let change = Change::Append(Arc::clone(&draft));
        let (named, waiter) = (Named::member(room, bot), Waiter::Sender(sender));
        self.submit(change, Underway { change: Change::Append(draft), named, waiter });
    }

    fn accept(&mut self, bot: BotIx, message: &Message) -> Result<RoomIx, ErrorFrame> {
        self.takes_changes()?;
        if message.expires_at.is_some_and(|at| at <= self.now) {
            return Err(ErrorFrame::new(Code::Expired));
        }
        self.may_say(bot, size_of(message))?;
        self.destination(bot, message)
    }

    /// It cannot be taken now, unless it was: whoever missed the `ack` says it again, and gets the
    /// first answer, whatever has changed since. Only the store knows whether this was said, and it
    /// is asked behind everything that is on its way there. It is asked whether or not there is such a
    /// room: when a refusal comes must not tell a stranger which rooms exist.
    fn refuse_message(&mut self, conn: ConnId, bot: BotIx, message: Message, error: ErrorFrame) {
        let room = match (&message.room, &message.to) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(to)) => Some(RoomName::direct(self.bot_id(bot), to)),
            (None, None) => None,
        };
        let error = error.about(message.id.as_ref().map_or("message", MessageId::as_str));
        match room.filter(|_| message.id.is_some() && !self.draining) {
            Some(room) => {
                let draft = Arc::new(self.draft(room, bot, message));
                let waiter = Waiter::Doubted { conn, error: Box::new(error) };
                self.change(Change::WasSaid(draft), Named::bot(bot), waiter);
            }
            None => self.send_error(conn, error),
        }
    }

    fn destination(&mut self, bot: BotIx, message: &Message) -> Result<RoomIx, ErrorFrame> {
        let other = match (&message.room, &message.to) {
            (Some(name), None) => self.other_of_pair(name, bot)?,
            (None, Some(to)) => Some(self.find_bot(to, bot)?),
            _ => return Err(ErrorFrame::new(Code::BadFrame)),
        };
        match (other, &message.room) {
            (Some(other), _) => {
                let name = RoomName::direct(self.bot_id(bot), self.bot_id(other));
                self.is_no_removal_under_way(&name, bot)?;
                self.may_address(bot, other, Some(message))?;
                let name = RoomName::direct(self.bot_id(bot), self.bot_id(other));
                self.may_speak_now(self.world.room_ix(&name), bot)?;
                self.has_space_for_direct(bot, other)?;
                Ok(self.ensure_direct(bot, other, Waiter::Another))
            }
            (None, Some(name)) => {
                let room = self.speaking_room(name, bot)?;
                self.may_speak(room, bot, message)?;
                self.may_speak_now(Some(room), bot).map(|()| room)
            }
            (None, None) => Err(ErrorFrame::new(Code::BadFrame)),
        }
    }

    /// The room, if the bot may speak in it: as a member, or as an operator who has something to say
    /// to the members. An operator that had to join first would be owed every message afterwards.
    fn speaking_room(&self, name: &RoomName, bot: BotIx) -> Result<RoomIx, ErrorFrame> {
        self.member_room(name, bot).or_else(|refusal| {
            let outside = self.world.room_ix(name).filter(|_| self.is_operator(bot));
            outside.filter(|_| name.direct_pair().is_none()).ok_or(refusal)
        })
    }

    fn draft(&mut self, room: RoomName, bot: BotIx, message: Message) -> Draft {
        let Message { room: _, to: _, text, id, reply_to, thread, expires_at, act, meta } = message;
        let has_extras = reply_to.is_some()
            || thread.is_some()
            || expires_at.is_some()
            || act.is_some()
            || meta.is_some();
        let extras = || {
            let thread = thread.map(Into::into);
            Box::new(Extras { reply_to, thread, expires_at, act, meta, redacted: None })
        };
        Draft {
            room,
            from: self.bot_id(bot).clone(),
            id: id.unwrap_or_else(|| self.make_id()),
            text,
            sent_at: self.stamp(),
            extras: has_extras.then(extras),
        }
    }

    /// An entry is committed: readers get it, and whoever said it here the `ack`.
    #[inline]
    pub(crate) fn append_answered(
        &mut self,
        room: RoomIx,
        from: BotIx,
        entry: &Entry,
        waiter: Waiter,
    ) {
        let Waiter::Sender(sender) = waiter else {
            self.world.bot_mut(from).said.add(self.now, entry.draft.size() as u64);
            self.deliver(room, from, entry, None);
            return;
        };
        self.stats.accepted += 1;
        let buffer_max = self.settings.limits.buffer_per_bot_per_room;
        let handed = self.deliver(room, from, entry, buffer_max);
        self.ack(sender, room, entry, Novelty::New, handed);
    }

    /// The log has the message since `first_at`. What a removed bot of the same name said is of somebody
    /// else, also if it is the same.
    pub(crate) fn repeat_answered(
        &mut self,
        (room, from): (RoomIx, BotIx),
        entry: &Entry,
        first_at: Timestamp,
        waiter: Waiter,
    ) {
        let is_own = self.world.is_own(from, first_at);
        match waiter {
            Waiter::Sender(sender) if is_own => {
                self.was_not_stored(&entry.draft);
                self.acknowledge_again(sender, (room, from), entry);
            }
            Waiter::Doubted { conn, .. } if is_own => {
                let sender = Sender { conn, chosen_id: true };
                self.acknowledge_again(sender, (room, from), entry);
            }
            waiter => self.not_there_answered(&entry.draft, waiter),
        }
    }

    /// The log has no such message of that sender: one that was said has the id of another one, and one that
    /// was refused stays so for the reason that holds now.
    pub(crate) fn not_there_answered(&mut self, draft: &Draft, waiter: Waiter) {
        match waiter {
            Waiter::Sender(Sender { conn, .. }) => {
                self.was_not_stored(draft);
                let hint =
                    "make a new id for every message; repeat one only to send the same again";
                let error = ErrorFrame::new(Code::IdConflict).hint(hint);
                self.send_error(conn, error.about(draft.id.as_str()));
            }
            Waiter::Doubted { conn, error } => self.send_error(conn, *error),
            _ => {}
        }
    }

    /// The counts are of now, from where the members stand: one step for each, as for a new message.
    fn acknowledge_again(&mut self, sender: Sender, (room, from): (RoomIx, BotIx), entry: &Entry) {
        self.stats.duplicates += 1;
        let has_expired = entry.draft.expires_at().is_some_and(|at| at <= self.now);
        let mut handed = Handed::default();
        let members = self.world.room(room).members.iter();
        for member in members.filter(|member| member.bot != from) {
            match member.place_of(entry.seq) {
                Some(PlaceOf::Handed) => handed.delivered += 1,
                Some(PlaceOf::Waiting) if !has_expired => handed.queued += 1,
                _ => {}
            }
        }
        self.ack(sender, room, entry, Novelty::Known, handed);
    }

    fn ack(
        &mut self,
        sender: Sender,
        room: RoomIx,
        entry: &Entry,
        novelty: Novelty,
        handed: Handed,
    ) {
        let Some(state) = self.conn(sender.conn) else { return };
        let full = !state.plain || sender.chosen_id;
        let ack = Ack {
            room: self.room_name(room),
            id: full.then(|| entry.draft.id.clone()),
            seq: full.then_some(entry.seq),
            delivered: handed.delivered,
            queued: full.then_some(handed.queued),
            duplicate: novelty == Novelty::Known,
            dropped: (handed.dropped > 0).then_some(handed.dropped),
        };
        self.output(Output::Ack { conn: sender.conn, ack });
    }
}
