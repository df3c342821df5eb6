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

use std::collections::VecDeque;

use bot_protocol::frame::server::GapReason;
use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use crate::change::DroppedRange;
use crate::io::{ConnId, Ticket};
use crate::runs::Runs;
use crate::world::BotIx;

/// An entry that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) seq: u64,
    pub(crate) id: MessageId,
    pub(crate) from: BotIx,
    pub(crate) sent_at: Timestamp,
    /// The highest rung that it reached on this connection.
    pub(crate) state: ReceiptState,
    /// Its `expires_at` passed while it was on its way.
    pub(crate) expired: bool,
}

impl Slot {
    /// The bot took responsibility.
    fn is_taken(&self) -> bool {
        self.state >= ReceiptState::Received
    }
}

/// How far the bot has come with what waited for it when it came back.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    index: u64,
    total: u64,
    until: u64,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) bot: BotIx,
    /// The room's head when it joined: what came before was not for it.
    pub(crate) since: u64,
    /// The connection that reads this room, if one does.
    pub(crate) reader: Option<ConnId>,
    /// The question to the store whose answer this reader waits for.
    pub(crate) reading: Option<Ticket>,
    /// Whether the cursor moves by proof instead of by receipts, so that it means less.
    pub(crate) proves: bool,
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
    sent: u64,
    /// The highest seq that was ever handed over: up to here a delivery is a redelivery.
    ever_sent: u64,
    /// The highest seq that was ever written to a socket.
    delivered: u64,
    /// The highest seq that the bot took: it knows of the gaps before it.
    taken: u64,
    window: VecDeque<Slot>,
    /// Ranges after the cursor that this bot will never get, in order.
    dropped: Vec<DroppedRange>,
    /// So many entries are missing before the next one, and a reader that knows no `gap` has not
    /// been told.
    untold: u64,
    own: Runs,
    backlog: Option<Backlog>,
}

impl Member {
    pub(crate) fn new(bot: BotIx, since: u64, cursor: u64) -> Self {
        Self {
            bot,
            since,
            reader: None,
            reading: None,
            proves: false,
            waiting_since: None,
            cursor_moved: false,
            delivered_moved: false,
            unsaved_cursor: None,
            unsaved_delivered: None,
            attempts: 0,
            cursor,
            saved: cursor,
            skipped: Runs::default(),
            sent: cursor,
            ever_sent: cursor,
            delivered: cursor,
            taken: cursor,
            window: VecDeque::new(),
            dropped: Vec::new(),
            untold: 0,
            own: Runs::default(),
            backlog: None,
        }
    }

    /// After a restart nobody knows what had been handed over: everything may have been.
    pub(crate) fn assume_sent(&mut self, head: u64) {
        self.ever_sent = head;
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
    }

