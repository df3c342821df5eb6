//! Entries that were handed over to one reader and are not all received yet.
//!
//! Owns the slots of one connection's window in one room, in the order of the log, and the rung that
//! each has reached on it.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use bot_protocol::id::MessageId;
use bot_protocol::receipt::ReceiptState;
use bot_protocol::time::Timestamp;

use crate::change::Loss;
use crate::index::BotIx;

/// An entry that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) seq: u64,
    pub(crate) id: MessageId,
    pub(crate) from: BotIx,
    pub(crate) sent_at: Timestamp,
    /// The highest rung that it reached on this connection.
    pub(crate) state: ReceiptState,
    /// It is lost if it is not received: its time passed while it was on its way, or somebody else has
    /// recorded that.
    pub(crate) lost: Option<Loss>,
}

impl Slot {
    /// The bot took responsibility.
    pub(crate) fn is_taken(&self) -> bool {
        self.state >= ReceiptState::Received
    }
}

/// The slots. The first is never taken: those at the front leave when they are.
#[derive(Debug, Default)]
pub(crate) struct Window(VecDeque<Slot>);

impl Window {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn first(&self) -> Option<&Slot> {
        self.0.front()
    }

    pub(crate) fn push(&mut self, slot: Slot) {
        self.0.push_back(slot);
    }

    fn at(&self, seq: u64) -> Option<usize> {
        // Where nothing was passed over in between, the place is a subtraction.
        let ahead = seq.checked_sub(self.0.front()?.seq)?;
        let guess = usize::try_from(ahead).ok()?;
        match self.0.get(guess) {
            Some(slot) if slot.seq == seq => Some(guess),
            _ => self.0.binary_search_by_key(&seq, |slot| slot.seq).ok(),
        }
    }

    pub(crate) fn get(&self, seq: u64) -> Option<&Slot> {
        self.0.get(self.at(seq)?)
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Slot> {
        let at = self.at(seq)?;
        self.0.get_mut(at)
    }

    /// An entry was received elsewhere.
    pub(crate) fn remove(&mut self, seq: u64) {
        if let Some(at) = self.at(seq) {
            self.0.remove(at);
        }
    }

    /// The slots with that id, oldest first. Two senders may have chosen the same.
    pub(crate) fn with_id(&self, id: &MessageId) -> impl Iterator<Item = &Slot> + Clone {
        self.0.iter().filter(move |slot| slot.id == *id)
    }

    /// Those from `from` to `to` are lost if they are not received.
    pub(crate) fn lose(&mut self, from: u64, to: u64, reason: Loss) {
        let meant = self.0.iter_mut().filter(|slot| (from..=to).contains(&slot.seq));
        meant.for_each(|slot| slot.lost = slot.lost.or(Some(reason)));
    }

    /// An entry reached a rung. Returns its slot, if that leads upwards.
    pub(crate) fn raise(&mut self, seq: u64, state: ReceiptState) -> Option<&Slot> {
        let slot = self.get_mut(seq).filter(|slot| state.may_follow(slot.state))?;
        slot.state = state;
        Some(slot)
    }

    /// Entries reached a rung. Calls `each` with the slot of every one that this leads upwards.
    pub(crate) fn raise_all(
        &mut self,
        seqs: &RangeInclusive<u64>,
        state: ReceiptState,
        mut each: impl FnMut(&Slot),
    ) {
        let before = |slot: &Slot| slot.seq < *seqs.start();
        let start = self.at(*seqs.start()).unwrap_or_else(|| self.0.partition_point(before));
        for slot in self.0.range_mut(start..).take_while(|slot| slot.seq <= *seqs.end()) {
            if state.may_follow(slot.state) {
                slot.state = state;
                each(slot);
            }
        }
    }

    /// Everything up to `seq` is received. Calls `each` for every entry for which that is news.
    pub(crate) fn take_through(&mut self, seq: u64, mut each: impl FnMut(&Slot)) {
        for slot in self.0.iter_mut().take_while(|slot| slot.seq <= seq) {
            if !slot.is_taken() {
                slot.state = ReceiptState::Received;
                each(slot);
            }
        }
    }

    /// Those that are received, though the first one is not.
    pub(crate) fn taken(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter(|slot| slot.is_taken()).map(|slot| slot.seq)
    }

    /// Lets those at the front go that are received. Returns the last of them.
    pub(crate) fn let_go(&mut self) -> Option<u64> {
        let mut last = None;
        while self.0.front().is_some_and(Slot::is_taken) {
            last = self.0.pop_front().map(|slot| slot.seq);
        }
        last
    }

    /// Empties it: what was received out of turn, and what was not received, oldest first.
    pub(crate) fn empty(&mut self) -> (Vec<Slot>, Vec<Slot>) {
        std::mem::take(&mut self.0).into_iter().partition(Slot::is_taken)
    }
}
