//! What became of a message, for every recipient.
//!
//! Owns the answer to `status`: what the store knows, what is on its way there, and what is only in
//! memory yet. It never says more than somebody observed.

use bot_protocol::code::Code;
use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::client::Status;
use bot_protocol::frame::server::{ErrorFrame, RecipientStatus, StatusReport, Step};
use bot_protocol::id::MessageId;
use bot_protocol::limits::LIST_PAGE;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use crate::change::{Found, Loss, Query, ReceiptRecord, Recipients};
use crate::hub::Hub;
use crate::io::ConnId;
use crate::waiting::Ask;
use crate::world::PlaceOf;

impl Hub {
    /// `status`: a sender asks about its message, an operator about anybody's.
    pub(crate) fn status(&mut self, conn: ConnId, query: &Status) {
        let Some(state) = self.conn(conn) else { return };
        let own = self.bot_id(state.bot).clone();
        let from = match (&query.from, self.is_operator(state.bot)) {
            (from, true) => from.clone(),
            (Some(from), false) if *from != own => {
                let error = ErrorFrame::new(Code::NotAllowed)
                    .message("only an operator may ask about messages of others");
                return self.send_error(conn, error.about(query.id.as_str()));
            }
            (_, false) => Some(own),
        };
        let ask = Ask::Status { conn, id: query.id.clone() };
        let max = query.limit.unwrap_or(LIST_PAGE).clamp(1, LIST_PAGE);
        let recipients = Recipients { after: query.after.clone(), max };
        let (id, room) = (query.id.clone(), query.room.clone());
        self.ask(Query::Find { id, from, room, recipients }, ask);
    }

    pub(crate) fn status_found(&mut self, conn: ConnId, id: &MessageId, mut found: Vec<Found>) {
        // Neither what lies before a membership nor what is of a bot that had the name before is for it.
        found.retain(|it| {
            let room = self.world.room_ix(&it.room);
            let is_seen = room.is_none_or(|room| it.seq > self.begins_for(room, conn));
            is_seen && self.is_for(conn, it)
        });
        if found.is_empty() {
            return self.refuse(conn, Code::NoSuchMessage, id.as_str());
        }
        for message in found {
            let report = self.status_report(id, message);
            self.send(conn, ServerFrame::Status(report));
        }
    }

    /// A sender asks about what it sent itself, an operator about anything.
    fn is_for(&self, conn: ConnId, message: &Found) -> bool {
        let asker = self.conn(conn).map(|state| state.bot).filter(|&bot| !self.is_operator(bot));
        asker.is_none_or(|bot| self.world.is_own(bot, message.sent_at))
    }

    pub(crate) fn status_report(&self, id: &MessageId, message: Found) -> StatusReport {
        let room = self.world.room_ix(&message.room);
        let is_reader = |bot: &BotId| {
            let known = room.zip(self.world.bot_ix(bot));
            let member = known.and_then(|(room, bot)| self.world.member(room, bot));
            member.is_some_and(|it| it.since < message.seq && it.reads())
        };
        // The receipts are in the order of their bots: each bot takes its own from the front.
        let mut rest = &message.receipts[..];
        let recipient = |bot: &BotId| {
            rest = &rest[rest.partition_point(|it| it.bot < *bot)..];
            let (own, others) = rest.split_at(rest.partition_point(|it| it.bot == *bot));
            rest = others;
            let is_one = *bot != message.from && (!own.is_empty() || is_reader(bot));
            is_one.then(|| self.recipient(bot.clone(), &message, own))
        };
        let recipients = message.bots.iter().filter_map(recipient).collect();
        StatusReport {
            id: id.clone(),
            room: message.room.clone(),
            seq: message.seq,
            from: message.from.clone(),
            sent_at: message.sent_at,
            redacted: message.redaction.clone(),
            recipients,
            next: message.next.clone(),
        }
    }

    fn recipient(&self, bot: BotId, message: &Found, known: &[ReceiptRecord]) -> RecipientStatus {
        let mut rungs = vec![plain_rung(ReceiptState::Stored, message.sent_at)];
        rungs.extend(known.iter().map(rung));
        if let Some(state) = self.reached(&bot, message)
            && !rungs.iter().any(|it| is_off(it.state) || it.state == state)
        {
            rungs.push(plain_rung(state, self.now));
        }
        let mut rungs = ladder(rungs);
        if let [only] = &mut rungs[..] {
            only.reason = self.why_stored(&bot, message);
        }
        let state = rungs.last().map_or(ReceiptState::Stored, |it| it.state).into();
        RecipientStatus { bot, state, steps: rungs.into_iter().map(step).collect() }
    }

