//! What became of an entry, for one recipient.
//!
//! Owns the ladder of receipts (`protocol.md` 1.3) and its order. Never decides who is told.

use crate::word::words;

words! {
    /// A rung of the ladder, or a way off it. Each is a fact that somebody observed.
    pub enum ReceiptState {
        /// Committed to the log; waits for the recipient.
        Stored = "stored",
        /// Written to a live socket of the recipient. No more is ever known of a client without `ack`.
        Delivered = "delivered",
        /// The recipient's client took responsibility; its cursor moves.
        Received = "received",
        /// The recipient's agent began a turn with it.
        Started = "started",
        /// The agent answered; `reply` names the answer.
        Answered = "answered",
        /// The turn is over and there was nothing to say.
        Done = "done",
        /// Refused by the recipient: policy, loop guard, not addressed.
        Declined = "declined",
        /// The turn failed.
        Failed = "failed",
        /// `expires_at` passed before the recipient took it.
        Expired = "expired",
        /// A limit or the retention removed it before the recipient took it.
        Dropped = "dropped",
        /// Given up after too many redeliveries.
        Dead = "dead",
    }
}

impl ReceiptState {
    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        self >= Self::Answered
    }

    /// Whether it says that the recipient will never get the entry.
    pub fn is_loss(self) -> bool {
        self >= Self::Expired
    }

    /// Whether a client may report it; the others are the hub's own observations.
    pub fn is_reported_by_client(self) -> bool {
        (Self::Received..=Self::Failed).contains(&self)
    }

    /// Whether `self` may be recorded after `earlier`: upwards only, and nothing after the end.
    pub fn may_follow(self, earlier: Self) -> bool {
        !earlier.is_final() && self > earlier
    }

    /// Whether `self` may be recorded after all of these, in whatever order they are given.
    pub fn may_follow_all(self, earlier: impl IntoIterator<Item = Self>) -> bool {
        earlier.into_iter().all(|earlier| self.may_follow(earlier))
    }
}

#[cfg(test)]
mod tests {
    use super::ReceiptState::{self, *};
    use crate::word::Word as _;

    #[test]
    fn the_ladder_goes_up_only() {
        assert!(Received.may_follow(Delivered));
        assert!(Answered.may_follow(Received));
        assert!(Expired.may_follow(Stored));
        assert!(!Delivered.may_follow(Received));
        assert!(!Done.may_follow(Answered));
        assert!(!Received.may_follow(Received));
        assert!(Answered.may_follow_all([Received, Delivered]));
        assert!(!Answered.may_follow_all([Done, Received]));
    }

    #[test]
    fn every_state_has_its_wire_name() {
        for &state in ReceiptState::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
            assert_eq!(ReceiptState::from_name(state.name()), Some(state));
        }
    }
}
