//! From a `message` frame to a committed entry and its `ack`.
//!
//! Owns what a sender is told. **Invariant:** `ack` is sent when the entry is committed, never before.

use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::{Ack, ErrorFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;

use crate::change::{Change, Outcome};
use crate::delivery::Handed;
use crate::entry::{Draft, Entry, Extras};
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{ConnId, Output};
use crate::rules::quota::size_of;
use crate::waiting::{Doubted, Pending, Said, Waiter};
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
        let said = self.said(conn, bot, room, message);
        let bytes = said.draft.size() as u64;
        self.world.bot_mut(bot).said.add(self.now, bytes);
        self.change(Change::Append(said.draft.clone()), Pending::Append(said));
    }

    fn said(&mut self, conn: ConnId, from: BotIx, room: RoomIx, message: Message) -> Said {
        let chosen_id = message.id.is_some();
        let draft = Arc::new(self.draft(self.room_name(room), from, message));
        Said { room, from, draft, conn, chosen_id }
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
                let doubted = Doubted { draft: draft.clone(), conn, from: bot, error };
                self.change(Change::WasSaid(draft), Pending::WasSaid(Box::new(doubted)));
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
                self.may_address(bot, other, Some(message))?;
                self.has_space_for_direct(bot, other)?;
                Ok(self.ensure_direct(bot, other, Waiter::Another))
            }
            (None, Some(name)) => {
                let room = self.speaking_room(name, bot)?;
                self.may_speak(room, bot, message).map(|()| room)
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
            Box::new(Extras { reply_to, thread, expires_at, act, meta })
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

    /// What became of a message that was accepted.
    pub(crate) fn append_settled(&mut self, said: Said, outcome: &Outcome) {
        match *outcome {
            Outcome::Appended { seq } => {
                let entry = Entry { seq, draft: said.draft.clone() };
                let handed = self.appended(said.room, said.from, entry);
                self.ack(said, seq, Novelty::New, handed);
            }
            Outcome::Duplicate { seq, sent_at } if self.world.is_own(said.from, sent_at) => {
                self.was_not_stored(&said);
                self.acknowledge_again(said, seq);
            }
            // What a removed bot of the same name said is of somebody else, also if it is the same.
            Outcome::Duplicate { .. } | Outcome::Conflict => {
                self.was_not_stored(&said);
                let hint =
                    "make a new id for every message; repeat one only to send the same again";
                let error = ErrorFrame::new(Code::IdConflict).hint(hint);
                self.send_error(said.conn, error.about(said.draft.id.as_str()));
            }
            Outcome::Done | Outcome::Unsaid | Outcome::Late | Outcome::Trimmed { .. } => {
                debug_assert!(false, "an append has a place");
            }
        }
    }

    /// It takes no space, and does not count against what its sender may say in a day.
    pub(crate) fn was_not_stored(&mut self, said: &Said) {
        self.world.bot_mut(said.from).said.take_back(said.draft.size() as u64);
    }

    /// What became of a message that was refused: if it is the same as one that is stored, it gets the
    /// answer of that one, and else it stays refused for the reason that holds now.
    pub(crate) fn was_said_settled(&mut self, doubted: Doubted, outcome: &Outcome) {
        let Doubted { draft, conn, from, error } = doubted;
        match (outcome, self.world.room_ix(&draft.room)) {
            (&Outcome::Duplicate { seq, sent_at }, Some(room))
                if self.world.is_own(from, sent_at) =>
            {
                self.acknowledge_again(Said { room, from, draft, conn, chosen_id: true }, seq);
            }
            _ => self.send_error(conn, error),
        }
    }

    /// The counts are of now, from where the members stand: one step for each, as for a new message.
    fn acknowledge_again(&mut self, said: Said, seq: u64) {
        self.stats.duplicates += 1;
        let has_expired = said.draft.expires_at().is_some_and(|at| at <= self.now);
        let mut handed = Handed::default();
        let members = self.world.room(said.room).members.iter();
        for member in members.filter(|member| member.bot != said.from) {
            match member.place_of(seq) {
                Some(PlaceOf::Handed) => handed.delivered += 1,
                Some(PlaceOf::Waiting) if !has_expired => handed.queued += 1,
                _ => {}
            }
        }
        self.ack(said, seq, Novelty::Known, handed);
    }

    fn ack(&mut self, said: Said, seq: u64, novelty: Novelty, handed: Handed) {
        let Some(state) = self.conn(said.conn) else { return };
        let full = !state.plain || said.chosen_id;
        let ack = Ack {
            room: self.room_name(said.room),
            id: full.then(|| said.draft.id.clone()),
            seq: full.then_some(seq),
            delivered: handed.delivered,
            queued: full.then_some(handed.queued),
            duplicate: novelty == Novelty::Known,
            dropped: (handed.dropped > 0).then_some(handed.dropped),
        };
        self.output(Output::Ack { conn: said.conn, ack });
    }
}
