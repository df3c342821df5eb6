//! The hub's process: the brain, a store that takes its time, and what a crash leaves of both.
//!
//! Owns what the engine owns in the real hub: outputs are carried out in order, the changes of one
//! input are one submission, outcomes come back in order and answers when they like. Every frame that
//! leaves the hub is shown to the history first.

use std::collections::VecDeque;

use bot_hub_core::Hub;
use bot_hub_core::change::{Answer, Change, Query, Snapshot};
use bot_hub_core::entry::Entry;
use bot_hub_core::io::{Caps, Circumstances, ConnId, Hello, Input, Output, Ticket};
use bot_hub_store::memory::MemoryStore;
use bot_hub_store::{Reader, Store, StoreError, Write};
use bot_protocol::code::Code;
use bot_protocol::frame::answer::Answer as OperatorAnswer;
use bot_protocol::frame::client::{Auth, ClientFrame};
use bot_protocol::frame::operator::{Operate, Operation};
use bot_protocol::frame::server::{
    Ack, Backlog, Delivery, Gap, GapReason, GoingAway, GoingAwayReason, Operated, ServerFrame,
};
use bot_protocol::id::MessageId;
use bot_protocol::name::BotId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use super::agenda::{Conn, Event, Life, Settled};
use super::network::{Down, Known};
use super::pauses::{OPERATORS, Pauses};
use super::sabotage::Sabotage;
use super::world::World;

pub(crate) struct HubSide {
    pub(crate) life: Life,
    pub(crate) brain: Option<Hub>,
    pub(crate) store: MemoryStore,
    reader: Box<dyn Reader>,
    submissions: VecDeque<Vec<Change>>,
    pub(crate) unsettled: usize,
    settle_at: u64,
    tick_at: u64,
    /// The disk is full.
    pub(crate) full_until: u64,
    /// The disk is slow.
    pub(crate) slow_until: u64,
    /// Look-ups fail.
    pub(crate) blind_until: u64,
    draining: bool,
    pub(crate) pauses: Pauses,
    /// For sabotage: a delivery that waits to be sent behind the next one.
    held_back: Option<(Conn, ServerFrame, Entry)>,
}

impl HubSide {
    pub(crate) fn new() -> Self {
        let store = MemoryStore::new().expect("the system gives random bytes");
        let reader = store.reader().expect("memory can be read");
        Self {
            life: 0,
            brain: None,
            store,
            reader,
            submissions: VecDeque::new(),
            unsettled: 0,
            settle_at: 0,
            tick_at: u64::MAX,
            full_until: 0,
            slow_until: 0,
            blind_until: 0,
            draining: false,
            pauses: Pauses::default(),
            held_back: None,
        }
    }
}

/// The connection of an operator, which no bot has.
const OPERATOR: ConnId = ConnId(u64::MAX);

impl World {
    /// An operator takes out what somebody said.
    pub(crate) fn on_redact(&mut self) {
        if self.is_calm() {
            return;
        }
        let room = self.operator.pick(&self.bots[0].rooms).clone();
        let head = self.history.head(&room);
        if head > 0 {
            let seq = head.saturating_sub(self.operator.between(0, 6)).max(1);
            self.trace(|_| format!("operator redacts {room} #{seq}"));
            let operation = Operation::Redact { room, seq };
            let request = Operate { reference: "1".into(), operation, why: None };
            let frame = ClientFrame::Operate(request);
            self.hub_input(Input::Frame { conn: OPERATOR, frame });
        }
        let at = self.now + self.operator.between(200, 20_000);
        self.agenda.plan(at, Event::Redact);
    }

