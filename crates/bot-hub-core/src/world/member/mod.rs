//! One bot's place in one room: cursor, window, and what it will never get.
//!
//! Owns the arithmetic of delivery. It knows seqs and nothing else: never which connection exists,
//! what a message says or who must be told.
//!
//! ```text
//!        dealt with          handed over, not received      waits in the log
//!   1 ............... cursor ......................... sent .................. head
//! ```
//!
//! **Invariant:** `cursor <= sent`, and the window holds exactly the entries of others between them
//! that were handed over and not yet all received. The cursor never goes back.

mod learned;
mod parting;

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use bot_protocol::receipt::ReceiptState;
use bot_protocol::right::{Right, Rights};
use bot_protocol::time::Timestamp;

use self::parting::{Parted, Parting};
use super::ahead::Ahead;
use super::losses::{Losses, kept};
use super::meaning::{Meaning, Place};
use super::runs::Runs;
use super::window::{Slot, Window};
use crate::change::{DroppedRange, Loss};
use crate::index::BotIx;
use crate::io::{ConnId, Ticket};

/// How far the bot has come with what waited for it when it came back.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    index: u64,
    total: u64,
    until: u64,
}

/// What waits for a bot that is away, where only so many entries are kept for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffer {
    /// How many entries of others wait, once that was counted.
    waiting: Option<u64>,
    /// It lost something for which no range stands yet: the head when that was counted last, and the
    /// limit.
    full_at: Option<(u64, u64)>,
}

impl Buffer {
    pub(crate) fn is_counted(&self) -> bool {
        self.waiting.is_some()
    }
}

/// Where an entry is, seen from one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceOf {
    /// It was on its way to the bot at least once.
    Handed,
    /// It is in the log, after everything that was handed over.
    Waiting,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) bot: BotIx,
    pub(crate) rights: Rights,
    /// The room's head when it joined: what came before was not for it.
    pub(crate) since: u64,
    /// The connection that reads this room, if one does.
    pub(crate) reader: Option<ConnId>,
    /// The question to the store whose answer this reader waits for.
    pub(crate) reading: Option<Ticket>,
    pub(crate) meaning: Meaning,
    /// When the oldest entry that waits was sent, or a little before.
    pub(crate) waiting_since: Option<Timestamp>,
    /// The cursor moved, and nobody has noted it yet.
    pub(crate) cursor_moved: bool,
    /// `delivered` moved, likewise.
    pub(crate) delivered_moved: bool,
    /// When the cursor moved last, if that is not saved.
    pub(crate) unsaved_cursor: Option<Timestamp>,
    /// When `delivered` moved last, if that is not saved.
    pub(crate) unsaved_delivered: Option<Timestamp>,
    /// Connections that ended with the oldest entry of the window delivered and not received.
    pub(crate) attempts: u32,
    cursor: u64,
    /// The cursor as it was last given to the store.
    saved: u64,
    /// Entries after that which the cursor passes though nobody was handed them.
    skipped: Runs,
    /// The last entry of which it is not known that it was handed to the bot, though the cursor passed
    /// it: it was lost, or had expired, or the cursor passed it before this start.
    unknown_through: u64,
    /// What was delivered before this start only the store knows.
    delivered_before: u64,
    sent: u64,
    /// The highest seq that was ever handed over: up to here a delivery is a redelivery.
    ever_sent: u64,
    /// The highest seq that was ever written to a socket.
    delivered: u64,
    /// The highest seq that the bot took: it knows of the gaps before it.
    taken: u64,
    pub(crate) window: Window,
    pub(crate) ahead: Ahead,
    pub(crate) losses: Losses,
    /// Losses on their way to the store. Until they are there the reader is told of none: after a
    /// crash it could be handed what it was told it would never get.
    pub(crate) unstored_losses: u32,
    /// It is among those whose losses have to be given to the store.
    pub(crate) is_lossy: bool,
    /// It is among those whose places have to be saved.
    pub(crate) is_listed: bool,
    pub(crate) buffer: Buffer,
    /// Changes on their way to the store that end what it reads, oldest first.
    partings: VecDeque<Parting>,
    /// What the store has dropped with the end of what it reads, which follows in the same batch.
    parted: Vec<Parted>,
    own: Runs,
    backlog: Option<Backlog>,
}

