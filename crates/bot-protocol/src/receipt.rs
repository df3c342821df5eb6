//! What became of an entry, for one recipient.
//!
//! Owns the ladder of receipts (`protocol.md` 1.3) and its order. Never decides who is told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rung of the ladder, or a way off it. Each is a fact that somebody observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// Committed to the log; waits for the recipient.
    Stored,
    /// Written to a live socket of the recipient. No more is ever known of a client without `ack`.
    Delivered,
    /// The recipient's client took responsibility; its cursor moves.
    Received,
    /// The recipient's agent began a turn with it.
    Started,
    /// The agent answered; `reply` names the answer.
    Answered,
    /// The turn is over and there was nothing to say.
    Done,
    /// Refused by the recipient: policy, loop guard, not addressed.
    Declined,
    /// The turn failed.
    Failed,
    /// `expires_at` passed before the recipient took it.
    Expired,
    /// A limit or the retention removed it before the recipient took it.
    Dropped,
    /// Given up after too many redeliveries.
    Dead,
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

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Received => "received",
            Self::Started => "started",
            Self::Answered => "answered",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Dropped => "dropped",
            Self::Dead => "dead",
        }
    }

    /// The state with that wire name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == name)
    }

    /// Every state, lowest first.
    pub const ALL: &[Self] = &[
        Self::Stored,
        Self::Delivered,
        Self::Received,
        Self::Started,
        Self::Answered,
        Self::Done,
        Self::Declined,
        Self::Failed,
        Self::Expired,
        Self::Dropped,
        Self::Dead,
    ];
}

impl fmt::Display for ReceiptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ReceiptState::{self, *};

    #[test]
    fn the_ladder_goes_up_only() {
        assert!(Received.may_follow(Delivered));
        assert!(Answered.may_follow(Received));
        assert!(Expired.may_follow(Stored));
        assert!(!Delivered.may_follow(Received));
        assert!(!Done.may_follow(Answered));
        assert!(!Received.may_follow(Received));
    }

    #[test]
    fn every_state_has_its_wire_name() {
        for &state in ReceiptState::ALL {
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
            assert_eq!(ReceiptState::from_name(state.name()), Some(state));
        }
    }
}