    /// Why it waits in the log, where a pause is the cause. Who paused and what was said of it is for those whom it
    /// holds, and for operators.
    fn why_stored(&self, bot: &BotId, message: &Found) -> Option<SmolStr> {
        let room = self.world.room_ix(&message.room)?;
        let bot = self.world.bot_ix(bot)?;
        let line = self.world.pauses.holding(room, bot)?;
        let place = self.world.member(room, bot)?.place_of(message.seq)?;
        let why = if line.by.is_some() { "by an operator".into() } else { line.reason() };
        (place == PlaceOf::Waiting).then(|| format_smolstr!("paused: {why}"))
    }

    /// How far it came by what is only in memory. Of what the hub takes off the ladder nothing is told
    /// before that is stored.
    fn reached(&self, bot: &BotId, message: &Found) -> Option<ReceiptState> {
        let room = self.world.room_ix(&message.room)?;
        let member = self.world.member(room, self.world.bot_ix(bot)?)?;
        if member.losses.why(message.seq).is_some() {
            return None;
        }
        member.reached(message.seq)
    }
}

/// What was observed about one recipient.
#[derive(Clone, Debug)]
struct Rung {
    state: ReceiptState,
    at: Timestamp,
    reason: Option<SmolStr>,
    reply: Option<MessageId>,
}

/// Brings what was observed about one recipient onto the ladder: from the first rung upwards, each once
/// and no later than the one above it.
fn ladder(mut rungs: Vec<Rung>) -> Vec<Rung> {
    // What a bot says that it did with an entry it did, whatever the hub had given up before.
    if rungs.iter().any(|it| is_said(it.state)) {
        rungs.retain(|it| !is_off(it.state));
    }
    // There is one end, the first. What was given up or has expired may be in a dropped range as well,
    // which says less.
    let end = rungs.iter().filter(|it| it.state.is_final());
    let end = end.min_by_key(|it| (it.state == ReceiptState::Dropped, it.at)).cloned();
    if let Some(end) = end {
        // Cursor and marks pass over what is off the ladder: that is not a rung of it.
        let off_at = off_at(&end).unwrap_or(Timestamp(u64::MAX));
        rungs.retain(|it| match it.state.is_final() {
            true => it.state == end.state,
            false => !is_mark(it.state) || it.at < off_at,
        });
    }
    rungs.sort_by_key(|it| it.state);
    rungs.dedup_by_key(|it| it.state);
    // The time of a mark is "at the latest": whoever began a turn by then had it by then.
    let mut latest = Timestamp(u64::MAX);
    for rung in rungs.iter_mut().rev() {
        latest = latest.min(rung.at);
        rung.at = latest;
    }
    rungs
}

/// Since when an entry is off the ladder. Dropped ranges grow: when an entry came to be in one is not
/// known.
fn off_at(rung: &Rung) -> Option<Timestamp> {
    match rung.state {
        ReceiptState::Dropped => Some(Timestamp(0)),
        ReceiptState::Declined if rung.reason.as_deref() == Some(Loss::Skipped.word()) => {
            Some(Timestamp(0))
        }
        state => is_off(state).then_some(rung.at),
    }
}

/// Known from nobody but the bot itself.
fn is_said(state: ReceiptState) -> bool {
    state > ReceiptState::Received && state.is_reported_by_client()
}

/// Off the ladder by what the hub did.
fn is_off(state: ReceiptState) -> bool {
    state > ReceiptState::Failed
}

/// Known by a cursor or mark that has passed the entry.
fn is_mark(state: ReceiptState) -> bool {
    matches!(state, ReceiptState::Delivered | ReceiptState::Received)
}

fn rung(record: &ReceiptRecord) -> Rung {
    let (reason, reply) = (record.reason.as_deref().map(Into::into), record.reply.clone());
    Rung { reason, reply, ..plain_rung(record.state, record.at) }
}

fn plain_rung(state: ReceiptState, at: Timestamp) -> Rung {
    Rung { state, at, reason: None, reply: None }
}

fn step(rung: Rung) -> Step {
    Step { state: rung.state.into(), at: rung.at, reason: rung.reason, reply: rung.reply }
}
