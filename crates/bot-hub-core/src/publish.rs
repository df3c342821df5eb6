//! From a `message` frame to a committed entry and its `ack`.
//!
//! Owns what a sender is told. **Invariant:** `ack` is sent when the entry is committed, never before.

use std::sync::Arc;

use bot_protocol::code::Code;
use bot_protocol::frame::client::Message;
use bot_protocol::frame::server::{Ack, ErrorFrame};
use bot_protocol::id::MessageId;
use bot_protocol::name::{BotId, RoomName};
use bot_protocol::receipt::ReceiptState;

use crate::ask::Ask;
use crate::change::{Change, Found, Outcome, Query};
use crate::deliver::Handed;
use crate::entry::{Draft, Entry, Extras};
use crate::hub::Hub;
use crate::io::{ConnId, Output};
use crate::pending::{Pending, Waiter};
use crate::world::{BotIx, RoomIx};

/// A message that was said before, or may have been.
#[derive(Debug)]
pub(crate) struct Repeat {
    room: RoomIx,
    pub(crate) id: MessageId,
    chosen_id: bool,
    /// Its place; or what to say if there turns out to be none.
    seq: Result<u64, Box<ErrorFrame>>,
}

impl Hub {
    pub(crate) fn publish(&mut self, conn: ConnId, bot: BotIx, message: Message) {
        let room = match self.accept(bot, &message) {
            Ok(room) => room,
            Err(error) => return self.refuse_message(conn, bot, &message, error),
        };
        let chosen_id = message.id.is_some();
        let draft = Arc::new(self.draft(room, bot, message));
        let pending = Pending::Append { room, from: bot, draft: draft.clone(), conn, chosen_id };
        self.change(Change::Append(draft), pending);
    }

    fn accept(&mut self, bot: BotIx, message: &Message) -> Result<RoomIx, ErrorFrame> {
        self.takes_changes()?;
        if message.expires_at.is_some_and(|at| at <= self.now) {
            return Err(ErrorFrame::new(Code::Expired));
        }
        self.destination(bot, message)
    }

    /// It cannot be taken now, unless it was: whoever missed the `ack` says it again, and gets the
    /// first answer, whatever has changed since.
    fn refuse_message(&mut self, conn: ConnId, bot: BotIx, message: &Message, error: ErrorFrame) {
        let room = match (&message.room, &message.to) {
            (Some(name), _) => self.world.room_ix(name),
            (None, Some(to)) => self.world.room_ix(&RoomName::direct(self.bot_id(bot), to)),
            (None, None) => None,
        };
        if message.id.as_ref().is_some_and(|id| self.awaits_append(conn, bot, id)) {
            return;
        }
        let reference = message.id.as_ref().map_or("message", MessageId::as_str);
        let error = error.about(reference);
        match (&message.id, room) {
            (Some(id), Some(room)) if !self.draining => {
                let seq = Err(Box::new(error));
                let repeat = Repeat { room, id: id.clone(), chosen_id: true, seq };
                self.look_up_repeat(conn, &self.bot_id(bot).clone(), repeat);
            }
            _ => self.send_error(conn, error),
        }
    }

    /// Whether the first one is still on its way to the store: then its answer goes to whoever asked
    /// last.
    fn awaits_append(&mut self, asker: ConnId, bot: BotIx, id: &MessageId) -> bool {
        let mut waits = self.pending.iter_mut().filter_map(|pending| match pending {
            Pending::Append { from, draft, conn, .. } if *from == bot && draft.id == *id => {
                Some(conn)
            }
            _ => None,
        });
        waits.next().map(|conn| *conn = asker).is_some()
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
                Ok(self.ensure_direct(bot, other, Waiter::Nobody))
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

    fn draft(&mut self, room: RoomIx, bot: BotIx, message: Message) -> Draft {
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
            room: self.room_name(room),
            from: self.bot_id(bot).clone(),
            id: id.unwrap_or_else(|| self.make_id()),
            text,
            sent_at: self.now,
            extras: has_extras.then(extras),
        }
    }

    pub(crate) fn append_settled(
        &mut self,
        room: RoomIx,
        from: BotIx,
        draft: Arc<Draft>,
        conn: ConnId,
        chosen_id: bool,
        outcome: &Outcome,
    ) {
        match *outcome {
            Outcome::Appended { seq } => {
                let id = draft.id.clone();
                let handed = self.appended(room, from, Entry { seq, draft });
                self.ack(conn, room, id, chosen_id, seq, false, handed);
            }
            Outcome::Duplicate { seq } => {
                let repeat = Repeat { room, id: draft.id.clone(), chosen_id, seq: Ok(seq) };
                self.look_up_repeat(conn, &draft.from, repeat);
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
        let ack = Ack {
            room: self.room_name(room),
            id: full.then_some(id),
            seq: full.then_some(seq),
            delivered: handed.delivered,
            queued: full.then_some(handed.queued),
            duplicate,
            dropped: (handed.dropped > 0).then_some(handed.dropped),
        };
        self.output(Output::Ack { conn, ack });
    }

    /// Something was said again: its fate is looked up, so that the answer is true.
    fn look_up_repeat(&mut self, conn: ConnId, from: &BotId, repeat: Repeat) {
        let query = Query::Find { id: repeat.id.clone(), senders: vec![from.clone()] };
        self.ask(query, Ask::Repeat { conn, repeat });
    }

    pub(crate) fn repeat_found(&mut self, conn: ConnId, repeat: Repeat, found: Vec<Found>) {
        let name = self.room_name(repeat.room);
        let message = found.into_iter().find(|it| it.room == name);
        let seq = match (repeat.seq, &message) {
            (Ok(seq), _) => seq,
            (Err(_), Some(message)) => message.seq,
            (Err(error), None) => return self.send_error(conn, *error),
        };
        self.stats.duplicates += 1;
        let recipients = message.map(|it| self.status_report(&repeat.id, it).recipients);
        let mut handed = Handed::default();
        for recipient in recipients.unwrap_or_default() {
            let reached = |state| recipient.steps.iter().any(|step| step.state == state);
            let bot = self.world.bot_ix(&recipient.bot);
            let member = bot.and_then(|bot| self.world.member(repeat.room, bot));
            let is_in_flight = member.is_some_and(|member| member.window.get(seq).is_some());
            if is_in_flight || reached(ReceiptState::Delivered) || reached(ReceiptState::Received) {
                handed.delivered += 1;
            } else if recipient.state == ReceiptState::Stored {
                handed.queued += 1;
            }
        }
        self.ack(conn, repeat.room, repeat.id, repeat.chosen_id, seq, true, handed);
    }
}