    pub(crate) fn start_hub(&mut self) {
        if self.hub.brain.is_some() {
            return;
        }
        let mut snapshot = self.hub.store.load().expect("memory can be read").snapshot;
        self.hub.pauses.restore(&snapshot.pauses);
        match self.plan.sabotage {
            Sabotage::ForgetPauses => snapshot.pauses.clear(),
            Sabotage::CursorsAtHead => forget_cursors(&mut snapshot),
            Sabotage::ForgetOutOfTurn => forget_out_of_turn(&mut snapshot),
            _ => {}
        }
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.dice.next().to_le_bytes());
        let now = Timestamp(self.now);
        self.hub.brain = Some(Hub::new(now, &key, self.plan.settings.clone(), snapshot));
        self.hub.tick_at = u64::MAX;
        self.trace(|_| "hub starts".to_owned());
        for at in 0..self.bots.len() {
            let bot = self.bots[at].id.clone();
            self.hub_input(Input::BotAdded(bot));
        }
        let hello = Hello {
            bot: BotId::new("operator").expect("a name"),
            operator: true,
            plain: false,
            side: true,
            caps: Caps::default(),
            resume: None,
        };
        self.hub_input(Input::Opened { conn: OPERATOR, hello });
    }

    /// `kill -9`: what was not committed is gone, and so is what was not told.
    pub(crate) fn crash_hub(&mut self) {
        if self.hub.brain.take().is_none() {
            return;
        }
        self.trace(|_| "hub crashes".to_owned());
        self.history.crashed();
        self.hub.life += 1;
        self.hub.submissions.clear();
        self.hub.unsettled = 0;
        self.hub.draining = false;
        self.hub.held_back = None;
        for conn in 0..self.pipes.len() {
            if self.pipes[conn].hub_sees {
                let notice = if self.dice.percent(80) { 10 } else { 50_000 };
                self.cut(conn, 0, notice);
                self.pipes[conn].hub_sees = false;
            }
        }
        let down_for = self.dice.between(1, 4_000);
        self.agenda.plan(self.now + down_for, Event::HubStart);
    }

    /// SIGTERM: it ends when everything is settled.
    pub(crate) fn drain_hub(&mut self) {
        if self.hub.brain.is_some() && !std::mem::replace(&mut self.hub.draining, true) {
            self.trace(|_| "hub drains".to_owned());
            self.hub_input(Input::Drain);
            self.end_drained();
        }
    }

    fn end_drained(&mut self) {
        if !self.hub.draining || self.hub.unsettled > 0 {
            return;
        }
        for conn in 0..self.pipes.len() {
            if self.pipes[conn].hub_sees {
                if self.pipes[conn].hello.is_some_and(|known| !known.plain) {
                    let reconnect_in_ms = Some(500 + (conn as u64 * 37) % 2_500);
                    let reason = GoingAwayReason::Shutdown.into();
                    let frame = ServerFrame::GoingAway(GoingAway { reason, reconnect_in_ms });
                    self.send_down(conn, Down::Frame(Box::new(frame)));
                }
                self.send_down(conn, Down::End);
            }
        }
        self.crash_hub();
    }

    pub(crate) fn hub_frame(&mut self, conn: Conn, frame: ClientFrame) {
        if self.hub.brain.is_none() {
            return;
        }
        self.trace(|world| format!("hub <- {} ({conn}) {}", world.name_of(conn), frame.encode()));
        let id = ConnId(conn as u64);
        self.history.heard(self.now, &self.bots[self.pipes[conn].bot].id, &frame);
        match (self.pipes[conn].hello, frame) {
            (None, ClientFrame::Auth(auth)) => self.admit(conn, auth),
            (None, _) => {}
            (Some(_), frame) => self.hub_input(Input::Frame { conn: id, frame }),
        }
    }

    fn admit(&mut self, conn: Conn, auth: Auth) {
        let caps = Caps::grant(auth.caps.iter().flatten().map(smol_str::SmolStr::as_str));
        let plain = auth.caps.is_none() && auth.client.is_none() && auth.resume.is_none();
        self.pipes[conn].hello = Some(Known { plain, acts: caps.acts });
        let bot = self.bots[self.pipes[conn].bot].id.clone();
        let hello =
            Hello { bot, operator: false, plain, side: auth.side, caps, resume: auth.resume };
        self.hub_input(Input::Opened { conn: ConnId(conn as u64), hello });
    }

    pub(crate) fn hub_pong(&mut self, conn: Conn, probe: u64) {
        self.hub_input(Input::Proven { conn: ConnId(conn as u64), probe });
    }

    pub(crate) fn hub_written(&mut self, conn: Conn, deliveries: u64) {
        if self.pipes[conn].hub_sees {
            self.hub_input(Input::Written { conn: ConnId(conn as u64), deliveries });
        }
    }

    pub(crate) fn hub_loses(&mut self, conn: Conn) {
        if std::mem::replace(&mut self.pipes[conn].hub_sees, false) {
            self.trace(|world| format!("hub loses {} ({conn})", world.name_of(conn)));
            self.hub_input(Input::Closed { conn: ConnId(conn as u64) });
        }
    }

    pub(crate) fn on_hub_tick(&mut self, life: Life) {
        if life == self.hub.life {
            self.hub.tick_at = u64::MAX;
            self.hub_input(Input::Tick);
        }
    }

    /// One input, and everything that follows from it.
    pub(crate) fn hub_input(&mut self, input: Input) {
        let Some(brain) = &mut self.hub.brain else { return };
        brain.handle(Timestamp(self.now), input);
        let mut changes = Vec::new();
        while let Some(output) = self.hub.brain.as_mut().and_then(Hub::poll) {
            match output {
                Output::Change(change) => {
                    self.show_change(&change);
                    changes.push(change);
                }
                // The simulation keeps no records of operators.
                Output::Act { .. } | Output::ActAwaits { .. } => {}
                Output::Pause { line, on } => self.hub.pauses.told(&line, on),
                Output::Send { conn, .. } if conn.0 >= OPERATORS && conn != OPERATOR => {}
                Output::Query { ticket, query } => {
                    let at = self.now + self.dice.between(0, 3);
                    self.agenda.plan(at, Event::Read(self.hub.life, ticket, query));
                }
                Output::Send { conn, frame } => self.hub_says(conn, *frame),
                Output::Ack { conn, ack } => self.hub_says(conn, ServerFrame::Ack(ack)),
                Output::Deliver { entry, to, circumstances } => {
                    for conn in to {
                        self.deliver(as_index(conn), &entry, &circumstances);
                    }
                }
                Output::Probe { conn, number } => {
                    self.send_down(as_index(conn), Down::Probe(number));
                }
                Output::Close { conn, .. } => self.send_down(as_index(conn), Down::End),
            }
        }
        self.submit(changes);
        self.plan_hub_tick();
    }

    fn plan_hub_tick(&mut self) {
        let Some(brain) = &self.hub.brain else { return };
        let at = brain.deadline().0.max(self.now + 1);
        if at < self.hub.tick_at {
            self.hub.tick_at = at;
            self.agenda.plan(at, Event::HubTick(self.hub.life));
        }
    }

    fn submit(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        self.hub.unsettled += changes.len();
        self.hub.submissions.push_back(changes);
        if self.hub.submissions.len() == 1 {
            self.plan_commit();
        }
    }

    fn plan_commit(&mut self) {
        let most = if self.hub.slow_until > self.now { 900 } else { 4 };
        let at = self.now + self.dice.between(0, most);
        self.agenda.plan(at, Event::Commit(self.hub.life));
    }

    pub(crate) fn on_commit(&mut self, life: Life) {
        if life != self.hub.life {
            return;
        }
        let Some(mut changes) = self.hub.submissions.pop_front() else { return };
        self.forget_ids(&mut changes);
        let full = self.hub.full_until > self.now && self.dice.percent(90);
        let settled = if full {
            self.history.said.refused();
            Settled::Refused(changes.len(), Code::StorageFull)
        } else {
            self.commit(changes)
        };
        self.trace(|_| format!("store: {settled:?}"));
        self.hub.settle_at = self.hub.settle_at.max(self.now + self.dice.between(0, 4));
        self.agenda.plan(self.hub.settle_at, Event::Settle(life, settled));
        if !self.hub.submissions.is_empty() {
            self.plan_commit();
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Settled {
        let writes: Vec<Write> = changes.into_iter().map(Write::Change).collect();
        match self.hub.store.commit(&writes) {
            Ok(outcomes) => {
                for (write, outcome) in writes.iter().zip(&outcomes) {
                    if let Write::Change(change) = write {
                        self.history.committed(change, outcome);
                    }
                }
                Settled::Committed(outcomes)
            }
            Err(StoreError::NoSuchRoom { .. }) => {
                Settled::Refused(writes.len(), Code::StorageFailed)
            }
            Err(error) => unreachable!("memory does not fail: {error}"),
        }
    }

    pub(crate) fn on_settle(&mut self, life: Life, settled: Settled) {
        if life != self.hub.life {
            return;
        }
        match settled {
            Settled::Committed(outcomes) => {
                self.hub.unsettled -= outcomes.len();
                self.hub_input(Input::Committed { outcomes });
            }
            Settled::Refused(count, code) => {
                self.hub.unsettled -= count;
                self.hub_input(Input::Refused { count, code });
            }
        }
        self.end_drained();
    }

    pub(crate) fn on_read(&mut self, life: Life, ticket: Ticket, query: &Query) {
        let blind = self.hub.blind_until > self.now && self.dice.percent(50);
        let answer = if blind { Answer::Failed } else { self.hub.reader.answer(query) };
        let at = self.now + self.dice.between(0, 3);
        self.agenda.plan(at, Event::Answer(life, ticket, answer));
    }

    pub(crate) fn on_answer(&mut self, life: Life, ticket: Ticket, answer: Answer) {
        if life == self.hub.life {
            self.hub_input(Input::Answered { ticket, answer });
        }
    }

    fn hub_says(&mut self, conn: ConnId, mut frame: ServerFrame) {
        if conn == OPERATOR {
            if let ServerFrame::Operated(Operated { result, .. }) = frame
                && let OperatorAnswer::EntryRedacted(told) = result
            {
                self.history.redaction_told(&told);
            }
            return;
        }
        let conn = as_index(conn);
        let to = self.bots[self.pipes[conn].bot].id.clone();
        if !self.falsify(&mut frame) {
            return;
        }
        match &frame {
            ServerFrame::Ack(ack) => self.history.acked(&to, ack),
            ServerFrame::Gap(gap) => self.history.gap_sent(self.now, &to, gap),
            ServerFrame::Receipt(receipt) => self.history.receipt_sent(self.now, &to, receipt),
            ServerFrame::History(page) => self.history.read_back(page),
            ServerFrame::Status(report) => self.history.status_sent(self.now, &to, report),
            _ => {}
        }
        self.trace(|_| format!("hub -> {to} ({conn}) {}", frame.encode()));
        self.send_down(conn, Down::Frame(Box::new(frame)));
    }

    fn deliver(&mut self, conn: Conn, entry: &Entry, how: &Circumstances) {
        let entry = &self.unredacted(entry);
        let to = self.bots[self.pipes[conn].bot].id.clone();
        self.history.handed(self.now, &to, entry);
        if self.hub.pauses.hold(&entry.draft.room, &to) {
            let text = format!("{} #{} to {to}", entry.draft.room, entry.seq);
            self.history.object("delivered while paused", text);
        }
        if self.plan.sabotage == Sabotage::SkipReader && self.dice.percent(5) {
            return;
        }
        let last = self.pipes[conn].last.insert(entry.draft.room.clone(), entry.seq);
        let swaps = self.plan.sabotage == Sabotage::SwapDeliveries;
        if last.is_some_and(|last| last >= entry.seq) && !swaps {
            let text =
                format!("{} #{} to {to} ({conn}) after #{last:?}", entry.draft.room, entry.seq);
            self.history.object("one connection, one order", text);
        }
        let known = self.pipes[conn].hello.unwrap_or(Known { plain: true, acts: false });
        let frame = ServerFrame::Message(shape(entry, how, known));
        self.trace(|_| format!("hub -> {to} ({conn}) #{} {}", entry.seq, frame.encode()));
        if swaps && self.swap(conn, &frame, entry) {
            return;
        }
        self.send_entry(conn, frame, entry);
        if let Some((conn, frame, entry)) = self.hub.held_back.take() {
            self.send_entry(conn, frame, &entry);
        }
    }

    fn send_entry(&mut self, conn: Conn, frame: ServerFrame, entry: &Entry) {
        let down = Down::Entry(Box::new(frame), entry.draft.room.clone(), entry.seq);
        self.send_down(conn, down);
    }
}

/// Sabotage.
impl World {
    fn swap(&mut self, conn: Conn, frame: &ServerFrame, entry: &Entry) -> bool {
        let free = self.hub.held_back.as_ref().is_none();
        let hold = free && self.dice.percent(10);
        if hold {
            self.hub.held_back = Some((conn, frame.clone(), entry.clone()));
        }
        hold
    }

    /// For sabotage: an entry with what it said before it was redacted.
    fn unredacted(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        if self.plan.sabotage == Sabotage::ShowRedacted && entry.draft.redaction().is_some() {
            let mut draft = entry.draft.as_ref().clone();
            let said = self.history.said_at(&draft.room, entry.seq);
            (draft.text, draft.extras) = (said.unwrap_or_default(), None);
            entry.draft = draft.into();
        }
        entry
    }

    /// Whether the frame is sent at all.
    fn falsify(&mut self, frame: &mut ServerFrame) -> bool {
        match (self.plan.sabotage, frame) {
            (Sabotage::ReceivedWhenWritten, ServerFrame::Receipt(receipt)) => {
                if receipt.state == ReceiptState::Delivered {
                    receipt.state = ReceiptState::Received.into();
                }
                true
            }
            (Sabotage::HideGaps, ServerFrame::Gap(_)) => false,
            (Sabotage::SwallowAcks, ServerFrame::Ack(_)) => self.dice.percent(95),
            _ => true,
        }
    }

    fn show_change(&mut self, change: &Change) {
        let Change::Append(draft) = change else { return };
        let seq = 1 + self.history.head(&draft.room);
        match self.plan.sabotage {
            Sabotage::AckBeforeCommit => {
                let Some(conn) = self.conn_of(&draft.from) else { return };
                let (room, id) = (draft.room.clone(), Some(draft.id.clone()));
                let (seq, queued, dropped) = (Some(seq), Some(0), None);
                let ack = Ack { room, id, seq, delivered: 0, queued, duplicate: false, dropped };
                self.send_down(conn, Down::Frame(Box::new(ServerFrame::Ack(ack))));
            }
            Sabotage::DeliverBeforeCommit => {
                let bot = self.bots.iter().position(|bot| bot.id != draft.from);
                let Some(conn) = bot.and_then(|bot| self.conn_of(&self.bots[bot].id)) else {
                    return;
                };
                let entry = Entry { seq, draft: draft.clone() };
                self.deliver(conn, &entry, &Circumstances::default());
            }
            Sabotage::InventGaps if self.dice.percent(5) => {
                let Some(conn) = self.conn_of(&draft.from) else { return };
                let (from_seq, reason) =
                    (seq.saturating_sub(2).max(1), GapReason::Retention.into());
                if from_seq < seq {
                    let (room, to_seq) = (draft.room.clone(), seq - 1);
                    let gap = Gap { room, from_seq, to_seq, lost: seq - from_seq, reason };
                    self.hub_says(ConnId(conn as u64), ServerFrame::Gap(gap));
                }
            }
            _ => {}
        }
    }

    fn conn_of(&self, bot: &BotId) -> Option<Conn> {
        let open = |conn: &Conn| {
            let pipe = &self.pipes[*conn];
            pipe.hub_sees && pipe.hello.is_some() && self.bots[pipe.bot].id == *bot
        };
        (0..self.pipes.len()).rev().find(open)
    }

    fn forget_ids(&self, changes: &mut [Change]) {
        if self.plan.sabotage != Sabotage::ForgetIds {
            return;
        }
        for change in changes {
            if let Change::Append(draft) = change
                && self.history.place_of(&draft.text).is_some()
            {
                let mut renamed = draft.as_ref().clone();
                renamed.id = MessageId::new(&format!("{}-again", draft.id)).expect("short enough");
                *change = Change::Append(renamed.into());
            }
        }
    }
}

fn forget_cursors(snapshot: &mut Snapshot) {
    for room in &mut snapshot.rooms {
        for member in &mut room.members {
            member.cursor = room.head;
        }
    }
}

fn forget_out_of_turn(snapshot: &mut Snapshot) {
    let members = snapshot.rooms.iter_mut().flat_map(|room| &mut room.members);
    members.for_each(|member| member.received.clear());
}

fn as_index(conn: ConnId) -> Conn {
    usize::try_from(conn.0).expect("connections are indices here")
}

/// What the engine makes of an entry for one kind of connection.
fn shape(entry: &Entry, how: &Circumstances, known: Known) -> Delivery {
    let mut delivery = bot_hub_core::delivery(entry);
    delivery.age_ms = Some(how.age_ms);
    delivery.redelivered = how.redelivered;
    delivery.backlog = how.backlog.map(|(index, total)| Backlog { index, total });
    if !known.acts {
        delivery.act = None;
    }
    if known.plain {
        (delivery.id, delivery.seq, delivery.prev, delivery.sent_at) = (None, None, None, None);
        (delivery.expires_at, delivery.backlog, delivery.redelivered) = (None, None, false);
        delivery.age_ms = how.late.then_some(how.age_ms);
        delivery.lost = how.lost;
    }
    delivery
}
