//! The state machine: what goes in, what comes out, when it wants to be woken.
//!
//! Owns dispatch and the queue of outputs. Each rule lives in the folder of its subject:
//!
//! * `rules`: who is there, in which rooms, who may say what, and what is listed
//! * `delivery`: from a committed message to its readers; `world::member` is one reader's arithmetic
//! * `receipts`: what became of it, and who is told
//! * `apply`: what a committed change does to the tables; `answer`: what follows from it, and from answers;
//!   `waiting` is what waits for those
//!
//! **Invariant:** the only cause of a delivery is that an entry is committed ([`Input::Committed`],
//! [`Input::CommittedElsewhere`]), directly or through a page that was read from the store.

use std::collections::VecDeque;

use bot_protocol::code::Code;
use bot_protocol::frame::server::{ErrorFrame, Pong};
use bot_protocol::frame::{ClientFrame, ServerFrame};
use bot_protocol::id::{Epoch, MessageId};
use bot_protocol::name::BotId;
use bot_protocol::right::Right;
use bot_protocol::time::Timestamp;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::change::{Change, Loss, Query, Snapshot};
use crate::delivery::Turns;
use crate::expiries::Expiry;
use crate::ids::Ids;
use crate::index::{BotIx, Named, RoomIx};
use crate::io::{ConnId, Input, Output, Ticket};
use crate::rules::Declared;
use crate::settings::{RETENTION_SWEEP_MS, Settings};
use crate::stats::Stats;
use crate::waiting::{
    Ask, Clearing, Leftover, Notifications, Redactions, Refused, Underway, Waiter,
};
use crate::world::{Census, Conn, Ended, Member, World};

/// The brain of one hub.
///
/// After every [`Hub::handle`], drain [`Hub::poll`]; then sleep until [`Hub::deadline`] or the next
/// input, whichever comes first. Time is an argument and follows the wall clock, which may be set: what
/// was promised for a moment is judged by the clock as it is now, timeouts run on, and no entry gets a
/// time before that of an earlier one.
#[derive(Debug)]
pub struct Hub {
    pub(crate) now: Timestamp,
    /// The time of the newest entry, or later: no entry gets an earlier one.
    pub(crate) newest_at: Timestamp,
    /// Why retention by age waits, if it does.
    pub(crate) age_waits: Option<SmolStr>,
    /// The disk has no more than so many bytes left, which are kept for receipts, cursors and operators.
    pub(crate) disk_left: Option<u64>,
    pub(crate) settings: Settings,
    pub(crate) epoch: Epoch,
    pub(crate) world: World,
    /// Changes on their way to the store, in their order.
    pub(crate) underway: VecDeque<Underway>,
    pub(crate) asked: FxHashMap<Ticket, Ask>,
    /// Memberships whose cursors have to be saved.
    pub(crate) unsaved: VecDeque<(RoomIx, BotIx)>,
    /// Members whose losses have to be recorded.
    pub(crate) lossy: VecDeque<(RoomIx, BotIx)>,
    /// What senders are still to be told of entries that are not in memory.
    pub(crate) notifications: VecDeque<Notifications>,
    /// Of these the entries are being looked up.
    pub(crate) notifications_asked: Option<(Ticket, Notifications)>,
    /// Senders were told that not everything can be told.
    pub(crate) notifications_left_out: bool,
    /// What removed rooms left behind.
    pub(crate) clearing: Clearing,
    /// A new configuration may be about to declare more rooms.
    pub(crate) is_configuring: bool,
    /// Rooms that the configuration declares.
    pub(crate) configured: Vec<RoomIx>,
    /// Rooms that it declares and that wait for the end of others with their names.
    pub(crate) declared_late: Vec<Declared>,
    /// Changes that a full disk refused and that must not be forgotten.
    pub(crate) refused: Refused,
    /// What is being redacted.
    pub(crate) redactions: Redactions,
    /// What follows for many when a pause begins or ends.
    pub(crate) turns: Turns,
    /// How many connections asked for receipts.
    pub(crate) receipt_conns: usize,
    /// Operators' connections that watch every room.
    pub(crate) observers: Vec<ConnId>,
    /// Readers that the store could not serve.
    pub(crate) unserved: Vec<(RoomIx, BotIx)>,
    pub(crate) stats: Stats,
    pub(crate) draining: bool,
    ids: Ids,
    tickets: u64,
    pub(crate) probes: u64,
    pub(crate) save_at: Option<Timestamp>,
    pub(crate) drops_at: Option<Timestamp>,
    pub(crate) notifications_at: Option<Timestamp>,
    pub(crate) read_retry_at: Option<Timestamp>,
    pub(crate) sweep_at: Timestamp,
    /// Rooms that the present sweep has looked at.
    pub(crate) swept: u32,
    /// What the last sweep has counted, and what the present one has so far.
    pub(crate) census: Census,
    pub(crate) counting: Census,
    outputs: VecDeque<Output>,
}

