//! From committed entries to connections.
//!
//! Owns who is handed what and when: live at the commit for readers that are up to date, page by page
//! from the store for everybody else. **Invariant:** a reader gets the entries of a room in the order
//! of the log, each once per connection; what it cannot take now stays in the log, not in memory.

use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::{Gap, GapReason};
use bot_protocol::receipt::ReceiptState;

use crate::ask::Ask;
use crate::change::{DroppedRange, Page, Query, Span};
use crate::entry::Entry;
use crate::hub::Hub;
use crate::io::{Circumstances, ConnId, Output};
use crate::member::Slot;
use crate::settings::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use crate::world::{BotIx, Flight, RoomIx};

/// To how many members an entry went at its commit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Handed {
    pub(crate) delivered: u32,
    pub(crate) queued: u32,
    /// Older entries dropped from full buffers because of it.
    pub(crate) dropped: u64,
}

impl Hub {
    /// An entry was committed: hand it to everybody who is up to date.
    pub(crate) fn appended(&mut self, room: RoomIx, entry: Entry) -> Handed {
        self.stats.accepted += 1;
        let sender = self.world.intern_bot(&entry.draft.from);
        let state = self.world.room_mut(room);
        state.durable = true;
        state.head = entry.seq;
        state.bytes += entry.draft.size() as u64;
        state.oldest_at.get_or_insert(entry.draft.sent_at);
        self.expiries.add(room, &entry, sender);

        let mut handed = Handed::default();
        let mut to = Vec::with_capacity(self.world.room(room).members.len());
        for at in 0..self.world.room(room).members.len() {
            if self.world.room(room).members[at].bot == sender {
                self.pass_own(room, at, entry.seq);
            } else if let Some(conn) = self.hand_live(room, at, sender, &entry) {
                handed.delivered += 1;
                to.push(conn);
            } else {
                handed.queued += 1;
                handed.dropped += self.queue(room, at, &entry);
            }
        }
        self.stats.deliveries += u64::from(handed.delivered);
        self.show_observers(room, &entry, &mut to);
        if !to.is_empty() {
            let age_ms = self.now.since(entry.draft.sent_at);
            let circumstances = Circumstances { age_ms, ..Circumstances::default() };
            let unproven: Vec<ConnId> =
                to.iter().filter(|&&conn| self.wants_probe(conn)).copied().collect();
            self.output(Output::Deliver { entry, to, circumstances });
            for conn in unproven {
                self.probe(conn);
            }
        }
        handed
    }

    fn pass_own(&mut self, room: RoomIx, at: usize, seq: u64) {
        let member = &mut self.world.room_mut(room).members[at];
        let (bot, before) = (member.bot, member.cursor());
        if member.sent() == seq - 1 && !member.reading {
            member.pass(seq);
            if member.cursor() != before {
                self.cursor_moved(room, bot);
            }
        } else {
            // Something else waits before it: it is passed over when the bot gets there.
            member.waiting_since.get_or_insert(self.now);
        }
    }

    fn hand_live(&mut self, room: RoomIx, at: usize, from: BotIx, entry: &Entry) -> Option<ConnId> {
        let window_max = self.settings.limits.window_entries as usize;
        let outstanding_max = self.settings.outstanding_bytes_max;
        let member = &mut self.world.rooms[room.0 as usize].members[at];
        if !member.is_live(entry.seq - 1) || member.window_len() >= window_max {
            return None;
        }
        let reader = member.reader?;
        let conn = self.world.conns.get_mut(&reader)?;
        if conn.outstanding >= outstanding_max {
            if !conn.starved.contains(&room) {
                conn.starved.push(room);
            }
            return None;
        }
        member.waiting_since.get_or_insert(entry.draft.sent_at);
        member.hand(slot(entry, from));
        let bytes = entry.draft.size();
        conn.outstanding += bytes;
        conn.flights.push_back(Flight { room, seq: entry.seq, bytes });
        Some(reader)
    }

    /// The entry waits in the log for this member. Returns how many older ones it pushed out.
    fn queue(&mut self, room: RoomIx, at: usize, entry: &Entry) -> u64 {
        let member = &mut self.world.room_mut(room).members[at];
        member.waiting_since.get_or_insert(entry.draft.sent_at);
        let bot = member.bot;
        match self.settings.limits.buffer_per_bot_per_room {
            Some(limit) if self.world.bot(bot).conn.is_none() => {
                self.limit_buffer(room, bot, entry.seq, u64::from(limit))
            }
            _ => 0,
        }
    }

