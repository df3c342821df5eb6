//! Hubs that break a promise on purpose.
//!
//! Owns the list of what they do wrong. The checker must object to each, or it proves nothing.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    None,
    /// Says `ack` before the store has committed.
    AckBeforeCommit,
    /// Delivers before the store has committed.
    DeliverBeforeCommit,
    /// Passes over a reader now and then.
    SkipReader,
    /// Delivers two entries in the wrong order now and then.
    SwapDeliveries,
    /// Says `received` when something was only written.
    ReceivedWhenWritten,
    /// Never tells of a gap.
    HideGaps,
    /// Starts with every cursor at the head of its log.
    CursorsAtHead,
    /// Starts without what was received out of turn.
    ForgetOutOfTurn,
    /// Takes a repeated message for a new one.
    ForgetIds,
    /// Swallows an `ack` now and then, once for all.
    SwallowAcks,
    /// Tells a reader of a gap that is none, and goes on behind it.
    InventGaps,
    /// Delivers what was redacted.
    ShowRedacted,
    /// Starts without the pauses that it had.
    ForgetPauses,
}

impl Sabotage {
    pub(crate) const ALL: [(Self, &'static str); 13] = [
        (Self::AckBeforeCommit, "acknowledged and not committed"),
        (Self::DeliverBeforeCommit, "delivered and not committed"),
        (Self::SkipReader, "silent gap"),
        (Self::SwapDeliveries, "silent gap"),
        (Self::ReceivedWhenWritten, "false receipt"),
        (Self::HideGaps, "silent gap"),
        (Self::CursorsAtHead, "silent gap"),
        (Self::ForgetOutOfTurn, "taken back"),
        (Self::ForgetIds, "stored twice"),
        (Self::SwallowAcks, "not drained"),
        (Self::InventGaps, "false gap"),
        (Self::ShowRedacted, "redacted and shown"),
        (Self::ForgetPauses, "delivered while paused"),
    ];
}