    pub(crate) fn mark_saved(&mut self) {
        self.saved = self.cursor;
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

    /// What it means for an entry that the cursor has passed it.
    pub(crate) fn meaning(&self) -> ReceiptState {
        if self.proves { ReceiptState::Delivered } else { ReceiptState::Received }
    }

    pub(crate) fn slot(&self, seq: u64) -> Option<&Slot> {
        self.window.get(self.at(seq)?)
    }

    pub(crate) fn window_len(&self) -> usize {
        self.window.len()
    }

    fn at(&self, seq: u64) -> Option<usize> {
        self.window.binary_search_by_key(&seq, |slot| slot.seq).ok()
    }

    /// How many entries of others wait or are on their way.
    pub(crate) fn waiting(&self, head: u64) -> u64 {
        let next = self.sent + 1;
        let lost = self.dropped.iter().map(|it| self.own.others(it.from.max(next), it.to));
        let in_log = self.own.others(next, head).saturating_sub(lost.sum());
        self.window.len() as u64 + in_log
    }

    /// A connection begins to read. `from` is the position that the client itself knows. Returns the
    /// stretches `(after, to)` that it thereby says to have received.
    pub(crate) fn attach(&mut self, conn: ConnId, head: u64, from: Option<u64>) -> Vec<(u64, u64)> {
        let mut received = Vec::new();
        if let Some(known) = from.filter(|&seq| seq > self.cursor && seq <= head) {
            let mut after = self.cursor;
            for gap in self.dropped.iter().take_while(|gap| gap.from <= known) {
                received.push((after, gap.from - 1));
                after = gap.to;
            }
            received.push((after, known));
            received.retain(|(after, to)| after < to);
            self.move_cursor(known);
        }
        self.reader = Some(conn);
        let total = self.waiting(head);
        self.backlog = (total > 0).then_some(Backlog { index: 0, total, until: head });
        received
    }

    /// The reader is gone: what it did not receive waits in the log again. Returns that, oldest
    /// first.
    pub(crate) fn detach(&mut self) -> impl Iterator<Item = Slot> + use<> {
        self.reader = None;
        self.reading = None;
        self.backlog = None;
        self.untold = 0;
        self.sent = self.cursor;
        std::mem::take(&mut self.window).into_iter().filter(|slot| !slot.is_taken())
    }

    /// Whether an entry that was just committed after `before` can be handed over at once.
    pub(crate) fn is_live(&self, before: u64) -> bool {
        self.reader.is_some() && self.sent == before && self.reading.is_none() && self.untold == 0
    }

    /// Whether only a gap that it was not told of keeps an entry from being handed over at once.
    pub(crate) fn has_untold(&self) -> bool {
        self.reader.is_some() && self.untold > 0
    }

    /// Hands an entry over. Returns whether it may have been handed over before.
    pub(crate) fn hand(&mut self, slot: Slot) -> bool {
        let again = slot.seq <= self.ever_sent;
        self.sent = slot.seq;
        self.ever_sent = self.ever_sent.max(slot.seq);
        self.window.push_back(slot);
        again
    }

    /// Passes over an entry that is not for this bot any more.
    pub(crate) fn pass(&mut self, seq: u64) {
        self.sent = self.sent.max(seq);
        self.advance();
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

    /// The entry is on the socket. Returns its slot when that was the first time.
    pub(crate) fn mark_delivered(&mut self, seq: u64) -> Option<&Slot> {
        let first_time = seq > self.delivered;
        if first_time {
            self.delivered = seq;
            self.delivered_moved = true;
        }
        let at = self.at(seq)?;
        let slot = &mut self.window[at];
        if !ReceiptState::Delivered.may_follow(slot.state) {
            return None;
        }
        slot.state = ReceiptState::Delivered;
        first_time.then_some(slot)
    }

    /// Its `expires_at` passed: if it is on its way, that is remembered for the case that it comes
    /// back.
    pub(crate) fn mark_expired(&mut self, seq: u64) {
        if let Some(at) = self.at(seq) {
            self.window[at].expired = true;
        }
    }

    /// The bot says what it did with an entry of the window. Returns the slot as it was before when
    /// that was news.
    pub(crate) fn report(&mut self, seq: u64, state: ReceiptState) -> Option<Slot> {
        let at = self.at(seq)?;
        let slot = &mut self.window[at];
        if !state.may_follow(slot.state) {
            return None;
        }
        let before = slot.clone();
        slot.state = state;
        self.taken = self.taken.max(seq);
        self.advance();
        Some(before)
    }

    /// The bot took responsibility for everything up to `seq`. Calls `each` for every entry for
    /// which that is news.
    pub(crate) fn take_through(&mut self, seq: u64, mut each: impl FnMut(&Slot)) {
        for slot in self.window.iter_mut().take_while(|slot| slot.seq <= seq) {
            if !slot.is_taken() {
                slot.state = ReceiptState::Received;
                each(slot);
            }
        }
        self.taken = self.taken.max(seq.min(self.sent));
        self.advance();
    }

    /// Brings `waiting_since` up to date after the cursor moved.
    pub(crate) fn refresh_waiting(&mut self, head: u64) {
        if self.cursor >= head {
            self.waiting_since = None;
        } else if let Some(first) = self.window.front() {
            self.waiting_since = Some(first.sent_at);
        }
    }

    /// The entry of the window with that id. Two senders may have chosen the same: what is not
    /// received yet goes first.
    pub(crate) fn find(&self, id: &MessageId) -> Option<u64> {
        let mut same = self.window.iter().filter(|slot| slot.id == *id);
        let any = same.clone().next();
        same.find(|slot| !slot.is_taken()).or(any).map(|slot| slot.seq)
    }

    /// Up to where everything that waits is lost already.
    pub(crate) fn lost_through(&self) -> u64 {
        self.dropped.last().map_or(self.sent, |range| range.to.max(self.sent))
    }

    /// Why an entry after the cursor will never reach this bot, if so.
    pub(crate) fn why_lost(&self, seq: u64) -> Option<GapReason> {
        let range = self.dropped.iter().find(|range| (range.from..=range.to).contains(&seq));
        range.map(|range| range.reason)
    }

    /// How many entries of others are in a range.
    pub(crate) fn others_in(&self, from: u64, to: u64) -> u64 {
        self.own.others(from, to)
    }

    /// Up to where entries must go so that no more than `limit` of others wait.
    pub(crate) fn cut(&self, head: u64, limit: u64) -> u64 {
        self.own.cut(self.lost_through(), head, limit)
    }

    /// Entries that wait will never reach this bot. What was lost before stays what it was. Calls
    /// `each` with the ranges that are new or grew, and returns how many entries of others that is.
    pub(crate) fn lose(
        &mut self,
        from: u64,
        to: u64,
        reason: GapReason,
        mut each: impl FnMut(DroppedRange),
    ) -> u64 {
        let mut lost = 0;
        let mut from = from.max(self.sent + 1);
        while from <= to {
            let at = self.dropped.partition_point(|range| range.to < from);
            let next = self.dropped.get(at).map(|range| range.from);
            if next.is_some_and(|next| next <= from) {
                from = self.dropped[at].to + 1;
                continue;
            }
            let end = next.map_or(to, |next| to.min(next - 1));
            each(self.insert_dropped(at, DroppedRange { from, to: end, reason }));
            lost += self.own.others(from, end);
            from = end + 1;
        }
        lost
    }

    /// A range that follows another with the same reason is one with it, unless the reader has been
    /// told of that one.
    fn insert_dropped(&mut self, at: usize, range: DroppedRange) -> DroppedRange {
        if let Some(before) = at.checked_sub(1).and_then(|before| self.dropped.get_mut(before))
            && before.to + 1 == range.from
            && before.reason == range.reason
            && before.from > self.sent
        {
            before.to = range.to;
            return *before;
        }
        self.dropped.insert(at, range);
        range
    }

    /// Goes on after the range that comes next, if one does, and returns it. The cursor follows when
    /// something after it is received: then the bot has read of it.
    pub(crate) fn next_gap(&mut self) -> Option<DroppedRange> {
        let range = *self.dropped.iter().find(|range| range.to > self.sent)?;
        if range.from > self.sent + 1 {
            return None;
        }
        self.sent = range.to;
        Some(range)
    }

    /// So many entries are missing before the next one.
    pub(crate) fn owe(&mut self, lost: u64) {
        self.untold += lost;
    }

    /// What the next entry has to say about entries that are missing before it.
    pub(crate) fn pay(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.untold)).filter(|&lost| lost > 0)
    }

