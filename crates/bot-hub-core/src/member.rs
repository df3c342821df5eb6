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
use bot_protocol::time::Timestamp;

use crate::change::DroppedRange;
use crate::io::ConnId;
use crate::world::BotIx;

/// An entry that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) seq: u64,
    pub(crate) id: MessageId,
    pub(crate) from: BotIx,
    pub(crate) sent_at: Timestamp,
    /// It is on the socket.
    pub(crate) delivered: bool,
    /// The bot took responsibility, or it is off the ladder.
    pub(crate) taken: bool,
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
    /// A page of the log is on its way from the store.
    pub(crate) reading: bool,
    /// A range right after the cursor that this bot will never get.
    pub(crate) dropped: Option<DroppedRange>,
    /// The present reader was told about `dropped`.
    pub(crate) gap_told: bool,
    /// When the oldest entry that waits was sent, or a little before.
    pub(crate) waiting_since: Option<Timestamp>,
    /// The cursor moved since it was saved.
    pub(crate) unsaved_cursor: bool,
    /// `delivered` moved since it was saved.
    pub(crate) unsaved_delivered: bool,
    /// Connections that ended with the entry after the cursor delivered and not received.
    pub(crate) attempts: u32,
    cursor: u64,
    sent: u64,
    /// The highest seq that was ever handed over: up to here a delivery is a redelivery.
    ever_sent: u64,
    delivered: u64,
    window: VecDeque<Slot>,
    backlog: Option<Backlog>,
}

