//! `ping` and `pong` from the hub: is the other side there, and how much of the hub's time does it take?
//!
//! Owns their shapes. Never decides who is slowed.

use serde::{Deserialize, Serialize};

/// `ping`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Beat {
    /// The hub's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

/// `pong`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pong {
    /// What the ping carried, or the hub's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// That this bot was slowed down. Absent if it never was; a seed client is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowed: Option<Slowed>,
}

/// That a bot took more than its share of the hub's time and was not read while others waited: since the
/// oldest of its open connections came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Slowed {
    /// How often.
    pub times: u64,
    /// For how long, altogether.
    pub ms: u64,
    /// How long the hub was busy with its frames.
    pub busy_ms: u64,
}