    /// Moves the cursor over everything at the front that is dealt with. Between two slots there are
    /// only entries that were passed over, so they need no record of their own.
    fn advance(&mut self) {
        while self.window.front().is_some_and(Slot::is_taken) {
            self.window.pop_front();
        }
        let to = self.window.front().map_or(self.sent, |slot| slot.seq - 1);
        let unread = self.dropped.iter().find(|range| range.to > self.taken);
        self.move_cursor(unread.map_or(to, |range| to.min(range.from - 1)));
    }

    fn move_cursor(&mut self, to: u64) {
        if to <= self.cursor {
            return;
        }
        self.cursor = to;
        self.sent = self.sent.max(to);
        self.taken = self.taken.max(to);
        self.attempts = 0;
        self.cursor_moved = true;
        self.own.forget_through(to);
        self.dropped.retain(|range| range.to > to);
        if let Some(first) = self.dropped.first_mut() {
            first.from = first.from.max(to + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: BotIx = BotIx(0);
    const OTHER: BotIx = BotIx(1);

    fn slot(seq: u64) -> Slot {
        let id = MessageId::new(&format!("m{seq}")).unwrap();
        let state = ReceiptState::Stored;
        Slot { seq, id, from: OTHER, sent_at: Timestamp(0), state, expired: false }
    }

    /// A reader that was handed entries 1..=5.
    fn reader() -> Member {
        let mut member = Member::new(ME, 0, 0);
        member.attach(ConnId(1), 5, None);
        for seq in 1..=5 {
            assert!(!member.hand(slot(seq)));
        }
        member
    }

    fn take(member: &mut Member, seq: u64) -> bool {
        member.report(seq, ReceiptState::Received).is_some()
    }

    fn range(from: u64, to: u64) -> DroppedRange {
        DroppedRange { from, to, reason: GapReason::BufferLimit }
    }

    fn lose(member: &mut Member, from: u64, to: u64) -> (u64, Vec<DroppedRange>) {
        let mut ranges = Vec::new();
        let lost = member.lose(from, to, GapReason::BufferLimit, |range| ranges.push(range));
        (lost, ranges)
    }

    #[test]
    fn the_cursor_moves_over_a_contiguous_prefix_only() {
        let mut member = reader();
        assert!(take(&mut member, 2));
        assert!(take(&mut member, 3));
        assert_eq!(member.cursor(), 0);
        assert!(take(&mut member, 1));
        assert_eq!(member.cursor(), 3);
        assert!(!take(&mut member, 1), "taken already");
        member.take_through(99, |_| {});
        assert_eq!(member.cursor(), 5);
    }

    #[test]
    fn what_was_not_received_waits_in_the_log_again() {
        let mut member = reader();
        member.take_through(2, |_| {});
        assert_eq!(member.detach().map(|slot| slot.seq).collect::<Vec<_>>(), [3, 4, 5]);
        assert_eq!((member.cursor(), member.sent()), (2, 2));
        member.attach(ConnId(2), 5, None);
        assert!(member.hand(slot(3)), "it was handed over before");
        assert_eq!(member.next_backlog(3), Some((1, 3)));
        assert_eq!(member.next_backlog(5), Some((2, 3)));
        assert_eq!(member.next_backlog(6), None);
    }

    #[test]
    fn passing_over_own_entries_needs_no_receipt() {
        let mut member = Member::new(ME, 0, 0);
        member.attach(ConnId(1), 0, None);
        member.pass_own(1);
        assert_eq!(member.cursor(), 1);
        member.hand(slot(2));
        member.pass_own(3);
        assert_eq!(member.cursor(), 1, "entry 2 is not received yet");
        take(&mut member, 2);
        assert_eq!(member.cursor(), 3);
    }

    #[test]
    fn a_dropped_range_grows_until_the_reader_is_told() {
        let mut member = Member::new(ME, 0, 3);
        assert_eq!(lose(&mut member, 0, 3), (0, vec![]));
        assert_eq!(lose(&mut member, 0, 5), (2, vec![range(4, 5)]));
        assert_eq!(lose(&mut member, 0, 6), (1, vec![range(4, 6)]));
        assert_eq!(member.waiting(10), 4);
        assert_eq!(member.next_gap(), Some(range(4, 6)));
        assert_eq!(lose(&mut member, 0, 8), (2, vec![range(7, 8)]));
        assert_eq!(member.next_gap(), Some(range(7, 8)));
        assert_eq!(member.next_gap(), None);
        assert_eq!((member.cursor(), member.sent()), (3, 8));
    }

    #[test]
    fn what_was_lost_before_keeps_its_reason() {
        let mut member = Member::new(ME, 0, 0);
        member.lose(4, 5, GapReason::Dead, |_| {});
        assert_eq!(lose(&mut member, 1, 8), (6, vec![range(1, 3), range(6, 8)]));
        assert_eq!(member.why_lost(4), Some(GapReason::Dead));
        assert_eq!(member.why_lost(9), None);
    }

    #[test]
    fn a_gap_holds_the_cursor_until_something_after_it_is_taken() {
        let mut member = Member::new(ME, 0, 0);
        member.attach(ConnId(1), 9, None);
        member.hand(slot(1));
        lose(&mut member, 2, 3);
        member.next_gap();
        member.hand(slot(4));
        take(&mut member, 1);
        assert_eq!(member.cursor(), 1, "nobody knows whether it has read of the gap");
        take(&mut member, 4);
        assert_eq!(member.cursor(), 4);
        assert_eq!(member.dropped, []);
    }

    #[test]
    fn a_receipt_for_a_prefix_covers_the_gaps_in_it() {
        let mut member = Member::new(ME, 0, 0);
        member.attach(ConnId(1), 3, None);
        lose(&mut member, 1, 3);
        member.next_gap();
        member.take_through(2, |_| {});
        assert_eq!(member.cursor(), 0);
        member.take_through(3, |_| {});
        assert_eq!(member.cursor(), 3);
    }

    #[test]
    fn a_client_may_know_more_than_the_hub_but_not_the_future() {
        let mut member = Member::new(ME, 0, 2);
        member.attach(ConnId(1), 9, Some(5));
        assert_eq!((member.cursor(), member.sent()), (5, 5));
        drop(member.detach());
        member.attach(ConnId(2), 9, Some(12));
        assert_eq!(member.cursor(), 5);
        member.attach(ConnId(3), 9, Some(1));
        assert_eq!(member.cursor(), 5, "it never goes back");
    }

    #[test]
    fn the_second_of_two_equal_ids_can_be_received_too() {
        let mut member = Member::new(ME, 0, 0);
        member.attach(ConnId(1), 0, None);
        for seq in 1..=3 {
            member.hand(Slot { id: slot(seq.max(2)).id, ..slot(seq) });
        }
        member.hand(Slot { id: slot(2).id, ..slot(4) });
        let id = slot(2).id;
        for expected in [1, 2, 4] {
            assert_eq!(member.find(&id), Some(expected));
            take(&mut member, expected);
        }
        assert_eq!(member.cursor(), 2);
    }
}