impl Member {
    pub(crate) fn new(bot: BotIx, since: u64, cursor: u64) -> Self {
        Self {
            bot,
            rights: Rights::USUAL,
            since,
            reader: None,
            reading: None,
            meaning: Meaning::new(cursor),
            waiting_since: None,
            cursor_moved: false,
            delivered_moved: false,
            unsaved_cursor: None,
            unsaved_delivered: None,
            attempts: 0,
            cursor,
            saved: cursor,
            skipped: Runs::default(),
            unknown_through: cursor,
            delivered_before: cursor,
            sent: cursor,
            ever_sent: cursor,
            delivered: cursor,
            taken: cursor,
            window: Window::default(),
            ahead: Ahead::default(),
            losses: Losses::default(),
            unstored_losses: 0,
            is_lossy: false,
            is_listed: false,
            buffer: Buffer::default(),
            partings: VecDeque::new(),
            parted: Vec::new(),
            own: Runs::default(),
            backlog: None,
        }
    }

    /// After a restart nobody knows what had been handed over: everything may have been.
    pub(crate) fn assume_sent(&mut self, head: u64) {
        self.ever_sent = head;
    }

    /// Whether what is said is for it.
    pub(crate) fn reads(&self) -> bool {
        self.rights.has(Right::Read)
    }

    /// An entry was said that is not for it.
    pub(crate) fn pass_unread(&mut self, seq: u64) {
        let (rights, is_listed) = (self.rights, self.is_listed);
        *self = Self { rights, is_listed, ..Self::new(self.bot, self.since, seq) };
    }

    pub(crate) fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Whether the bot dealt with the entry and the store does not know it yet. How the cursor came
    /// over what was saved, only the store knows.
    pub(crate) fn dealt_with(&self, seq: u64) -> bool {
        let is_passed = (self.saved + 1..=self.cursor).contains(&seq);
        is_passed && self.skipped.others(seq, seq) == 1
    }

    /// These are passed over without being handed to anybody.
    pub(crate) fn note_skipped(&mut self, range: DroppedRange) {
        self.skipped.note_all(range.from, range.to);
        self.unknown_through = self.unknown_through.max(range.to);
    }

    /// Whether an entry of another bot was handed over or still waits; `None` where neither is known
    /// to be true. It costs no more for an old entry than for a new one.
    pub(crate) fn place_of(&self, seq: u64) -> Option<PlaceOf> {
        let is_for_it = self.reads() && self.since < seq;
        if !is_for_it {
            return None;
        }
        let is_underway = self.window.get(seq).is_some() || self.is_taken_ahead(seq);
        let is_passed = seq <= self.sent;
        if is_underway || (is_passed && seq <= self.cursor && seq > self.unknown_through) {
            return Some(PlaceOf::Handed);
        }
        if is_passed || self.losses.why(seq).is_some() || self.is_pushed_out(seq) {
            return None;
        }
        Some(if seq <= self.delivered { PlaceOf::Handed } else { PlaceOf::Waiting })
    }