impl Member {
    pub(crate) fn new(bot: BotIx, since: u64, cursor: u64) -> Self {
        Self {
            bot,
            since,
            reader: None,
            reading: false,
            dropped: None,
            gap_told: false,
            waiting_since: None,
            unsaved_cursor: false,
            unsaved_delivered: false,
            attempts: 0,
            cursor,
            sent: cursor,
            ever_sent: cursor,
            delivered: cursor,
            window: VecDeque::new(),
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

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(crate) fn window(&self) -> impl Iterator<Item = &Slot> {
        self.window.iter()
    }

    pub(crate) fn window_len(&self) -> usize {
        self.window.len()
    }

    /// How many entries wait or are on their way, the bot's own among them.
    pub(crate) fn waiting(&self, head: u64) -> u64 {
        head - self.cursor.max(self.dropped.map_or(0, |range| range.to)).min(head)
    }

    /// A connection begins to read. `from` is the position that the client itself knows.
    pub(crate) fn attach(&mut self, conn: ConnId, head: u64, from: Option<u64>) {
        if let Some(known) = from.filter(|&seq| seq <= head) {
            self.move_cursor(known);
        }
        self.reader = Some(conn);
        self.gap_told = false;
        let total = self.waiting(head);
        self.backlog = (total > 0).then_some(Backlog { index: 0, total, until: head });
    }

    /// The reader is gone: what it did not receive waits in the log again. Returns the entry that
    /// was delivered and never received, if the bot keeps leaving on it.
    pub(crate) fn detach(&mut self, attempts_max: u32) -> Option<Slot> {
        self.reader = None;
        self.reading = false;
        self.backlog = None;
        self.sent = self.cursor;
        let first = self.window.drain(..).find(|slot| !slot.taken)?;
        if first.delivered {
            self.attempts += 1;
        }
        (self.attempts >= attempts_max).then_some(first)
    }

    /// Whether an entry that was just committed after `before` can be handed over at once.
    pub(crate) fn is_live(&self, before: u64) -> bool {
        self.reader.is_some() && self.sent == before && !self.reading
    }

    /// Hands an entry over. Returns whether it may have been handed over before.
    pub(crate) fn hand(&mut self, slot: Slot) -> bool {
        let again = slot.seq <= self.ever_sent;
        self.sent = slot.seq;
        self.ever_sent = self.ever_sent.max(slot.seq);
        self.window.push_back(slot);
        again
    }

    /// Goes on after a dropped range without claiming that the bot knows of it: the cursor follows
    /// when the next entry is received.
    pub(crate) fn skip(&mut self, seq: u64) {
        self.sent = self.sent.max(seq);
    }

    /// Passes over entries that are not for this bot: its own, expired, damaged.
    pub(crate) fn pass(&mut self, seq: u64) {
        self.sent = self.sent.max(seq);
        self.advance();
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

    /// The entry is on the socket. Returns its slot when that was news.
    pub(crate) fn mark_delivered(&mut self, seq: u64) -> Option<&Slot> {
        if seq > self.delivered {
            self.delivered = seq;
            self.unsaved_delivered = true;
        }
        let at = self.window.partition_point(|slot| slot.seq < seq);
        let slot = self.window.get_mut(at).filter(|slot| slot.seq == seq && !slot.delivered)?;
        slot.delivered = true;
        Some(slot)
    }

    /// The bot took responsibility for one entry. Returns its slot when that was news.
    pub(crate) fn take(&mut self, seq: u64) -> Option<Slot> {
        let at = self.window.partition_point(|slot| slot.seq < seq);
        let slot = self.window.get_mut(at).filter(|slot| slot.seq == seq && !slot.taken)?;
        slot.taken = true;
        let taken = slot.clone();
        self.advance();
        Some(taken)
    }

    /// The bot took responsibility for everything up to `seq`. Calls `each` for every entry for
    /// which that is news.
    pub(crate) fn take_through(&mut self, seq: u64, mut each: impl FnMut(&Slot)) {
        for slot in self.window.iter_mut().take_while(|slot| slot.seq <= seq) {
            if !slot.taken {
                slot.taken = true;
                each(slot);
            }
        }
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

    pub(crate) fn find(&self, id: &MessageId) -> Option<u64> {
        self.window.iter().find(|slot| slot.id == *id).map(|slot| slot.seq)
    }

    /// Entries up to `to` will never reach this bot. Returns the whole range as it is now, or `None`
    /// if the bot has passed them already.
    pub(crate) fn drop_through(&mut self, to: u64, reason: GapReason) -> Option<DroppedRange> {
        let known = self.dropped.map_or(self.cursor, |range| range.to.max(self.cursor));
        if to <= known {
            return None;
        }
        let from = self.dropped.map_or(self.cursor + 1, |range| range.from);
        let range = DroppedRange { from, to, reason };
        self.dropped = Some(range);
        self.gap_told = false;
        Some(range)
    }

    /// Moves the cursor over everything at the front that is dealt with. Between two slots there are
    /// only entries that were passed over, so they need no record of their own.
    fn advance(&mut self) {
        while self.window.front().is_some_and(|slot| slot.taken) {
            self.window.pop_front();
        }
        let to = self.window.front().map_or(self.sent, |slot| slot.seq - 1);
        self.move_cursor(to);
    }

    fn move_cursor(&mut self, to: u64) {
        if to <= self.cursor {
            return;
        }
        self.cursor = to;
        self.sent = self.sent.max(to);
        self.attempts = 0;
        self.unsaved_cursor = true;
        if self.dropped.is_some_and(|range| range.to <= to) {
            self.dropped = None;
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
        Slot { seq, id, from: OTHER, sent_at: Timestamp(0), delivered: false, taken: false }
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

    #[test]
    fn the_cursor_moves_over_a_contiguous_prefix_only() {
        let mut member = reader();
        assert!(member.take(2).is_some());
        assert!(member.take(3).is_some());
        assert_eq!(member.cursor(), 0);
        assert!(member.take(1).is_some());
        assert_eq!(member.cursor(), 3);
        assert!(member.take(1).is_none(), "taken already");
        member.take_through(99, |_| {});
        assert_eq!(member.cursor(), 5);
    }

    #[test]
    fn what_was_not_received_waits_in_the_log_again() {
        let mut member = reader();
        member.take_through(2, |_| {});
        assert!(member.detach(10).is_none());
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
        member.pass(1);
        assert_eq!(member.cursor(), 1);
        member.hand(slot(2));
        member.pass(3);
        assert_eq!(member.cursor(), 1, "entry 2 is not received yet");
        member.take(2);
        assert_eq!(member.cursor(), 3);
    }

    #[test]
    fn a_dropped_range_grows_until_the_cursor_has_passed_it() {
        let mut member = Member::new(ME, 0, 3);
        let range = |from, to| DroppedRange { from, to, reason: GapReason::BufferLimit };
        assert_eq!(member.drop_through(3, GapReason::BufferLimit), None);
        assert_eq!(member.drop_through(5, GapReason::BufferLimit), Some(range(4, 5)));
        assert_eq!(member.drop_through(6, GapReason::BufferLimit), Some(range(4, 6)));
        assert_eq!(member.waiting(10), 4);
        member.pass(7);
        assert_eq!(member.dropped, None);
    }

    #[test]
    fn an_entry_that_ends_every_connection_is_given_up() {
        let mut member = Member::new(ME, 0, 0);
        for attempt in 1..=3 {
            member.attach(ConnId(attempt), 1, None);
            member.hand(slot(1));
            member.mark_delivered(1);
            assert_eq!(member.detach(3).is_some(), attempt == 3);
        }
    }

    #[test]
    fn a_client_may_know_more_than_the_hub_but_not_the_future() {
        let mut member = Member::new(ME, 0, 2);
        member.attach(ConnId(1), 9, Some(5));
        assert_eq!((member.cursor(), member.sent()), (5, 5));
        member.detach(3);
        member.attach(ConnId(2), 9, Some(12));
        assert_eq!(member.cursor(), 5);
        member.attach(ConnId(3), 9, Some(1));
        assert_eq!(member.cursor(), 5, "it never goes back");
    }
}
