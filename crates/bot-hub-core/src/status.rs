//! What became of a message, for every recipient.
//!
//! Owns the answer to `status`: what the store knows, what is on its way there, and what is only in
//! memory yet. It never says more than somebody observed.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::Status;
use bot_protocol::frame::server::{ErrorFrame, RecipientStatus, StatusReport, Step};
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use bot_protocol::word::Open;

use crate::ask::Ask;
use crate::change::{Found, Query, ReceiptRecord};
use crate::facts::Fact;
use crate::hub::Hub;
use crate::io::ConnId;
use crate::pending::Pending;

impl Hub {
    /// `status`: a sender asks about its message, an operator about anybody's.
    pub(crate) fn status(&mut self, conn: ConnId, query: &Status) {
        let Some(state) = self.conn(conn) else { return };
        let own = self.bot_id(state.bot).clone();
        let senders: Vec<BotId> = match (&query.from, self.is_operator(state.bot)) {
            (Some(from), true) => vec![from.clone()],
            (None, true) => self.world.bots.iter().map(|bot| bot.id.clone()).collect(),
            (Some(from), false) if *from != own => {
                let error = ErrorFrame::new(Code::NotAllowed)
                    .message("only an operator may ask about messages of others");
                return self.send_error(conn, error.about(query.id.as_str()));
            }
            (_, false) => vec![own],
        };
        let ask = Ask::Status { conn, id: query.id.clone() };
        self.ask(Query::Find { id: query.id.clone(), senders }, ask);
    }

    pub(crate) fn status_found(&mut self, conn: ConnId, id: &MessageId, found: Vec<Found>) {
        if found.is_empty() {
            return self.refuse(conn, Code::NoSuchMessage, id.as_str());
        }
        for message in found {
            let report = self.status_report(id, message);
            self.send(conn, ServerFrame::Status(report));
        }
    }

    pub(crate) fn status_report(&self, id: &MessageId, message: Found) -> StatusReport {
        let mut bots: Vec<BotId> = message.receipts.iter().map(|it| it.bot.clone()).collect();
        let room = self.world.room_ix(&message.room);
        for member in room.iter().flat_map(|&room| &self.world.room(room).members) {
            if member.since < message.seq && member.reads() {
                bots.push(self.bot_id(member.bot).clone());
            }
        }
        bots.sort_unstable();
        bots.dedup();
        bots.retain(|bot| *bot != message.from);
        let recipients = bots.into_iter().map(|bot| self.recipient(bot, &message)).collect();
        StatusReport {
            id: id.clone(),
            room: message.room.clone(),
            seq: message.seq,
            from: message.from.clone(),
            sent_at: message.sent_at,
            recipients,
        }
    }

    fn recipient(&self, bot: BotId, message: &Found) -> RecipientStatus {
        let mut steps = vec![plain_step(ReceiptState::Stored, message.sent_at)];
        steps.extend(message.receipts.iter().filter(|it| it.bot == bot).map(step));
        let off_at = steps.iter().filter_map(off_at).min();
        if let Some(off_at) = off_at {
            // Cursor and marks pass over what is off the ladder: that is not a rung of it.
            steps.retain(|it| !is_mark(&it.state) || it.at < off_at);
        } else if let Some(state) = self.reached(&bot, message)
            && !self.is_coming_off(&bot, message)
            && !steps.iter().any(|it| it.state == state)
        {
            steps.push(plain_step(state, self.now));
        }
        // What was given up or has expired is dropped as well, which says less.
        if steps.iter().any(|it| is_in(&it.state, &[ReceiptState::Dead, ReceiptState::Expired])) {
            steps.retain(|it| it.state != ReceiptState::Dropped);
        }
        steps.sort_by(|one, other| one.state.cmp(&other.state));
        steps.dedup_by(|one, other| one.state == other.state);
        let state = steps.last().map_or(ReceiptState::Stored.into(), |it| it.state.clone());
        RecipientStatus { bot, state, steps }
    }

    /// Whether it is on its way to the store that the hub took an entry off the ladder. That is not
    /// told before it is there.
    fn is_coming_off(&self, bot: &BotId, message: &Found) -> bool {
        let room = &message.room;
        let told = |fact: &Fact| {
            let it = &fact.record;
            it.bot == *bot && it.room == *room && it.seq == message.seq && is_off(it.state)
        };
        let ix = self.world.room_ix(room).zip(self.world.bot_ix(bot));
        self.refused.facts().any(told)
            || self.pending.iter().any(|pending| match pending {
                Pending::Fact(fact) => told(fact),
                Pending::Drop { room, bot, after, to, .. } => {
                    ix == Some((*room, *bot)) && (after + 1..=*to).contains(&message.seq)
                }
                _ => false,
            })
    }

    /// How far it came by what is only in memory.
    fn reached(&self, bot: &BotId, message: &Found) -> Option<ReceiptState> {
        let room = self.world.room_ix(&message.room)?;
        self.world.member(room, self.world.bot_ix(bot)?)?.reached(message.seq)
    }
}

/// Since when a step says that the entry is off the ladder. Dropped ranges grow: when an entry came to
/// be in one is not known.
fn off_at(step: &Step) -> Option<Timestamp> {
    match step.state.known()? {
        ReceiptState::Dropped => Some(Timestamp(0)),
        state => is_off(state).then_some(step.at),
    }
}

/// Off the ladder by what the hub did.
fn is_off(state: ReceiptState) -> bool {
    state > ReceiptState::Failed
}

/// Known by a cursor or mark that has passed the entry.
fn is_mark(state: &Open<ReceiptState>) -> bool {
    is_in(state, &[ReceiptState::Delivered, ReceiptState::Received])
}

fn is_in(state: &Open<ReceiptState>, states: &[ReceiptState]) -> bool {
    state.known().is_some_and(|state| states.contains(&state))
}

fn step(record: &ReceiptRecord) -> Step {
    let (reason, reply) = (record.reason.as_deref().map(Into::into), record.reply.clone());
    Step { reason, reply, ..plain_step(record.state, record.at) }
}

fn plain_step(state: ReceiptState, at: Timestamp) -> Step {
    Step { state: state.into(), at, reason: None, reply: None }
}