impl Hub {
    /// A brain that remembers `snapshot`. The key is secret and another one at every start: it decides
    /// the ids that the hub makes, and nobody else may foresee those.
    pub fn new(now: Timestamp, id_key: &[u8; 32], settings: Settings, snapshot: Snapshot) -> Self {
        let mut hub = Self {
            now,
            newest_at: snapshot.newest_at,
            age_waits: None,
            disk_left: None,
            settings,
            epoch: snapshot.epoch,
            world: World::default(),
            underway: VecDeque::new(),
            asked: FxHashMap::default(),
            unsaved: VecDeque::new(),
            lossy: VecDeque::new(),
            notifications: VecDeque::new(),
            notifications_asked: None,
            notifications_left_out: false,
            clearing: Clearing::default(),
            is_configuring: false,
            configured: Vec::new(),
            declared_late: Vec::new(),
            refused: Refused::default(),
            redactions: Redactions::default(),
            turns: Turns::default(),
            receipt_conns: 0,
            observers: Vec::new(),
            unserved: Vec::new(),
            stats: Stats::default(),
            draining: false,
            ids: Ids::new(id_key),
            tickets: 0,
            probes: 0,
            save_at: None,
            drops_at: None,
            notifications_at: None,
            read_retry_at: None,
            sweep_at: now + RETENTION_SWEEP_MS,
            swept: 0,
            census: Census::default(),
            counting: Census::default(),
            outputs: VecDeque::new(),
        };
        hub.restore(snapshot);
        hub
    }

    fn restore(&mut self, snapshot: Snapshot) {
        for record in snapshot.rooms {
            let ix = self.world.intern_room(&record.room);
            let room = self.world.room_mut(ix);
            (room.epoch, room.closed, room.retain) = (record.epoch, record.closed, record.retain);
            (room.head, room.first, room.bytes) = (record.head, record.first, record.bytes);
            room.oldest_at = record.oldest_at;
            self.world.room_is_there(ix);
            for stored in record.members {
                let bot = self.world.intern_bot(&stored.bot);
                let reads = stored.rights.has(Right::Read);
                let cursor = if reads { stored.cursor } else { record.head };
                let mut member = Member::new(bot, stored.since, cursor);
                member.rights = stored.rights;
                let waiting_since = stored.waiting_since.filter(|_| reads);
                member.waiting_since = waiting_since.map(|at| at.min(self.now));
                member.assume_sent(record.head);
                // First of all: what was received is no part of a loss.
                member.ahead.keep(
                    stored.received.into_iter().filter(|&seq| seq > cursor && seq <= record.head),
                );
                for range in stored.dropped.into_iter().filter(|_| reads) {
                    member.lose(range.from, range.to, range.reason);
                    member.losses.mark_given(range.from.max(cursor + 1), range.to);
                }
                if reads && record.first > cursor + 1 {
                    member.lose(0, record.first - 1, Loss::Retention);
                    member.losses.tell_removed(record.first - 1);
                }
                self.world.insert_member(ix, member);
            }
        }
        for remains in snapshot.remains {
            self.clearing.add(self.now, Leftover::new(remains, None, Vec::new()));
        }
        for (id, ended_at) in snapshot.ended {
            let bot = self.world.intern_bot(&id);
            self.world.bot_mut(bot).ended_at = ended_at;
            self.comes_after(ended_at);
        }
        for it in snapshot.expiring {
            let (room, from) = (self.world.intern_room(&it.room), self.world.intern_bot(&it.from));
            self.world.expiries.restore(Expiry { at: it.at, room, seq: it.seq, from, id: it.id });
        }
        for line in snapshot.pauses {
            self.world.restore_pause(line);
        }
        self.census = Census::of(&self.world);
    }

