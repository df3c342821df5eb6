//! Receipts that may not have reached the hub.
//!
//! A receipt has no answer of its own, but frames are dealt with in order: the `ack` of a message
//! that was sent after a receipt proves that the hub committed the receipt too. Owns that memory.
//! `received` is not kept here: the position in `resume` and the redelivery bring it back.

use std::collections::VecDeque;

use bot_protocol::frame::client::Receipt;
use bot_protocol::receipt::ReceiptState;

/// Receipts kept at most; beyond it the oldest is taken to have arrived.
const TOLD_MAX: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<(Receipt, Option<u64>)>);

impl Told {
    pub(super) fn push(&mut self, receipt: Receipt) {
        if receipt.state == ReceiptState::Received {
            return;
        }
        self.0.push_back((receipt, None));
        if self.0.len() > TOLD_MAX {
            self.0.pop_front();
        }
    }

    /// The next receipt that is not on the wire; it is the n-th frame of this connection.
    pub(super) fn next_due(&mut self, frame: u64) -> Option<Receipt> {
        let (receipt, sent) = self.0.iter_mut().find(|(_, sent)| sent.is_none())?;
        *sent = Some(frame);
        Some(receipt.clone())
    }

    /// The hub committed what came after the n-th frame of this connection.
    pub(super) fn confirmed(&mut self, frame: u64) {
        self.0.retain(|(_, sent)| sent.is_none_or(|sent| sent > frame));
    }

    /// The hub will not have it: a restored store may not know the entry any more.
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
