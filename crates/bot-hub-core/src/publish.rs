//! From a `message` frame to a committed entry and its `ack`.
//!
//! Owns what a sender is told. **Invariant:** `ack` is sent when the entry is committed, never before.

use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::{Ack, ErrorFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::RoomName;

use crate::change::{Change, Outcome};
use crate::deliver::Handed;
use crate::entry::{Draft, Entry, Extras};
use crate::hub::Hub;
use crate::io::ConnId;
use crate::pending::Pending;
use crate::world::{BotIx, RoomIx};

impl Hub {
    pub(crate) fn publish(&mut self, conn: ConnId, message: Message) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        let chosen_id = message.id.is_some();
        match self.accept(bot, message) {
            Ok((room, draft)) => {
                let draft = Arc::new(draft);
                let pending = Pending::Append { room, draft: draft.clone(), conn, chosen_id };
                self.change(Change::Append(draft), pending);
            }
            Err(error) => self.send_error(conn, *error),
        }
    }

    fn accept(&mut self, bot: BotIx, message: Message) -> Result<(RoomIx, Draft), Box<ErrorFrame>> {
        let reference = message.id.as_ref().map_or("message", MessageId::as_str);
        let refusal = |error: ErrorFrame| Box::new(error.about(reference));
        if self.draining {
            return Err(refusal(ErrorFrame::new(Code::ShuttingDown)));
        }
        if message.expires_at.is_some_and(|at| at <= self.now) {
            return Err(refusal(ErrorFrame::new(Code::Expired)));
        }
        let room = match (&message.room, &message.to) {
            (Some(name), None) => self.speaking_room(name, bot),
            (None, Some(to)) => match self.find_bot(to, bot) {
                Ok(other) => Ok(self.ensure_direct(bot, other)),
                Err(error) => Err(error),
            },
            _ => Err(ErrorFrame::new(Code::BadFrame)),
        };
        let room = room.map_err(refusal)?;
        Ok((room, self.draft(room, bot, message)))
    }

    /// The room, if the bot may speak in it: as a member, or as an operator who has something to say
    /// to the members. An operator that had to join first would be owed every message afterwards.
    fn speaking_room(&self, name: &RoomName, bot: BotIx) -> Result<RoomIx, ErrorFrame> {
        let member = self.member_room(name, bot);
        let outside = self.world.room_ix(name).filter(|_| self.world.bot(bot).operator);
        member.or_else(|refusal| outside.filter(|_| name.direct_pair().is_none()).ok_or(refusal))
    }

    fn draft(&mut self, room: RoomIx, bot: BotIx, message: Message) -> Draft {
        let id = message.id.unwrap_or_else(|| self.make_id());
        let extras = Extras {
            reply_to: message.reply_to,
            thread: message.thread.map(Into::into),
            expires_at: message.expires_at,
            act: message.act,
            meta: message.meta,
        };
        Draft {
            room: self.room_name(room),
            from: self.bot_id(bot).clone(),
            id,
            text: message.text.into(),
            sent_at: self.now,
            extras: (extras != Extras::default()).then(|| Box::new(extras)),
        }
    }

    pub(crate) fn append_settled(
        &mut self,
        room: RoomIx,
        draft: Arc<Draft>,
        conn: ConnId,
        chosen_id: bool,
        outcome: &Outcome,
    ) {
        match *outcome {
            Outcome::Appended { seq } => {
                let id = draft.id.clone();
                let handed = self.appended(room, Entry { seq, draft });
                self.ack(conn, room, id, chosen_id, seq, false, handed);
            }
            Outcome::Duplicate { seq } => {
                self.stats.duplicates += 1;
                let handed = self.handed_so_far(room, &draft, seq);
                self.ack(conn, room, draft.id.clone(), chosen_id, seq, true, handed);
            }
            Outcome::Conflict => {
                let hint =
                    "make a new id for every message; repeat one only to send the same again";
                let error = ErrorFrame::new(Code::IdConflict).hint(hint);
                self.send_error(conn, error.about(draft.id.as_str()));
            }
            Outcome::Done | Outcome::Trimmed { .. } => {
                debug_assert!(false, "an append has a place");
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one frame")]
    fn ack(
        &mut self,
        conn: ConnId,
        room: RoomIx,
        id: MessageId,
        chosen_id: bool,
        seq: u64,
        duplicate: bool,
        handed: Handed,
    ) {
        let Some(state) = self.conn(conn) else { return };
        let full = !state.plain || chosen_id;
        let frame = Ack {
            room: self.room_name(room),
            id: full.then_some(id),
            seq: full.then_some(seq),
            delivered: handed.delivered,
            queued: full.then_some(handed.queued),
            duplicate,
            dropped: (handed.dropped > 0).then_some(handed.dropped),
        };
        self.send(conn, ServerFrame::Ack(frame));
    }

    /// Where a message stands that was stored before.
    fn handed_so_far(&self, room: RoomIx, draft: &Draft, seq: u64) -> Handed {
        let mut handed = Handed::default();
        for member in &self.world.room(room).members {
            if *self.bot_id(member.bot) == draft.from || member.since >= seq {
                continue;
            }
            if member.sent() >= seq {
                handed.delivered += 1;
            } else {
                handed.queued += 1;
            }
        }
        handed
    }
}