    /// Hands over what waits for a member, as far as window and connection have room for it.
    pub(crate) fn pump(&mut self, room: RoomIx, bot: BotIx) {
        let window_max = self.settings.limits.window_entries as usize;
        let outstanding_max = self.settings.outstanding_bytes_max;
        self.tell_gap(room, bot);
        let (head, first) = (self.world.room(room).head, self.world.room(room).first);
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let Some(conn) = member.reader else { return };
        if member.sent() >= head {
            return;
        }
        let space = window_max.saturating_sub(member.window_len());
        if member.reading || space == 0 {
            return;
        }
        let after = member.sent().max(first.saturating_sub(1));
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        if state.outstanding >= outstanding_max {
            if !state.starved.contains(&room) {
                state.starved.push(room);
            }
            return;
        }
        if let Some(member) = self.world.member_mut(room, bot) {
            member.reading = true;
        }
        let query = Query::Page {
            room: self.room_name(room),
            span: Span::After(after),
            entries_max: u32::try_from(space).unwrap_or(u32::MAX).min(PAGE_ENTRIES_MAX),
            bytes_max: PAGE_BYTES_MAX,
        };
        self.ask(query, Ask::Pump { room, bot, conn });
    }

    pub(crate) fn pumped(&mut self, room: RoomIx, bot: BotIx, conn: ConnId, page: Page) {
        let reads = |member: &crate::member::Member| member.reader == Some(conn) && member.reading;
        let Some(member) = self.world.member_mut(room, bot).filter(|it| reads(it)) else { return };
        member.reading = false;
        let before = member.cursor();
        for &seq in &page.corrupt {
            self.stats.corrupt += 1;
            self.lose(
                room,
                bot,
                conn,
                DroppedRange { from: seq, to: seq, reason: GapReason::Corrupt },
            );
        }
        let empty = page.entries.is_empty() && page.corrupt.is_empty();
        for entry in page.entries {
            if !self.hand_late(room, bot, conn, entry, &page.corrupt) {
                break;
            }
        }
        if let Some(&last) = page.corrupt.last()
            && let Some(member) = self.world.member_mut(room, bot)
            && member.sent() + 1 == last
        {
            member.pass(last);
        }
        let head = self.world.room(room).head;
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if empty && !page.more && member.sent() < head {
            // The log ends before its head: those entries are gone, and the reader is told so.
            member.drop_through(head, GapReason::Retention);
        }
        if member.cursor() != before {
            self.cursor_moved(room, bot);
        }
        self.probe(conn);
        self.pump(room, bot);
    }

    /// Hands over one entry that waited. Returns whether there is room for another.
    fn hand_late(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        conn: ConnId,
        entry: Entry,
        corrupt: &[u64],
    ) -> bool {
        let now = self.now;
        let sender = self.world.intern_bot(&entry.draft.from);
        let Some(member) = self.world.member_mut(room, bot) else { return false };
        if entry.seq <= member.sent() {
            return true;
        }
        let missing = member.sent() + 1..entry.seq;
        if missing.clone().any(|seq| !corrupt.contains(&seq)) {
            member.drop_through(entry.seq - 1, GapReason::Retention);
            self.tell_gap(room, bot);
        }
        let Some(member) = self.world.member_mut(room, bot) else { return false };
        if sender == bot {
            member.pass(entry.seq);
            return true;
        }
        if entry.draft.expires_at().is_some_and(|at| at <= now) {
            let range = DroppedRange { from: entry.seq, to: entry.seq, reason: GapReason::Expired };
            member.pass(entry.seq);
            self.lose(room, bot, conn, range);
            return true;
        }
        self.hand_waited(room, bot, conn, sender, entry)
    }

    fn hand_waited(
        &mut self,
        room: RoomIx,
        bot: BotIx,
        conn: ConnId,
        from: BotIx,
        entry: Entry,
    ) -> bool {
        let window_max = self.settings.limits.window_entries as usize;
        let age_ms = self.now.since(entry.draft.sent_at);
        let plain = self.conn(conn).is_some_and(|state| state.plain);
        let Some(member) = self.world.member_mut(room, bot) else { return false };
        let lost =
            member.dropped.filter(|_| plain && !member.gap_told).map(|it| it.to - it.from + 1);
        member.gap_told |= lost.is_some();
        let redelivered = member.hand(slot(&entry, from));
        let backlog = member.next_backlog(entry.seq);
        let full = member.window_len() >= window_max;
        let (seq, bytes) = (entry.seq, entry.draft.size());
        let circumstances = Circumstances { age_ms, late: true, redelivered, backlog, lost };
        self.stats.deliveries += 1;
        self.stats.redeliveries += u64::from(redelivered);
        self.output(Output::Deliver { entry, to: vec![conn], circumstances });
        let Some(state) = self.world.conns.get_mut(&conn) else { return false };
        state.outstanding += bytes;
        state.flights.push_back(Flight { room, seq, bytes });
        !full && state.outstanding < self.settings.outstanding_bytes_max
    }