    /// Takes one input. Drain [`Hub::poll`] before the next.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.set_time(now);
        // First of all, or what has expired meanwhile would still be dealt out by this input.
        self.expire();
        self.is_configuring = matches!(input, Input::Configured(_) | Input::RoomDeclared { .. });
        match input {
            Input::Opened { conn, hello } => self.opened(conn, hello),
            Input::Frame { conn, frame } => self.frame(conn, frame),
            Input::Written { conn, deliveries } => self.written(conn, deliveries),
            Input::Proven { conn, probe } => self.proven(conn, probe),
            Input::Closed { conn } => {
                self.closed(conn, if self.draining { Ended::ByHub } else { Ended::Alone });
            }
            Input::Committed { outcomes } => {
                self.store_takes();
                for outcome in outcomes {
                    self.committed(outcome);
                }
            }
            Input::CommittedElsewhere { batch } => self.committed_elsewhere(batch),
            Input::Refused { count, code } => {
                self.store_refuses();
                for _ in 0..count {
                    self.change_refused(code);
                }
            }
            Input::Answered { ticket, answer } => self.answered(ticket, answer),
            Input::BotAdded(bot) => self.bot_added(&bot),
            Input::Standing { bot, standing } => self.set_standing(&bot, standing),
            Input::Removing { bot, removing } => self.set_removing(&bot, removing),
            Input::LetIn { bot, rooms, rights } => self.let_in(&bot, &rooms, rights),
            Input::Revoked { conn } => self.conn_revoked(conn),
            Input::BotRemoved(bot) => self.bot_removed(&bot),
            Input::BotBlocked(bot) => self.bot_blocked(&bot),
            Input::RulePauses { room, bot, why, until } => {
                self.rule_pauses((room, bot), why, until);
            }
            Input::RoomDeclared { room, members, closed, retain } => {
                self.room_declared(&room, &members, closed, retain);
            }
            Input::RoomNeeded { room, closed } => {
                self.ensure_room(&room, closed);
            }
            Input::Configured(settings) => {
                self.settings = settings;
                self.forget_declared();
            }
            Input::AgeWaits(why) => self.age_waits = why,
            Input::Profile { bot, profile } => self.set_profile(&bot, profile),
            Input::DiskLeft(bytes) => self.disk_left = bytes,
            Input::Tick => {}
            Input::Drain => self.drain(),
        }
        self.run_timers();
    }

    /// The next thing that the world has to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted at the latest.
    pub fn deadline(&self) -> Timestamp {
        let times = [
            self.save_at,
            self.drops_at,
            self.notifications_at,
            self.read_retry_at,
            self.world.expiries.next(),
            self.clear_at(),
            self.turns.at,
            self.world.pauses.next_end().filter(|_| !self.turns.is_ending),
            Some(self.sweep_at),
        ];
        times.into_iter().flatten().min().unwrap_or(self.sweep_at)
    }

    /// What happened so far, in numbers.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The life of the store that this brain remembers.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn frame(&mut self, conn: ConnId, frame: ClientFrame) {
        let Some(bot) = self.conn(conn).map(|state| state.bot) else { return };
        if self.world.bot(bot).removing {
            let error = ErrorFrame::new(Code::BotDisabled).message("this bot is being removed");
            return self.send_error(conn, error.about(frame.kind()));
        }
        match frame {
            ClientFrame::Message(message) => self.publish(conn, bot, message),
            ClientFrame::Auth(_) => self.refuse(conn, Code::AlreadyAuthenticated, "auth"),
            ClientFrame::Join(join) => self.join(conn, &join.room),
            ClientFrame::Leave(leave) => self.leave(conn, &leave.room),
            ClientFrame::Receipt(receipt) => self.receipt(conn, receipt),
            ClientFrame::Presence(presence) => self.set_presence(conn, presence),
            ClientFrame::Typing(typing) => self.typing(conn, &typing.room),
            ClientFrame::History(history) => self.history(conn, &history),
            ClientFrame::Status(status) => self.status(conn, &status),
            ClientFrame::Rooms(rooms) => self.rooms(conn, &rooms),
            ClientFrame::Who(who) => self.who(conn, &who),
            ClientFrame::Ping(ping) => {
                let at = ping.at.or(Some(self.now.0));
                self.send(conn, ServerFrame::Pong(Pong { at, slowed: None }));
            }
            ClientFrame::Operate(operate) => self.operate(conn, operate),
            // The enum may grow: a frame without a rule must not be swallowed.
            other => self.refuse(conn, Code::UnknownType, other.kind()),
        }
    }

    /// A clock that was set back takes the timers with it: they fire when they would have.
    fn set_time(&mut self, now: Timestamp) {
        let back_ms = self.now.since(now);
        if back_ms > 0 {
            for timer in [&mut self.save_at, &mut self.drops_at, &mut self.notifications_at] {
                *timer = timer.map(|at| at - back_ms);
            }
            self.read_retry_at = self.read_retry_at.map(|at| at - back_ms);
            self.turns.at = self.turns.at.map(|at| at - back_ms);
            self.sweep_at = self.sweep_at - back_ms;
        }
        self.now = now;
    }

    /// The time of an entry that is sent now: never before that of an earlier one, also if the clock
    /// was set back in between.
    pub(crate) fn stamp(&mut self) -> Timestamp {
        self.newest_at = self.moment();
        self.newest_at
    }

    /// No entry was sent later than this.
    pub fn moment(&self) -> Timestamp {
        self.newest_at.max(self.now)
    }

    /// Whatever is sent from now on was sent after that.
    pub(crate) fn comes_after(&mut self, at: Timestamp) {
        self.newest_at = self.newest_at.max(at + 1);
    }

    fn run_timers(&mut self) {
        if self.save_at.is_some_and(|at| at <= self.now) {
            self.save_places();
        }
        if self.drops_at.is_some_and(|at| at <= self.now) {
            self.save_drops();
        }
        if self.notifications_at.is_some_and(|at| at <= self.now) {
            self.next_notifications();
        }
        if self.read_retry_at.is_some_and(|at| at <= self.now) {
            self.retry_reads();
        }
        if self.world.pauses.next_end().is_some_and(|at| at <= self.now) {
            self.end_due_pauses();
        }
        if self.turns.at.is_some_and(|at| at <= self.now) {
            self.take_turns();
        }
        if self.sweep_at <= self.now {
            self.sweep_retention();
        }
        if self.clear_at().is_some_and(|at| at <= self.now) {
            self.clear_next();
        }
    }

    fn drain(&mut self) {
        self.draining = true;
        while !self.lossy.is_empty() {
            self.save_drops();
        }
        self.save_places();
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn last_output(&self) -> Option<&Output> {
        self.outputs.back()
    }

    /// Asks the store for a change. `named` are the room and the bot that it names.
    pub(crate) fn change(&mut self, change: Change, named: Named, waiter: Waiter) {
        self.submit(change.clone(), Underway { change, named, waiter });
    }

    /// Asks the store for a change that is `underway` from now on.
    pub(crate) fn submit(&mut self, change: Change, underway: Underway) {
        self.outputs.push_back(Output::Change(change));
        self.underway.push_back(underway);
    }

    pub(crate) fn ask(&mut self, query: Query, ask: Ask) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.asked.insert(ticket, ask);
        self.output(Output::Query { ticket, query });
        ticket
    }

    /// Sends a frame, unless the connection has gone while the answer was on its way.
    pub(crate) fn send(&mut self, conn: ConnId, mut frame: ServerFrame) {
        if let Some(state) = self.world.conns.get(&conn) {
            frame.limit_to(|cap| state.caps.knows(cap));
            self.output(Output::Send { conn, frame: Box::new(frame) });
        }
    }

    /// Answers a frame with a refusal that needs no explanation beyond its code.
    pub(crate) fn refuse(&mut self, conn: ConnId, code: Code, reference: &str) {
        self.send_error(conn, ErrorFrame::new(code).about(reference));
    }

    pub(crate) fn send_error(&mut self, conn: ConnId, error: ErrorFrame) {
        self.stats.refused += 1;
        self.send(conn, ServerFrame::Error(error));
    }

    pub(crate) fn conn(&self, conn: ConnId) -> Option<&Conn> {
        self.world.conns.get(&conn)
    }

    pub(crate) fn bot_id(&self, bot: BotIx) -> &BotId {
        &self.world.bot(bot).id
    }

    /// An id for a message whose sender chose none.
    pub(crate) fn make_id(&mut self) -> MessageId {
        self.ids.make(self.now)
    }
}
