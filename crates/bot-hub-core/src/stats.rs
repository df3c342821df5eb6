//! What happened so far, in numbers that only grow.

use bot_protocol::receipt::ReceiptState;

/// Counters of one brain; the world turns them into metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages committed.
    pub accepted: u64,
    /// Messages that had been committed before.
    pub duplicates: u64,
    /// Frames refused.
    pub refused: u64,
    /// Entries handed to connections.
    pub deliveries: u64,
    /// Of these, entries that may have been handed over before.
    pub redeliveries: u64,
    /// Entries that a client took responsibility for.
    pub received: u64,
    /// What recipients said of single entries beyond having received them, by the state's number.
    pub reported: [u64; ReceiptState::ALL.len()],
    /// Entries that a bot will never get because of a limit or the retention.
    pub dropped: u64,
    /// Entries that expired before a bot took them.
    pub expired: u64,
    /// Entries given up after too many redeliveries.
    pub dead: u64,
    /// Damaged entries that were withheld.
    pub corrupt: u64,
    /// Connections that were taken over by a newer one.
    pub replaced: u64,
    /// Observations that were forgotten while the store refused them, and losses that senders were not told
    /// of one by one.
    pub forgotten: u64,
    /// Changes that the store refused.
    pub store_refusals: u64,
}
