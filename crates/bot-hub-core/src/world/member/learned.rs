//! What the store knows of a member, as its changes tell.
//!
//! Owns what of it is new here. A member that this brain serves moves first and is stored then, so that its
//! own changes bring nothing; what was committed for it elsewhere moves it now.

use bot_protocol::receipt::ReceiptState;

use super::super::losses::kept;
use super::Member;
use crate::change::{DroppedRange, Loss};

/// Stretches `(after, to)` of a log.
type Stretches = Vec<(u64, u64)>;

impl Member {
    /// The store has the cursor at `seq`, and everything up to there is at least on that rung. Returns what
    /// that says of entries for which it was not known, if it is news.
    pub(crate) fn learn_cursor(&mut self, seq: u64, state: ReceiptState) -> Option<Stretches> {
        self.meaning.mark_stored(seq);
        if seq <= self.cursor {
            return None;
        }
        self.settle_buffer();
        let mut learned = self.not_received(seq);
        let written = self.delivered;
        if state < ReceiptState::Received {
            // Of what was written to a socket here, or is known to have been elsewhere, senders have heard.
            learned = cut(learned, written);
        }
        self.skip_lost(seq);
        self.window.take_through(seq, |_| {});
        self.move_cursor_as(seq, state >= ReceiptState::Received);
        self.knows_delivered(seq);
        (self.saved, self.unsaved_cursor, self.cursor_moved) = (self.saved.max(seq), None, false);
        self.skipped.forget_through(self.saved);
        // What was received here out of turn may be next.
        self.advance();
        Some(learned)
    }

    /// Everything up to `seq` was written to a socket of the bot.
    pub(crate) fn learn_delivered(&mut self, seq: u64) -> Option<Stretches> {
        let written = self.delivered;
        if seq <= written {
            return None;
        }
        self.knows_delivered(seq);
        Some(self.losses.kept_between(written.max(self.since), seq))
    }

    fn knows_delivered(&mut self, seq: u64) {
        self.delivered = self.delivered.max(seq);
        self.delivered_before = self.delivered_before.max(seq);
        self.ever_sent = self.ever_sent.max(seq);
    }

    /// The store has a receipt for one entry. Returns whether that is news.
    pub(crate) fn learn_receipt(&mut self, seq: u64, state: ReceiptState) -> bool {
        if !state.is_reported_by_client() {
            let range = DroppedRange { from: seq, to: seq, reason: Loss::Expired };
            return state == ReceiptState::Expired && self.learn_loss(range).is_some();
        }
        let is_known = seq <= self.cursor || self.is_taken_ahead(seq);
        if is_known || state < ReceiptState::Received {
            return false;
        }
        if let Some(slot) = self.window.get(seq) {
            if slot.is_taken() {
                return self.window.raise(seq, state).is_some();
            }
            // It says nothing of the gaps that a reader was told of here.
            self.window.remove(seq);
            self.ahead.keep([seq]);
            self.advance();
            return true;
        }
        self.settle_buffer();
        let is_lost = self.losses.why(seq).is_some() || self.losses.count_expired(seq, seq) > 0;
        if seq > self.sent && !is_lost {
            self.ahead.keep([seq]);
        }
        seq > self.sent && !is_lost
    }

    /// The store has it that the bot will never get these. Returns what of that was not known.
    pub(crate) fn learn_loss(&mut self, range: DroppedRange) -> Option<Stretches> {
        let (from, to) = (range.from.max(self.sent + 1), range.to);
        if range.from <= self.sent {
            // What is on its way here may be received yet.
            self.window.lose(range.from, range.to, range.reason);
        }
        if from > to || self.losses.cover(from, to) {
            return None;
        }
        self.settle_buffer();
        let known = |(after, to): (u64, u64)| kept(self.ahead.seqs(), after + 1, to);
        let learned = self.losses.kept_between(from - 1, to).into_iter().flat_map(known).collect();
        self.lose(from, to, range.reason);
        self.losses.mark_given(from, to);
        Some(learned)
    }
}

/// The stretches, as far as they lie after `after`.
fn cut(stretches: Stretches, after: u64) -> Stretches {
    let cut = stretches.into_iter().map(|(from, to)| (from.max(after), to));
    cut.filter(|(from, to)| from < to).collect()
}
