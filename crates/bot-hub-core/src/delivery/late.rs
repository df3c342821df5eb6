//! From the log to readers that are behind.
//!
//! Owns reading ahead, page by page, as far as window and connection have room for it, and telling of
//! the gaps on the way. What is met is taken in the order of the log: gap, damage, entry.

use bot_protocol::frame::ServerFrame;
use bot_protocol::frame::server::Gap;

use crate::change::{DroppedRange, Loss, Page, Query, Span};
use crate::delivery::live::slot;
use crate::entry::Entry;
use crate::hub::Hub;
use crate::index::{BotIx, RoomIx};
use crate::io::{Circumstances, ConnId, Output, Ticket};
use crate::settings::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use crate::waiting::Ask;
use crate::world::Flight;

/// Who reads what where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    pub(crate) room: RoomIx,
    pub(crate) bot: BotIx,
    pub(crate) conn: ConnId,
}

impl Hub {
    /// Hands over what waits for a member, as far as window and connection have room for it.
    pub(crate) fn pump(&mut self, room: RoomIx, bot: BotIx) {
        let Some(member) = self.world.member(room, bot) else { return };
        if self.world.pauses.hold(room, bot) {
            return;
        }
        let (Some(conn), None) = (member.reader, member.reading) else { return };
        self.save_losses(room, bot);
        self.tell_gaps(Reader { room, bot, conn });
        let Some(member) = self.world.member(room, bot) else { return };
        if member.waits_for_store() {
            return;
        }
        let (after, until) = (member.sent(), self.world.room(room).head);
        let window_max = self.settings.limits.window_entries as usize;
        let space = window_max.saturating_sub(member.window.len());
        if after >= until || space == 0 {
            return;
        }
        let Some(state) = self.world.conns.get_mut(&conn) else { return };
        if state.outstanding >= self.settings.outstanding_bytes_max {
            return state.starve(room);
        }
        let query = Query::Page {
            room: self.room_name(room),
            span: Span::After(after),
            entries_max: u32::try_from(space).unwrap_or(u32::MAX).min(PAGE_ENTRIES_MAX),
            bytes_max: PAGE_BYTES_MAX,
        };
        let ticket = self.ask(query, Ask::Pump { room, bot, until });
        if let Some(member) = self.world.member_mut(room, bot) {
            member.reading = Some(ticket);
        }
    }

    /// The page that a reader waits for is here. `until` was the head when it was asked for.
    pub(crate) fn pumped(
        &mut self,
        ticket: Ticket,
        room: RoomIx,
        bot: BotIx,
        until: u64,
        page: Page,
    ) {
        let Some(member) = self.world.member_mut(room, bot) else { return };
        let Some(conn) = member.reader.filter(|_| member.reading == Some(ticket)) else { return };
        member.reading = None;
        if self.world.pauses.hold(room, bot) {
            return;
        }
        let reader = Reader { room, bot, conn };
        let is_last = !page.more;
        if self.meet_page(reader, page) && is_last {
            // The log ended before its head: those entries are gone.
            self.reach(reader, until + 1);
        }
        self.note_place(room, bot);
        self.probe(conn);
        self.pump(room, bot);
    }

    /// Returns whether there was room for all of it.
    fn meet_page(&mut self, reader: Reader, page: Page) -> bool {
        let mut corrupt = page.corrupt.into_iter().peekable();
        for entry in page.entries {
            while let Some(seq) = corrupt.next_if(|&seq| seq < entry.seq) {
                self.meet_corrupt(reader, seq);
            }
            if !self.meet(reader, entry) {
                return false;
            }
        }
        for seq in corrupt {
            self.meet_corrupt(reader, seq);
        }
        true
    }

    /// Whatever is still missing before `seq` is not in the log any more.
    fn reach(&mut self, reader: Reader, seq: u64) {
        self.lose(reader.room, reader.bot, 0, seq - 1, Loss::Retention);
        self.tell_gaps(reader);
    }

    fn meet_corrupt(&mut self, reader: Reader, seq: u64) {
        self.reach(reader, seq);
        // It is told when it is stored.
        self.stats.corrupt += self.lose(reader.room, reader.bot, seq, seq, Loss::Corrupt);
    }

    /// Deals with the next entry of the log. Returns whether there is room for another.
    fn meet(&mut self, reader: Reader, entry: Entry) -> bool {
        self.reach(reader, entry.seq);
        let now = self.now;
        let sender = self.world.intern_bot(&entry.draft.from);
        let Some(member) = self.world.member_mut(reader.room, reader.bot) else { return false };
        if member.waits_for_store() {
            return false;
        }
        if entry.seq <= member.sent() {
            return true;
        }
        if sender == reader.bot {
            member.pass_own(entry.seq);
            return true;
        }
        if member.is_taken_ahead(entry.seq) {
            member.pass(entry.seq);
            return true;
        }
        if entry.draft.expires_at().is_some_and(|at| at <= now) {
            member.pass(entry.seq);
            let (from, to, reason) = (entry.seq, entry.seq, Loss::Expired);
            self.tell_gap(reader, DroppedRange { from, to, reason });
            return true;
        }
        self.hand_late(reader, sender, entry)
    }

    fn hand_late(&mut self, reader: Reader, from: BotIx, entry: Entry) -> bool {
        let Reader { room, bot, conn } = reader;
        let Some(member) = self.world.member_mut(room, bot) else { return false };
        let lost = member.losses.pay();
        let redelivered = member.hand(slot(&entry, from));
        let backlog = member.next_backlog(entry.seq);
        let is_full = member.window.len() >= self.settings.limits.window_entries as usize;
        let age_ms = self.now.since(entry.draft.sent_at);
        let circumstances = Circumstances { age_ms, late: true, redelivered, backlog, lost };
        let flight = Flight { room, seq: entry.seq, bytes: entry.draft.wire_size() };
        self.stats.deliveries += 1;
        self.stats.redeliveries += u64::from(redelivered);
        self.output(Output::Deliver { entry, to: vec![conn], circumstances });
        let Some(state) = self.world.conns.get_mut(&conn) else { return false };
        state.launch(flight);
        !is_full && state.outstanding < self.settings.outstanding_bytes_max
    }

    /// Tells a reader about what it will never get, as far as that comes next and is stored.
    fn tell_gaps(&mut self, reader: Reader) {
        let next = |hub: &mut Self| {
            let member = hub.world.member_mut(reader.room, reader.bot)?;
            let before = member.cursor();
            let gap = if member.waits_for_store() { None } else { member.next_gap() };
            if member.cursor() > before {
                hub.note_place(reader.room, reader.bot);
            }
            gap
        };
        while let Some(range) = next(self) {
            self.tell_gap(reader, range);
        }
    }

    fn tell_gap(&mut self, reader: Reader, range: DroppedRange) {
        let is_plain = self.conn(reader.conn).is_some_and(|state| state.plain);
        let Some(member) = self.world.member_mut(reader.room, reader.bot) else { return };
        let lost = member.others_in(range);
        member.note_skipped(range);
        if is_plain {
            // The frame is not known to it: the next message says so.
            return member.losses.owe(lost);
        }
        if lost > 0 {
            let room = self.room_name(reader.room);
            let (from_seq, to_seq, reason) = (range.from, range.to, range.reason.gap());
            let gap = Gap { room, from_seq, to_seq, lost, reason: reason.into() };
            self.send(reader.conn, ServerFrame::Gap(gap));
        }
    }
}
