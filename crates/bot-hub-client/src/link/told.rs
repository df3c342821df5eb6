//! Receipts that may not have reached the hub.
//!
//! A receipt has no answer of its own, but the hub handles frames in order: the `ack` of a message that was
//! sent after a receipt proves that the receipt was committed too. Owns the receipts that are still
//! unproven. `received` is not kept here: the position in `resume` and the redelivery restore it.

use std::collections::VecDeque;

use bot_protocol::frame::client::Receipt;
use bot_protocol::receipt::ReceiptState;

/// How many receipts are kept. Beyond this number, the oldest one that was sent counts as arrived.
const TOLD_MAX: usize = 256;

/// How many unsent receipts are kept.
const UNSENT_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<(Receipt, Option<u64>)>);

impl Told {
    pub(super) fn push(&mut self, receipt: Receipt) {
        if receipt.state == ReceiptState::Received {
            return;
        }
        self.0.push_back((receipt, None));
        if self.0.len() > TOLD_MAX
            && let Some(at) = self.0.iter().position(|(_, sent)| sent.is_some())
        {
            self.0.remove(at);
        } else if self.0.len() > UNSENT_MAX {
            self.0.pop_front();
        }
    }

    /// The receipts that may be sent now, as the frames after the n-th one.
    pub(super) fn due(
        &mut self,
        mut frame: u64,
        may_go: impl Fn(&Receipt) -> bool,
    ) -> Vec<Receipt> {
        let waiting = self.0.iter_mut().filter(|(receipt, sent)| sent.is_none() && may_go(receipt));
        let sending = waiting.map(|(receipt, sent)| {
            frame += 1;
            *sent = Some(frame);
            receipt.clone()
        });
        sending.collect()
    }

    /// Removes the receipts that the hub has certainly committed, because it answered the n-th frame.
    pub(super) fn confirmed(&mut self, frame: u64) {
        self.0.retain(|(_, sent)| sent.is_none_or(|sent| sent > frame));
    }

    /// Removes a receipt that the hub refused: a restored store may not have the entry.
    pub(super) fn refused(&mut self, reference: &str) {
        self.0.retain(|(receipt, sent)| {
            let about = receipt.id.as_ref().is_some_and(|id| id.as_str() == reference);
            sent.is_none() || !about
        });
    }

    pub(super) fn disconnected(&mut self) {
        self.0.iter_mut().for_each(|(_, sent)| *sent = None);
    }
}