    /// Tells a reader about the range that it will never get, and goes on after it.
    fn tell_gap(&mut self, room: RoomIx, bot: BotIx) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let (Some(range), Some(conn)) = (member.dropped, member.reader) else { return };
        member.skip(range.to);
        if self.conn(conn).is_none_or(|state| state.plain) {
            return;
        }
        let Some(member) = self.world.member_mut(room, bot) else { return };
        if !std::mem::replace(&mut member.gap_told, true) {
            self.send_gap(room, conn, range);
        }
    }

    /// A single entry that this reader will not get.
    fn lose(&mut self, room: RoomIx, bot: BotIx, conn: ConnId, range: DroppedRange) {
        if range.reason != GapReason::Expired {
            self.record_drop(room, bot, range);
        }
        if self.conn(conn).is_some_and(|state| !state.plain) {
            self.send_gap(room, conn, range);
        }
    }

    fn send_gap(&mut self, room: RoomIx, conn: ConnId, range: DroppedRange) {
        let gap = Gap {
            room: self.room_name(room),
            from_seq: range.from,
            to_seq: range.to,
            lost: range.to - range.from + 1,
            reason: range.reason,
        };
        self.send(conn, ServerFrame::Gap(gap));
    }

    fn wants_probe(&self, conn: ConnId) -> bool {
        self.conn(conn).is_some_and(|state| {
            state.proves() && !state.side && state.probe.is_none() && !state.flights.is_empty()
        })
    }

    /// Asks a client that cannot acknowledge to prove that it consumed what it was sent.
    fn probe(&mut self, conn: ConnId) {
        if !self.wants_probe(conn) {
            return;
        }
        let number = self.probes + 1;
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        state.probe = Some((number, state.handed()));
        self.probes = number;
        self.output(Output::Probe { conn, number });
    }

    /// Entries are on the socket: `delivered`, and room for more.
    pub(crate) fn written(&mut self, conn: ConnId, deliveries: u64) {
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        // An observer has no cursor to move: what is on its socket has landed.
        let (bot, landed, proves) = (state.bot, state.landed, state.proves() && !state.side);
        let news = state.written.max(landed)..deliveries.min(state.handed());
        if news.is_empty() {
            return;
        }
        state.written = news.end;
        for number in news.clone() {
            let Some(state) = self.world.conns.get(&conn) else { return };
            let flight = state.flights[usize::try_from(number - landed).unwrap_or(usize::MAX)];
            self.delivered(bot, flight);
        }
        if !proves {
            self.land(conn, news.end);
        }
    }

    /// The peer's stack consumed everything up to the probe: the cursor of a seed client moves.
    pub(crate) fn proven(&mut self, conn: ConnId, probe: u64) {
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        let Some((_, handed)) = state.probe.filter(|(number, _)| *number == probe) else { return };
        state.probe = None;
        let (bot, landed) = (state.bot, state.landed);
        for number in landed..handed {
            let Some(state) = self.world.conns.get(&conn) else { return };
            let flight = state.flights[usize::try_from(number - landed).unwrap_or(usize::MAX)];
            self.delivered(bot, flight);
            if let Some(member) = self.world.member_mut(flight.room, bot)
                && member.take(flight.seq).is_some()
            {
                self.cursor_moved(flight.room, bot);
            }
        }
        self.land(conn, handed);
        self.probe(conn);
    }

    fn delivered(&mut self, bot: BotIx, flight: Flight) {
        let Some(member) = self.world.member_mut(flight.room, bot) else { return };
        let Some(slot) = member.mark_delivered(flight.seq) else { return };
        let (from, id) = (slot.from, slot.id.clone());
        self.mark_unsaved(flight.room, bot);
        self.notify(from, flight.room, &id, bot, ReceiptState::Delivered, None, None);
    }

    /// Forgets flights up to a number, and serves the rooms that waited for the space.
    fn land(&mut self, conn: ConnId, number: u64) {
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        let bot = state.bot;
        let mut rooms = std::mem::take(&mut state.starved);
        while state.landed < number
            && let Some(flight) = state.flights.pop_front()
        {
            state.landed += 1;
            state.outstanding -= flight.bytes;
            if state.caps.ack || rooms.last() == Some(&flight.room) {
                continue;
            }
            // A proof opened the window of this room; receipts open it for the others.
            rooms.push(flight.room);
        }
        for room in rooms {
            self.pump(room, bot);
        }
    }

    /// Operators' connections see the entry too; one that cannot keep up is closed, not lied to.
    fn show_observers(&mut self, room: RoomIx, entry: &Entry, to: &mut Vec<ConnId>) {
        if self.observers.is_empty() && self.world.room(room).observers.is_empty() {
            return;
        }
        let mut watching = self.world.room(room).observers.clone();
        watching.extend(
            self.observers.iter().filter(|it| !watching.contains(it)).copied().collect::<Vec<_>>(),
        );
        for conn in watching {
            let Some(state) = self.world.conns.get_mut(&conn) else { continue };
            if state.outstanding >= self.settings.outstanding_bytes_max {
                self.too_slow(conn);
                continue;
            }
            let bytes = entry.draft.size();
            state.outstanding += bytes;
            state.flights.push_back(Flight { room, seq: entry.seq, bytes });
            to.push(conn);
        }
    }
}

fn slot(entry: &Entry, from: BotIx) -> Slot {
    let (id, sent_at) = (entry.draft.id.clone(), entry.draft.sent_at);
    Slot { seq: entry.seq, id, from, sent_at, delivered: false, taken: false }
}