    pub(crate) fn mark_saved(&mut self) {
        self.saved = self.cursor;
        self.meaning.mark_given();
        self.skipped.forget_through(self.saved);
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn ever_sent(&self) -> u64 {
        self.ever_sent
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Readers of one kind follow, perhaps after others.
    pub(crate) fn turn_to(&mut self, proves: bool, now: Timestamp) {
        self.meaning.turn(proves, self.cursor, self.unsaved_cursor.unwrap_or(now));
        if self.meaning.earlier().is_some_and(|it| it.seq == self.cursor) {
            self.unsaved_cursor = None;
        }
    }

    /// Whether something of its place is not given to the store.
    pub(crate) fn is_unsaved(&self) -> bool {
        let is_place = self.unsaved_cursor.is_some() || self.meaning.is_due();
        is_place || self.unsaved_delivered.is_some() || self.ahead.is_due()
    }

    /// What the store has to learn of the cursor, in this order.
    pub(crate) fn unsaved_places(&self) -> impl Iterator<Item = Place> + use<> {
        let (seq, state) = (self.cursor, self.meaning.state());
        let cursor = self.unsaved_cursor.map(|at| Place { seq, state, at });
        let earlier = self.meaning.earlier().filter(|_| self.meaning.is_due() || cursor.is_some());
        earlier.into_iter().chain(cursor)
    }

    /// How far an entry came, as far as that is known here.
    pub(crate) fn reached(&self, seq: u64) -> Option<ReceiptState> {
        let is_passed = self.meaning.covers(seq) && self.dealt_with(seq);
        let dealt_with = if let Some(slot) = self.window.get(seq) {
            Some(slot.state.min(self.meaning.state()))
        } else if self.is_taken_ahead(seq) || self.ahead.owes(seq) {
            Some(ReceiptState::Received)
        } else {
            is_passed.then(|| self.meaning.state())
        };
        // Its mark may be on its way to the store.
        let is_for_it = self.losses.why(seq).is_none() && self.skipped.others(seq, seq) == 1;
        let is_written = (self.delivered_before + 1..=self.delivered).contains(&seq) && is_for_it;
        dealt_with.max(is_written.then_some(ReceiptState::Delivered))
    }

    /// How many entries of others wait or are on their way.
    pub(crate) fn waiting(&self, head: u64) -> u64 {
        self.buffer.waiting.unwrap_or_else(|| self.count_waiting(head))
    }

    fn count_waiting(&self, head: u64) -> u64 {
        let lost = self.losses.after(self.sent).map(|range| self.others_in(range));
        let ahead = self.ahead.count_after(self.sent);
        let lost = lost.sum::<u64>() + self.losses.count_expired(self.sent + 1, head);
        let in_log = self.own.others(self.sent + 1, head).saturating_sub(lost + ahead);
        self.window.len() as u64 + in_log
    }

    /// A connection begins to read. `from` is the position that the client itself knows. Returns the
    /// stretches `(after, to)` that it thereby says to have received.
    pub(crate) fn attach(&mut self, conn: ConnId, head: u64, from: Option<u64>) -> Vec<(u64, u64)> {
        self.settle_buffer();
        let mut received = Vec::new();
        if let Some(known) = from.filter(|&seq| seq > self.cursor && seq <= head) {
            received = self.not_received(known);
            self.skip_lost(known);
            self.move_cursor(known);
        }
        self.reader = Some(conn);
        let total = self.waiting(head);
        self.backlog = (total > 0).then_some(Backlog { index: 0, total, until: head });
        received
    }

    /// The cursor is about to pass everything up to `seq`, by somebody's word. Who says so may never have been
    /// handed it, and what was lost was handed to nobody.
    fn skip_lost(&mut self, seq: u64) {
        self.unknown_through = self.unknown_through.max(seq);
        let lost: Vec<DroppedRange> = self.losses.after(self.cursor).collect();
        for range in lost.into_iter().filter(|range| range.from <= seq) {
            self.skipped.note_all(range.from, range.to.min(seq));
        }
    }

    /// What waits in the log is one backlog from here.
    pub(crate) fn begin_backlog(&mut self, head: u64) {
        let total = self.waiting(head).saturating_sub(self.window.len() as u64);
        let is_read = self.reader.is_some() && total > 0;
        self.backlog = is_read.then_some(Backlog { index: 0, total, until: head });
    }

    /// The reader is gone: what it did not receive waits in the log again. Returns that, oldest
    /// first.
    pub(crate) fn detach(&mut self) -> Vec<Slot> {
        self.settle_buffer();
        self.reader = None;
        self.reading = None;
        self.backlog = None;
        self.losses.pay();
        self.sent = self.cursor;
        let (taken, waiting) = self.window.empty();
        self.ahead.keep(taken.iter().map(|slot| slot.seq));
        waiting
    }

    /// Whether an entry that was just committed after `before` can be handed over at once.
    pub(crate) fn is_live(&self, before: u64) -> bool {
        self.reader.is_some()
            && self.sent == before
            && self.reading.is_none()
            && !self.losses.owes()
    }

    /// Whether only a gap that it was not told of keeps an entry from being handed over at once.
    pub(crate) fn has_untold(&self) -> bool {
        self.reader.is_some() && self.losses.owes()
    }

    /// Hands an entry over. Returns whether it may have been handed over before.
    pub(crate) fn hand(&mut self, slot: Slot) -> bool {
        let again = slot.seq <= self.ever_sent;
        self.sent = slot.seq;
        self.ever_sent = self.ever_sent.max(slot.seq);
        self.window.push(slot);
        again
    }

    /// Passes over an entry that is not for this bot any more.
    pub(crate) fn pass(&mut self, seq: u64) {
        self.sent = self.sent.max(seq);
        self.advance();
    }

    /// Whether the bot has received that entry, though not everything before it.
    pub(crate) fn is_taken_ahead(&self, seq: u64) -> bool {
        self.ahead.has(seq)
    }

    /// An entry of the bot's own is the next one.
    pub(crate) fn pass_own(&mut self, seq: u64) {
        self.pass(seq);
        self.note_own(seq);
    }

    /// An entry of the bot's own came while something else waits before it.
    pub(crate) fn note_own(&mut self, seq: u64) {
        if seq > self.cursor {
            self.own.note(seq);
        }
    }

    /// The next place in the backlog, if the bot is still working through one.
    pub(crate) fn next_backlog(&mut self, seq: u64) -> Option<(u64, u64)> {
        let backlog = self.backlog.as_mut()?;
        backlog.index += 1;
        let place = (backlog.index, backlog.total.max(backlog.index));
        if seq >= backlog.until {
            self.backlog = None;
        }
        Some(place)
    }

    /// The entries are on the socket. Calls `each` with the slots of those for which that was the
    /// first time.
    pub(crate) fn mark_delivered(
        &mut self,
        seqs: &RangeInclusive<u64>,
        mut each: impl FnMut(&Slot),
    ) {
        let before = self.delivered;
        if *seqs.end() > before {
            self.delivered = *seqs.end();
            self.delivered_moved = true;
        }
        let first_time = |slot: &Slot| {
            if slot.seq > before {
                each(slot);
            }
        };
        self.window.raise_all(seqs, ReceiptState::Delivered, first_time);
    }

    /// The bot has consumed entries, which is all that it can ever prove.
    pub(crate) fn prove(&mut self, seqs: &RangeInclusive<u64>) {
        let mut last = None;
        self.window.raise_all(seqs, ReceiptState::Received, |slot| last = Some(slot.seq));
        if let Some(last) = last {
            self.taken = self.taken.max(last);
            self.advance();
        }
    }

    /// The bot says what it did with an entry of the window. Returns the slot as it was before when
    /// that was news.
    pub(crate) fn report(&mut self, seq: u64, state: ReceiptState) -> Option<Slot> {
        let before = self.window.get(seq)?.clone();
        self.window.raise(seq, state)?;
        self.advance();
        if seq > self.cursor && !before.is_taken() {
            self.ahead.owe(seq);
        }
        Some(before)
    }

    /// The bot says of an entry that waits for it again that it dealt with it on an earlier connection.
    pub(crate) fn take_ahead(&mut self, seq: u64) {
        self.settle_buffer();
        let is_lost = self.losses.why(seq).is_some() || self.losses.count_expired(seq, seq) > 0;
        if seq > self.sent && !is_lost && !self.is_taken_ahead(seq) {
            self.ahead.keep([seq]);
            self.ahead.owe(seq);
        }
    }

    /// The bot took responsibility for everything up to `seq`. Calls `each` for every entry for
    /// which that is news.
    pub(crate) fn take_through(&mut self, seq: u64, each: impl FnMut(&Slot)) {
        self.window.take_through(seq, each);
        self.taken = self.taken.max(seq.min(self.sent));
        self.advance();
    }

    /// Brings `waiting_since` up to date after the cursor moved. Nothing waits since a time to come.
    pub(crate) fn refresh_waiting(&mut self, head: u64, now: Timestamp) {
        if self.cursor >= head {
            self.waiting_since = None;
        } else if let Some(first) = self.window.first() {
            self.waiting_since = Some(first.sent_at.min(now));
        }
    }

    /// How many entries of others are in a range.
    pub(crate) fn others_in(&self, range: DroppedRange) -> u64 {
        self.own.others(range.from, range.to)
    }

    /// The entry at `head` waits, and the bot is away: only `limit` are kept for it. Returns how many
    /// older ones that pushes out. Which, is found when somebody has to know: beyond the limit a
    /// message must cost no more than below it.
    pub(crate) fn queue(&mut self, head: u64, limit: u64) -> u64 {
        if self.buffer.full_at.is_some_and(|(_, kept)| kept != limit) {
            self.settle_buffer();
        }
        let known = self.buffer.waiting.map(|waiting| waiting + 1);
        let waiting = known.unwrap_or_else(|| self.count_waiting(head));
        let over = waiting.saturating_sub(limit);
        self.buffer.waiting = Some(waiting - over);
        if over > 0 {
            self.buffer.full_at = Some((head, limit));
        }
        over
    }

    /// Whether the store has to know of a loss first.
    pub(crate) fn waits_for_store(&self) -> bool {
        self.unstored_losses > 0 || self.losses.has_to_be_given()
    }

    /// Finds what a full buffer lost.
    pub(crate) fn settle_buffer(&mut self) {
        let Buffer { full_at, .. } = std::mem::take(&mut self.buffer);
        if let Some((head, limit)) = full_at {
            let to = self.cut(head, limit);
            for (after, to) in kept(self.ahead.seqs(), self.sent + 1, to) {
                self.losses.add(after + 1, to, Loss::BufferLimit, self.sent, |_| {});
            }
        }
    }

    /// Whether a full buffer lost the entry, though no range says so yet.
    fn is_pushed_out(&self, seq: u64) -> bool {
        self.buffer.full_at.is_some_and(|(head, limit)| seq <= self.cut(head, limit))
    }

    /// Up to where entries must go so that no more than `limit` of those up to `head` wait.
    fn cut(&self, head: u64, limit: u64) -> u64 {
        let lost = self.losses.after(self.sent).map(|range| (range.from, range.to));
        let ahead = self.ahead.seqs().iter().copied();
        let expired = self.losses.expired_between(self.sent + 1, head);
        let single = ahead.chain(expired).map(|seq| (seq, seq));
        self.own.with(lost.chain(single)).cut(self.sent, head, limit)
    }

    /// Entries that wait will never reach this bot. Returns how many entries of others that is.
    pub(crate) fn lose(&mut self, from: u64, to: u64, reason: Loss) -> u64 {
        self.settle_buffer();
        let (mut lost, own, sent) = (0, &self.own, self.sent);
        for (after, to) in kept(self.ahead.seqs(), from.max(sent + 1), to) {
            self.losses.add(after + 1, to, reason, sent, |stretch| {
                lost += own.others(stretch.from, stretch.to);
            });
        }
        lost
    }

    /// Goes on after the range that comes next, if one does, and returns it. The cursor follows when
    /// something after it is received. What was received out of turn may be gone from the log, too, and
    /// is no part of a range.
    pub(crate) fn next_gap(&mut self) -> Option<DroppedRange> {
        while self.losses.next(self.sent).is_none()
            && let Some(to) = self.known_through(self.sent + 1)
        {
            self.pass(to);
        }
        let range = self.losses.next(self.sent)?;
        self.sent = range.to;
        Some(range)
    }

    /// Up to where entries from `seq` on are not for this bot any more, as far as that is known without the
    /// log: what it said itself behind something that waits may be much, and is not read at each attach.
    fn known_through(&self, seq: u64) -> Option<u64> {
        if self.is_taken_ahead(seq) {
            return Some(seq);
        }
        let end = self.own.end_of(seq)?;
        let lost = self.losses.after(seq).next().map(|range| range.from);
        Some(lost.map_or(end, |lost| end.min(lost - 1)))
    }

    /// Moves the cursor over everything at the front that is dealt with. Between two slots there are
    /// only entries that were passed over, so they need no record of their own.
    fn advance(&mut self) {
        // An entry that was taken out of turn does not prove that the gaps before it were read of.
        self.taken = self.taken.max(self.window.let_go().unwrap_or(0));
        let to = self.window.first().map_or(self.sent, |slot| slot.seq - 1);
        let unread = self.losses.unread_from(self.taken);
        self.move_cursor(unread.map_or(to, |first| to.min(first - 1)));
    }

    fn move_cursor(&mut self, to: u64) {
        let is_said = !self.meaning.proves();
        self.move_cursor_as(to, is_said);
    }

    /// `is_said`: with that its place says that everything up to there was received.
    fn move_cursor_as(&mut self, to: u64, is_said: bool) {
        if to <= self.cursor {
            return;
        }
        self.settle_buffer();
        let from = std::mem::replace(&mut self.cursor, to);
        self.sent = self.sent.max(to);
        self.taken = self.taken.max(to);
        self.attempts = 0;
        self.cursor_moved = true;
        self.own.forget_through(to);
        self.losses.forget_through(to);
        self.ahead.forget_through(from, to, is_said);
    }
}

#[cfg(test)]
mod tests;
